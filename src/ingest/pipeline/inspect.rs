//! Inspecting: reads a file as an ingestion would, but reports what it found instead of storing trips.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::content::{Content, Expected};
use super::error::PipelineError;
use super::insights::Insights;
use super::inspection::{InspectedFile, InspectedRow, InspectedTrip, Inspection};
use super::packing::Packing;
use super::source::{SharedContent, tables};
use super::split::{Splitter, Start};
use crate::ingest::parse::{
    Converted, FileOptions, Header, OpenError, ParsedTrip, RecordChunk, RecordReader, TableHead,
};
use crate::ingest::stop::Stop;
use crate::model::{Extent, Failure, Findings, LocalTime};
use crate::store::Head;

/// Trips and rejected rows that are shown.
const SHOWN: usize = 5;
/// Records that are read at a time.
const CHUNK_RECORDS: usize = 4_096;

/// Reads up to `most_rows` rows of a file, which may be compressed. The outcome is a failure if ingestion
/// of the file would fail.
#[must_use]
pub fn inspect(path: &Path, options: &FileOptions, most_rows: u64) -> InspectedFile {
    let failure = |error: PipelineError| match error {
        PipelineError::Open(OpenError::Empty) if options.is_beginning() => more_needed(
            "the first row does not end within the bytes that were sent: send more of the file",
        ),
        error => error.failure(),
    };
    let refused = match packing(path) {
        Ok(Packing::Zip) if options.is_beginning() => Some(more_needed(
            "a zip archive lists its files at its end, so its beginning cannot be inspected: send the \
             whole archive",
        )),
        Ok(Packing::Parquet) if options.is_beginning() => Some(more_needed(
            "a Parquet file lists its columns at its end, so its beginning cannot be inspected: send \
             the whole file",
        )),
        Ok(_) => None,
        Err(error) => Some(failure(error)),
    };
    if let Some(failure) = refused {
        return InspectedFile {
            head: TableHead::default(),
            outcome: Err(failure),
        };
    }
    InspectedFile {
        // Why it has none is in the outcome.
        head: head(path, options).unwrap_or_default(),
        outcome: read(path, options, most_rows).map_err(failure),
    }
}

/// The failure for a beginning of a file that is too short for an answer.
fn more_needed(message: &str) -> Failure {
    Failure {
        code: "MORE_BYTES_NEEDED".to_owned(),
        message: message.to_owned(),
    }
}

fn open(path: &Path, stop: &Arc<Stop>) -> Result<SharedContent, PipelineError> {
    // Its own error names the cause, without what an ingestion adds.
    File::open(path).map_err(OpenError::Io)?;
    let expected = Expected::default();
    let content = Content::open(path, expected, Head::default(), Arc::clone(stop))?;
    Ok(SharedContent::new(content))
}

fn packing(path: &Path) -> Result<Packing, PipelineError> {
    open(path, &Arc::default())?.packing()
}

/// How the first table of a file begins.
fn head(path: &Path, options: &FileOptions) -> Result<TableHead, PipelineError> {
    let stop = Arc::default();
    let content = open(path, &stop)?;
    let mut tables = tables(&content, content.packing()?, path, options, &stop)?;
    let Some(table) = tables.next().transpose()? else {
        return Ok(TableHead::default());
    };
    let source = Converted::open(table.source, options).map_err(PipelineError::reading)?;
    Ok(RecordReader::head(
        source,
        &Arc::new(options.clone()),
        SHOWN,
    )?)
}

fn read(path: &Path, options: &FileOptions, most_rows: u64) -> Result<Inspection, PipelineError> {
    let stop = Arc::default();
    let content = open(path, &stop)?;
    let tables = tables(&content, content.packing()?, path, options, &stop)?;
    let start = Start::AfterRecords(0);
    let mut splitter = Splitter::new(tables, options.clone(), start, CHUNK_RECORDS);
    let mut inspection = Inspection {
        complete: !options.is_beginning(),
        ..Inspection::default()
    };
    let mut insights = Insights::default();
    let (mut departures, mut last_table) = (None, None);
    let mut used = RecordChunk::new();
    while let Some(chunk) = splitter.next(used)? {
        if !matches!(&last_table, Some(table) if Arc::ptr_eq(table, &chunk.table)) {
            inspection.open(&chunk.table.header, &mut insights);
            last_table = Some(Arc::clone(&chunk.table));
        }
        let left = most_rows - inspection.rows_read;
        let shown = usize::try_from(left).unwrap_or(usize::MAX);
        for record in chunk.records.iter().take(shown) {
            inspection.rows_read += 1;
            match chunk.table.header.parse(record) {
                Ok(trip) => {
                    insights.add_unzoned(u64::from(trip.is_unzoned));
                    let (first, last) = departures.unwrap_or((trip.departed_at, trip.departed_at));
                    departures = Some((first.min(trip.departed_at), last.max(trip.departed_at)));
                    inspection.add(&trip);
                }
                Err(rejection) if rejection.is_other_header => {
                    return Err(PipelineError::OtherHeader(rejection.line));
                }
                Err(rejection) => {
                    insights.add_rejected((rejection.column.clone(), rejection.kind));
                    inspection.rows_rejected += 1;
                    if inspection.rejected_rows.len() < SHOWN {
                        let row = chunk.table.rejected_row(rejection);
                        inspection.rejected_rows.push(InspectedRow {
                            line: row.line,
                            column: row.column,
                            reason: row.reason,
                            raw: row.raw,
                        });
                    }
                }
            }
        }
        used = chunk.records;
        if inspection.rows_read >= most_rows {
            inspection.complete = false;
            break;
        }
    }
    // The columns of a table without rows are reported, too.
    if let (None, Some(table)) = (last_table, splitter.last_table()) {
        inspection.open(&table.header, &mut insights);
    }
    let Findings {
        warnings, rejected, ..
    } = insights.findings();
    inspection.warnings = warnings;
    inspection.rejected_reasons = rejected;
    if let Some((first, last)) = departures {
        inspection.first_departed_at = Some(iso(first));
        inspection.last_departed_at = Some(iso(last));
    }
    Ok(inspection)
}

impl Inspection {
    /// Notes the columns of a table: of an archive, those of the first.
    fn open(&mut self, header: &Header, insights: &mut Insights) {
        insights.open(header);
        if self.columns.is_empty() {
            self.format = header.format();
            self.columns = header.mapped_columns();
        }
    }

    fn add(&mut self, trip: &ParsedTrip<'_>) {
        self.rows_ingested += 1;
        let ends = Extent::of(trip.origin).and(Extent::of(trip.destination));
        self.extent = Some(self.extent.map_or(ends, |extent| extent.and(ends)));
        if self.trips.len() < SHOWN {
            self.trips.push(InspectedTrip {
                line: trip.line,
                region: trip.region.to_string(),
                datasource: trip.datasource.to_string(),
                origin: [trip.origin.lon(), trip.origin.lat()],
                destination: [trip.destination.lon(), trip.destination.lat()],
                departed_at: iso(trip.departed_at),
                arrived_at: trip.arrived_at.map(iso),
            });
        }
    }
}

fn iso(time: LocalTime) -> String {
    time.to_naive().format("%Y-%m-%dT%H:%M:%S%.f").to_string()
}

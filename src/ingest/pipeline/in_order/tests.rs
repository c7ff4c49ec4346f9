//! Parsing on several threads against a loop that reads row by row.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::iter;

use proptest::prelude::*;

use super::*;
use crate::geo::leaf_cell;
use crate::ingest::parse::{FileOptions, RecordReader};
use crate::ingest::pipeline::insights::Insights;
use crate::ingest::pipeline::ledger::Ledger;
use crate::ingest::pipeline::parse::REJECTED_KEPT;
use crate::ingest::pipeline::source::NamedSource;
use crate::ingest::pipeline::split::Start;
use crate::ingest::pipeline::tally::Tally;
use crate::model::RejectedRow;
use crate::store::{Checkpoint, FinalCounts, Head, TripRow};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource,arrived_at\n";
const OTHER_HEADER: &str = "datasource,origin_coord,destination_coord,datetime,region,arrived_at\n";

/// A trip with its region and datasource.
type NamedTrip = (TripRow, String, String);

/// What became of a file.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// The trips of the chunks that were taken as a whole.
    trips: Vec<NamedTrip>,
    /// The rejected rows that are kept.
    rejected: Vec<RejectedRow>,
    counts: FinalCounts,
    /// The end of each chunk, and of the file: offset and line.
    ends: Vec<(u64, u64)>,
    /// Why not all was read.
    error: Option<String>,
}

#[derive(Debug, Clone, Copy)]
struct Options {
    chunk_records: usize,
    parsers: usize,
    max_rejected: Option<u64>,
}

/// The reference implementation.
fn row_by_row<R: Read + Seek>(mut reader: RecordReader<R>, options: Options) -> Outcome {
    let header = reader.header().clone();
    let mut outcome = Outcome::default();
    let mut chunk = RecordChunk::new();
    loop {
        match reader.fill(&mut chunk, options.chunk_records) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                outcome.error = Some(PipelineError::Read(error).to_string());
                return outcome;
            }
        }
        let mut trips = Vec::new();
        for record in chunk.iter() {
            outcome.counts.rows_read += 1;
            match header.parse(record) {
                Ok(trip) => {
                    outcome.counts.rows_ingested += 1;
                    let row = TripRow {
                        ingestion: 0,
                        line: trip.line,
                        region: 0,
                        datasource: 0,
                        origin: trip.origin,
                        destination: trip.destination,
                        origin_cell: leaf_cell(trip.origin).into(),
                        destination_cell: leaf_cell(trip.destination).into(),
                        departed_at: trip.departed_at,
                        arrived_at: trip.arrived_at,
                    };
                    trips.push((row, trip.region.into_owned(), trip.datasource.into_owned()));
                }
                Err(rejection) => {
                    outcome.counts.rows_rejected += 1;
                    let rejected = outcome.counts.rows_rejected;
                    if outcome.rejected.len() < REJECTED_KEPT {
                        outcome.rejected.push(RejectedRow {
                            line: rejection.line,
                            column: rejection.column,
                            reason: rejection.reason,
                            raw: rejection.raw,
                        });
                    }
                    let error = if rejection.is_other_header {
                        PipelineError::OtherHeader(rejection.line)
                    } else if options.max_rejected.is_some_and(|most| rejected > most) {
                        PipelineError::TooManyRejected(options.max_rejected.unwrap())
                    } else {
                        continue;
                    };
                    outcome.error = Some(error.to_string());
                    return outcome;
                }
            }
        }
        outcome.trips.extend(trips);
        outcome.ends.push(end(&reader));
        outcome.counts.bytes_read = reader.bytes_read();
    }
    outcome.ends.push(end(&reader));
    outcome
}

fn end<R: Read + Seek>(reader: &RecordReader<R>) -> (u64, u64) {
    let position = reader.position();
    (position.offset, position.line)
}

impl Source for Cursor<Vec<u8>> {
    fn head(&self) -> Head {
        Head {
            bytes: self.position(),
            ..Head::default()
        }
    }
}

/// The only table of a file.
fn table<S>(source: S) -> impl Iterator<Item = Result<NamedSource<S>, PipelineError>> {
    iter::once(Ok(NamedSource { name: None, source }))
}

fn in_parallel<S: Source>(source: S, options: Options) -> Outcome {
    let mut outcome = Outcome::default();
    let mut ledger = Ledger::resumed(&Checkpoint::default(), None, options.max_rejected);
    let start = Start::AfterRecords(0);
    let splitter = Splitter::new(
        table(source),
        FileOptions::default(),
        start,
        options.chunk_records,
    );
    let mut stages = ReadStages::default();
    let (mut trips, mut ends) = (Vec::new(), Vec::new());
    let take = |mut chunk: ParsedChunk| {
        ledger.add(&mut chunk, &mut Insights::default())?;
        let ParsedChunk {
            trips: rows,
            regions,
            datasources,
            tally,
            reached,
            ..
        } = chunk;
        assert!(reached.head.bytes >= reached.stored);
        let mut expected = Tally::default();
        expected.add(&rows);
        assert_eq!(tally, expected);
        trips.extend(rows.into_iter().map(|mut row| {
            let region = regions[row.region as usize].clone();
            let datasource = datasources[row.datasource as usize].clone();
            (row.region, row.datasource) = (0, 0);
            (row, region, datasource)
        }));
        ends.push((reached.stored, reached.line));
        Ok(())
    };
    match in_order(splitter, options.parsers, &mut stages, take) {
        Ok(end) => ends.push((end.stored, end.line)),
        Err(error) => outcome.error = Some(error.to_string()),
    }
    outcome.trips = trips;
    outcome.ends = ends;
    outcome.counts = ledger.counts();
    outcome.rejected = ledger.take_rejected();
    outcome
}

fn with_header(rows: impl AsRef<[u8]>) -> Cursor<Vec<u8>> {
    Cursor::new([HEADER.as_bytes(), rows.as_ref()].concat())
}

fn open(file: impl AsRef<[u8]>) -> RecordReader<Cursor<Vec<u8>>> {
    RecordReader::open(with_header(file)).unwrap()
}

fn row() -> impl Strategy<Value = String> {
    let good = (0..4_u8, 0..3_u8, 0..90_u8, 0..60_u8).prop_map(|(region, source, at, second)| {
        let arrival = match second % 3 {
            0 => String::new(),
            third => format!("2018-05-2{} 10:00:{second:02}", 6 + third),
        };
        format!(
            "r{region},POINT (14.{at} 50.{at}),POINT (-{at}.5 1{source}),2018-05-28 \
             09:03:{second:02},s{source},{arrival}"
        )
    });
    let text = |text: &str| Just(text.to_owned());
    prop_oneof![
        30 => good,
        3 => text("r1,POINT (14 95),POINT (1 1),2018-05-28 09:03,s,"),
        2 => text("r1,POINT (14 5),POINT (1 1),2018-05-28 09:03,s,later"),
        2 => text("too,few"),
        2 => text("\"r\n1\",POINT (14 5),POINT (1 1),2018-05-28 09:03,s,"),
        1 => text("\"never closed,POINT (14 5),POINT (1 1),2018-05-28 09:03,s,"),
        1 => text("r\"\"\"1,,\r,,"),
        2 => text(""),
        1 => text(HEADER.trim_end()),
        1 => text(OTHER_HEADER.trim_end()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn threads_change_nothing(
        rows in prop::collection::vec(row(), 0..120),
        chunk_records in prop_oneof![1..8_usize, 8..200_usize],
        parsers in 0..=4_usize,
        max_rejected in prop::option::weighted(0.6, 0..12_u64),
    ) {
        let file = rows.join("\n");
        let options = Options { chunk_records, parsers, max_rejected };
        prop_assert_eq!(in_parallel(with_header(&file), options), row_by_row(open(&file), options));
    }
}

#[test]
fn of_many_rejected_rows_the_first_are_kept() {
    let file = "bad\n".repeat(2_500);
    for (chunk_records, max_rejected) in [(7, None), (4_000, None), (4_000, Some(2_000))] {
        let options = Options {
            chunk_records,
            parsers: 2,
            max_rejected,
        };
        let outcome = in_parallel(with_header(&file), options);
        assert_eq!(outcome.rejected.len(), REJECTED_KEPT);
        let counted = max_rejected.map_or(2_500, |most| most + 1);
        assert_eq!(outcome.counts.rows_rejected, counted);
        assert_eq!(outcome, row_by_row(open(&file), options));
    }
}

/// A file of which a part cannot be read.
struct Broken(Cursor<Vec<u8>>, u64);

impl Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.1 - self.0.position();
        if left == 0 {
            return Err(io::Error::other("broken"));
        }
        let most = usize::try_from(left).unwrap().min(buffer.len());
        self.0.read(&mut buffer[..most])
    }
}

impl Seek for Broken {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

impl Source for Broken {
    fn head(&self) -> Head {
        self.0.head()
    }
}

#[test]
fn rows_before_a_failed_read_are_taken_first() {
    let row = "r,POINT (14.4 50.0),POINT (14.5 50.1),2018-05-28 09:03:40,s,\n";
    let file = format!("{HEADER}bad\n{}", row.repeat(30_000));
    let open = || {
        let file = file.clone().into_bytes();
        let readable = file.len() as u64 - 1_000;
        Broken(Cursor::new(file), readable)
    };
    for (max_rejected, error) in [(None, "broken"), (Some(0), "limit of 0 rejected rows")] {
        let options = Options {
            chunk_records: 1_000,
            parsers: 3,
            max_rejected,
        };
        let outcome = in_parallel(open(), options);
        assert!(outcome.error.as_ref().unwrap().contains(error));
        let reader = RecordReader::open(open()).unwrap();
        assert_eq!(outcome, row_by_row(reader, options));
    }
}

#[test]
fn an_error_of_the_taker_ends_the_threads() {
    let row = "r,POINT (14.4 50.0),POINT (14.5 50.1),2018-05-28 09:03:40,s,\n";
    for parsers in [0, 1, 4] {
        let source = with_header(row.repeat(5_000));
        let splitter = Splitter::new(
            table(source),
            FileOptions::default(),
            Start::AfterRecords(0),
            3,
        );
        let mut chunks = 0;
        let outcome = in_order(splitter, parsers, &mut ReadStages::default(), |_| {
            chunks += 1;
            if chunks < 100 {
                Ok(())
            } else {
                Err(PipelineError::WriterGone)
            }
        });
        assert!(matches!(outcome, Err(PipelineError::WriterGone)));
        assert_eq!(chunks, 100);
    }
}

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::{Past, PipelineError};
use crate::geo::LeafCells;
use crate::ingest::batch::{BLOCK_TRIPS, Batch};
use crate::ingest::names::{Names, resolve};
use crate::ingest::parse::{ParsedTrip, Position, RecordChunk, RecordReader, Rejection};
use crate::ingest::progress::Reporter;
use crate::ingest::stop::{Stop, StopReason};
use crate::ingest::tally::Tally;
use crate::model::{End, FinishedHistograms, Histograms, RejectedRow};
use crate::store::{
    self, Checkpoint, FinalCounts, LoadBlock, PatchRow, Record, Store, TripRow, TripSummary,
};

/// Rejected rows that are kept; all are counted.
const REJECTED_KEPT: u64 = 1_000;
/// Records that are split at a time before they are parsed.
const CHUNK_RECORDS: usize = 1 << 12;
/// Packed bytes in a block of patches.
const BLOCK_PATCH_BYTES: usize = 4 << 20;
const READ_BUFFER_BYTES: usize = 1 << 18;

/// What the reading thread has when the file is read.
pub(super) struct Harvest {
    pub(super) histograms: FinishedHistograms,
    pub(super) summaries: Vec<TripSummary>,
}

/// The reading thread.
pub(super) struct Reading {
    store: Store,
    runtime: Handle,
    sender: mpsc::Sender<LoadBlock>,
    stop: Arc<Stop>,
    reporter: Reporter,
    max_rejected: Option<u64>,
    counts: FinalCounts,
    next_line: u64,
    batches: u32,
    kept: Vec<RejectedRow>,
    first_rejected: Option<Box<RejectedRow>>,
    regions: Names,
    datasources: Names,
    leaf_cells: LeafCells,
    trips: Vec<TripRow>,
    batch: Batch,
    histograms: Histograms,
    tally: Tally,
}

impl Reading {
    /// Goes on from the past of an ingestion; blocks go to the sender.
    pub(super) fn new(
        store: &Store,
        record: &Record,
        past: Past,
        reporter: Reporter,
        stop: Arc<Stop>,
        sender: mpsc::Sender<LoadBlock>,
    ) -> Self {
        let checkpoint = past.checkpoint;
        Self {
            store: store.clone(),
            runtime: Handle::current(),
            sender,
            stop,
            reporter,
            max_rejected: record.max_rejected_rows,
            counts: FinalCounts {
                bytes_read: checkpoint.bytes_read,
                rows_read: checkpoint.rows_read,
                rows_ingested: checkpoint.rows_ingested,
                rows_rejected: checkpoint.rows_rejected,
            },
            next_line: checkpoint.next_line,
            batches: checkpoint.batches,
            kept: Vec::new(),
            first_rejected: past.first_rejected,
            regions: Names::default(),
            datasources: Names::default(),
            leaf_cells: LeafCells::default(),
            trips: Vec::with_capacity(BLOCK_TRIPS),
            batch: Batch::default(),
            histograms: past.histograms,
            tally: past.tally,
        }
    }

    /// What was read so far.
    pub(super) const fn counts(&self) -> FinalCounts {
        self.counts
    }

    /// Reads the file to its end, or until it is stopped.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), PipelineError> {
        let file = File::open(path).map_err(|source| PipelineError::Missing {
            path: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            source,
        })?;
        let mut reader = RecordReader::open(BufReader::with_capacity(READ_BUFFER_BYTES, file))?;
        let header = reader.header().clone();
        if self.batches > 0 {
            let checkpoint = Position {
                offset: self.counts.bytes_read,
                line: self.next_line,
            };
            reader.seek(checkpoint).map_err(PipelineError::Read)?;
        }
        let mut chunk = RecordChunk::new();
        self.reporter.start();
        while reader
            .fill(&mut chunk, CHUNK_RECORDS)
            .map_err(PipelineError::Read)?
        {
            for record in chunk.iter() {
                self.counts.rows_read += 1;
                match header.parse(record) {
                    Ok(trip) => self.accept(&trip)?,
                    Err(rejection) => self.reject(rejection)?,
                }
            }
            let Position { offset, line } = reader.position();
            (self.counts.bytes_read, self.next_line) = (offset, line);
            self.reporter.report(self.counts);
            // Between chunks, so that the checkpoint's bytes and rows agree.
            if self.batch.is_full() {
                self.finish_batch()?;
            }
            match self.stop.reason() {
                Some(StopReason::Cancel) => {
                    return Err(PipelineError::Stopped(StopReason::Cancel));
                }
                Some(StopReason::Shutdown) => {
                    self.finish_batch()?;
                    return Err(PipelineError::Stopped(StopReason::Shutdown));
                }
                None => {}
            }
        }
        let Position { offset, line } = reader.position();
        (self.counts.bytes_read, self.next_line) = (offset, line);
        self.finish_batch()?;
        match (self.counts.rows_ingested, self.first_rejected.take()) {
            (0, Some(first)) => Err(PipelineError::NoGoodRow {
                rows: self.counts.rows_read,
                first,
            }),
            (0, None) => Err(PipelineError::NoRows),
            _ => Ok(()),
        }
    }

    /// What the file came to.
    pub(super) fn harvest(self) -> Harvest {
        Harvest {
            histograms: self.histograms.finish(),
            summaries: self.tally.summaries(),
        }
    }

    fn accept(&mut self, trip: &ParsedTrip<'_>) -> Result<(), PipelineError> {
        self.counts.rows_ingested += 1;
        self.trips.push(TripRow {
            line: trip.line,
            region: self.regions.id(trip.region.as_ref()),
            datasource: self.datasources.id(trip.datasource.as_ref()),
            origin: trip.origin,
            destination: trip.destination,
            origin_cell: self.leaf_cells.index(trip.origin),
            destination_cell: self.leaf_cells.index(trip.destination),
            departed_at: trip.departed_at.micros(),
        });
        if self.trips.len() < BLOCK_TRIPS {
            return Ok(());
        }
        self.finish_block()
    }

    fn reject(&mut self, rejection: Rejection) -> Result<(), PipelineError> {
        self.counts.rows_rejected += 1;
        if self.counts.rows_rejected <= REJECTED_KEPT {
            let row = RejectedRow {
                line: rejection.line,
                column: rejection.column.map(str::to_owned),
                reason: rejection.reason,
                raw: rejection.raw,
            };
            if self.first_rejected.is_none() {
                self.first_rejected = Some(Box::new(row.clone()));
            }
            self.kept.push(row);
        }
        match self.max_rejected {
            Some(most) if self.counts.rows_rejected > most => {
                // The rows that explain the failure are kept.
                self.finish_block()?;
                Err(PipelineError::TooManyRejected(most))
            }
            _ => Ok(()),
        }
    }

    /// Sends the trips and rejected rows since the last block to the writer.
    fn finish_block(&mut self) -> Result<(), PipelineError> {
        let regions = self
            .regions
            .number(|names| self.runtime.block_on(self.store.region_ids(names)))?;
        let datasources = self
            .datasources
            .number(|names| self.runtime.block_on(self.store.datasource_ids(names)))?;
        let mut trips = std::mem::replace(&mut self.trips, Vec::with_capacity(BLOCK_TRIPS));
        for trip in &mut trips {
            trip.region = resolve(trip.region, &regions);
            trip.datasource = resolve(trip.datasource, &datasources);
        }
        self.tally.add(&trips);
        let trips = Arc::new(trips);
        self.batch.push(Arc::clone(&trips));
        let rejected = std::mem::take(&mut self.kept);
        self.send(LoadBlock {
            trips,
            rejected,
            ..LoadBlock::default()
        })
    }

    /// Packs the batch, sends its patches and the checkpoint to the writer.
    fn finish_batch(&mut self) -> Result<(), PipelineError> {
        self.finish_block()?;
        let batch = std::mem::take(&mut self.batch);
        let (mut patches, mut bytes) = (Vec::new(), 0);
        for end in End::ALL {
            batch.pack(end, |row: PatchRow| {
                let patch = &row.patch;
                self.histograms
                    .add_patch(end, row.cell, &patch.points, &patch.rest)
                    .map_err(store::Error::from)?;
                bytes += patch.points.len() + patch.rest.len();
                patches.push(row);
                if bytes < BLOCK_PATCH_BYTES {
                    return Ok(());
                }
                bytes = 0;
                let patches = std::mem::take(&mut patches);
                self.send(LoadBlock {
                    batch: self.batches,
                    patches,
                    ..LoadBlock::default()
                })
            })?;
        }
        let counts = self.counts;
        let checkpoint = Some(Checkpoint {
            batches: self.batches + 1,
            bytes_read: counts.bytes_read,
            next_line: self.next_line,
            rows_read: counts.rows_read,
            rows_ingested: counts.rows_ingested,
            rows_rejected: counts.rows_rejected,
        });
        self.send(LoadBlock {
            batch: self.batches,
            patches,
            checkpoint,
            ..LoadBlock::default()
        })?;
        self.batches += 1;
        Ok(())
    }

    fn send(&self, block: LoadBlock) -> Result<(), PipelineError> {
        // A batch is long to pack, and of what is cancelled nothing is kept.
        if self.stop.reason() == Some(StopReason::Cancel) {
            return Err(PipelineError::Stopped(StopReason::Cancel));
        }
        self.sender
            .blocking_send(block)
            .map_err(|_| PipelineError::WriterGone)
    }
}

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::PipelineError;
use super::content::{Content, Expected};
use super::meter::Meter;
use super::packing::{FullBatch, FullPortion};
use super::past::Totals;
use super::stages::Stopwatch;
use crate::geo::LeafCells;
use crate::ingest::batch::{BATCH_PORTIONS, BLOCK_TRIPS, Portion};
use crate::ingest::names::{Names, resolve};
use crate::ingest::parse::{ParsedTrip, Position, RecordChunk, RecordReader, Rejection};
use crate::ingest::stop::{Stop, StopReason};
use crate::ingest::tally::Tally;
use crate::model::RejectedRow;
use crate::store::{
    Checkpoint, FinalCounts, Head, IngestionRecord, LoadBlock, Store, TripRow, TripSummary,
};

/// Rejected rows that are kept; all are counted.
const REJECTED_STORED: u64 = 1_000;
/// Records that are split at a time before they are parsed.
const CHUNK_RECORDS: usize = 1 << 12;
/// Threads that find leaf cells at most: with as many, parsing takes longer.
const LOCATORS: usize = 8;
/// Trips that are worth a thread.
const TRIPS_A_LOCATOR: usize = 4_096;

/// The reading thread.
pub(super) struct Reading {
    store: Store,
    runtime: Handle,
    sender: mpsc::Sender<LoadBlock>,
    packer: SyncSender<FullPortion>,
    stop: Arc<Stop>,
    meter: Arc<Meter>,
    max_rejected: Option<u64>,
    expected: Expected,
    /// What an earlier run has read.
    head: Head,
    counts: FinalCounts,
    next_line: u64,
    batches: u32,
    kept: Vec<RejectedRow>,
    first_rejected: Option<Box<RejectedRow>>,
    regions: Names,
    datasources: Names,
    /// One for each thread that finds leaf cells.
    leaf_cells: Vec<LeafCells>,
    trips: Vec<TripRow>,
    trip_blocks: u64,
    portion: Portion,
    /// Portions of the batch that were handed over.
    portions: usize,
    tally: Tally,
    watch: Stopwatch,
}

impl Reading {
    /// Goes on from the past of an ingestion; blocks and batches go to the senders.
    pub(super) fn new(
        store: &Store,
        record: &IngestionRecord,
        past: Totals,
        meter: Arc<Meter>,
        stop: Arc<Stop>,
        (sender, packer): (mpsc::Sender<LoadBlock>, SyncSender<FullPortion>),
    ) -> Self {
        let checkpoint = past.checkpoint;
        Self {
            store: store.clone(),
            runtime: Handle::current(),
            sender,
            packer,
            stop,
            meter,
            max_rejected: record.max_rejected_rows,
            expected: Expected::of(record),
            head: checkpoint.head,
            counts: checkpoint.counts(),
            next_line: checkpoint.next_line,
            batches: checkpoint.batches,
            kept: Vec::new(),
            first_rejected: past.first_rejected,
            regions: Names::default(),
            datasources: Names::default(),
            leaf_cells: locators(),
            trips: Vec::with_capacity(BLOCK_TRIPS),
            trip_blocks: 0,
            portion: Portion::default(),
            portions: 0,
            tally: past.tally,
            watch: Stopwatch::start(),
        }
    }

    /// How long it was at work so far.
    pub(super) fn busy(&self) -> Duration {
        self.watch.elapsed()
    }

    /// What was read so far.
    pub(super) const fn counts(&self) -> FinalCounts {
        self.counts
    }

    /// Reads the file to its end, or until it is stopped. Fails where the file is not what was put
    /// in the queue.
    pub(super) fn read(&mut self, path: &Path) -> Result<(), PipelineError> {
        let stop = Arc::clone(&self.stop);
        let mut content = Content::open(path, self.expected.clone(), self.head, stop)?;
        let outcome = self.read_records(&mut content);
        // What is wrong with its rows may be that they are not those that were sent.
        if outcome
            .as_ref()
            .err()
            .is_none_or(PipelineError::is_of_content)
        {
            content.verify()?;
        }
        outcome
    }

    fn read_records(&mut self, content: &mut Content) -> Result<(), PipelineError> {
        let mut reader = RecordReader::open(&mut *content)?;
        let header = reader.header().clone();
        if self.batches > 0 {
            let checkpoint = Position {
                offset: self.counts.bytes_read,
                line: self.next_line,
            };
            if let Err(error) = reader.seek(checkpoint) {
                return Err(reader.source().failure(error));
            }
        }
        let mut chunk = RecordChunk::new();
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
            self.meter.read(self.counts);
            // Between chunks, so that the checkpoint's bytes and rows agree.
            if self.portion.is_full() {
                if self.portions + 1 == BATCH_PORTIONS {
                    self.finish_batch(reader.source().head())?;
                } else {
                    self.hand_over(None)?;
                }
            }
            match self.stop.reason() {
                Some(StopReason::Cancel) => {
                    return Err(PipelineError::Stopped(StopReason::Cancel));
                }
                Some(StopReason::Shutdown) => {
                    self.finish_batch(reader.source().head())?;
                    return Err(PipelineError::Stopped(StopReason::Shutdown));
                }
                None => {}
            }
        }
        let Position { offset, line } = reader.position();
        (self.counts.bytes_read, self.next_line) = (offset, line);
        self.meter.read(self.counts);
        self.finish_batch(reader.source().head())?;
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
    pub(super) fn summaries(self) -> Vec<TripSummary> {
        self.tally.summaries()
    }

    fn accept(&mut self, trip: &ParsedTrip<'_>) -> Result<(), PipelineError> {
        self.counts.rows_ingested += 1;
        self.trips.push(TripRow {
            line: trip.line,
            region: self.regions.id(trip.region.as_ref()),
            datasource: self.datasources.id(trip.datasource.as_ref()),
            origin: trip.origin,
            destination: trip.destination,
            // Found for a whole block.
            origin_cell: 0,
            destination_cell: 0,
            departed_at: trip.departed_at.micros(),
        });
        if self.trips.len() < BLOCK_TRIPS {
            return Ok(());
        }
        self.finish_block()
    }

    fn reject(&mut self, rejection: Rejection) -> Result<(), PipelineError> {
        let Rejection {
            line,
            is_other_header,
            ..
        } = rejection;
        self.counts.rows_rejected += 1;
        if self.counts.rows_rejected <= REJECTED_STORED {
            let row = RejectedRow {
                line,
                column: rejection.column.map(str::to_owned),
                reason: rejection.reason,
                raw: rejection.raw,
            };
            if self.first_rejected.is_none() {
                self.first_rejected = Some(Box::new(row.clone()));
            }
            self.kept.push(row);
        }
        if is_other_header {
            self.finish_block()?;
            return Err(PipelineError::OtherHeader(line));
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
        self.locate(&mut trips);
        self.tally.add(&trips);
        let trips = Arc::new(trips);
        self.portion.push(Arc::clone(&trips));
        let rejected = std::mem::take(&mut self.kept);
        let block = LoadBlock {
            trips,
            rejected,
            ..LoadBlock::default()
        };
        self.trip_blocks += 1;
        self.watch
            .pause(|| self.sender.blocking_send(block).ok())
            .ok_or(PipelineError::WriterGone)
    }

    /// Finds the leaf cells of trips, on the cores that are there: parsing cannot be shared.
    fn locate(&mut self, trips: &mut [TripRow]) {
        let share = trips.len().div_ceil(self.leaf_cells.len());
        let shares = trips.chunks_mut(share.max(TRIPS_A_LOCATOR));
        thread::scope(|scope| {
            for (trips, cells) in shares.zip(&mut self.leaf_cells) {
                scope.spawn(|| {
                    for trip in trips {
                        trip.origin_cell = cells.index(trip.origin);
                        trip.destination_cell = cells.index(trip.destination);
                    }
                });
            }
        });
    }

    /// Ends the batch, with the checkpoint that is reached when it is written; `head` is what was
    /// read of the file so far, at least up to there.
    fn finish_batch(&mut self, head: Head) -> Result<(), PipelineError> {
        self.finish_block()?;
        let counts = self.counts;
        let full = FullBatch {
            number: self.batches,
            checkpoint: Checkpoint {
                batches: self.batches + 1,
                bytes_read: counts.bytes_read,
                next_line: self.next_line,
                rows_read: counts.rows_read,
                rows_ingested: counts.rows_ingested,
                rows_rejected: counts.rows_rejected,
                head,
            },
            trip_blocks: self.trip_blocks,
        };
        self.batches += 1;
        self.portions = 0;
        self.hand_over(Some(full))
    }

    /// Hands a portion over to be packed, which may be the last of a batch.
    fn hand_over(&mut self, batch: Option<FullBatch>) -> Result<(), PipelineError> {
        self.portions += usize::from(batch.is_none());
        let portion = std::mem::take(&mut self.portion);
        self.watch
            .pause(|| self.packer.send(FullPortion { portion, batch }).ok())
            .ok_or(PipelineError::WriterGone)
    }
}

fn locators() -> Vec<LeafCells> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut locators = Vec::new();
    locators.resize_with(cores.min(LOCATORS), LeafCells::default);
    locators
}

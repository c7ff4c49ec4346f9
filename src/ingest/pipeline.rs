//! The pipeline: one thread reads, parses and packs, one task only writes.
//!
//! ```text
//! file → records → trips → blocks ──────────────┐
//!                            └→ batch → patches ─┴→ (bounded channel) → writer → publish
//!                                         └→ histograms ─────────────────────────┘
//! ```
//!
//! A block is written in one transaction as soon as it is parsed; when a batch of blocks is full,
//! its patches follow, the last of them with the checkpoint. Nothing of it is visible before the
//! final transaction, which adds the histograms. Memory is bounded by the batch, the channel and
//! the histograms, not by the file.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::batch::{BLOCK_TRIPS, Batch};
use super::names::{Names, resolve};
use super::parse::{OpenError, ParsedTrip, Position, RecordChunk, RecordReader, Rejection};
use super::progress::Reporter;
use super::stop::{Stop, StopReason};
use super::tally::Tally;
use crate::geo::LeafCells;
use crate::model::{End, Failure, FinishedHistograms, Histograms, RejectedRow};
use crate::store::{
    self, Checkpoint, Claimed, FinalCounts, LoadBlock, PatchRow, Store, TripRow, TripSummary,
};

/// Rejected rows that are kept; all are counted.
const REJECTED_KEPT: u64 = 1_000;
/// Records that are split at a time before they are parsed.
const CHUNK_RECORDS: usize = 1 << 12;
/// Blocks that may wait for the writer: about 40 MB.
const CHANNEL_BLOCKS: usize = 8;
/// Packed bytes in a block of patches.
const BLOCK_PATCH_BYTES: usize = 4 << 20;
const READ_BUFFER_BYTES: usize = 1 << 18;

/// Why an ingestion did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PipelineError {
    #[error("cannot open {path}: {source}")]
    Missing { path: String, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot read the file: {0}")]
    Read(#[source] io::Error),
    #[error("the file holds no trips: below its header there is no row")]
    NoRows,
    #[error(
        "none of the {rows} rows could be read; the first, line {}: {}{}",
        first.line,
        first.column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default(),
        first.reason
    )]
    NoGoodRow { rows: u64, first: Box<RejectedRow> },
    #[error("more than {0} rows could not be read, the most that were allowed")]
    TooManyRejected(u64),
    #[error("stopped")]
    Stopped(StopReason),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The writer ended first; what went wrong is its to tell.
    #[error("the writer has ended")]
    WriterGone,
    #[error("the reading thread broke down")]
    Panicked,
}

impl PipelineError {
    /// Whether it is no fault of the file's.
    pub(super) const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Store(_)
                | Self::Panicked
                | Self::WriterGone
                | Self::Missing { .. }
        )
    }

    /// What the user is told.
    pub(super) fn failure(&self) -> Failure {
        let (code, message) = match self {
            Self::Missing { .. } => ("FILE_MISSING", self.to_string()),
            Self::Open(error) => (error.code(), error.to_string()),
            Self::Read(_) => ("FILE_UNREADABLE", self.to_string()),
            Self::NoRows => ("NO_ROWS", self.to_string()),
            Self::NoGoodRow { .. } => ("NO_GOOD_ROW", self.to_string()),
            Self::TooManyRejected(_) => ("TOO_MANY_REJECTED_ROWS", self.to_string()),
            Self::Store(store::Error::TooManyNames(_)) => ("TOO_MANY_NAMES", self.to_string()),
            Self::Store(error) if error.is_disk_full() => (
                "DISK_FULL",
                "the disk of the database is full: free some space and ingest the file again"
                    .to_owned(),
            ),
            Self::Stopped(_) | Self::Store(_) | Self::WriterGone | Self::Panicked => (
                "INTERNAL",
                "something went wrong in the server, and its log says what; the file can be \
                 ingested again"
                    .to_owned(),
            ),
        };
        Failure {
            code: code.to_owned(),
            message,
        }
    }
}

/// What the reading thread has when the file is read.
struct Harvest {
    histograms: FinishedHistograms,
    summaries: Vec<TripSummary>,
}

/// Runs one ingestion to the point where its trips are visible. The counters are those of the
/// moment it ended, whatever the outcome.
pub(super) async fn run(
    store: &Store,
    claimed: &Claimed,
    reporter: Reporter,
    stop: Arc<Stop>,
) -> (FinalCounts, Result<(), PipelineError>) {
    let id = claimed.ingestion.id;
    let past = match Past::of(store, claimed).await {
        Ok(past) => past,
        Err(error) => return (FinalCounts::default(), Err(error.into())),
    };
    let (sender, mut blocks) = mpsc::channel(CHANNEL_BLOCKS);
    let mut reading = Reading {
        store: store.clone(),
        runtime: Handle::current(),
        sender,
        stop,
        reporter,
        max_rejected: claimed.max_rejected_rows,
        counts: FinalCounts {
            bytes_read: past.checkpoint.bytes_read,
            rows_read: past.checkpoint.rows_read,
            rows_ingested: past.checkpoint.rows_ingested,
            rows_rejected: past.checkpoint.rows_rejected,
        },
        next_line: past.checkpoint.next_line,
        batches: past.checkpoint.batches,
        kept: Vec::new(),
        first_rejected: past.first_rejected,
        regions: Names::default(),
        datasources: Names::default(),
        leaf_cells: LeafCells::default(),
        trips: Vec::with_capacity(BLOCK_TRIPS),
        batch: Batch::default(),
        histograms: past.histograms,
        tally: past.tally,
    };
    let path = PathBuf::from(&claimed.path);
    let reader = tokio::task::spawn_blocking(move || {
        let result = reading.read(&path);
        (reading.counts, result.map(|()| reading.harvest()))
    });

    let mut written = Ok(());
    while let Some(block) = blocks.recv().await {
        written = store.load(id, &block).await;
        if written.is_err() {
            break;
        }
    }
    // Where writing failed, the reader finds nobody to send to, and ends.
    drop(blocks);
    let Ok((counts, harvest)) = reader.await else {
        return (FinalCounts::default(), Err(PipelineError::Panicked));
    };
    let outcome = async {
        written?;
        let Harvest {
            histograms,
            summaries,
        } = harvest?;
        store
            .publish(id, &histograms, &summaries, counts, Utc::now)
            .await?;
        Ok(())
    };
    (counts, outcome.await)
}

/// What an earlier run of an ingestion left up to its checkpoint.
#[derive(Default)]
struct Past {
    checkpoint: Checkpoint,
    first_rejected: Option<Box<RejectedRow>>,
    histograms: Histograms,
    tally: Tally,
}

impl Past {
    async fn of(store: &Store, claimed: &Claimed) -> Result<Self, store::Error> {
        let Some(checkpoint) = claimed.checkpoint else {
            return Ok(Self::default());
        };
        let id = claimed.ingestion.id;
        let rejected = store.rejected_rows(id, 1, None).await?.items;
        let snapshot = store.snapshot().await?;
        let mut histograms = Histograms::new();
        snapshot
            .patches_of(id, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.points, patch.rest)?)
            })
            .await?;
        Ok(Self {
            checkpoint,
            first_rejected: rejected.into_iter().next().map(Box::new),
            histograms,
            tally: Tally::resumed(&snapshot.sums_of(id).await?),
        })
    }
}

/// The reading thread.
struct Reading {
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
    fn read(&mut self, path: &Path) -> Result<(), PipelineError> {
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

    fn harvest(self) -> Harvest {
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
        self.sender
            .blocking_send(block)
            .map_err(|_| PipelineError::WriterGone)
    }
}

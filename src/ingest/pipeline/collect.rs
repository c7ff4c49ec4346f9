//! Collecting: takes parsed chunks in the order of the file, and cuts them into portions and
//! batches.

use std::sync::Arc;
use std::time::Duration;

use super::dimensions::Dimensions;
use super::error::PipelineError;
use super::handover::Handover;
use super::insights::Insights;
use super::ledger::Ledger;
use super::meter::Meter;
use super::parse::ParsedChunk;
use super::rejects::RejectedFile;
use super::split::{Reached, Table};
use super::stages::Stopwatch;
use super::tally::Tally;
use crate::ingest::stop::{Stop, StopReason};
use crate::model::IngestionId;
use crate::store::{FinalCounts, Notes, TripSummary};

/// Takes the chunks of a file.
pub(super) struct Collector {
    pub(super) ingestion: IngestionId,
    pub(super) dimensions: Dimensions,
    pub(super) ledger: Ledger,
    pub(super) tally: Tally,
    pub(super) insights: Insights,
    /// The table of the last chunk.
    pub(super) table: Option<Arc<Table>>,
    /// Where rejected rows are written.
    pub(super) rejects: RejectedFile,
    pub(super) handover: Handover,
    pub(super) meter: Arc<Meter>,
    pub(super) stop: Arc<Stop>,
    /// Runs while a chunk is taken.
    pub(super) watch: Stopwatch,
}

impl Collector {
    /// How long it was at work so far.
    pub(super) fn busy(&self) -> Duration {
        self.watch.elapsed()
    }

    /// The counts so far.
    pub(super) const fn counts(&self) -> FinalCounts {
        self.ledger.counts()
    }

    /// The summaries of the trips.
    pub(super) fn summaries(&self) -> Vec<TripSummary> {
        self.tally.summaries()
    }

    /// Takes the next chunk.
    pub(super) fn take(&mut self, chunk: ParsedChunk) -> Result<(), PipelineError> {
        self.at_work(|collector| collector.add(chunk))
    }

    /// Ends the last batch at the end of the file.
    pub(super) fn finish(&mut self, end: Reached) -> Result<(), PipelineError> {
        self.at_work(|collector| {
            collector.ledger.reach(end);
            collector.meter.read(collector.ledger.counts());
            collector.end_batch(end)?;
            collector.ledger.verify()
        })
    }

    /// Keeps the findings and the rejected rows since the last batch, which explain why the
    /// ingestion fails.
    pub(super) fn fail(&mut self) -> Result<(), PipelineError> {
        self.at_work(
            |Self {
                 ledger,
                 insights,
                 rejects,
                 handover,
                 watch,
                 ..
             }| {
                rejects.sync()?;
                let notes = Notes {
                    rejected: ledger.take_rejected(),
                    findings: insights.findings(),
                };
                handover.keep_notes(notes, watch)
            },
        )
    }

    fn at_work<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.watch.run(true);
        let outcome = work(self);
        self.watch.run(false);
        outcome
    }

    fn add(&mut self, mut chunk: ParsedChunk) -> Result<(), PipelineError> {
        if !matches!(&self.table, Some(table) if Arc::ptr_eq(table, &chunk.table)) {
            self.insights.open(&chunk.table.header);
            self.table = Some(Arc::clone(&chunk.table));
        }
        self.insights.add_unzoned(chunk.unzoned);
        let rejected = std::mem::take(&mut chunk.rejected.text);
        let before = self.counts().rows_rejected;
        let counted = self.ledger.add(&mut chunk, &mut self.insights);
        // Not those below a row at which it fails.
        let rows = self.counts().rows_rejected - before;
        self.rejects.add(&rejected, rows, &chunk.table)?;
        counted?;
        let numbers = self.dimensions.number(self.ingestion, &mut chunk)?;
        self.tally
            .add_chunk(&chunk.tally, &numbers.regions, &numbers.datasources);
        self.handover.push(chunk.trips);
        self.meter.read(self.ledger.counts());
        // Between chunks, so that the checkpoint's bytes and rows agree.
        if self.handover.is_full() {
            if self.handover.is_last_of_batch() {
                self.end_batch(chunk.reached)?;
            } else {
                self.handover.end_portion(&mut self.watch)?;
            }
        }
        match self.stop.reason() {
            Some(StopReason::Cancel) => Err(PipelineError::Stopped(StopReason::Cancel)),
            Some(StopReason::Shutdown) => {
                self.end_batch(chunk.reached)?;
                Err(PipelineError::Stopped(StopReason::Shutdown))
            }
            None => Ok(()),
        }
    }

    /// Ends the batch, with the checkpoint that is reached when it is written.
    fn end_batch(&mut self, reached: Reached) -> Result<(), PipelineError> {
        self.rejects.sync()?;
        let batches = self.handover.next_batches();
        let checkpoint = self.ledger.checkpoint(batches, reached);
        let notes = Notes {
            rejected: self.ledger.take_rejected(),
            findings: self.insights.findings(),
        };
        self.handover.end_batch(checkpoint, notes, &mut self.watch)
    }
}

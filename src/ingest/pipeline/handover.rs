//! Handing over: collects trips in portions and batches, for the packers.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc;

use super::batch::BATCH_PORTIONS;
use super::delivery::{BatchEnd, Delivery};
use super::error::PipelineError;
use super::pack::{FullBatch, FullPortion};
use super::portion::Portion;
use super::stages::Stopwatch;
use crate::store::{Checkpoint, Notes, TripRow};

/// The portion that is being collected.
pub(super) struct Handover {
    /// That of origins and that of destinations.
    packers: [SyncSender<FullPortion>; 2],
    writer: mpsc::Sender<Delivery>,
    portion: Portion,
    /// Portions of the batch that were handed over.
    portions: usize,
    /// Batches that are complete.
    batches: u32,
}

impl Handover {
    /// Continues after so many batches.
    pub(super) fn new(
        batches: u32,
        packers: [SyncSender<FullPortion>; 2],
        writer: mpsc::Sender<Delivery>,
    ) -> Self {
        Self {
            packers,
            writer,
            portion: Portion::default(),
            portions: 0,
            batches,
        }
    }

    /// Adds trips to the portion.
    pub(super) fn push(&mut self, trips: Vec<TripRow>) {
        self.portion.push(trips);
    }

    /// Whether the portion is to be handed over.
    pub(super) const fn is_full(&self) -> bool {
        self.portion.is_full()
    }

    /// Whether the portion is the last of its batch.
    pub(super) const fn is_last_of_batch(&self) -> bool {
        self.portions + 1 == BATCH_PORTIONS
    }

    /// Batches that are complete with the portion, if it is the last of its batch.
    pub(super) const fn next_batches(&self) -> u32 {
        self.batches + 1
    }

    /// Hands a portion over that is not the last of its batch.
    pub(super) fn end_portion(&mut self, watch: &mut Stopwatch) -> Result<(), PipelineError> {
        self.portions += 1;
        self.send(None, watch)
    }

    /// Hands the last portion of a batch over, and its end.
    pub(super) fn end_batch(
        &mut self,
        checkpoint: Checkpoint,
        notes: Notes,
        watch: &mut Stopwatch,
    ) -> Result<(), PipelineError> {
        let batch = self.batches;
        let end = BatchEnd {
            batch,
            checkpoint,
            notes,
        };
        self.deliver(Delivery::BatchEnd(end), watch)?;
        self.portions = 0;
        self.batches += 1;
        let full = FullBatch {
            number: batch,
            rows_ingested: checkpoint.rows_ingested,
        };
        self.send(Some(full), watch)
    }

    /// Has notes written that no batch will have.
    pub(super) fn keep_notes(
        &self,
        notes: Notes,
        watch: &mut Stopwatch,
    ) -> Result<(), PipelineError> {
        self.deliver(Delivery::Notes(notes), watch)
    }

    fn deliver(&self, delivery: Delivery, watch: &mut Stopwatch) -> Result<(), PipelineError> {
        watch
            .pause(|| self.writer.blocking_send(delivery).ok())
            .ok_or(PipelineError::WriterGone)
    }

    fn send(
        &mut self,
        batch: Option<FullBatch>,
        watch: &mut Stopwatch,
    ) -> Result<(), PipelineError> {
        let portion = Arc::new(std::mem::take(&mut self.portion));
        watch
            .pause(|| {
                self.packers.iter().try_for_each(|packer| {
                    let portion = Arc::clone(&portion);
                    packer.send(FullPortion { portion, batch }).ok()
                })
            })
            .ok_or(PipelineError::WriterGone)
    }
}

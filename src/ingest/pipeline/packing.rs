use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::mpsc;

use super::PipelineError;
use super::meter::Meter;
use super::stages::Stopwatch;
use crate::ingest::batch::{Batch, Portion};
use crate::ingest::stop::{Stop, StopReason};
use crate::model::{FinishedHistograms, Histograms};
use crate::store::{self, Checkpoint, LoadBlock};

/// Packed bytes in a block of patches.
const BLOCK_PATCH_BYTES: usize = 4 << 20;

/// A portion whose trips are all on their way to the writer.
pub(super) struct FullPortion {
    pub(super) portion: Portion,
    /// Set in the last portion of a batch.
    pub(super) batch: Option<FullBatch>,
}

/// A batch of which nothing more will come.
pub(super) struct FullBatch {
    pub(super) number: u32,
    /// What is reached when it is written.
    pub(super) checkpoint: Checkpoint,
    /// Blocks of trips that were sent so far.
    pub(super) trip_blocks: u64,
}

/// The packing thread.
pub(super) struct Packing {
    sender: mpsc::Sender<LoadBlock>,
    stop: Arc<Stop>,
    meter: Arc<Meter>,
    batch: Batch,
    histograms: Histograms,
    watch: Stopwatch,
}

impl Packing {
    /// Goes on from histograms; blocks go to the sender.
    pub(super) fn new(
        histograms: Histograms,
        stop: Arc<Stop>,
        meter: Arc<Meter>,
        sender: mpsc::Sender<LoadBlock>,
    ) -> Self {
        Self {
            sender,
            stop,
            meter,
            batch: Batch::default(),
            histograms,
            watch: Stopwatch::start(),
        }
    }

    /// Packs portions as they come, and comes to the histograms of all; and how long it was at
    /// work.
    pub(super) fn pack(
        mut self,
        portions: &Receiver<FullPortion>,
    ) -> (Duration, Result<FinishedHistograms, PipelineError>) {
        while let Ok(FullPortion { portion, batch }) = self.watch.pause(|| portions.recv()) {
            self.batch.add(&portion);
            self.meter.packed(portion.trips());
            // Its trips go before patches come.
            drop(portion);
            if let Some(Err(error)) = batch.map(|full| self.send(&full)) {
                return (self.watch.elapsed(), Err(error));
            }
        }
        let histograms = self.histograms.finish();
        (self.watch.elapsed(), Ok(histograms))
    }

    /// Sends a batch to the writer, and counts it.
    fn send(&mut self, full: &FullBatch) -> Result<(), PipelineError> {
        let batch = full.number;
        let Self {
            sender,
            stop,
            meter,
            histograms,
            watch,
            ..
        } = self;
        let stored = meter.gauge().stored;
        let trips = full.checkpoint.rows_ingested.saturating_sub(stored);
        let (mut rows, all) = (0, self.batch.len() as u64);
        let mut send = |block| {
            // A batch is long to send, and of what is cancelled nothing is kept.
            if stop.reason() == Some(StopReason::Cancel) {
                return Err(PipelineError::Stopped(StopReason::Cancel));
            }
            watch
                .pause(|| sender.blocking_send(block).ok())
                .ok_or(PipelineError::WriterGone)
        };
        let (mut patches, mut bytes) = (Vec::new(), 0);
        for row in self.batch.take() {
            let patch = &row.patch;
            histograms
                .add_patch(row.end, row.cell, &patch.points, &patch.rest)
                .map_err(store::Error::from)?;
            bytes += patch.points.len() + patch.rest.len();
            patches.push(row);
            rows += 1;
            if bytes >= BLOCK_PATCH_BYTES {
                bytes = 0;
                send(LoadBlock {
                    batch,
                    patches: std::mem::take(&mut patches),
                    ..LoadBlock::default()
                })?;
                meter.stored(stored + trips * rows / all);
            }
        }
        send(LoadBlock {
            batch,
            patches,
            checkpoint: Some(full.checkpoint),
            trip_blocks: full.trip_blocks,
            ..LoadBlock::default()
        })?;
        meter.stored(full.checkpoint.rows_ingested);
        Ok(())
    }
}

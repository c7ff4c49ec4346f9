use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc;

use super::PipelineError;
use crate::ingest::batch::Batch;
use crate::ingest::stop::{Stop, StopReason};
use crate::model::{End, FinishedHistograms, Histograms};
use crate::store::{self, Checkpoint, LoadBlock, PatchRow};

/// Packed bytes in a block of patches.
const BLOCK_PATCH_BYTES: usize = 4 << 20;

/// A batch whose trips are all on their way to the writer.
pub(super) struct FullBatch {
    pub(super) number: u32,
    pub(super) batch: Batch,
    /// What is reached when it is written.
    pub(super) checkpoint: Checkpoint,
    /// Blocks of trips that were sent so far.
    pub(super) trip_blocks: u64,
}

/// The packing thread.
pub(super) struct Packing {
    sender: mpsc::Sender<LoadBlock>,
    stop: Arc<Stop>,
    histograms: Histograms,
}

impl Packing {
    /// Goes on from histograms; blocks go to the sender.
    pub(super) fn new(
        histograms: Histograms,
        stop: Arc<Stop>,
        sender: mpsc::Sender<LoadBlock>,
    ) -> Self {
        Self {
            sender,
            stop,
            histograms,
        }
    }

    /// Packs batches as they come, and comes to the histograms of all.
    pub(super) fn pack(
        mut self,
        batches: &Receiver<FullBatch>,
    ) -> Result<FinishedHistograms, PipelineError> {
        while let Ok(full) = batches.recv() {
            self.pack_one(&full)?;
        }
        Ok(self.histograms.finish())
    }

    fn pack_one(&mut self, full: &FullBatch) -> Result<(), PipelineError> {
        let batch = full.number;
        let (mut patches, mut bytes) = (Vec::new(), 0);
        for end in End::ALL {
            full.batch.pack(end, |row: PatchRow| {
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
                self.send(LoadBlock {
                    batch,
                    patches: std::mem::take(&mut patches),
                    ..LoadBlock::default()
                })
            })?;
        }
        self.send(LoadBlock {
            batch,
            patches,
            checkpoint: Some(full.checkpoint),
            trip_blocks: full.trip_blocks,
            ..LoadBlock::default()
        })
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

//! Packing: sorts trip ends into patches, and counts them. Origins and destinations are packed by a
//! thread each, which others help where there are many cores (`batch.rs`).

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::Span;

use super::batch::Batch;
use super::delivery::{Delivery, PackedPatches};
use super::error::PipelineError;
use super::meter::Meter;
use super::portion::Portion;
use super::stages::Stopwatch;
use crate::ingest::spans::busy;
use crate::ingest::stop::{Stop, StopReason};
use crate::model::{FinishedHistograms, Histograms, TripEnd};
use crate::store;

/// Packed bytes of the patches that are delivered at a time.
pub(super) const DELIVERY_BYTES: usize = 4 << 20;

/// A portion, which both packers get.
#[derive(Debug)]
pub(super) struct FullPortion {
    pub(super) portion: Arc<Portion>,
    /// Set in the last portion of a batch.
    pub(super) batch: Option<FullBatch>,
}

/// A batch of which no more portions come.
#[derive(Debug, Clone, Copy)]
pub(super) struct FullBatch {
    /// The number of the batch, from 0.
    pub(super) number: u32,
    /// Trips of the file up to its end.
    pub(super) rows_ingested: u64,
}

/// Packs the ends of one kind.
pub(super) struct Packer {
    writer: mpsc::Sender<Delivery>,
    stop: Arc<Stop>,
    meter: Arc<Meter>,
    batch: Batch,
    histograms: Histograms,
    watch: Stopwatch,
}

impl Packer {
    /// Packs one kind of trip ends of an ingestion, and adds to histograms of them.
    pub(super) fn new(
        end: TripEnd,
        histograms: Histograms,
        writer: mpsc::Sender<Delivery>,
        meter: &Arc<Meter>,
        stop: &Arc<Stop>,
    ) -> Self {
        Self {
            writer,
            stop: Arc::clone(stop),
            meter: Arc::clone(meter),
            batch: Batch::new(end),
            histograms,
            watch: Stopwatch::started(),
        }
    }

    /// Packs portions as they come. Returns the histograms of all, and how long it was at work.
    pub(super) fn pack(
        self,
        portions: &Receiver<FullPortion>,
        stage: &Span,
    ) -> (Duration, Result<FinishedHistograms, PipelineError>) {
        let (time, histograms) = self.pack_all(portions);
        busy(stage, time);
        (time, histograms)
    }

    fn pack_all(
        mut self,
        portions: &Receiver<FullPortion>,
    ) -> (Duration, Result<FinishedHistograms, PipelineError>) {
        while let Ok(FullPortion { portion, batch }) = self.watch.pause(|| portions.recv()) {
            self.batch.add(&portion);
            self.meter.packed(self.batch.end(), portion.trips());
            // Trips take more memory than patches: they go before patches are delivered.
            drop(portion);
            if let Some(Err(error)) = batch.map(|full| self.deliver(full)) {
                return (self.watch.elapsed(), Err(error));
            }
        }
        let histograms = self.histograms.finish();
        (self.watch.elapsed(), Ok(histograms))
    }

    /// Delivers the patches of a batch to the writer, and counts them.
    fn deliver(&mut self, full: FullBatch) -> Result<(), PipelineError> {
        let Self {
            writer,
            stop,
            meter,
            histograms,
            watch,
            ..
        } = self;
        let end = self.batch.end();
        let stored = meter.gauge().stored(end);
        let trips = full.rows_ingested.saturating_sub(stored);
        let (mut rows, all) = (0, self.batch.len() as u64);
        let mut deliver = |patches, is_last| {
            // A batch is long to deliver, and of what is cancelled nothing is kept.
            if stop.reason() == Some(StopReason::Cancel) {
                return Err(PipelineError::Stopped(StopReason::Cancel));
            }
            let packed = PackedPatches {
                end,
                batch: full.number,
                patches,
                is_last,
            };
            watch
                .pause(|| writer.blocking_send(Delivery::Patches(packed)).ok())
                .ok_or(PipelineError::WriterGone)
        };
        let (mut patches, mut bytes) = (Vec::new(), 0);
        for row in self.batch.take() {
            let patch = &row.patch;
            histograms
                .add_patch(row.end, row.cell, patch.bytes())
                .map_err(store::Error::from)?;
            bytes += patch.len();
            patches.push(row);
            rows += 1;
            if bytes >= DELIVERY_BYTES {
                bytes = 0;
                deliver(std::mem::take(&mut patches), false)?;
                meter.stored(end, stored + trips * rows / all);
            }
        }
        deliver(patches, true)?;
        meter.stored(end, full.rows_ingested);
        Ok(())
    }
}

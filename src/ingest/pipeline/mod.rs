//! The pipeline: one thread reads and parses, and has all cores find the cells of what it read; one
//! packs; one task only writes.
//!
//! ```text
//! file → records → trips → blocks ──────────────────→ (bounded channel) ─┐
//!                    └→ portions → batch → patches ─→ (bounded channel) ─┴→ writer → publish
//!                                            └→ histograms ─────────────────────────────┘
//! ```
//!
//! A block is written in one transaction as soon as it is parsed. Some blocks together are a
//! portion, which is packed while the next is read; when a batch has all its portions, its patches
//! follow, the last of them with the checkpoint. Nothing of it is visible before the final
//! transaction, which adds the histograms. Memory is bounded by two portions, a packed batch, the
//! channels and the histograms, not by the file.

mod background;
mod content;
mod error;
mod meter;
mod packing;
mod past;
mod reading;
mod stages;
mod writing;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;

use self::background::in_background;
pub(super) use self::error::PipelineError;
pub(super) use self::meter::Meter;
use self::packing::Packing;
use self::past::Past;
use self::reading::Reading;
pub(super) use self::stages::Stages;
use self::stages::Stopwatch;
use self::writing::write;
use super::reporter::Reporter;
use super::stop::Stop;
use crate::clock;
use crate::store::{FinalCounts, IngestionRecord, Store};

/// Blocks that may wait for the writer: about 80 MB of trips, 16 MB of patches.
const TRIP_BLOCKS: usize = 16;
const PATCH_BLOCKS: usize = 4;

/// How a run of the pipeline ended.
#[derive(Debug)]
pub(super) struct Run {
    /// The counters of that moment, whatever the outcome.
    pub(super) counts: FinalCounts,
    pub(super) stages: Stages,
    pub(super) outcome: Result<(), PipelineError>,
}

impl Run {
    /// One that has read nothing.
    pub(super) fn failed(error: PipelineError) -> Self {
        Self {
            counts: FinalCounts::default(),
            stages: Stages::default(),
            outcome: Err(error),
        }
    }
}

/// Runs one ingestion to the point where its trips are visible, and reports how far it has come.
pub(super) async fn run(
    store: &Store,
    record: &IngestionRecord,
    path: PathBuf,
    mut reporter: Reporter,
    stop: Arc<Stop>,
) -> Run {
    let past = match Past::of(store, record).await {
        Ok(past) => past,
        Err(error) => return Run::failed(error.into()),
    };
    let meter = Arc::new(Meter::new(past.totals.checkpoint.counts()));
    let run = tokio::select! {
        run = run_stages(store, record, path, past, &meter, stop) => run,
        never = reporter.report(&meter) => match never {},
    };
    reporter.count(run.counts);
    if run.outcome.is_ok() {
        reporter.published(run.stages.publishing);
    }
    run
}

async fn run_stages(
    store: &Store,
    record: &IngestionRecord,
    path: PathBuf,
    past: Past,
    meter: &Arc<Meter>,
    stop: Arc<Stop>,
) -> Run {
    let (trip_sender, trips) = mpsc::channel(TRIP_BLOCKS);
    let (patch_sender, patches) = mpsc::channel(PATCH_BLOCKS);
    // Handed over hand to hand: one portion is packed while the next is read, and no more.
    let (portion_sender, portions) = std::sync::mpsc::sync_channel(0);
    let packing = Packing::new(
        past.histograms,
        Arc::clone(&stop),
        Arc::clone(meter),
        patch_sender,
    );
    let senders = (trip_sender, portion_sender);
    let read_meter = Arc::clone(meter);
    let mut reading = Reading::new(store, record, past.totals, read_meter, stop, senders);
    let reader = in_background("reader", move || {
        let result = reading.read(&path);
        let (counts, busy) = (reading.counts(), reading.busy());
        (counts, busy, result.map(|()| reading.summaries()))
    });
    let packer = in_background("packer", move || packing.pack(&portions));
    // Where writing failed, the others find nobody to send to, and end.
    let writer = write(store, record.claim, trips, patches);
    let (reader, packer, (writing, written)) = tokio::join!(reader, packer, writer);
    let ((counts, reading, summaries), (packing, histograms)) = match (reader, packer) {
        (Ok(reader), Ok(packer)) => (reader, packer),
        (Err(error), _) | (_, Err(error)) => return Run::failed(error),
    };
    let publishing = Stopwatch::start();
    let outcome = async {
        written?;
        // Where the packer was stopped, the reader only finds it gone.
        let (histograms, summaries) = (histograms?, summaries?);
        meter.published(0.0);
        let published = |part| meter.published(part);
        store
            .publish(
                record.claim,
                &histograms,
                &summaries,
                counts,
                clock::now,
                published,
            )
            .await?;
        Ok(())
    };
    let outcome = outcome.await;
    Run {
        counts,
        stages: Stages {
            reading,
            packing,
            writing,
            publishing: publishing.elapsed(),
        },
        outcome,
    }
}

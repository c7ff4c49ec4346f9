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

mod error;
mod past;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;

pub(super) use self::error::PipelineError;
use self::past::Past;
use self::reading::{Harvest, Reading};
use super::progress::Reporter;
use super::stop::Stop;
use crate::store::{self, Claim, FinalCounts, LoadBlock, Record, Store};

/// Blocks that may wait for the writer: about 40 MB.
const CHANNEL_BLOCKS: usize = 8;

/// Runs one ingestion to the point where its trips are visible. The counters are those of the
/// moment it ended, whatever the outcome.
pub(super) async fn run(
    store: &Store,
    record: &Record,
    path: PathBuf,
    reporter: Reporter,
    stop: Arc<Stop>,
) -> (FinalCounts, Result<(), PipelineError>) {
    let past = match Past::of(store, record).await {
        Ok(past) => past,
        Err(error) => return (FinalCounts::default(), Err(error.into())),
    };
    let (sender, blocks) = mpsc::channel(CHANNEL_BLOCKS);
    let mut reading = Reading::new(store, record, past, reporter, stop, sender);
    let reader = tokio::task::spawn_blocking(move || {
        let result = reading.read(&path);
        (reading.counts(), result.map(|()| reading.harvest()))
    });
    // Where writing failed, the reader finds nobody to send to, and ends.
    let written = write(store, record.claim, blocks).await;
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
            .publish(record.claim, &histograms, &summaries, counts, Utc::now)
            .await?;
        Ok(())
    };
    (counts, outcome.await)
}

/// Writes blocks as they come, as many at a time as the database takes.
async fn write(
    store: &Store,
    claim: Claim,
    mut blocks: mpsc::Receiver<LoadBlock>,
) -> Result<(), store::Error> {
    let mut loads = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(loaded) = loads.next() => loaded?,
            block = blocks.recv(), if loads.len() < store.loaders() => {
                let Some(block) = block else { break };
                if block.checkpoint.is_some() {
                    // It says that everything before it is written.
                    drain(&mut loads).await?;
                }
                loads.push(async move { store.load(claim, &block).await });
            }
        }
    }
    drain(&mut loads).await
}

async fn drain<F>(loads: &mut FuturesUnordered<F>) -> Result<(), store::Error>
where
    F: Future<Output = Result<(), store::Error>>,
{
    while let Some(loaded) = loads.next().await {
        loaded?;
    }
    Ok(())
}

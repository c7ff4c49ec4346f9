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
use tokio::sync::mpsc;

pub(super) use self::error::PipelineError;
use self::past::Past;
use self::reading::{Harvest, Reading};
use super::progress::Reporter;
use super::stop::Stop;
use crate::store::{Claimed, FinalCounts, Store};

/// Blocks that may wait for the writer: about 40 MB.
const CHANNEL_BLOCKS: usize = 8;

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
    let mut reading = Reading::new(store, claimed, past, reporter, stop, sender);
    let path = PathBuf::from(&claimed.path);
    let reader = tokio::task::spawn_blocking(move || {
        let result = reading.read(&path);
        (reading.counts(), result.map(|()| reading.harvest()))
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

//! Writing: patches as they come, and the checkpoint of a batch after all of its patches.

use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::Receiver;
use tracing::Span;

use super::assemble::Assembly;
use super::delivery::Delivery;
use super::stages::Stopwatch;
use crate::ingest::spans::busy;
use crate::store::{Error, LoadBlock, SegmentClaim, Store};

/// Writes blocks as they come, as many at the same time as the database takes. Returns how long it
/// was at work, too.
pub(super) async fn write(
    store: &Store,
    claim: SegmentClaim,
    deliveries: Receiver<Delivery>,
    stage: Span,
) -> (Duration, Result<(), Error>) {
    let mut watch = Stopwatch::default();
    let written = write_all(store, claim, deliveries, &mut watch).await;
    busy(&stage, watch.elapsed());
    (watch.elapsed(), written)
}

async fn write_all(
    store: &Store,
    claim: SegmentClaim,
    mut deliveries: Receiver<Delivery>,
    watch: &mut Stopwatch,
) -> Result<(), Error> {
    let load = async |block: LoadBlock| store.load(claim, &block).await;
    let mut loads = FuturesUnordered::new();
    let mut assembly = Assembly::default();
    let mut next: Option<LoadBlock> = None;
    loop {
        let is_ready = |block: &mut LoadBlock| match block.checkpoint {
            Some(_) => loads.is_empty(),
            None => loads.len() < store.loaders(),
        };
        if let Some(block) = next.take_if(is_ready) {
            loads.push(load(block));
        }
        watch.run(!loads.is_empty());
        tokio::select! {
            Some(loaded) = loads.next() => loaded?,
            Some(delivery) = deliveries.recv(), if next.is_none() => {
                next = assembly.add(delivery);
            }
            else => return Ok(()),
        }
    }
}

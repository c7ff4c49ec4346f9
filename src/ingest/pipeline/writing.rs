use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc::Receiver;

use crate::store::{Claim, Error, LoadBlock, Store};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Table {
    Trips,
    Patches,
}

/// Writes blocks of trips and of patches as they come; one of each at the same time, where the
/// database takes two. Tells how long it was at work, too.
pub(super) async fn write(
    store: &Store,
    claim: Claim,
    trips: Receiver<LoadBlock>,
    patches: Receiver<LoadBlock>,
) -> (Duration, Result<(), Error>) {
    let mut busy = Busy::default();
    let written = write_all(store, claim, trips, patches, &mut busy).await;
    (busy.total, written)
}

/// The time in which something is written.
#[derive(Default)]
struct Busy {
    total: Duration,
    since: Option<Instant>,
}

impl Busy {
    fn set(&mut self, busy: bool) {
        match (busy, self.since) {
            (true, None) => self.since = Some(Instant::now()),
            (false, Some(since)) => {
                self.total += since.elapsed();
                self.since = None;
            }
            _ => {}
        }
    }
}

async fn write_all(
    store: &Store,
    claim: Claim,
    mut trips: Receiver<LoadBlock>,
    mut patches: Receiver<LoadBlock>,
    busy: &mut Busy,
) -> Result<(), Error> {
    let mut loads = FuturesUnordered::new();
    let load = async |table, block: LoadBlock| store.load(claim, &block).await.map(|()| table);
    let mut loading: Vec<Table> = Vec::new();
    let mut trip_blocks = 0;
    // A block of patches that may have to wait for trips.
    let mut next: Option<LoadBlock> = None;
    loop {
        let free = |table| loading.len() < store.loaders() && !loading.contains(&table);
        let (trips_free, patches_free) = (free(Table::Trips), free(Table::Patches));
        if patches_free && let Some(block) = next.take_if(|next| next.trip_blocks <= trip_blocks) {
            loading.push(Table::Patches);
            loads.push(load(Table::Patches, block));
            continue;
        }
        busy.set(!loading.is_empty());
        tokio::select! {
            Some(loaded) = loads.next() => {
                let loaded = loaded?;
                loading.retain(|&table| table != loaded);
                trip_blocks += u64::from(loaded == Table::Trips);
            }
            Some(block) = trips.recv(), if trips_free => {
                loading.push(Table::Trips);
                loads.push(load(Table::Trips, block));
            }
            Some(block) = patches.recv(), if patches_free && next.is_none() => next = Some(block),
            else => return Ok(()),
        }
    }
}

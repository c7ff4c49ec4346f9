//! The other programs that work on the same database: signs of life, and what they tell.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;

use super::Ingestions;
use crate::backoff::Backoff;
use crate::model::IngestionId;
use crate::store::{self, Change};

/// Signs of life in the time of a lease.
const BEATS_PER_LEASE: u32 = 3;
/// The first delay after one that failed.
const FIRST_RETRY: Duration = Duration::from_millis(250);

/// Gives signs of life, and frees what the dead have claimed.
pub(super) async fn beat(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    let lease = inner.worker.lease;
    let mut last = Instant::now();
    let mut delay = lease / BEATS_PER_LEASE;
    let mut backoff = Backoff::new(FIRST_RETRY, delay);
    loop {
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = inner.shutdown.cancelled() => return,
        }
        let beaten = async {
            let known = inner.store.beat(&inner.worker).await?;
            // Who was away itself cannot tell who else is.
            let present = known && last.elapsed() < lease;
            last = Instant::now();
            if present && inner.store.bury().await? {
                tracing::warn!("another program is gone; its ingestions are taken over");
                inner.arrived.notify_one();
            }
            Ok::<_, store::Error>(())
        };
        delay = match beaten.await {
            Ok(()) => {
                backoff.reset();
                lease / BEATS_PER_LEASE
            }
            Err(error) => {
                tracing::warn!(%error, "cannot give a sign of life");
                // What was taken over before the answer was lost is told to all but this program.
                inner.arrived.notify_one();
                backoff.delay()
            }
        };
    }
}

/// Takes note of what others tell.
pub(super) async fn listen(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    // Its own signs of life come several times in that.
    let mut changes = inner.store.changes(inner.worker.lease);
    loop {
        let change = tokio::select! {
            change = changes.next() => change,
            () = inner.shutdown.cancelled() => return,
        };
        let missed = match change {
            None => return,
            Some(Change::Work) => {
                inner.arrived.notify_one();
                false
            }
            Some(Change::Advance(id, advance)) => {
                inner.progress.advance(id, advance);
                false
            }
            Some(Change::State(id)) => ingestions.heard(id).await.is_err(),
            Some(Change::Anything) => true,
        };
        if missed {
            let mut backoff = Backoff::default();
            while let Err(error) = ingestions.catch_up().await {
                tracing::warn!(%error, "cannot read what has changed");
                tokio::select! {
                    () = backoff.wait() => {}
                    () = inner.shutdown.cancelled() => return,
                }
            }
            inner.arrived.notify_one();
        }
    }
}

/// A process of this host, as the others know it.
pub(super) fn name(process: u32) -> String {
    let host = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    format!("{}:{process}", host.unwrap_or_default().trim())
}

/// Whether a process is known to have ended: one of this host that is there no longer, or whose
/// number this one has now. Its lease need not be waited for.
pub(super) fn is_dead(other: &str) -> bool {
    let Some(process) = other.rsplit(':').next().and_then(|id| id.parse().ok()) else {
        return false;
    };
    let processes = Path::new("/proc");
    other == name(process)
        && (process == std::process::id()
            || processes.join("self").exists() && !processes.join(process.to_string()).exists())
}

impl Ingestions {
    /// The state of an ingestion has changed elsewhere.
    async fn heard(&self, id: IngestionId) -> Result<(), store::Error> {
        let was_live = self.inner.progress.get(id).is_some();
        if let Some(ingestion) = self.refresh(id).await?
            && !was_live
            && ingestion.state.is_final()
        {
            // Its trips were removed.
            self.inner.progress.tell(&ingestion);
        }
        Ok(())
    }

    /// Reads the state of all that wait or run, or did when it was last heard of.
    async fn catch_up(&self) -> Result<(), store::Error> {
        let unfinished = self.inner.store.unfinished().await?;
        let unfinished = unfinished.iter().map(|record| record.ingestion.id);
        let ids: HashSet<_> = unfinished.chain(self.inner.progress.ids()).collect();
        for id in ids {
            self.refresh(id).await?;
        }
        Ok(())
    }
}

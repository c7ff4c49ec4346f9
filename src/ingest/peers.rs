//! The other programs that share the database: heartbeats and notifications.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;

use super::Ingestions;
use crate::backoff::Backoff;
use crate::model::IngestionId;
use crate::store::{self, Change};

/// Heartbeats per lease.
const BEATS_PER_LEASE: u32 = 3;
/// The first delay after a heartbeat that failed.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// Ingestions whose states are read by one statement, at most.
const REFRESHED_TOGETHER: usize = 1_000;

/// Sends heartbeats, and releases the claims of expired workers.
pub(super) async fn heartbeat(ingestions: Ingestions) {
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
            let known = inner.store.heartbeat(&inner.worker).await?;
            // Who was away itself cannot tell who else is.
            let present = known && last.elapsed() < lease;
            last = Instant::now();
            if present && inner.store.expire_workers().await? {
                tracing::warn!("a worker has expired; its ingestions are taken over");
                inner.arrived.notify_one();
                // It may have left rows for SQL to be written.
                inner.sql_trips.request();
                inner.merging.request();
            }
            Ok::<_, store::Error>(())
        };
        delay = match beaten.await {
            Ok(()) => {
                backoff.reset();
                lease / BEATS_PER_LEASE
            }
            Err(error) => {
                tracing::warn!(%error, "cannot send a heartbeat");
                // What was taken over before the answer was lost is told to all but this program.
                inner.arrived.notify_one();
                backoff.delay()
            }
        };
    }
}

/// Handles the notifications of other programs.
pub(super) async fn listen(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    // Its own heartbeats arrive several times within it.
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
            Some(Change::State(id)) => ingestions.on_state_change(id).await.is_err(),
            Some(Change::Anything) => true,
        };
        if missed {
            let mut backoff = Backoff::default();
            while let Err(error) = ingestions.catch_up().await {
                tracing::warn!(%error, "cannot read the changed ingestions");
                tokio::select! {
                    () = backoff.wait() => {}
                    () = inner.shutdown.cancelled() => return,
                }
            }
            inner.arrived.notify_one();
        }
    }
}

/// The name of a process of this host as a worker: host and process id.
pub(super) fn name(process: u32) -> String {
    let host = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    format!("{}:{process}", host.unwrap_or_default().trim())
}

/// Whether a worker's process is known to have ended: it was on this host and no longer exists, or
/// its process id is now this program's. Then there is no need to wait for its lease.
pub(super) fn has_ended(other: &str) -> bool {
    let Some(process) = other.rsplit(':').next().and_then(|id| id.parse().ok()) else {
        return false;
    };
    let processes = Path::new("/proc");
    other == name(process)
        && (process == std::process::id()
            || processes.join("self").exists() && !processes.join(process.to_string()).exists())
}

impl Ingestions {
    /// Handles a change of an ingestion's state by another program.
    async fn on_state_change(&self, id: IngestionId) -> Result<(), store::Error> {
        let was_live = self.inner.progress.get(id).is_some();
        if let Some(ingestion) = self.refresh(id).await?
            && !was_live
            && ingestion.state.is_final()
        {
            // Its trips were removed.
            self.inner.progress.broadcast(&ingestion);
            self.delete_rejected(&ingestion).await;
        }
        Ok(())
    }

    /// Reads the state of all ingestions that are queued or running, or were when last read.
    async fn catch_up(&self) -> Result<(), store::Error> {
        let unfinished = self.inner.store.unfinished().await?;
        let unfinished = unfinished.iter().map(|record| record.ingestion.id);
        let ids: BTreeSet<_> = unfinished.chain(self.inner.progress.ids()).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        for ids in ids.chunks(REFRESHED_TOGETHER) {
            self.refresh_all(ids).await?;
        }
        Ok(())
    }
}

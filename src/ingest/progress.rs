//! Progress: what is known of the ingestions that wait or run, pushed to whoever watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{broadcast, watch};

use crate::model::{Ingestion, IngestionId};
use crate::store::FinalCounts;

/// Changes are pushed no more often than this.
const PUSH_EVERY: Duration = Duration::from_millis(250);

/// Changes that a slow watcher of all ingestions may be behind before it is brought up to date.
const UPDATES_KEPT: usize = 1024;

/// The ingestions that wait or run, as of now.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    live: Arc<Mutex<HashMap<IngestionId, watch::Sender<Ingestion>>>>,
    updates: broadcast::Sender<Ingestion>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            live: Arc::default(),
            updates: broadcast::channel(UPDATES_KEPT).0,
        }
    }

    /// Pushes a change; the final one is the last.
    pub(super) fn push(&self, ingestion: Ingestion) {
        // Nobody may be watching all ingestions.
        let _ = self.updates.send(ingestion.clone());
        let mut live = self.live();
        if ingestion.state.is_final() {
            if let Some(sender) = live.remove(&ingestion.id) {
                sender.send_replace(ingestion);
            }
        } else {
            live.entry(ingestion.id)
                .or_insert_with(|| watch::Sender::new(ingestion.clone()))
                .send_replace(ingestion);
        }
    }

    /// An ingestion that waits or runs, as of now.
    pub(super) fn get(&self, id: IngestionId) -> Option<Ingestion> {
        self.live().get(&id).map(|sender| sender.borrow().clone())
    }

    /// An ingestion that waits or runs: its present state, then changes, then the final one.
    pub(super) fn watch(&self, id: IngestionId) -> Option<BoxStream<'static, Ingestion>> {
        let mut receiver = self.live().get(&id)?.subscribe();
        receiver.mark_changed();
        let states = stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            // The sender goes only after it has sent the final state.
            receiver.changed().await.ok()?;
            let ingestion = receiver.borrow_and_update().clone();
            let more = !ingestion.state.is_final();
            Some((ingestion, more.then_some(receiver)))
        });
        Some(states.boxed())
    }

    /// Changes of all ingestions from now on. A watcher that falls far behind misses some, and
    /// then gets the present state of those that wait or run.
    pub(super) fn updates(&self) -> BoxStream<'static, Ingestion> {
        let state = (self.updates.subscribe(), self.clone());
        stream::unfold(state, |(mut receiver, progress)| async {
            let changes = match receiver.recv().await {
                Ok(ingestion) => vec![ingestion],
                Err(broadcast::error::RecvError::Lagged(_)) => progress.all(),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((stream::iter(changes), (receiver, progress)))
        })
        .flatten()
        .boxed()
    }

    fn all(&self) -> Vec<Ingestion> {
        self.live()
            .values()
            .map(|sender| sender.borrow().clone())
            .collect()
    }

    fn live(&self) -> MutexGuard<'_, HashMap<IngestionId, watch::Sender<Ingestion>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports how far one running ingestion has come, a few times a second.
#[derive(Debug)]
pub(super) struct Reporter {
    progress: Progress,
    ingestion: Ingestion,
    last: Instant,
    last_counts: FinalCounts,
    rows_per_second: Option<f64>,
    bytes_per_second: f64,
}

impl Reporter {
    pub(super) fn new(progress: Progress, ingestion: Ingestion) -> Self {
        let last_counts = FinalCounts {
            bytes_read: ingestion.bytes_read,
            rows_read: ingestion.rows_read,
            rows_ingested: ingestion.rows_ingested,
            rows_rejected: ingestion.rows_rejected,
        };
        Self {
            progress,
            ingestion,
            last: Instant::now(),
            last_counts,
            rows_per_second: None,
            bytes_per_second: 0.0,
        }
    }

    /// Begins to measure: the reading starts.
    pub(super) fn start(&mut self) {
        self.last = Instant::now();
    }

    /// Takes note of the counters, and pushes them when it is time to.
    pub(super) fn report(&mut self, counts: FinalCounts) {
        let elapsed = self.last.elapsed();
        if elapsed < PUSH_EVERY {
            return;
        }
        let per_second = |now: u64, before: u64| (now - before) as f64 / elapsed.as_secs_f64();
        let rows = per_second(counts.rows_read, self.last_counts.rows_read);
        let bytes = per_second(counts.bytes_read, self.last_counts.bytes_read);
        // Smoothed, since the work goes in batches: about the last ten seconds count.
        let weight = match self.rows_per_second {
            Some(_) => 1.0 - (-elapsed.as_secs_f64() / 10.0).exp(),
            None => 1.0,
        };
        let before = self.rows_per_second.unwrap_or(0.0);
        self.rows_per_second = Some(before + weight * (rows - before));
        self.bytes_per_second += weight * (bytes - self.bytes_per_second);
        self.last = Instant::now();
        self.last_counts = counts;

        let ingestion = &mut self.ingestion;
        ingestion.bytes_read = counts.bytes_read;
        ingestion.rows_read = counts.rows_read;
        ingestion.rows_ingested = counts.rows_ingested;
        ingestion.rows_rejected = counts.rows_rejected;
        ingestion.rows_per_second = self.rows_per_second;
        ingestion.eta_seconds = match ingestion.bytes_total {
            Some(total) if self.bytes_per_second > 0.0 => {
                Some(total.saturating_sub(counts.bytes_read) as f64 / self.bytes_per_second)
            }
            _ => None,
        };
        self.progress.push(ingestion.clone());
    }
}

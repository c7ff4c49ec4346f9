//! Progress: what is known of the ingestions that wait or run, pushed to whoever watches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{broadcast, watch};

use super::metrics::IngestMetrics;
use crate::model::{Ingestion, IngestionId, IngestionState};
use crate::store::{Advance, FinalCounts, Store};

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

    /// Pushes a state as it was read; the final one is the last. Tells whether it is news.
    pub(super) fn push(&self, ingestion: Ingestion) -> bool {
        let mut live = self.live();
        match live.get(&ingestion.id).map(watch::Sender::borrow) {
            // Of the same run, what is stored is the checkpoint, and behind.
            Some(known)
                if known.state == ingestion.state && known.started_at == ingestion.started_at =>
            {
                return false;
            }
            None if ingestion.state.is_final() => return false,
            _ => {}
        }
        self.tell(&ingestion);
        if ingestion.state.is_final() {
            if let Some(sender) = live.remove(&ingestion.id) {
                sender.send_replace(ingestion);
            }
        } else {
            live.entry(ingestion.id)
                .or_insert_with(|| watch::Sender::new(ingestion.clone()))
                .send_replace(ingestion);
        }
        true
    }

    /// Pushes how far an ingestion has come that runs.
    pub(super) fn advance(&self, id: IngestionId, advance: Advance) {
        let live = self.live();
        let Some(sender) = live.get(&id) else { return };
        if sender.borrow().state != IngestionState::Running {
            return;
        }
        sender.send_modify(|ingestion| {
            let counts = advance.counts;
            ingestion.bytes_read = counts.bytes_read;
            ingestion.rows_read = counts.rows_read;
            ingestion.rows_ingested = counts.rows_ingested;
            ingestion.rows_rejected = counts.rows_rejected;
            ingestion.rows_per_second = advance.rows_per_second;
            ingestion.eta_seconds = advance.eta_seconds;
        });
        let ingestion = sender.borrow().clone();
        self.tell(&ingestion);
    }

    /// Tells those who watch all ingestions.
    pub(super) fn tell(&self, ingestion: &Ingestion) {
        // Nobody may be watching.
        let _ = self.updates.send(ingestion.clone());
    }

    /// How many ingestions are in a state, of those that wait or run.
    pub(super) fn count(&self, state: IngestionState) -> usize {
        let live = self.live();
        live.values()
            .filter(|sender| sender.borrow().state == state)
            .count()
    }

    /// The ingestions that wait or run.
    pub(super) fn ids(&self) -> Vec<IngestionId> {
        self.live().keys().copied().collect()
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
    metrics: Arc<IngestMetrics>,
    /// To the other programs; where they are slow to take it, only the latest.
    others: Option<watch::Sender<Advance>>,
    id: IngestionId,
    bytes_total: Option<u64>,
    last: Instant,
    last_counts: FinalCounts,
    rows_per_second: Option<f64>,
    bytes_per_second: f64,
}

impl Reporter {
    pub(super) fn new(
        progress: Progress,
        metrics: Arc<IngestMetrics>,
        store: &Store,
        ingestion: &Ingestion,
    ) -> Self {
        let (id, counts) = (ingestion.id, FinalCounts::of(ingestion));
        Self {
            progress,
            metrics,
            others: store.is_shared().then(|| announcer(store.clone(), id)),
            id,
            bytes_total: ingestion.bytes_total,
            last: Instant::now(),
            last_counts: counts,
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
        self.count(counts);

        let eta_seconds = match self.bytes_total {
            Some(total) if self.bytes_per_second > 0.0 => {
                Some(total.saturating_sub(counts.bytes_read) as f64 / self.bytes_per_second)
            }
            _ => None,
        };
        let advance = Advance {
            counts,
            rows_per_second: self.rows_per_second,
            eta_seconds,
        };
        self.progress.advance(self.id, advance);
        if let Some(others) = &self.others {
            others.send_replace(advance);
        }
    }

    /// Counts what was read since the last time.
    pub(super) fn count(&mut self, counts: FinalCounts) {
        self.metrics.advance(self.last_counts, counts);
        self.last_counts = counts;
    }
}

/// Passes on to the other programs how far an ingestion has come, until the sender is gone.
fn announcer(store: Store, id: IngestionId) -> watch::Sender<Advance> {
    let (sender, mut receiver) = watch::channel(Advance::default());
    tokio::spawn(async move {
        while receiver.changed().await.is_ok() {
            let advance = *receiver.borrow_and_update();
            if let Err(error) = store.announce(id, advance).await {
                tracing::debug!(id, %error, "the other programs could not be told");
            }
        }
    });
    sender
}

//! Progress of queued and running ingestions, pushed to watchers.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{broadcast, watch};

use super::estimate::{Estimate, Pace};
use super::metrics::IngestMetrics;
use super::pipeline::Meter;
use crate::model::{Ingestion, IngestionId, IngestionPhase, IngestionState};
use crate::store::{Advance, FinalCounts, Store};

/// Interval at which progress is pushed.
const PUSH_EVERY: Duration = Duration::from_millis(250);

/// Number of changes that a slow watcher of all ingestions may lag behind before some are skipped.
const UPDATES_KEPT: usize = 1024;

/// The current state of the queued and running ingestions.
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

    /// Pushes a state from the database; the final state is the last. Returns whether it was new.
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
        self.broadcast(&ingestion);
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

    /// Pushes the progress of a running ingestion.
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
            ingestion.phase = Some(advance.phase);
            ingestion.progress = Some(advance.percent);
            ingestion.rows_per_second = advance.rows_per_second;
            ingestion.eta_seconds = advance.eta_seconds;
        });
        let ingestion = sender.borrow().clone();
        self.broadcast(&ingestion);
    }

    /// Pushes a state to the watchers of all ingestions.
    pub(super) fn broadcast(&self, ingestion: &Ingestion) {
        // Nobody may be watching.
        let _ = self.updates.send(ingestion.clone());
    }

    /// Number of queued or running ingestions in a state.
    pub(super) fn count(&self, state: IngestionState) -> usize {
        let live = self.live();
        live.values()
            .filter(|sender| sender.borrow().state == state)
            .count()
    }

    /// Ids of the queued and running ingestions.
    pub(super) fn ids(&self) -> Vec<IngestionId> {
        self.live().keys().copied().collect()
    }

    /// The current state of a queued or running ingestion.
    pub(super) fn get(&self, id: IngestionId) -> Option<Ingestion> {
        self.live().get(&id).map(|sender| sender.borrow().clone())
    }

    /// The current state, the changes and the final state of a queued or running ingestion.
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

    /// Changes of all ingestions from now on. A watcher that lags far behind misses some changes,
    /// and then gets the current state of all queued and running ingestions.
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

/// Reports the progress of one running ingestion, four times per second.
#[derive(Debug)]
pub(super) struct Reporter {
    progress: Progress,
    metrics: Arc<IngestMetrics>,
    pace: Arc<Pace>,
    /// Sends progress to the other programs; if sending is slow, only the latest.
    others: Option<watch::Sender<Advance>>,
    ingestion: Ingestion,
    /// The counts that are already in the metrics.
    last: FinalCounts,
    /// Estimated seconds to read the whole file; 0 before the first report.
    reading_seconds: f64,
}

impl Reporter {
    pub(super) fn new(
        progress: Progress,
        metrics: Arc<IngestMetrics>,
        pace: Arc<Pace>,
        store: &Store,
        ingestion: &Ingestion,
    ) -> Self {
        Self {
            progress,
            metrics,
            pace,
            others: store
                .is_shared()
                .then(|| announcer(store.clone(), ingestion.id)),
            ingestion: ingestion.clone(),
            last: FinalCounts::of(ingestion),
            reading_seconds: 0.0,
        }
    }

    /// Reports the values of a meter for as long as this future is polled.
    pub(super) async fn report(&mut self, meter: &Meter) -> Infallible {
        let bytes_total = self.ingestion.bytes_total.unwrap_or(0);
        let share = self.pace.share(bytes_total);
        let before = meter.gauge();
        let done = before.stored_part(bytes_total);
        let percent = self.ingestion.percent().unwrap_or(0.0);
        let mut estimate = Estimate::new(percent, done, share);
        let mut rates = Rates::new(before.counts.rows_read, done);
        let began = Instant::now();
        loop {
            tokio::time::sleep(PUSH_EVERY).await;
            let gauge = meter.gauge();
            self.count(gauge.counts);
            let (phase, standing) = if let Some((since, part)) = gauge.published {
                let standing = estimate.publishing(since.elapsed().as_secs_f64(), part);
                (IngestionPhase::Publishing, standing)
            } else {
                let done = gauge.stored_part(bytes_total);
                rates.add(gauge.counts.rows_read, done);
                let seconds = began.elapsed().as_secs_f64();
                let standing = estimate.reading(seconds, done, rates.done_per_second);
                self.reading_seconds = estimate.reading_seconds();
                (IngestionPhase::Reading, standing)
            };
            let advance = Advance {
                counts: gauge.counts,
                phase,
                percent: standing.percent,
                rows_per_second: match phase {
                    IngestionPhase::Reading => rates.rows_per_second,
                    IngestionPhase::Publishing => None,
                },
                eta_seconds: standing.eta_seconds,
            };
            self.progress.advance(self.ingestion.id, advance);
            if let Some(others) = &self.others {
                others.send_replace(advance);
            }
        }
    }

    /// Adds the rows and bytes read since the last call to the metrics.
    pub(super) fn count(&mut self, counts: FinalCounts) {
        self.metrics.advance(self.last, counts);
        self.last = counts;
    }

    /// Records how long publishing took.
    pub(super) fn published(&self, took: Duration) {
        let bytes = self.ingestion.bytes_total.unwrap_or(0);
        self.pace
            .learn(bytes, took.as_secs_f64(), self.reading_seconds);
    }
}

/// Rates of an ingestion, smoothed over about 10 seconds, since the work is done in batches.
#[derive(Debug)]
struct Rates {
    at: Instant,
    rows: u64,
    done: f64,
    rows_per_second: Option<f64>,
    done_per_second: f64,
}

impl Rates {
    fn new(rows: u64, done: f64) -> Self {
        Self {
            at: Instant::now(),
            rows,
            done,
            rows_per_second: None,
            done_per_second: 0.0,
        }
    }

    fn add(&mut self, rows: u64, done: f64) {
        if self.rows_per_second.is_none() && rows == self.rows {
            // What comes before the first row is no reading.
            self.at = Instant::now();
            return;
        }
        let seconds = self.at.elapsed().as_secs_f64();
        let rows_now = rows.saturating_sub(self.rows) as f64 / seconds;
        let done_now = (done - self.done).max(0.0) / seconds;
        let weight = match self.rows_per_second {
            Some(_) => 1.0 - (-seconds / 10.0).exp(),
            None => 1.0,
        };
        let before = self.rows_per_second.unwrap_or(0.0);
        self.rows_per_second = Some(before + weight * (rows_now - before));
        self.done_per_second += weight * (done_now - self.done_per_second);
        (self.at, self.rows, self.done) = (Instant::now(), rows, done);
    }
}

/// Sends the progress of an ingestion to the other programs until the sender is dropped.
fn announcer(store: Store, id: IngestionId) -> watch::Sender<Advance> {
    let (sender, mut receiver) = watch::channel(Advance::default());
    tokio::spawn(async move {
        while receiver.changed().await.is_ok() {
            let advance = *receiver.borrow_and_update();
            if let Err(error) = store.announce(id, advance).await {
                tracing::debug!(id, %error, "cannot notify the other programs of progress");
            }
        }
    });
    sender
}

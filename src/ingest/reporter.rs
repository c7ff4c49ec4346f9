use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::estimate::{Estimate, Pace};
use super::metrics::IngestMetrics;
use super::pipeline::Meter;
use super::progress::Progress;
use crate::model::{Ingestion, IngestionId, IngestionPhase};
use crate::store::{Advance, FinalCounts, Store};

/// Interval at which progress is pushed.
const PUSH_EVERY: Duration = Duration::from_millis(250);

/// Reports the progress of one running ingestion: four times per second, and when publishing begins.
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
            // Publishing may take less than the interval, and is seen all the same.
            let _ = tokio::time::timeout(PUSH_EVERY, meter.publishing_begins()).await;
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

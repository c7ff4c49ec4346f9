//! Ingestion: files wait in a queue, and one worker takes them in order through the pipeline.

mod error;
mod estimate;
mod fetch;
mod inbox;
mod joining;
mod merging;
mod metrics;
pub mod parse;
mod peers;
pub(crate) mod pipeline;
mod preview;
mod progress;
mod queued_path;
mod recovery;
mod rejected;
mod removal;
mod reporter;
mod requests;
mod spans;
mod spool;
mod sql_trips;
mod states;
mod stop;
pub(crate) mod web;
mod worker;

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::error::IngestError;
use self::estimate::Pace;
pub use self::fetch::{FetchError, Fetcher, UrlPrefix, UrlPrefixError};
pub use self::inbox::InboxError;
pub use self::merging::Compacted;
use self::merging::MergeQueue;
use self::metrics::IngestMetrics;
pub use self::pipeline::{InspectedFile, InspectedRow, InspectedTrip, Inspection, inspect};
pub use self::preview::preview;
use self::progress::Progress;
pub use self::requests::{Enqueued, IngestOptions};
pub use self::spool::{ReceivedFile, Spool, SpoolError, SpooledFile};
use self::sql_trips::SqlTripsQueue;
pub use self::sql_trips::{SqlTrips, SqlTripsProgress};
use self::stop::{Stop, StopReason};
use crate::model::IngestionId;
use crate::store::{IngestionRecord, Store, Worker};

/// The queue of ingestions, their worker and their progress; clones share all state.
#[derive(Debug, Clone)]
pub struct Ingestions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    spool: Spool,
    worker: Worker,
    progress: Progress,
    metrics: Arc<IngestMetrics>,
    /// How long publishing takes on this machine.
    pace: Arc<Pace>,
    /// Held while an ingestion's state is read and pushed, so that watchers see states in order.
    order: Mutex<()>,
    /// The ingestion that the worker runs.
    running: std::sync::Mutex<Option<CurrentRun>>,
    arrived: Notify,
    /// Whether the worker has found the queue empty, and waits.
    idle: watch::Sender<bool>,
    sql_trips: SqlTripsQueue,
    merging: MergeQueue,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

/// The ingestion that the worker runs.
#[derive(Debug)]
struct CurrentRun {
    id: IngestionId,
    stop: Arc<Stop>,
}

/// The role of a program among those that share a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Whether it serves requests. A program that does not leaves the queue to a server with the
    /// same spool.
    pub serves: bool,
    /// How long a worker may send no heartbeat before others take over its ingestions.
    pub lease: Duration,
    /// Whether it writes trips to the table for SQL.
    pub sql_trips: SqlTrips,
    /// Whether it merges and joins what is stored, in the background.
    pub compacts: bool,
}

impl Role {
    /// A server with the default options.
    pub const SERVER: Self = Self {
        serves: true,
        lease: Duration::from_secs(15),
        sql_trips: SqlTrips::Background,
        compacts: true,
    };
}

impl Ingestions {
    /// Recovers from an earlier stop, resumes the queue and starts the worker.
    pub async fn start(store: Store, spool: Spool, role: Role) -> Result<Self, IngestError> {
        let worker = Worker {
            name: peers::name(std::process::id()),
            spool: spool.id().to_owned(),
            serves: role.serves,
            lease: role.lease,
        };
        let ingestions = Self {
            inner: Arc::new(Inner {
                store,
                spool,
                worker,
                progress: Progress::new(),
                metrics: Arc::default(),
                pace: Arc::default(),
                order: Mutex::new(()),
                running: std::sync::Mutex::new(None),
                arrived: Notify::new(),
                idle: watch::Sender::new(false),
                sql_trips: SqlTripsQueue::new(role.sql_trips),
                merging: MergeQueue::new(),
                shutdown: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        };
        ingestions.recover().await?;
        let tasks = &ingestions.inner.tasks;
        tasks.spawn(worker::work(ingestions.clone()));
        if ingestions.inner.sql_trips.is_on() {
            tasks.spawn(sql_trips::fill(ingestions.clone()));
        }
        if role.compacts {
            tasks.spawn(merging::compact_in_background(ingestions.clone()));
        }
        if ingestions.inner.store.is_shared() {
            tasks.spawn(peers::heartbeat(ingestions.clone()));
            tasks.spawn(peers::listen(ingestions.clone()));
        }
        tasks.close();
        Ok(ingestions)
    }

    /// Stops the worker: a running ingestion finishes its batch, and continues at the next start or
    /// with another worker.
    pub async fn stop(&self) {
        self.inner.shutdown.cancel();
        if let Some(running) = &*self.running() {
            running.stop.ask(StopReason::Shutdown);
        }
        self.inner.tasks.wait().await;
        if let Err(error) = self.inner.store.sign_off().await {
            // The others find out when its lease is over.
            tracing::warn!(%error, "cannot unregister the worker");
        }
    }

    /// The spool of uploads.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    /// Registers the metrics of ingestions.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.inner.metrics.register(registry);
    }

    /// Updates the gauges, which are not updated as events happen.
    pub fn observe_metrics(&self) {
        let inner = &self.inner;
        inner
            .metrics
            .observe(&inner.progress, inner.sql_trips.progress());
    }

    /// Whether a server with the same spool is running: that server runs the ingestions that are
    /// enqueued here.
    pub async fn is_served(&self) -> Result<bool, IngestError> {
        Ok(self.inner.store.is_served(self.inner.spool.id()).await?)
    }

    /// The queued and running ingestions whose files can be read here, in queue order.
    pub async fn unfinished(&self) -> Result<Vec<IngestionRecord>, IngestError> {
        let mut records = self.inner.store.unfinished().await?;
        records.retain(|record| self.inner.spool.holds(&record.spool));
        Ok(records)
    }

    /// Records that the worker runs an ingestion.
    fn begin(&self, id: IngestionId, stop: Arc<Stop>) {
        let mut running = self.running();
        if self.inner.shutdown.is_cancelled() {
            stop.ask(StopReason::Shutdown);
        }
        *running = Some(CurrentRun { id, stop });
    }

    /// Records that the worker has finished its ingestion.
    fn finish(&self) {
        *self.running() = None;
    }

    /// Stops the worker if it runs this ingestion, which has been ended elsewhere.
    fn interrupt(&self, id: IngestionId) {
        match &*self.running() {
            Some(running) if running.id == id => running.stop.ask(StopReason::Cancel),
            _ => {}
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<CurrentRun>> {
        let running = self.inner.running.lock();
        running.unwrap_or_else(PoisonError::into_inner)
    }
}

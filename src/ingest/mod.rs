//! Ingestion: files wait in a queue, and one worker takes them in order through the pipeline.

mod batch;
mod estimate;
mod metrics;
mod names;
pub mod parse;
mod peers;
mod pipeline;
mod place;
mod progress;
mod recovery;
mod reporter;
mod spool;
mod stop;
mod tally;
mod worker;

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use prometheus_client::registry::Registry;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::estimate::Pace;
use self::metrics::IngestMetrics;
use self::progress::Progress;
pub use self::spool::{ReceivedFile, Spool, SpoolError, SpooledFile};
use self::stop::{Stop, StopReason};
use crate::clock;
use crate::model::{Histograms, Ingestion, IngestionId, IngestionState, Page, RejectedRow};
use crate::store::{self, FinalCounts, IngestionRecord, NewIngestion, Store, Worker};

/// The options of a file's ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IngestOptions {
    /// Ingest the file even if it is a duplicate.
    pub allow_duplicate: bool,
    /// Fail as soon as more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
}

/// The result of enqueuing a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    /// The ingestion.
    pub ingestion: Ingestion,
    /// Whether the file is a duplicate, and `ingestion` is the one that has the same bytes.
    pub duplicate: bool,
}

/// Why a request about ingestions was refused.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// There is no such ingestion.
    #[error("there is no ingestion {0}")]
    NotFound(IngestionId),
    /// Its state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The program is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

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
}

impl Role {
    /// A server with the default lease of 15 seconds.
    pub const SERVER: Self = Self {
        serves: true,
        lease: Duration::from_secs(15),
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
                shutdown: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        };
        ingestions.recover().await?;
        let tasks = &ingestions.inner.tasks;
        tasks.spawn(worker::work(ingestions.clone()));
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
            tracing::warn!(%error, "cannot sign off the worker");
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
        self.inner.metrics.observe(&self.inner.progress);
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

    /// Enqueues a file. When this returns, the file and its queue entry are on disk.
    pub async fn enqueue(
        &self,
        mut upload: SpooledFile,
        options: IngestOptions,
    ) -> Result<Enqueued, IngestError> {
        if self.inner.shutdown.is_cancelled() {
            return Err(IngestError::ShuttingDown);
        }
        let new = NewIngestion {
            source: upload.source().to_owned(),
            content_hash: upload.content_hash().to_owned(),
            spool: self.inner.spool.id().to_owned(),
            path: upload.place(),
            spooled: upload.is_spooled(),
            bytes_total: upload.bytes(),
            max_rejected_rows: options.max_rejected_rows,
        };
        // From here on an ingestion may need the file, even if this is dropped meanwhile.
        upload.keep();
        let store = &self.inner.store;
        let enqueued = store
            .enqueue(new, options.allow_duplicate, clock::now())
            .await;
        let (ingestion, duplicate) = match enqueued {
            Ok(enqueued) => enqueued,
            Err(error) => {
                if error.is_in_doubt() {
                    tracing::warn!(path = ?upload.place(), "keeping an upload that may be queued");
                    self.inner.arrived.notify_one();
                } else {
                    upload.discard();
                }
                return Err(error.into());
            }
        };
        if duplicate {
            upload.discard();
        } else {
            self.refresh_or_log(ingestion.id).await;
        }
        self.inner.arrived.notify_one();
        // A duplicate may be running; a new one is told as it was put in the queue.
        let live = duplicate.then(|| self.inner.progress.get(ingestion.id));
        let ingestion = live.flatten().unwrap_or(ingestion);
        Ok(Enqueued {
            ingestion,
            duplicate,
        })
    }

    /// Cancels a queued or running ingestion; none of its trips remain.
    pub async fn cancel(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        let before = self.existing(id).await?;
        let counts = FinalCounts::of(&before);
        let Some(cancelled) = self.inner.store.cancel(id, counts, clock::now()).await? else {
            let after = self.refresh(id).await?.unwrap_or(before);
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is already {}",
                after.state.name()
            )));
        };
        let order = self.inner.order.lock().await;
        self.push(&cancelled, order).await;
        // From now on its worker can write nothing more, wherever it is.
        let ingestions = self.clone();
        tokio::spawn(async move { worker::purge(&ingestions, id).await });
        Ok(cancelled.ingestion)
    }

    /// Removes the trips of an ingestion from all answers.
    pub async fn remove(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        // Not what was last heard of it: on another server that may be older than what its client
        // was told.
        let stored = self.stored(id).await?.ok_or(IngestError::NotFound(id))?;
        let before = stored.ingestion;
        if before.state != IngestionState::Succeeded {
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is {}: only a SUCCEEDED ingestion can be removed",
                before.state.name()
            )));
        }
        let store = &self.inner.store;
        let mut histograms = Histograms::new();
        store
            .snapshot()
            .await?
            .patches_of(id, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.points, patch.rest)?)
            })
            .await?;
        let Some(removed) = store.remove(id, &histograms.finish()).await? else {
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is already REMOVED"
            )));
        };
        self.inner.progress.broadcast(&removed.ingestion);
        let ingestions = self.clone();
        tokio::spawn(async move { worker::purge(&ingestions, id).await });
        Ok(removed.ingestion)
    }

    /// The current state of an ingestion; `None` if the id does not exist.
    pub async fn get(&self, id: IngestionId) -> Result<Option<Ingestion>, IngestError> {
        match self.inner.progress.get(id) {
            Some(live) => Ok(Some(live)),
            None => Ok(self.stored(id).await?.map(|record| record.ingestion)),
        }
    }

    /// Up to `first` ingestions of one state or of all, newest first, with ids below `before`.
    pub async fn list(
        &self,
        state: Option<IngestionState>,
        first: u64,
        before: Option<IngestionId>,
    ) -> Result<Page<Ingestion>, IngestError> {
        let mut page = self.inner.store.ingestions(state, first, before).await?;
        for ingestion in &mut page.items {
            if let Some(live) = self.inner.progress.get(ingestion.id)
                && live.state == ingestion.state
            {
                *ingestion = live;
            }
        }
        Ok(page)
    }

    /// Up to `first` stored rejected rows of an ingestion, by line, on lines after `after_line`.
    pub async fn rejected_rows(
        &self,
        id: IngestionId,
        first: u64,
        after_line: Option<u64>,
    ) -> Result<Page<RejectedRow>, IngestError> {
        Ok(self
            .inner
            .store
            .rejected_rows(id, first, after_line)
            .await?)
    }

    /// A stream of an ingestion's current state, its changes and its final state, after which it
    /// ends. `None` if the id does not exist.
    pub async fn watch(
        &self,
        id: IngestionId,
    ) -> Result<Option<BoxStream<'static, Ingestion>>, IngestError> {
        if let Some(changes) = self.inner.progress.watch(id) {
            return Ok(Some(changes));
        }
        let Some(ingestion) = self.refresh(id).await? else {
            return Ok(None);
        };
        // It is live now, unless it has ended.
        Ok(self
            .inner
            .progress
            .watch(id)
            .or_else(|| Some(stream::once(async { ingestion }).boxed())))
    }

    /// Changes of all ingestions from now on.
    #[must_use]
    pub fn updates(&self) -> BoxStream<'static, Ingestion> {
        self.inner.progress.updates()
    }

    async fn existing(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        self.get(id).await?.ok_or(IngestError::NotFound(id))
    }

    async fn stored(&self, id: IngestionId) -> Result<Option<IngestionRecord>, store::Error> {
        self.inner.store.record(id).await
    }

    /// Reads the state of an ingestion and pushes it to its watchers; `None` if the id does not
    /// exist.
    async fn refresh(&self, id: IngestionId) -> Result<Option<Ingestion>, store::Error> {
        let order = self.inner.order.lock().await;
        let Some(record) = self.stored(id).await? else {
            return Ok(None);
        };
        self.push(&record, order).await;
        Ok(Some(record.ingestion))
    }

    /// Pushes a state to the watchers, in order.
    async fn push(&self, record: &IngestionRecord, order: tokio::sync::MutexGuard<'_, ()>) {
        let news = self.inner.progress.push(record.ingestion.clone());
        drop(order);
        if news && record.ingestion.state.is_final() {
            self.interrupt(record.ingestion.id);
            worker::conclude(self, record).await;
        }
    }

    async fn refresh_or_log(&self, id: IngestionId) {
        if let Err(error) = self.refresh(id).await {
            tracing::warn!(id, %error, "cannot read the state of an ingestion");
        }
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

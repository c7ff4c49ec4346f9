//! Ingestion: files wait in a queue, and one worker takes them in order through the pipeline.

mod batch;
mod names;
pub mod parse;
mod pipeline;
mod progress;
mod spool;
mod stop;
mod tally;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::progress::Progress;
pub use self::spool::{Spool, SpoolError, SpooledFile};
use self::stop::{Stop, StopReason};
use crate::model::{
    Failure, Histograms, Ingestion, IngestionId, IngestionState, Page, RejectedRow,
};
use crate::store::{self, Claimed, FinalCounts, NewIngestion, Store};

/// What the sender of a file may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IngestOptions {
    /// Ingest the file even if the same bytes are there already.
    pub allow_duplicate: bool,
    /// Fail when more rows than this can't be read.
    pub max_rejected_rows: Option<u64>,
}

/// A file's place in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    /// The ingestion.
    pub ingestion: Ingestion,
    /// Whether these bytes were there already, and the ingestion is the one that brought them.
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
    /// The program is about to end.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The queue of ingestions, its worker and what is known of them; clones share it.
#[derive(Debug, Clone)]
pub struct Ingestions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    spool: Spool,
    progress: Progress,
    /// Held while an ingestion goes into the queue or leaves it.
    running: Mutex<Option<Running>>,
    arrived: Notify,
    shutdown: CancellationToken,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// The ingestion that the worker is at.
#[derive(Debug)]
struct Running {
    id: IngestionId,
    stop: Arc<Stop>,
}

impl Ingestions {
    /// Takes up the queue where the last run of the program left it, and starts the worker. Only
    /// one program may do so on one database.
    pub async fn start(store: Store, spool: Spool) -> Result<Self, IngestError> {
        let ingestions = Self {
            inner: Arc::new(Inner {
                store,
                spool,
                progress: Progress::new(),
                running: Mutex::new(None),
                arrived: Notify::new(),
                shutdown: CancellationToken::new(),
                worker: Mutex::new(None),
            }),
        };
        ingestions.recover().await?;
        let worker = tokio::spawn(worker::work(ingestions.clone()));
        *ingestions.inner.worker.lock().await = Some(worker);
        Ok(ingestions)
    }

    /// Stops the worker: a running ingestion finishes its batch and goes on at the next start.
    pub async fn stop(&self) {
        self.inner.shutdown.cancel();
        if let Some(running) = &*self.inner.running.lock().await {
            running.stop.ask(StopReason::Shutdown);
        }
        let worker = self.inner.worker.lock().await.take();
        if let Some(worker) = worker
            && let Err(error) = worker.await
        {
            tracing::error!(%error, "the ingestion worker broke down");
        }
    }

    /// The folder of uploads.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    /// Puts a file in the queue. When this returns, the file and its place are on disk.
    pub async fn enqueue(
        &self,
        upload: SpooledFile,
        options: IngestOptions,
    ) -> Result<Enqueued, IngestError> {
        if self.inner.shutdown.is_cancelled() {
            return Err(IngestError::ShuttingDown);
        }
        let new = NewIngestion {
            source: upload.source().to_owned(),
            content_hash: upload.content_hash().to_owned(),
            path: upload.path().to_string_lossy().into_owned(),
            spooled: upload.is_spooled(),
            bytes_total: upload.bytes(),
            max_rejected_rows: options.max_rejected_rows,
        };
        let running = self.inner.running.lock().await;
        let (ingestion, duplicate) = self
            .inner
            .store
            .enqueue(new, options.allow_duplicate, Utc::now())
            .await?;
        if !duplicate {
            upload.enqueued();
            self.inner.progress.push(ingestion.clone());
        }
        drop(running);
        self.inner.arrived.notify_one();
        // A duplicate may be running; a new one is told as it was put in the queue.
        let live = duplicate.then(|| self.inner.progress.get(ingestion.id));
        let ingestion = live.flatten().unwrap_or(ingestion);
        Ok(Enqueued {
            ingestion,
            duplicate,
        })
    }

    /// Stops an ingestion that waits or runs; it leaves no trips.
    pub async fn cancel(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        let running = self.inner.running.lock().await;
        let before = self.existing(id).await?;
        match &*running {
            Some(current) if current.id == id => {
                let changes = self.inner.progress.watch(id);
                current.stop.ask(StopReason::Cancel);
                drop(running);
                if let Some(changes) = changes {
                    changes.for_each(|_| async {}).await;
                }
            }
            _ if before.state.is_final() => return Err(already_ended(&before)),
            _ => {
                let counts = FinalCounts::default();
                let cancelled = IngestionState::Cancelled;
                let ended = self
                    .inner
                    .store
                    .end(id, cancelled, None, counts, Utc::now())
                    .await?;
                worker::conclude(self, id).await?;
                if let Some(claimed) = ended {
                    worker::delete(&claimed).await;
                }
            }
        }
        let after = self.existing(id).await?;
        match after.state {
            IngestionState::Cancelled => Ok(after),
            _ => Err(already_ended(&after)),
        }
    }

    /// Takes the trips of an ingestion out of every answer.
    pub async fn remove(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        let before = self.existing(id).await?;
        if before.state != IngestionState::Succeeded {
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is {}: only one that has SUCCEEDED has trips to remove",
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
        if !store.retire(id, &histograms.finish()).await? {
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is removed already"
            )));
        }
        let after = self.existing(id).await?;
        self.inner.progress.push(after.clone());
        tokio::spawn(worker::purge(store.clone(), id));
        Ok(after)
    }

    /// An ingestion as of now; `None` where there is none of that number.
    pub async fn get(&self, id: IngestionId) -> Result<Option<Ingestion>, IngestError> {
        match self.inner.progress.get(id) {
            Some(live) => Ok(Some(live)),
            None => Ok(self.inner.store.ingestion(id).await?),
        }
    }

    /// Ingestions, newest first, of one state or of all; only numbers below `before`.
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

    /// The rejected rows that were kept of an ingestion, by line; only lines past `after_line`.
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

    /// An ingestion's present state, then its changes, then its final state, then the end.
    /// `None` where there is none of that number.
    pub async fn watch(
        &self,
        id: IngestionId,
    ) -> Result<Option<BoxStream<'static, Ingestion>>, IngestError> {
        // While this is held, an ingestion is either live or in its final state on disk.
        let _running = self.inner.running.lock().await;
        if let Some(changes) = self.inner.progress.watch(id) {
            return Ok(Some(changes));
        }
        let ended = self.inner.store.ingestion(id).await?;
        Ok(ended.map(|ingestion| stream::once(async { ingestion }).boxed()))
    }

    /// Changes of all ingestions from now on.
    #[must_use]
    pub fn updates(&self) -> BoxStream<'static, Ingestion> {
        self.inner.progress.updates()
    }

    async fn existing(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        self.get(id).await?.ok_or(IngestError::NotFound(id))
    }

    /// Clears away what a stop left half done, and fills the queue.
    async fn recover(&self) -> Result<(), IngestError> {
        let Inner {
            store,
            spool,
            progress,
            ..
        } = &*self.inner;
        let mut needed = Vec::new();
        for claimed in store.unfinished().await? {
            let id = claimed.ingestion.id;
            if claimed.ingestion.state == IngestionState::Running {
                let line = claimed.checkpoint.unwrap_or_default().next_line;
                let source = claimed.ingestion.source.as_str();
                tracing::warn!(id, source, line, "ingestion was interrupted, and goes on");
                store.requeue(id).await?;
            }
            if !claimed.spooled && !unchanged(&claimed).await {
                tracing::warn!(id, path = claimed.path, "the file has changed, or is gone");
                let (failure, counts) = (Some(changed()), FinalCounts::default());
                store
                    .end(id, IngestionState::Failed, failure, counts, Utc::now())
                    .await?;
                continue;
            }
            store.rewind(&claimed).await?;
            needed.push(PathBuf::from(&claimed.path));
        }
        for id in store.hidden().await? {
            store.purge(id).await?;
        }
        for claimed in store.unfinished().await? {
            progress.push(claimed.ingestion);
        }
        Ok(spool.sweep(&needed).await.map_err(SpoolError::from)?)
    }
}

/// Whether a file that is read where it lies still holds the bytes that were put in the queue.
async fn unchanged(claimed: &Claimed) -> bool {
    let hash = spool::hash_file(PathBuf::from(&claimed.path)).await;
    hash.is_ok_and(|hash| claimed.ingestion.content_hash == Some(hash))
}

fn changed() -> Failure {
    Failure {
        code: "FILE_CHANGED".to_owned(),
        message: "the ingestion was interrupted, and its file has changed or gone since: ingest \
                  it again"
            .to_owned(),
    }
}

fn already_ended(ingestion: &Ingestion) -> IngestError {
    IngestError::Conflict(format!(
        "ingestion {} is {} already",
        ingestion.id,
        ingestion.state.name()
    ))
}

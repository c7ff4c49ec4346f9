//! What clients do to ingestions: enqueue, cancel, remove.

use super::spool::SpooledFile;
use super::{IngestError, Ingestions, worker};
use crate::clock;
use crate::model::{Histograms, Ingestion, IngestionId, IngestionState, PatchDepth};
use crate::store::{FinalCounts, NewIngestion};

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

impl Ingestions {
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
            path: upload.queued_path(),
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
                    tracing::warn!(path = ?upload.queued_path(), "keeping an upload that may be queued");
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
            .patches_of(id, PatchDepth::Keys, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.bytes)?)
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
}

//! What clients do to ingestions: enqueue, cancel, remove.

use tracing::field::Empty;
use tracing::{Instrument, trace_span};

use super::parse::{FileOptions, Locations};
use super::removal::removal;
use super::spool::SpooledFile;
use super::{IngestError, Ingestions, worker};
use crate::clock;
use crate::model::{Ingestion, IngestionId, IngestionState, TripFormat};
use crate::store::{CannotReplace, FinalCounts, NewIngestion, Queued, Removed};
use crate::telemetry::SPANS;

/// The options of a file's ingestion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct IngestOptions {
    /// Ingest the file even if it is a duplicate.
    pub allow_duplicate: bool,
    /// Fail as soon as more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
    /// The ingestion whose trips leave the answers in the moment in which those of the file appear.
    pub replaces: Option<IngestionId>,
    /// How to read the file.
    pub format: TripFormat,
    /// The locations whose ids the file names.
    pub locations: Option<Locations>,
}

/// The result of enqueuing a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    /// The ingestion.
    pub ingestion: Ingestion,
    /// Whether the file is a duplicate, and `ingestion` is the one that has the same bytes.
    pub duplicate: bool,
    /// Whether it is a duplicate, and `ingestion` was given another format.
    pub format_differs: bool,
}

impl Ingestions {
    /// Enqueues a file. When this returns, the file and its queue entry are on disk.
    pub async fn enqueue(
        &self,
        upload: SpooledFile,
        options: &IngestOptions,
    ) -> Result<Enqueued, IngestError> {
        let mut enqueued = self.enqueue_all(vec![upload], options).await?;
        enqueued
            .pop()
            .unwrap_or_else(|| unreachable!("there is one for each file"))
    }

    /// Enqueues files with the same options in one transaction, which is faster than one by one. When
    /// this returns, the files and their queue entries are on disk. The results are in the order of the
    /// files; an error outside of the list means that none was enqueued.
    pub async fn enqueue_all(
        &self,
        mut uploads: Vec<SpooledFile>,
        options: &IngestOptions,
    ) -> Result<Vec<Result<Enqueued, IngestError>>, IngestError> {
        if self.inner.shutdown.is_cancelled() {
            return Err(IngestError::ShuttingDown);
        }
        for upload in &uploads {
            FileOptions::new(&options.format, upload.source())?;
        }
        let files: Vec<_> = uploads
            .iter()
            .map(|upload| self.new_ingestion(upload, options))
            .collect();
        // From here on ingestions may need the files, even if this is dropped meanwhile.
        uploads.iter_mut().for_each(SpooledFile::keep);
        let span = trace_span!(target: SPANS, "enqueue", "tripgraph.ingestion.id" = Empty);
        let queued = self.inner.store.enqueue(&files, clock::now());
        let queued = match queued.instrument(span.clone()).await {
            Ok(queued) => queued,
            Err(error) if error.is_in_doubt() => {
                for upload in &uploads {
                    tracing::warn!(path = ?upload.queued_path(), "keeping an upload that may be queued");
                }
                self.inner.arrived.notify_one();
                return Err(error.into());
            }
            Err(error) => {
                uploads.iter_mut().for_each(SpooledFile::discard);
                return Err(error.into());
            }
        };
        let mut new = Vec::new();
        for (upload, queued) in uploads.iter_mut().zip(&queued) {
            match queued {
                Queued::New(ingestion) => {
                    // Of several files, the last one.
                    span.record("tripgraph.ingestion.id", ingestion.id);
                    new.push(ingestion.id);
                }
                Queued::Duplicate { .. } | Queued::Refused(_) => upload.discard(),
            }
        }
        self.refresh_or_log(&new).await;
        self.inner.arrived.notify_one();
        let enqueued = queued.into_iter().map(|queued| match queued {
            Queued::New(ingestion) => Ok(Enqueued {
                ingestion: *ingestion,
                duplicate: false,
                format_differs: false,
            }),
            // It may be running.
            Queued::Duplicate {
                ingestion: stored,
                format_differs,
            } => Ok(Enqueued {
                ingestion: self.inner.progress.get(stored.id).unwrap_or(*stored),
                duplicate: true,
                format_differs,
            }),
            Queued::Refused(reason) => Err(reason.into()),
        });
        Ok(enqueued.collect())
    }

    fn new_ingestion(&self, upload: &SpooledFile, options: &IngestOptions) -> NewIngestion {
        NewIngestion {
            source: upload.source().to_owned(),
            content_hash: upload.content_hash().to_owned(),
            spool: self.inner.spool.id().to_owned(),
            path: upload.queued_path(),
            spooled: upload.is_spooled(),
            bytes_total: upload.bytes(),
            max_rejected_rows: options.max_rejected_rows,
            replaces: options.replaces,
            format: options.format.clone(),
            locations: options.locations.clone(),
            allow_duplicate: options.allow_duplicate,
        }
    }

    /// Fails where an ingestion cannot be replaced, whatever the file is that replaces it. What was
    /// replaced already may be so by the same file, sent again.
    pub async fn check_replaces(&self, id: IngestionId) -> Result<(), IngestError> {
        let stored = self.stored(id).await?.ok_or(IngestError::NotFound(id))?;
        match CannotReplace::of_state(id, stored.ingestion.state) {
            Some(reason) if stored.ingestion.state != IngestionState::Removed => Err(reason.into()),
            _ => Ok(()),
        }
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
        self.push(std::slice::from_ref(&cancelled), order).await;
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
        let removed = loop {
            let Some(removal) = removal(store, id).await? else {
                break Removed::NotThere;
            };
            match store.remove(id, &removal).await? {
                // Merged meanwhile, or another ingestion was removed from the same segment.
                Removed::Moved => {}
                removed => break removed,
            }
        };
        let Removed::Done(removed) = removed else {
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is already REMOVED"
            )));
        };
        self.inner.progress.broadcast(&removed.ingestion);
        self.delete_rejected(&removed.ingestion).await;
        let ingestions = self.clone();
        tokio::spawn(async move { worker::purge(&ingestions, id).await });
        Ok(removed.ingestion)
    }

    /// Tells the watchers that an ingestion was replaced, and purges what is left of it.
    pub(super) async fn conclude_replaced(&self, id: IngestionId) {
        match self.stored(id).await {
            Ok(Some(replaced)) => {
                self.inner.progress.broadcast(&replaced.ingestion);
                self.delete_rejected(&replaced.ingestion).await;
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(id, %error, "cannot read the state of an ingestion"),
        }
        let ingestions = self.clone();
        tokio::spawn(async move { worker::purge(&ingestions, id).await });
    }
}

//! Where files go: into the database, or to a running server.

use anyhow::Context;
use futures::future::join_all;
use futures::stream::{BoxStream, StreamExt};

use super::remote::Remote;
use crate::cli::backend::Backend;
use crate::cli::sources::Source;
use crate::ingest::{Enqueued, IngestError, IngestOptions, Spool, SpooledFile};
use crate::model::{Ingestion, IngestionId, Page, RejectedRow};

/// Files that are put in the queue in one transaction, at most,
const FILES_TOGETHER: usize = 64;
/// and the bytes that complete them: a large file does not wait for the next one.
const BYTES_TOGETHER: u64 = 4 << 20;

/// Where files go.
pub(super) enum Target {
    /// Into the database of this program. If a server with the same spool is running, it does the
    /// work.
    Database { backend: Backend, served: bool },
    /// To a server.
    Server(Remote),
}

/// Why a file was not put in a queue.
pub(super) enum SendError {
    /// The file is at fault: the others may be sent.
    OfFile(anyhow::Error),
    /// Any other file would fail, too.
    OfTarget(anyhow::Error),
}

impl Target {
    /// Puts the first of some files in the queue, and those that are put there together with it: in a
    /// database, small files. Returns what came of each.
    pub(super) async fn send(
        &self,
        sources: &[Source],
        options: &IngestOptions,
    ) -> Vec<Result<Enqueued, SendError>> {
        let (backend, served) = match self {
            Self::Server(remote) => {
                let first = sources
                    .iter()
                    .take(1)
                    .map(|first| remote.send(first, options));
                return join_all(first).await;
            }
            Self::Database { backend, served } => (backend, *served),
        };
        let (mut outcomes, mut uploads, mut bytes) = (Vec::new(), Vec::new(), 0);
        for source in sources.iter().take(FILES_TOGETHER) {
            let received = receive(backend.ingestions.spool(), source, served).await;
            let received = received.with_context(|| format!("cannot read {}", source.shown()));
            outcomes.push(received.map(|upload| {
                bytes += upload.bytes();
                uploads.push(upload);
            }));
            if bytes >= BYTES_TOGETHER {
                break;
            }
        }
        let of_target = |error: IngestError| SendError::OfTarget(error.into());
        let enqueued = match backend.ingestions.enqueue_all(uploads, options).await {
            Ok(enqueued) => enqueued,
            Err(error) => return vec![Err(of_target(error))],
        };
        let mut enqueued = enqueued.into_iter();
        let outcomes = outcomes.into_iter().map(|received| {
            received.map_err(SendError::OfFile)?;
            let enqueued = enqueued.next();
            enqueued
                .unwrap_or_else(|| unreachable!("there is one for each file that was received"))
                .map_err(of_target)
        });
        outcomes.collect()
    }

    /// The changes of an ingestion until it has ended.
    pub(super) async fn watch(
        &self,
        id: IngestionId,
    ) -> anyhow::Result<BoxStream<'_, anyhow::Result<Ingestion>>> {
        match self {
            Self::Server(remote) => Ok(remote.watch(id)),
            Self::Database { backend, .. } => {
                let changes = backend.ingestions.watch(id).await?;
                Ok(futures::stream::iter(changes).flatten().map(Ok).boxed())
            }
        }
    }

    /// The first rejected rows of an ingestion.
    pub(super) async fn rejected_rows(
        &self,
        id: IngestionId,
        first: u64,
    ) -> anyhow::Result<Page<RejectedRow>> {
        match self {
            Self::Server(remote) => remote.rejected_rows(id, first).await,
            Self::Database { backend, .. } => {
                Ok(backend.ingestions.rejected_rows(id, first, None).await?)
            }
        }
    }
}

/// Makes a source ready to be ingested: a file where it is, unless a server reads it that may be
/// unable to read the path, and all others in the spool.
async fn receive(spool: &Spool, source: &Source, served: bool) -> anyhow::Result<SpooledFile> {
    if let (Source::File(path), false) = (source, served) {
        return Ok(SpooledFile::in_place(path).await?);
    }
    let bytes = source.open().await?.bytes;
    Ok(spool.receive(&source.name(), bytes, u64::MAX).await?)
}

//! The worker: takes ingestions from the queue, one after the other, in the order of arrival.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;

use super::Ingestions;
use super::pipeline::{self, PipelineError, Run, Stages};
use super::progress::Reporter;
use super::stop::{Stop, StopReason};
use crate::model::{Failure, IngestionId, IngestionState};
use crate::store::{self, Record};

/// The first wait after a fault of the database before the next try, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Works until the program stops.
pub(super) async fn work(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    let mut backoff = BACKOFF.0;
    while !inner.shutdown.is_cancelled() {
        let retry = match inner.store.claim(&inner.worker, Utc::now()).await {
            Ok(Some(record)) => {
                backoff = BACKOFF.0;
                ingest(&ingestions, record).await;
                continue;
            }
            Ok(None) => {
                backoff = BACKOFF.0;
                None
            }
            Err(error) => {
                tracing::error!(%error, "cannot take an ingestion from the queue");
                let wait = backoff;
                backoff = BACKOFF.1.min(backoff * 2);
                Some(wait)
            }
        };
        let retry = async {
            match retry {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = inner.arrived.notified() => {}
            () = inner.shutdown.cancelled() => {}
            () = retry => {}
        }
    }
}

/// Runs one ingestion that was claimed, to whatever end.
async fn ingest(ingestions: &Ingestions, record: Record) {
    let inner = &ingestions.inner;
    let id = record.ingestion.id;
    let stop = Arc::new(Stop::default());
    ingestions.begin(id, Arc::clone(&stop));
    ingestions.refresh_or_log(id).await;
    tracing::info!(id, source = record.ingestion.source, "ingestion runs");

    let path = inner.spool.locate(&record.path);
    let reporter = Reporter::new(
        inner.progress.clone(),
        Arc::clone(&inner.metrics),
        Arc::clone(&inner.pace),
        &inner.store,
        &record.ingestion,
    );
    let Run {
        counts,
        stages,
        outcome,
    } = pipeline::run(&inner.store, &record, path, reporter, stop).await;
    note_stages(id, &stages);
    inner.metrics.work(&stages);
    let claim = record.claim;
    let end = match outcome {
        Ok(()) | Err(PipelineError::Stopped(StopReason::Cancel)) => End::Known,
        Err(PipelineError::Stopped(StopReason::Shutdown)) => {
            tracing::info!(id, "ingestion stops, and goes on later");
            End::Later
        }
        Err(PipelineError::Store(store::Error::NotRunning(_))) => {
            tracing::info!(id, "ingestion was ended, or taken over");
            End::Known
        }
        Err(PipelineError::Store(error)) if error.is_unavailable() => {
            tracing::error!(id, %error, "the database is away; the ingestion goes on when it is back");
            End::Later
        }
        Err(error) => {
            if error.is_internal() {
                tracing::error!(id, %error, "ingestion failed");
            }
            End::Failed(error.failure())
        }
    };
    let failed = matches!(end, End::Failed(_));
    let mut backoff = BACKOFF.0;
    // Nothing else can be done before this is: the database has to know.
    loop {
        let noted = match &end {
            End::Known => Ok(()),
            End::Later => inner.store.requeue(claim).await,
            End::Failed(failure) => {
                let failure = failure.clone();
                inner.store.fail(claim, failure, counts, Utc::now()).await
            }
        };
        let noted = match noted {
            Ok(()) | Err(store::Error::NotRunning(_)) => ingestions.refresh(id).await,
            Err(error) => Err(error),
        };
        let error = match noted {
            Ok(ingestion) => {
                ingestion
                    .filter(|ingestion| ingestion.state.is_final())
                    .inspect(|ended| inner.metrics.end(ended));
                break;
            }
            Err(error) => error,
        };
        tracing::error!(id, %error, "the end of an ingestion could not be noted");
        tokio::select! {
            () = tokio::time::sleep(backoff) => backoff = BACKOFF.1.min(backoff * 2),
            // The next to claim it finds out.
            () = inner.shutdown.cancelled() => break,
        }
    }
    ingestions.finish();
    if failed {
        purge(ingestions, id).await;
    }
}

/// Shows where the time went, so that one sees what limits the machine.
fn note_stages(id: IngestionId, stages: &Stages) {
    let [reading, packing, writing, publishing] = stages
        .by_name()
        .map(|(_, busy)| tracing::field::debug(busy));
    tracing::info!(
        id,
        reading,
        packing,
        writing,
        publishing,
        "stages were at work, the first three at the same time"
    );
}

/// How an ingestion comes out of the pipeline.
enum End {
    /// The database knows.
    Known,
    /// It goes on from its checkpoint.
    Later,
    /// It leaves no trips.
    Failed(Failure),
}

/// Deletes what an ingestion left that is not, or no longer, in the answers.
pub(super) async fn purge(ingestions: &Ingestions, id: IngestionId) {
    if let Err(error) = ingestions.inner.store.purge(id).await {
        // Nobody sees these rows; the next start tries again.
        tracing::error!(id, %error, "cannot delete the trips of an ingestion that has none");
    }
}

/// Notes an ingestion's final state in the log, and deletes its upload.
pub(super) async fn conclude(ingestions: &Ingestions, record: &Record) {
    let ended = &record.ingestion;
    if ended.state == IngestionState::Removed {
        return;
    }
    tracing::info!(
        id = ended.id,
        state = ended.state.name(),
        rows = ended.rows_ingested,
        rejected = ended.rows_rejected,
        rows_per_second = ended.rows_per_second.unwrap_or(0.0).round(),
        "ingestion ended"
    );
    if record.spooled
        && ingestions.inner.spool.holds(&record.spool)
        && let Err(error) = tokio::fs::remove_file(ingestions.inner.spool.locate(&record.path)).await
        // Somebody else who shares the spool may have been faster.
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = record.path, %error, "cannot delete an upload");
    }
}

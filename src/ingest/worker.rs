//! The worker: takes ingestions from the queue, one after the other, in the order of arrival.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;

use super::pipeline::{self, PipelineError};
use super::progress::Reporter;
use super::stop::{Stop, StopReason};
use super::{Ingestions, Running};
use crate::model::{Ingestion, IngestionId, IngestionState};
use crate::store::{self, Claimed, Store};

/// How long the worker waits after a fault of the database before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Works until the program stops.
pub(super) async fn work(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    while !inner.shutdown.is_cancelled() {
        let wait = match claim(&ingestions).await {
            Ok(Some((claimed, stop))) => {
                ingest(&ingestions, claimed, stop).await;
                continue;
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!(%error, "cannot take an ingestion from the queue");
                Some(RETRY_AFTER)
            }
        };
        let retry = async {
            match wait {
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

async fn claim(ingestions: &Ingestions) -> Result<Option<(Claimed, Arc<Stop>)>, store::Error> {
    let inner = &ingestions.inner;
    let mut running = inner.running.lock().await;
    if inner.shutdown.is_cancelled() {
        return Ok(None);
    }
    let Some(claimed) = inner.store.claim(Utc::now()).await? else {
        return Ok(None);
    };
    let stop = Arc::new(Stop::default());
    *running = Some(Running {
        id: claimed.ingestion.id,
        stop: Arc::clone(&stop),
    });
    inner.progress.push(claimed.ingestion.clone());
    Ok(Some((claimed, stop)))
}

async fn ingest(ingestions: &Ingestions, claimed: Claimed, stop: Arc<Stop>) {
    let inner = &ingestions.inner;
    let id = claimed.ingestion.id;
    tracing::info!(id, source = claimed.ingestion.source, "ingestion runs");
    let reporter = Reporter::new(inner.progress.clone(), claimed.ingestion.clone());
    let (counts, outcome) = pipeline::run(&inner.store, &claimed, reporter, stop).await;

    let mut running = inner.running.lock().await;
    let ended = match outcome {
        Ok(()) => Ok(true),
        Err(PipelineError::Stopped(StopReason::Shutdown)) => {
            tracing::info!(id, "ingestion stops; it goes on at the next start");
            inner.store.requeue(id).await.map(|()| false)
        }
        Err(error) => {
            let (state, failure) = match error {
                PipelineError::Stopped(StopReason::Cancel) => (IngestionState::Cancelled, None),
                error => {
                    if error.is_internal() {
                        tracing::error!(id, %error, "ingestion failed");
                    }
                    (IngestionState::Failed, Some(error.failure()))
                }
            };
            inner
                .store
                .end(id, state, failure, counts, Utc::now())
                .await
                .map(|_| true)
        }
    };
    let concluded = match ended {
        Ok(true) => conclude(ingestions, id).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = concluded {
        // The next start finds it RUNNING, and goes on with it.
        tracing::error!(id, %error, "the end of an ingestion could not be noted");
        let failure = PipelineError::Store(error).failure();
        let state = IngestionState::Failed;
        inner.progress.push(Ingestion {
            state,
            failure: Some(failure),
            finished_at: Some(Utc::now()),
            ..claimed.ingestion.clone()
        });
    }
    *running = None;
    drop(running);
    let Some(ended) = inner.store.ingestion(id).await.ok().flatten() else {
        return;
    };
    if ended.state.is_final() {
        delete(&claimed).await;
    }
    if matches!(
        ended.state,
        IngestionState::Failed | IngestionState::Cancelled
    ) {
        purge(inner.store.clone(), id).await;
    }
}

/// Tells everyone the final state of an ingestion that has ended.
pub(super) async fn conclude(ingestions: &Ingestions, id: IngestionId) -> Result<(), store::Error> {
    if let Some(ended) = ingestions.inner.store.ingestion(id).await? {
        let state = ended.state.name();
        let (rows, rejected) = (ended.rows_ingested, ended.rows_rejected);
        let rate = ended.rows_per_second.unwrap_or(0.0).round();
        tracing::info!(
            id,
            state,
            rows,
            rejected,
            rows_per_second = rate,
            "ingestion ended"
        );
        ingestions.inner.progress.push(ended);
    }
    Ok(())
}

/// Deletes what an ingestion left that is not, or no longer, in the answers.
pub(super) async fn purge(store: Store, id: IngestionId) {
    if let Err(error) = store.purge(id).await {
        // Nobody sees these rows; the next start tries again.
        tracing::error!(id, %error, "cannot delete the trips of an ingestion that has none");
    }
}

/// Deletes the upload of an ingestion that has ended.
pub(super) async fn delete(claimed: &Claimed) {
    if claimed.spooled
        && let Err(error) = tokio::fs::remove_file(&claimed.path).await
    {
        tracing::warn!(path = claimed.path, %error, "cannot delete an upload");
    }
}

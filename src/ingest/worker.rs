//! The worker: runs the ingestions of the queue one after the other, in order of arrival.

use std::sync::Arc;
use std::time::Duration;

use super::Ingestions;
use super::pipeline::{self, Member, PipelineError, Run, RunFiles, Stages};
use super::reporter::Reporter;
use super::spans::IngestionSpan;
use super::stop::{Stop, StopReason};
use crate::backoff::Backoff;
use crate::clock;
use crate::model::{Failure, IngestionId, IngestionState};
use crate::store::{self, Claim, FinalCounts, IngestionRecord, Store};

/// Delay before the queue is checked again after a claim whose answer was lost: its ingestion may
/// be locked until the database server ends the session of the lost connection.
const IN_DOUBT: Duration = Duration::from_secs(20);

/// Runs ingestions until the program stops.
pub(super) async fn work(ingestions: Ingestions) {
    let inner = &ingestions.inner;
    let mut backoff = Backoff::default();
    let mut in_doubt = false;
    while !inner.shutdown.is_cancelled() {
        let delay = match inner.store.claim(&inner.worker, clock::now()).await {
            Ok(records) if !records.is_empty() => {
                inner.idle.send_replace(false);
                in_doubt = false;
                let available = match <[IngestionRecord; 1]>::try_from(records) {
                    Ok([record]) => ingest(&ingestions, record).await,
                    Err(records) => ingest_group(&ingestions, records).await,
                };
                if available {
                    backoff.reset();
                    continue;
                }
                // News of work do not cut it short: there is work, but no database.
                backoff.delay()
            }
            Ok(_) => {
                inner.idle.send_replace(true);
                let again = std::mem::take(&mut in_doubt);
                tokio::select! {
                    () = inner.arrived.notified() => {}
                    () = tokio::time::sleep(IN_DOUBT), if again => {}
                    () = inner.shutdown.cancelled() => {}
                }
                continue;
            }
            Err(error) => {
                tracing::error!(%error, "cannot claim an ingestion from the queue");
                in_doubt = true;
                backoff.delay()
            }
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = inner.shutdown.cancelled() => {}
        }
    }
}

fn run_files(ingestions: &Ingestions, record: &IngestionRecord) -> RunFiles {
    let spool = &ingestions.inner.spool;
    RunFiles {
        trips: spool.locate(&record.path),
        rejected: spool.rejected(&record.ingestion),
    }
}

/// Runs one claimed ingestion until it ends or is put back in the queue. Returns whether the database
/// and the disk are available.
async fn ingest(ingestions: &Ingestions, record: IngestionRecord) -> bool {
    let inner = &ingestions.inner;
    let id = record.ingestion.id;
    let stop = Arc::new(Stop::default());
    ingestions.begin(id, Arc::clone(&stop));
    ingestions.refresh_or_log(&[id]).await;
    tracing::info!(id, source = record.ingestion.source, "ingestion started");

    let span = IngestionSpan::begin(&record.ingestion);
    let files = run_files(ingestions, &record);
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
    } = pipeline::run(&inner.store, &record, files, reporter, stop, &span).await;
    span.end(counts, outcome.as_ref().err());
    drop(span);
    note_stages(id, &stages);
    inner.metrics.work(&stages);
    let available = end(ingestions, record.claim, counts, outcome).await;
    ingestions.finish();
    available
}

/// Runs the claimed ingestions of small files together. Returns whether the database and the disk are
/// available.
async fn ingest_group(ingestions: &Ingestions, records: Vec<IngestionRecord>) -> bool {
    let inner = &ingestions.inner;
    let claims: Vec<_> = records.iter().map(|record| record.claim).collect();
    let ids: Vec<_> = claims.iter().map(|claim| claim.ingestion).collect();
    ingestions.refresh_or_log(&ids).await;
    let files = records.into_iter().map(|record| {
        let files = run_files(ingestions, &record);
        (record, files)
    });
    let (files, store) = (files.collect(), &inner.store);
    let mut available = true;
    let span = IngestionSpan::of_group(&ids);
    let run = pipeline::run_group(store, files, &span).await;
    span.fail(run.as_ref().err());
    drop(span);
    match run {
        Ok(members) => {
            for member in &members {
                inner.metrics.advance(FinalCounts::default(), member.counts);
            }
            let (published, others): (Vec<_>, Vec<_>) = members
                .into_iter()
                .partition(|member| member.outcome.is_ok());
            let ids: Vec<_> = published
                .iter()
                .map(|member| member.claim.ingestion)
                .collect();
            announce_end(ingestions, &ids).await;
            for Member {
                claim,
                counts,
                outcome,
            } in others
            {
                available &= end(ingestions, claim, counts, outcome).await;
            }
        }
        Err(error) => {
            tracing::error!(%error, "cannot ingest small files together");
            available = !error.is_unavailable();
            for claim in claims {
                let alone = Err(PipelineError::WriterGone);
                end(ingestions, claim, FinalCounts::default(), alone).await;
            }
        }
    }
    available
}

/// Stores how a run ended. Returns whether the database and the disk are available.
async fn end(
    ingestions: &Ingestions,
    claim: Claim,
    counts: FinalCounts,
    outcome: Result<(), PipelineError>,
) -> bool {
    let (inner, id) = (&ingestions.inner, claim.ingestion);
    let end = match outcome {
        Ok(()) | Err(PipelineError::Stopped(StopReason::Cancel)) => RunOutcome::Known,
        Err(PipelineError::Stopped(StopReason::Shutdown)) => {
            tracing::info!(id, "ingestion stopped, continues later");
            RunOutcome::Later
        }
        Err(PipelineError::WriterGone) => {
            tracing::info!(id, "ingestion is queued again, to run alone");
            RunOutcome::Later
        }
        Err(PipelineError::Store(store::Error::NotRunning(_))) => {
            tracing::info!(id, "ingestion was cancelled or taken over");
            RunOutcome::Known
        }
        Err(error) if error.is_unavailable() => {
            tracing::error!(id, %error, "ingestion is queued again, continues from its checkpoint");
            RunOutcome::Away
        }
        Err(error) => {
            if error.is_internal() {
                tracing::error!(id, %error, "ingestion failed");
            }
            RunOutcome::Failed(error.failure())
        }
    };
    let failed = matches!(end, RunOutcome::Failed(_));
    let mut backoff = Backoff::default();
    // Nothing else can be done before this is: the database has to know.
    loop {
        let noted = match &end {
            RunOutcome::Known => Ok(()),
            RunOutcome::Later | RunOutcome::Away => inner.store.requeue(claim).await,
            RunOutcome::Failed(failure) => {
                let failure = failure.clone();
                inner.store.fail(claim, failure, counts, clock::now()).await
            }
        };
        let error = match noted {
            Ok(()) | Err(store::Error::NotRunning(_)) => break,
            Err(error) => error,
        };
        tracing::error!(id, %error, "cannot store the end of an ingestion");
        tokio::select! {
            () = backoff.wait() => {}
            // The next to claim it finds out.
            () = inner.shutdown.cancelled() => break,
        }
    }
    announce_end(ingestions, &[id]).await;
    if failed {
        purge(ingestions, id).await;
    }
    !matches!(end, RunOutcome::Away)
}

/// Announces the states of ingestions after their runs, which are in the database.
async fn announce_end(ingestions: &Ingestions, ids: &[IngestionId]) {
    let inner = &ingestions.inner;
    let mut backoff = Backoff::default();
    let mut after = loop {
        let error = match ingestions.refresh_all(ids).await {
            Ok(after) => break after,
            Err(error) => error,
        };
        tracing::error!(?ids, %error, "cannot read the states of ingestions");
        tokio::select! {
            () = backoff.wait() => {}
            // Nobody watches any more.
            () = inner.shutdown.cancelled() => return,
        }
    };
    after.retain(|ingestion| ingestion.state.is_final());
    for ended in &after {
        inner.metrics.end(ended);
    }
    after.retain(|ended| ended.state == IngestionState::Succeeded);
    let published: Vec<_> = after.iter().map(|ended| ended.id).collect();
    if !published.is_empty() {
        let store = inner.store.clone();
        inner.tasks.spawn(analyze(store, published));
    }
    for replaced in after.iter().filter_map(|ended| ended.replaces) {
        ingestions.conclude_replaced(replaced).await;
    }
}

/// Logs the busy time of each stage, which shows the bottleneck.
fn note_stages(id: IngestionId, stages: &Stages) {
    let [
        splitting,
        parsing,
        collecting,
        packing_origins,
        packing_destinations,
        writing,
        publishing,
    ] = stages
        .by_name()
        .map(|(_, busy)| tracing::field::debug(busy));
    tracing::info!(
        id,
        splitting,
        parsing,
        parsers = stages.parsers(),
        collecting,
        packing_origins,
        packing_destinations,
        writing,
        publishing,
        "busy time of the stages, all but publishing run concurrently; parsing is the sum of its \
         threads"
    );
}

/// The outcome of a run.
enum RunOutcome {
    /// The outcome is stored already.
    Known,
    /// The ingestion continues from its checkpoint later.
    Later,
    /// The ingestion continues from its checkpoint when the database or the disk is available.
    Away,
    /// The ingestion failed; none of its trips remain.
    Failed(Failure),
}

/// Deletes the hidden rows of an ingestion.
pub(super) async fn purge(ingestions: &Ingestions, id: IngestionId) {
    let inner = &ingestions.inner;
    let mut backoff = Backoff::default();
    while let Err(error) = inner.store.purge(id).await {
        tracing::error!(id, %error, "cannot purge an ingestion");
        // Nobody sees these rows; the next start tries again.
        if !error.is_unavailable() {
            return;
        }
        tokio::select! {
            () = backoff.wait() => {}
            () = inner.shutdown.cancelled() => return,
        }
    }
}

/// Updates the statistics of the database's planner after ingestions.
async fn analyze(store: Store, ids: Vec<IngestionId>) {
    if let Err(error) = store.analyze_after(&ids).await {
        tracing::warn!(?ids, %error, "cannot update the statistics of the tables");
    }
}

/// Logs an ingestion's final state, and deletes its upload.
pub(super) async fn conclude(ingestions: &Ingestions, record: &IngestionRecord) {
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

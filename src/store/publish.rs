//! The moment at which trips appear in the answers, and the end of those that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use entity::ingestion;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, QuerySelect, Set};

use super::claims::{check_claim, check_claims};
use super::commit::{CommitPoint, committed};
use super::locations::delete_locations;
use super::segments::{self, SegmentId};
use super::statement::{column, key, statement};
use super::{
    Claim, Error, FinalCounts, IngestionRecord, Removal, Store, TripSummary, edition, histograms,
    postgres, summaries,
};
use crate::model::{FinishedHistograms, IngestionId, IngestionState};

/// Patches that one transaction deletes: those of a cell may have megabytes.
const PURGED_PATCHES: usize = 512;

/// What an ingestion adds to the answers, beside its trips.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The claim on it.
    pub claim: Claim,
    /// What takes the trips out of the answers that it replaces.
    pub removal: Option<Arc<Removal>>,
    /// Its summaries.
    pub summaries: Vec<TripSummary>,
    /// The counters it ends with.
    pub counts: FinalCounts,
}

/// What came of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The trips are in the answers.
    Done,
    /// Trips to be replaced are not where they were: nothing is done, and it is to be tried again with
    /// removals from another snapshot.
    Moved,
}

impl Store {
    /// Makes the trips of a segment visible, all at once: adds its histograms and the summaries of its
    /// ingestions, and these have succeeded. What they replace leaves the answers in the same moment.
    /// Tells meanwhile which part of that is done, from 0 to less
    /// than 1. Fails with [`Error::NotRunning`] where the claim on one of them does not hold any more.
    pub async fn publish(
        &self,
        segment: SegmentId,
        publications: &[Publication],
        histograms: &FinishedHistograms,
        now: impl Fn() -> DateTime<Utc> + Send + Sync,
        done: impl Fn(f64) + Send + Sync,
    ) -> Result<Published, Error> {
        let (now, done) = (&now, &done);
        self.until_known(|_| self.try_publish(segment, publications, histograms, now, done))
            .await
    }

    async fn try_publish(
        &self,
        segment: SegmentId,
        publications: &[Publication],
        histograms: &FinishedHistograms,
        now: &(impl Fn() -> DateTime<Utc> + Send + Sync),
        done: &(impl Fn(f64) + Send + Sync),
    ) -> Result<Published, Error> {
        let tx = self.publishing().await?;
        let claims: Vec<_> = publications.iter().map(|of_file| of_file.claim).collect();
        let rows = match check_claims(&tx, &claims).await {
            // By nobody but these claims, in an attempt whose answer was lost.
            Err(Error::NotRunning(id)) if are_published(&tx, &claims, id).await? => {
                return Ok(Published::Done);
            }
            rows => rows?,
        };
        segments::check_writable(&tx, segment, self.program()).await?;
        // Before the trips come: so the warnings that these end with are about what stays.
        for (publication, row) in publications.iter().zip(&rows) {
            let removal = publication.removal.as_deref();
            if let Some(replaced) = row.replaces
                && !self.replace_trips(&tx, replaced, removal).await?
            {
                return Ok(Published::Moved);
            }
        }
        let (weekly, flows) = (&histograms.weekly, &histograms.flows);
        // What follows the histograms is a statement more.
        let all = histograms::statements(weekly) + histograms::statements(flows) + 1;
        let written = AtomicUsize::new(0);
        let wrote = || done((written.fetch_add(1, Ordering::Relaxed) + 1) as f64 / all as f64);
        let stored = self.histograms(&tx);
        histograms::add(stored, weekly, &wrote).await?;
        histograms::add(stored, flows, &wrote).await?;
        summaries::insert(&tx, &all_summaries(publications)).await?;
        let ids: Vec<_> = claims.iter().map(|claim| claim.ingestion).collect();
        delete_locations(&tx, ids).await?;
        let mut trips = 0;
        for (publication, row) in publications.iter().zip(rows) {
            let mut row: ingestion::ActiveModel = row.into();
            row.segment_id = Set(Some(segment));
            let (succeeded, counts) = (IngestionState::Succeeded, publication.counts);
            self.finish(&tx, row, succeeded, counts, now()).await?;
            trips += counts.rows_ingested;
        }
        segments::publish(&tx, segment, trips).await?;
        self.count_edition(&tx).await?;
        self.commit(commit_point(publications), tx).await?;
        Ok(Published::Done)
    }

    /// Takes the trips of a replaced ingestion out of the answers, unless that was done already.
    /// Returns whether they are in none now.
    async fn replace_trips(
        &self,
        tx: &DatabaseTransaction,
        replaced: IngestionId,
        removal: Option<&Removal>,
    ) -> Result<bool, Error> {
        let row = ingestion::Entity::find_by_id(replaced)
            .lock_exclusive()
            .one(tx)
            .await?;
        let Some(row) = row.filter(|row| row.state == IngestionState::Succeeded.name()) else {
            return Ok(true);
        };
        let Some(removal) = removal else {
            return Ok(false);
        };
        Ok(self.take_away(tx, row, removal).await?.is_some())
    }

    /// A transaction that changes what is in the answers; there is one at a time.
    pub(super) async fn publishing(&self) -> Result<DatabaseTransaction, Error> {
        let tx = self.write().await?;
        if self.is_shared() {
            postgres::lock_publishing(&tx).await?;
        }
        if self.is_distributed() {
            postgres::plan_lookups(&tx).await?;
            // Histograms that are read before a node has committed would be written without that.
            self.settle(&edition::read(&tx).await?).await?;
        }
        Ok(tx)
    }

    /// The histograms, which a transaction is to change.
    pub(super) fn histograms<'t>(&self, tx: &'t DatabaseTransaction) -> histograms::Stored<'t> {
        let by_place = self.is_distributed();
        histograms::Stored { tx, by_place }
    }

    /// Deletes what earlier runs of an ingestion wrote past its checkpoint.
    pub async fn rewind(&self, record: &IngestionRecord) -> Result<(), Error> {
        let id = record.ingestion.id;
        let checkpoint = record.checkpoint.unwrap_or_default();
        let tx = self.write().await?;
        check_claim(&tx, record.claim).await?;
        for (table, owner, owner_id, column, from) in [
            (
                "rejected_row",
                "ingestion_id",
                Some(id),
                "line",
                checkpoint.next_line,
            ),
            (
                "trip_patch",
                "segment_id",
                record.segment,
                "batch",
                checkpoint.batches.into(),
            ),
        ] {
            let sql = format!("DELETE FROM {table} WHERE {owner} = $1 AND {column} >= $2");
            tx.execute_raw(statement(&tx, &sql, [owner_id.into(), key(from)]))
                .await?;
        }
        committed(CommitPoint::Rewind, tx.commit()).await
    }

    /// Deletes the trips and patches of an ingestion that has none in the answers, and never will,
    /// a few at a time, so that nobody waits long for a writer.
    pub async fn purge(&self, id: IngestionId) -> Result<(), Error> {
        let state = self.record(id).await?.map(|record| record.ingestion.state);
        if matches!(
            state,
            Some(IngestionState::Queued | IngestionState::Running | IngestionState::Succeeded)
        ) {
            return Err(Error::InUse(id));
        }
        self.purge_sql_trips(id).await?;
        self.purge_segments().await?;
        let writer = &self.inner.writer;
        let sql = "UPDATE ingestion SET has_rows = $1, segment_id = NULL WHERE id = $2";
        let purged = writer.execute_raw(statement(writer, sql, [false.into(), id.into()]));
        committed(CommitPoint::Purged, purged).await?;
        Ok(())
    }

    /// Deletes the patches of a segment, some hundred at a time, so that nobody waits long for a writer.
    pub(super) async fn purge_patches(&self, id: SegmentId) -> Result<(), Error> {
        let writer = &self.inner.writer;
        let next = format!(
            "SELECT batch, trip_end, cell FROM trip_patch WHERE segment_id = $1 \
             ORDER BY segment_id, batch, trip_end, cell LIMIT 1 OFFSET {PURGED_PATCHES}"
        );
        loop {
            let next = writer.query_one_raw(statement(writer, &next, [id.into()]));
            let (mut sql, mut values) = (
                "DELETE FROM trip_patch WHERE segment_id = $1".to_owned(),
                vec![id.into()],
            );
            let next = next.await?;
            if let Some(row) = &next {
                sql.push_str(" AND (batch, trip_end, cell) < ($2, $3, $4)");
                values.extend([
                    column::<i32>(row, 0)?.into(),
                    column::<i16>(row, 1)?.into(),
                    column::<i64>(row, 2)?.into(),
                ]);
            }
            let deleted = writer.execute_raw(statement(writer, &sql, values));
            committed(CommitPoint::PurgePatches, deleted).await?;
            if next.is_none() {
                return Ok(());
            }
        }
    }
}

/// The summaries of several ingestions.
fn all_summaries(publications: &[Publication]) -> Vec<(IngestionId, &TripSummary)> {
    let mut all = Vec::new();
    for Publication {
        claim, summaries, ..
    } in publications
    {
        all.extend(summaries.iter().map(|summary| (claim.ingestion, summary)));
    }
    all
}

fn commit_point(publications: &[Publication]) -> CommitPoint {
    if publications
        .iter()
        .any(|publication| publication.removal.is_some())
    {
        CommitPoint::PublishReplacement
    } else if publications.len() > 1 {
        CommitPoint::PublishGroup
    } else {
        CommitPoint::Publish
    }
}

/// Whether it was the claim on an ingestion, one of several, that made its trips visible.
async fn are_published(
    tx: &DatabaseTransaction,
    claims: &[Claim],
    id: IngestionId,
) -> Result<bool, Error> {
    let row = ingestion::Entity::find_by_id(id).one(tx).await?;
    let succeeded = IngestionState::Succeeded.name();
    let is_by = |row: &ingestion::Model| {
        let by = |claim: &Claim| claim.ingestion == id && claim.number == row.claims;
        row.state == succeeded && claims.iter().any(by)
    };
    Ok(row.as_ref().is_some_and(is_by))
}

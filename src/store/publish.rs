//! The moments at which trips appear in the answers, and leave them.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use entity::{ingestion, trip_summary};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QuerySelect, Set,
};

use super::changes::{Message, notify};
use super::claims::check_claim;
use super::ingestions::ingestion_record;
use super::outcome::Attempt;
use super::snapshot::{column, key, statement};
use super::{Claim, Error, FinalCounts, IngestionRecord, Store, TripSummary, histograms, postgres};
use crate::model::{FinishedHistograms, IngestionId, IngestionState};

impl Store {
    /// Makes the trips of an ingestion visible, all at once: adds its histograms and summaries,
    /// and it has succeeded. Tells meanwhile which part of that is done, from 0 to less than 1.
    pub async fn publish(
        &self,
        claim: Claim,
        histograms: &FinishedHistograms,
        summaries: &[TripSummary],
        counts: FinalCounts,
        now: impl Fn() -> DateTime<Utc> + Send + Sync,
        done: impl Fn(f64) + Send + Sync,
    ) -> Result<(), Error> {
        let (now, done) = (&now, &done);
        self.until_known(|_| self.try_publish(claim, histograms, summaries, counts, now, done))
            .await
    }

    async fn try_publish(
        &self,
        claim: Claim,
        histograms: &FinishedHistograms,
        summaries: &[TripSummary],
        counts: FinalCounts,
        now: &(impl Fn() -> DateTime<Utc> + Send + Sync),
        done: &(impl Fn(f64) + Send + Sync),
    ) -> Result<(), Error> {
        let tx = self.publishing().await?;
        let row = match check_claim(&tx, claim).await {
            // By nobody but this claim, in an attempt whose answer was lost.
            Err(Error::NotRunning(_)) if is_published(&tx, claim).await? => return Ok(()),
            row => row?,
        };
        let (weekly, flows) = (&histograms.weekly, &histograms.flows);
        // What follows the histograms is a statement more.
        let all = histograms::statements(weekly) + histograms::statements(flows) + 1;
        let written = AtomicUsize::new(0);
        let wrote = || done((written.fetch_add(1, Ordering::Relaxed) + 1) as f64 / all as f64);
        histograms::add(&tx, weekly, &wrote).await?;
        histograms::add(&tx, flows, &wrote).await?;
        insert_summaries(&tx, claim.ingestion, summaries).await?;
        count_edition(&tx).await?;
        let succeeded = IngestionState::Succeeded;
        self.finish(&tx, row.into(), succeeded, counts, now())
            .await?;
        self.commit(tx).await
    }

    /// Takes the trips of an ingestion out of every answer, all at once. Its rows are purged
    /// afterwards. `None` where it is not among the answers.
    pub async fn remove(
        &self,
        id: IngestionId,
        histograms: &FinishedHistograms,
    ) -> Result<Option<IngestionRecord>, Error> {
        self.until_known(|attempt| self.try_remove(id, histograms, attempt))
            .await
    }

    async fn try_remove(
        &self,
        id: IngestionId,
        histograms: &FinishedHistograms,
        attempt: Attempt,
    ) -> Result<Option<IngestionRecord>, Error> {
        let tx = self.publishing().await?;
        let row = ingestion::Entity::find_by_id(id)
            .lock_exclusive()
            .one(&tx)
            .await?;
        let removed = IngestionState::Removed.name();
        if attempt == Attempt::Again
            && let Some(done) = row.as_ref().filter(|row| row.state == removed)
        {
            return ingestion_record(done.clone()).map(Some);
        }
        let Some(row) = row.filter(|row| row.state == IngestionState::Succeeded.name()) else {
            return Ok(None);
        };
        histograms::subtract(&tx, &histograms.weekly).await?;
        histograms::subtract(&tx, &histograms.flows).await?;
        delete_summaries(&tx, id).await?;
        count_edition(&tx).await?;
        let mut row: ingestion::ActiveModel = row.into();
        row.state = Set(removed.to_owned());
        let row = row.update(&tx).await?;
        notify(&tx, &Message::state(self.program(), id)).await?;
        self.commit(tx).await?;
        ingestion_record(row).map(Some)
    }

    /// A transaction that changes what is in the answers; there is one at a time.
    async fn publishing(&self) -> Result<DatabaseTransaction, Error> {
        let tx = self.write().await?;
        if self.is_shared() {
            postgres::lock_publishing(&tx).await?;
        }
        Ok(tx)
    }

    /// Deletes what earlier runs of an ingestion wrote past its checkpoint.
    pub async fn rewind(&self, record: &IngestionRecord) -> Result<(), Error> {
        let id = record.ingestion.id;
        let checkpoint = record.checkpoint.unwrap_or_default();
        let tx = self.write().await?;
        check_claim(&tx, record.claim).await?;
        for (table, column, from) in [
            ("rejected_row", "line", checkpoint.next_line),
            ("trip_patch", "batch", checkpoint.batches.into()),
        ] {
            let sql = format!("DELETE FROM {table} WHERE ingestion_id = $1 AND {column} >= $2");
            tx.execute_raw(statement(&tx, &sql, [id.into(), key(from)]))
                .await?;
        }
        Ok(tx.commit().await?)
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
        self.purge_table(id, "trip_patch", "batch", 1).await?;
        let writer = &self.inner.writer;
        let sql = "UPDATE ingestion SET has_rows = $1 WHERE id = $2";
        writer
            .execute_raw(statement(writer, sql, [false.into(), id.into()]))
            .await?;
        Ok(())
    }

    /// Deletes the rows of an ingestion, in steps of a column that numbers them.
    async fn purge_table(
        &self,
        id: IngestionId,
        table: &str,
        number: &str,
        step: i64,
    ) -> Result<(), Error> {
        let writer = &self.inner.writer;
        let range = format!(
            "SELECT CAST(MIN({number}) AS BIGINT), CAST(MAX({number}) AS BIGINT) FROM {table} \
             WHERE ingestion_id = $1"
        );
        let range = writer
            .query_one_raw(statement(writer, &range, [id.into()]))
            .await?;
        let Some(range) = range else { return Ok(()) };
        let (Some(mut from), Some(last)) = (
            column::<Option<i64>>(&range, 0)?,
            column::<Option<i64>>(&range, 1)?,
        ) else {
            return Ok(());
        };
        let delete = format!(
            "DELETE FROM {table} WHERE ingestion_id = $1 AND {number} >= $2 AND {number} < $3"
        );
        while from <= last {
            let values = [id.into(), from.into(), (from + step).into()];
            writer
                .execute_raw(statement(writer, &delete, values))
                .await?;
            from += step;
        }
        Ok(())
    }
}

/// Whether it was this claim that made the trips of its ingestion visible.
async fn is_published(tx: &DatabaseTransaction, claim: Claim) -> Result<bool, Error> {
    let row = ingestion::Entity::find_by_id(claim.ingestion)
        .one(tx)
        .await?;
    let succeeded = IngestionState::Succeeded.name();
    Ok(row.is_some_and(|row| row.claims == claim.number && row.state == succeeded))
}

/// What is in the answers changes.
async fn count_edition(tx: &DatabaseTransaction) -> Result<(), Error> {
    tx.execute_unprepared("UPDATE edition SET number = number + 1")
        .await?;
    Ok(())
}

async fn insert_summaries(
    tx: &DatabaseTransaction,
    id: IngestionId,
    summaries: &[TripSummary],
) -> Result<(), Error> {
    for chunk in summaries.chunks(1_000) {
        let rows = chunk.iter().map(|summary| trip_summary::ActiveModel {
            ingestion_id: Set(id),
            region_id: Set(summary.region.cast_signed()),
            datasource_id: Set(summary.datasource.cast_signed()),
            trips: Set(summary.trips.cast_signed()),
            first_departed_at: Set(summary.first_departed_at),
            last_departed_at: Set(summary.last_departed_at),
            departures: Set(summary.departures.cast_signed()),
        });
        trip_summary::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

async fn delete_summaries(tx: &DatabaseTransaction, id: IngestionId) -> Result<(), Error> {
    let sql = "DELETE FROM trip_summary WHERE ingestion_id = $1";
    tx.execute_raw(statement(tx, sql, [id.into()])).await?;
    Ok(())
}

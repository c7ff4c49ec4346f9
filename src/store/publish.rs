//! The moments at which trips appear in the answers, and leave them.

use chrono::{DateTime, Utc};
use entity::{ingestion, trip_summary};
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, Set};

use super::ingestions::finish;
use super::snapshot::{key, statement};
use super::{Claimed, Error, FinalCounts, Store, TripSummary, histograms};
use crate::model::{FinishedHistograms, IngestionId, IngestionState};

/// Lines of a file whose trips are purged in one transaction.
const PURGE_LINES: i64 = 100_000;

impl Store {
    /// Makes the trips of an ingestion visible, all at once: adds its histograms and summaries,
    /// and it has succeeded.
    pub async fn publish(
        &self,
        id: IngestionId,
        histograms: &FinishedHistograms,
        summaries: &[TripSummary],
        counts: FinalCounts,
        now: impl FnOnce() -> DateTime<Utc> + Send,
    ) -> Result<(), Error> {
        let tx = self.write().await?;
        let row = in_state(&tx, id, IngestionState::Running).await?;
        histograms::add(&tx, &histograms.weekly).await?;
        histograms::add(&tx, &histograms.flows).await?;
        insert_summaries(&tx, id, summaries).await?;
        finish(row.into(), IngestionState::Succeeded, counts, now(), &tx).await?;
        Ok(tx.commit().await?)
    }

    /// Takes the trips of an ingestion out of every answer, all at once. Its rows are purged
    /// afterwards. `false` where it is not among the answers.
    pub async fn retire(
        &self,
        id: IngestionId,
        histograms: &FinishedHistograms,
    ) -> Result<bool, Error> {
        let tx = self.write().await?;
        let row = match in_state(&tx, id, IngestionState::Succeeded).await {
            Ok(row) => row,
            Err(Error::NotRunning(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        histograms::subtract(&tx, &histograms.weekly).await?;
        histograms::subtract(&tx, &histograms.flows).await?;
        delete_summaries(&tx, id).await?;
        let mut row: ingestion::ActiveModel = row.into();
        row.state = Set(IngestionState::Removed.name().to_owned());
        ingestion::Entity::update(row).exec(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes what a run that broke off wrote past its checkpoint.
    pub async fn rewind(&self, claimed: &Claimed) -> Result<(), Error> {
        let id = claimed.ingestion.id;
        let checkpoint = claimed.checkpoint.unwrap_or_default();
        let tx = self.write().await?;
        in_state(&tx, id, IngestionState::Queued).await?;
        for (table, column, from) in [
            ("trip", "line", checkpoint.next_line),
            ("rejected_row", "line", checkpoint.next_line),
            ("trip_patch", "batch", checkpoint.batches.into()),
        ] {
            let sql = format!("DELETE FROM {table} WHERE ingestion_id = ? AND {column} >= ?");
            tx.execute_raw(statement(&tx, &sql, [id.into(), key(from)]))
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Deletes the trips and patches of an ingestion that has none in the answers, and never will,
    /// a few at a time, so that nobody waits long for the one writer.
    pub async fn purge(&self, id: IngestionId) -> Result<(), Error> {
        let writer = &self.inner.writer;
        let state = self.ingestion(id).await?.map(|ingestion| ingestion.state);
        if matches!(
            state,
            Some(IngestionState::Queued | IngestionState::Running | IngestionState::Succeeded)
        ) {
            return Err(Error::InUse(id));
        }
        let trips = "DELETE FROM trip WHERE ingestion_id = ? AND line < ? + \
                     (SELECT MIN(line) FROM trip WHERE ingestion_id = ?)";
        let trips = statement(writer, trips, [id.into(), PURGE_LINES.into(), id.into()]);
        let patches = "DELETE FROM trip_patch WHERE ingestion_id = ? AND batch = \
                       (SELECT MIN(batch) FROM trip_patch WHERE ingestion_id = ?)";
        let patches = statement(writer, patches, [id.into(), id.into()]);
        for delete in [trips, patches] {
            while writer.execute_raw(delete.clone()).await?.rows_affected() > 0 {}
        }
        let sql = "UPDATE ingestion SET has_rows = ? WHERE id = ?";
        writer
            .execute_raw(statement(writer, sql, [false.into(), id.into()]))
            .await?;
        Ok(())
    }
}

async fn in_state(
    tx: &DatabaseTransaction,
    id: IngestionId,
    state: IngestionState,
) -> Result<ingestion::Model, Error> {
    let row = ingestion::Entity::find_by_id(id).one(tx).await?;
    row.filter(|row| row.state == state.name())
        .ok_or(Error::NotRunning(id))
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
        });
        trip_summary::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

async fn delete_summaries(tx: &DatabaseTransaction, id: IngestionId) -> Result<(), Error> {
    let sql = "DELETE FROM trip_summary WHERE ingestion_id = ?";
    tx.execute_raw(statement(tx, sql, [id.into()])).await?;
    Ok(())
}

//! Claims: which worker has an ingestion, and how it ends.

use chrono::{DateTime, Utc};
use entity::ingestion;
use sea_orm::sea_query::{ExprTrait, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Set, TryIntoModel,
};

use super::changes::{Message, notify};
use super::ingestions::{ingestion_record, without_zeros};
use super::outcome::Attempt;
use super::{Error, FinalCounts, IngestionRecord, Store, Worker, warnings};
use crate::model::{Failure, IngestionId, IngestionState};

/// A worker's right to an ingestion, until the next claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The ingestion.
    pub ingestion: IngestionId,
    /// Counts the claims on it, from 1.
    pub number: i32,
}

impl Store {
    /// Claims the ingestion that waits longest, or whose worker is gone, among those whose file
    /// the worker can read; `None` when there is none. Nobody else can claim it then. A worker has
    /// none when it claims, so one that runs in its own name is its to go on with: the answer to
    /// that claim was lost.
    pub async fn claim(
        &self,
        worker: &Worker,
        now: DateTime<Utc>,
    ) -> Result<Option<IngestionRecord>, Error> {
        if !worker.serves && self.is_served(&worker.spool).await? {
            return Ok(None);
        }
        let tx = self.write().await?;
        let waits = ingestion::Column::State.eq(IngestionState::Queued.name());
        let orphaned = ingestion::Column::State
            .eq(IngestionState::Running.name())
            .and(
                ingestion::Column::WorkerId
                    .is_null()
                    .or(ingestion::Column::WorkerId.eq(self.program())),
            );
        let next = ingestion::Entity::find()
            .filter(waits.or(orphaned))
            .filter(ingestion::Column::Spool.is_in([worker.spool.as_str(), ""]))
            .order_by_asc(ingestion::Column::Id)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .one(&tx)
            .await?;
        let Some(next) = next else { return Ok(None) };
        self.register(&tx, worker).await?;
        let claims = next.claims + 1;
        let mut row: ingestion::ActiveModel = next.into();
        row.state = Set(IngestionState::Running.name().to_owned());
        row.worker_id = Set(Some(self.program().to_owned()));
        row.claims = Set(claims);
        row.has_rows = Set(true);
        row.started_at = Set(Some(now));
        let row = row.update(&tx).await?;
        notify(&tx, &Message::state(self.program(), row.id)).await?;
        tx.commit().await?;
        ingestion_record(row).map(Some)
    }

    /// Cancels an ingestion that waits or runs, wherever that is: its worker's claim ends, and it
    /// leaves no trips. `None` where it does neither.
    pub async fn cancel(
        &self,
        id: IngestionId,
        counts: FinalCounts,
        now: DateTime<Utc>,
    ) -> Result<Option<IngestionRecord>, Error> {
        self.until_known(|attempt| self.try_cancel(id, counts, now, attempt))
            .await
    }

    async fn try_cancel(
        &self,
        id: IngestionId,
        counts: FinalCounts,
        now: DateTime<Utc>,
        attempt: Attempt,
    ) -> Result<Option<IngestionRecord>, Error> {
        let tx = self.write().await?;
        let row = ingestion::Entity::find_by_id(id)
            .lock_exclusive()
            .one(&tx)
            .await?;
        let cancelled = IngestionState::Cancelled;
        if attempt == Attempt::Again
            && let Some(done) = row.as_ref().filter(|row| row.state == cancelled.name())
        {
            return ingestion_record(done.clone()).map(Some);
        }
        let unfinished =
            [IngestionState::Queued, IngestionState::Running].map(IngestionState::name);
        let Some(row) = row.filter(|row| unfinished.contains(&&*row.state)) else {
            return Ok(None);
        };
        let row = self.finish(&tx, row.into(), cancelled, counts, now).await?;
        self.commit(tx).await?;
        ingestion_record(row).map(Some)
    }

    /// Ends an ingestion that failed, without any trips.
    pub async fn fail(
        &self,
        claim: Claim,
        failure: Failure,
        counts: FinalCounts,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let tx = self.write().await?;
        let mut row: ingestion::ActiveModel = check_claim(&tx, claim).await?.into();
        row.error_code = Set(Some(failure.code));
        row.error_message = Set(Some(without_zeros(&failure.message)));
        self.finish(&tx, row, IngestionState::Failed, counts, now)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Writes a final state into an ingestion's row.
    pub(super) async fn finish(
        &self,
        tx: &DatabaseTransaction,
        mut row: ingestion::ActiveModel,
        state: IngestionState,
        counts: FinalCounts,
        now: DateTime<Utc>,
    ) -> Result<ingestion::Model, Error> {
        let before = row.clone().try_into_model()?;
        row.warnings = Set(warnings::at_end(tx, &before, state).await?);
        row.state = Set(state.name().to_owned());
        row.worker_id = Set(None);
        row.bytes_read = Set(counts.bytes_read.cast_signed());
        row.rows_read = Set(counts.rows_read.cast_signed());
        row.rows_ingested = Set(counts.rows_ingested.cast_signed());
        row.rows_rejected = Set(counts.rows_rejected.cast_signed());
        row.finished_at = Set(Some(now));
        let row = row.update(tx).await?;
        notify(tx, &Message::state(self.program(), row.id)).await?;
        Ok(row)
    }

    /// Gives a claim up: the ingestion waits again, to go on from its checkpoint. Nothing where
    /// the claim does not hold any more.
    pub async fn requeue(&self, claim: Claim) -> Result<(), Error> {
        let tx = self.write().await?;
        let mut row: ingestion::ActiveModel = match check_claim(&tx, claim).await {
            Ok(row) => row.into(),
            Err(Error::NotRunning(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        row.state = Set(IngestionState::Queued.name().to_owned());
        row.worker_id = Set(None);
        row.update(&tx).await?;
        notify(&tx, &Message::state(self.program(), claim.ingestion)).await?;
        Ok(tx.commit().await?)
    }
}

/// The row of an ingestion that runs by a claim, which nobody else can end meanwhile.
pub(super) async fn check_claim(
    tx: &DatabaseTransaction,
    claim: Claim,
) -> Result<ingestion::Model, Error> {
    let row = ingestion::Entity::find_by_id(claim.ingestion)
        .lock_exclusive()
        .one(tx)
        .await?;
    row.filter(|row| row.claims == claim.number && row.state == IngestionState::Running.name())
        .ok_or(Error::NotRunning(claim.ingestion))
}

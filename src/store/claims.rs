//! Claims: which worker has an ingestion, and how it ends.
//!
//! `tests/models/` checks these transactions in every order; change both together.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::ingestion;
use sea_orm::sea_query::{ExprTrait, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Set, TryIntoModel,
};

use super::changes::{Message, notify};
use super::commit::{CommitPoint, committed};
use super::ingestion_record::ingestion_record;
use super::ingestions::without_zeros;
use super::locations::delete_locations;
use super::outcome::Attempt;
use super::{Error, FinalCounts, IngestionRecord, Store, Worker, segments, warnings};
use crate::model::{Failure, IngestionId, IngestionState};

/// Bytes of a small file, at most.
const SMALL_BYTES: i64 = 256 << 10;
/// Small files that are ingested together, at most,
const GROUP_FILES: u64 = 256;
/// and their bytes.
const GROUP_BYTES: i64 = 4 << 20;

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
    /// the worker can read; none when there is none. Where its file is small, and was not claimed
    /// before, those of the small files behind it are claimed with it, to be ingested together. Nobody
    /// else can claim them then. A worker has none when it claims, so one that runs in its own name is
    /// its to go on with: the answer to that claim was lost.
    pub async fn claim(
        &self,
        worker: &Worker,
        now: DateTime<Utc>,
    ) -> Result<Vec<IngestionRecord>, Error> {
        if !worker.serves && self.is_served(&worker.spool).await? {
            return Ok(Vec::new());
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
        let Some(next) = next else {
            return Ok(Vec::new());
        };
        self.register(&tx, worker).await?;
        let mut claimed = vec![next];
        if is_small(&claimed[0]) {
            let behind = ingestion::Entity::find()
                .filter(ingestion::Column::State.eq(IngestionState::Queued.name()))
                .filter(ingestion::Column::Spool.is_in([worker.spool.as_str(), ""]))
                .filter(ingestion::Column::Id.gt(claimed[0].id))
                .order_by_asc(ingestion::Column::Id)
                .limit(GROUP_FILES - 1)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .all(&tx)
                .await?;
            let mut bytes = claimed[0].bytes_total;
            claimed.extend(behind.into_iter().take_while(|row| {
                bytes += row.bytes_total;
                is_small(row) && bytes <= GROUP_BYTES
            }));
        }
        let alone = claimed.len() == 1;
        let mut records = Vec::with_capacity(claimed.len());
        for next in claimed {
            let (claims, segment) = (next.claims + 1, next.segment_id);
            let mut row: ingestion::ActiveModel = next.into();
            row.state = Set(IngestionState::Running.name().to_owned());
            row.worker_id = Set(Some(self.program().to_owned()));
            row.claims = Set(claims);
            row.has_rows = Set(true);
            // Those of a group get theirs together, when they are published.
            if alone && segment.is_none() {
                row.segment_id = Set(Some(segments::insert(&tx, segments::WRITING, None).await?));
            }
            row.started_at = Set(Some(now));
            let row = row.update(&tx).await?;
            notify(&tx, &Message::state(self.program(), row.id)).await?;
            records.push(ingestion_record(row)?);
        }
        committed(CommitPoint::Claim, tx.commit()).await?;
        Ok(records)
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
        delete_locations(&tx, [id]).await?;
        let row = self.finish(&tx, row.into(), cancelled, counts, now).await?;
        self.commit(CommitPoint::Cancel, tx).await?;
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
        delete_locations(&tx, [claim.ingestion]).await?;
        self.finish(&tx, row, IngestionState::Failed, counts, now)
            .await?;
        committed(CommitPoint::Fail, tx.commit()).await
    }

    /// Writes a final state into an ingestion's row. Its locations are deleted beside.
    pub(super) async fn finish(
        &self,
        tx: &DatabaseTransaction,
        mut row: ingestion::ActiveModel,
        state: IngestionState,
        counts: FinalCounts,
        now: DateTime<Utc>,
    ) -> Result<ingestion::Model, Error> {
        let before = row.clone().try_into_model()?;
        if state != IngestionState::Succeeded
            && let Some(segment) = before.segment_id
        {
            segments::retire(tx, segment).await?;
        }
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
        committed(CommitPoint::Requeue, tx.commit()).await
    }
}

/// Whether a file is ingested together with others: it is small, was not claimed before, and
/// replaces none.
fn is_small(row: &ingestion::Model) -> bool {
    row.bytes_total <= SMALL_BYTES && row.claims == 0 && row.replaces.is_none()
}

/// The row of an ingestion that runs by a claim, which nobody else can end meanwhile.
pub(super) async fn check_claim(
    tx: &DatabaseTransaction,
    claim: Claim,
) -> Result<ingestion::Model, Error> {
    check_claims(tx, &[claim])
        .await?
        .pop()
        .ok_or(Error::NotRunning(claim.ingestion))
}

/// The rows of ingestions that run by claims, in the order of these. Fails with the first that does
/// not.
pub(super) async fn check_claims(
    tx: &DatabaseTransaction,
    claims: &[Claim],
) -> Result<Vec<ingestion::Model>, Error> {
    let rows = ingestion::Entity::find()
        .filter(ingestion::Column::Id.is_in(claims.iter().map(|claim| claim.ingestion)))
        .order_by_asc(ingestion::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let held = claims.iter().map(|claim| {
        rows.remove(&claim.ingestion)
            .filter(|row| row.claims == claim.number && row.state == IngestionState::Running.name())
            .ok_or(Error::NotRunning(claim.ingestion))
    });
    held.collect()
}

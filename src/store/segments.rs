//! Segments: where trips lie. An ingestion writes a segment of its own, and those of small ingestions
//! are merged, so that a question need not look into thousands of them.
//!
//! | state | written by | seen |
//! |---|---|---|
//! | `WRITING` | the ingestion that has it | no |
//! | `MERGING` | the program that merges others, or packs several ingestions, into it | no |
//! | `LIVE` | nobody; removals take trips out of it, and its rows are joined (`joins.rs`) | yes |
//! | `RETIRED` | nobody; it is purged | no |
//!
//! Histograms count the trips of all live segments. A merge changes them only where it packs the trips
//! of a place in smaller cells, because more of them have come together.
//!
//! `tests/models/` checks these transactions in every order; change both together.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, NotSet,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};

use entity::segment;

use super::commit::{CommitPoint, committed};
use super::statement::statement;
use super::{Claim, Error, Store, Worker, histograms};
use crate::model::FinishedHistograms;

/// Number of a segment, from 1.
pub type SegmentId = i64;

pub(super) const WRITING: &str = "WRITING";
const MERGING: &str = "MERGING";
pub(super) const LIVE: &str = "LIVE";
pub(super) const RETIRED: &str = "RETIRED";

/// The right to write trips into a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentClaim {
    /// The segment.
    pub segment: SegmentId,
    /// Who writes it.
    pub by: SegmentWriter,
}

/// Who writes a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegmentWriter {
    /// An ingestion, as long as its claim holds.
    Ingestion(Claim),
    /// This program, which merges others into it.
    Merge,
}

/// A segment whose trips are in the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSegment {
    /// Its number.
    pub id: SegmentId,
    /// Number of its trips.
    pub trips: u64,
    /// Incremented when its patches change: by removals and joins.
    pub revision: i32,
    /// Whether its rows for SQL are all written; those of others are not begun.
    pub sql_complete: bool,
}

/// A merge whose patches are all written.
#[derive(Debug)]
pub struct Merge {
    /// The segment that they are in.
    pub target: SegmentId,
    /// The segments whose trips it has.
    pub sources: Vec<LiveSegment>,
    /// What the patches of the sources add to the histograms.
    pub before: FinishedHistograms,
    /// What its own patches do.
    pub after: FinishedHistograms,
}

/// Segments that this program has given up. Those that are not retired in the database yet would look as
/// if they were still written.
#[derive(Debug, Default)]
pub(super) struct Abandoned(Mutex<BTreeSet<SegmentId>>);

impl Abandoned {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<SegmentId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// The live segments that can be merged and whose number of trips is in a range, the smallest first. A
    /// segment whose rows for SQL are being written is left out until they are complete.
    pub async fn mergeable(&self, trips: RangeInclusive<u64>) -> Result<Vec<LiveSegment>, Error> {
        let number = |trips: &u64| i64::try_from(*trips).unwrap_or(i64::MAX);
        let rows = segment::Entity::find()
            .filter(segment::Column::State.eq(LIVE))
            .filter(segment::Column::Trips.between(number(trips.start()), number(trips.end())))
            .filter(sql_rows_are_all_or_none())
            .order_by_asc(segment::Column::Trips)
            .order_by_asc(segment::Column::Id)
            .all(&self.inner.reader)
            .await?;
        Ok(rows.iter().map(live).collect())
    }

    /// Number of live segments.
    pub async fn live_segments(&self) -> Result<u64, Error> {
        Ok(segment::Entity::find()
            .filter(segment::Column::State.eq(LIVE))
            .count(&self.inner.reader)
            .await?)
    }

    /// A new segment for this program to pack several ingestions into.
    pub async fn begin_group(&self) -> Result<SegmentId, Error> {
        let tx = self.write().await?;
        self.begin(CommitPoint::BeginGroup, tx).await
    }

    /// A new segment for this program to merge others into; `None` while another program merges.
    pub async fn begin_merge(&self, worker: &Worker) -> Result<Option<SegmentId>, Error> {
        let tx = self.publishing().await?;
        let others = segment::Entity::find()
            .filter(segment::Column::State.eq(MERGING))
            .filter(segment::Column::WorkerId.is_not_null())
            .filter(segment::Column::WorkerId.ne(self.program()))
            .count(&tx)
            .await?;
        if others > 0 {
            return Ok(None);
        }
        self.register(&tx, worker).await?;
        self.begin(CommitPoint::BeginMerge, tx).await.map(Some)
    }

    async fn begin(&self, point: CommitPoint, tx: DatabaseTransaction) -> Result<SegmentId, Error> {
        let id = insert(&tx, MERGING, Some(self.program())).await?;
        let begun = committed(point, tx.commit()).await;
        if self.is_shared() && begun.is_err() {
            // It may be there all the same, and then keeps other programs from merging.
            self.inner.abandoned.lock().insert(id);
        }
        begun.map(|()| id)
    }

    /// Puts a merged segment in the place of its sources, in one moment: no answer changes. Returns
    /// whether it did: not where a source was merged by another program or lost trips meanwhile, or
    /// its rows for SQL were begun. The merged segment is to be purged then.
    pub async fn finish_merge(&self, merge: &Merge) -> Result<bool, Error> {
        self.until_known(|_| self.try_finish_merge(merge)).await
    }

    async fn try_finish_merge(&self, merge: &Merge) -> Result<bool, Error> {
        let tx = self.publishing().await?;
        let target = locked(&tx, merge.target).await?;
        let Some(target) = target.filter(|row| row.worker_id.as_deref() == Some(self.program()))
        else {
            return Err(Error::MergeLost(merge.target));
        };
        if target.state == LIVE {
            // In an attempt whose answer was lost.
            return Ok(true);
        }
        let ids = merge.sources.iter().map(|source| source.id);
        let sources = segment::Entity::find()
            .filter(segment::Column::Id.is_in(ids.clone()))
            .filter(segment::Column::State.eq(LIVE))
            .filter(sql_rows_are_all_or_none())
            .order_by_asc(segment::Column::Id)
            .lock_exclusive()
            .all(&tx)
            .await?;
        let mut expected = merge.sources.clone();
        expected.sort_unstable_by_key(|source| source.id);
        if !sources.iter().map(live).eq(expected.iter().copied()) {
            return Ok(false);
        }
        let stored = self.histograms(&tx);
        histograms::replace(stored, &merge.before.weekly, &merge.after.weekly).await?;
        histograms::replace(stored, &merge.before.flows, &merge.after.flows).await?;
        let trips: u64 = expected.iter().map(|source| source.trips).sum();
        let sql_complete = expected.iter().all(|source| source.sql_complete);
        let mut row: segment::ActiveModel = target.into();
        // The worker stays: it tells that this was done, should the answer be lost.
        row.state = Set(LIVE.to_owned());
        row.trips = Set(trips.cast_signed());
        row.sql_rows = Set(if sql_complete { trips.cast_signed() } else { 0 });
        row.sql_complete = Set(sql_complete);
        // It has one row for each cell already.
        row.joined = Set(true);
        row.update(&tx).await?;
        for id in ids {
            let moved = "UPDATE ingestion SET segment_id = $1 WHERE segment_id = $2";
            let moved = statement(&tx, moved, [merge.target.into(), id.into()]);
            tx.execute_raw(moved).await?;
            retire(&tx, id).await?;
        }
        self.count_layout(&tx).await?;
        self.commit(CommitPoint::FinishMerge, tx).await?;
        Ok(true)
    }

    /// Gives up a merge. Where that fails, it is tried again before segments are purged.
    pub async fn abandon_merge(&self, target: SegmentId) -> Result<(), Error> {
        self.inner.abandoned.lock().insert(target);
        self.retire_abandoned().await
    }

    async fn retire_abandoned(&self) -> Result<(), Error> {
        let abandoned = self.inner.abandoned.lock().clone();
        let writer = &self.inner.writer;
        for id in abandoned {
            let sql = "UPDATE segment SET state = 'RETIRED' WHERE id = $1 AND state = 'MERGING'";
            let retired = writer.execute_raw(statement(writer, sql, [id.into()]));
            committed(CommitPoint::AbandonMerge, retired).await?;
            self.inner.abandoned.lock().remove(&id);
        }
        Ok(())
    }

    /// Purges the segments that are retired, those that were given up, and those that a program left
    /// which is gone.
    pub async fn purge_segments(&self) -> Result<(), Error> {
        self.retire_abandoned().await?;
        let writer = &self.inner.writer;
        let left =
            "UPDATE segment SET state = 'RETIRED' WHERE state = 'MERGING' AND worker_id IS NULL";
        committed(CommitPoint::RetireLeft, writer.execute_unprepared(left)).await?;
        let retired: Vec<SegmentId> = segment::Entity::find()
            .select_only()
            .column(segment::Column::Id)
            .filter(segment::Column::State.eq(RETIRED))
            .order_by_asc(segment::Column::Id)
            .into_tuple()
            .all(writer)
            .await?;
        for id in retired {
            self.purge_patches(id).await?;
            let sql = "DELETE FROM segment WHERE id = $1 AND state = 'RETIRED'";
            let deleted = writer.execute_raw(statement(writer, sql, [id.into()]));
            committed(CommitPoint::PurgeSegment, deleted).await?;
        }
        Ok(())
    }
}

/// Patches are repacked only of such segments: the cursor of rows that are being written counts the trips
/// of a patch.
pub(super) fn sql_rows_are_all_or_none() -> Expr {
    let complete = segment::Column::SqlComplete.eq(true);
    complete.or(segment::Column::SqlRows.eq(0))
}

pub(super) fn live(row: &segment::Model) -> LiveSegment {
    LiveSegment {
        id: row.id,
        trips: row.trips.cast_unsigned(),
        revision: row.revision,
        sql_complete: row.sql_complete,
    }
}

/// Adds a segment in a state, perhaps of a program.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    state: &str,
    program: Option<&str>,
) -> Result<SegmentId, Error> {
    let row = segment::ActiveModel {
        id: NotSet,
        state: Set(state.to_owned()),
        worker_id: Set(program.map(str::to_owned)),
        ..Default::default()
    };
    Ok(ActiveModelTrait::insert(row, tx).await?.id)
}

/// Fails where a segment is not written any more, or by another program.
pub(super) async fn check_writable(
    tx: &DatabaseTransaction,
    id: SegmentId,
    program: &str,
) -> Result<(), Error> {
    let row = locked(tx, id).await?;
    let writable = |row: &segment::Model| {
        row.state == WRITING || row.state == MERGING && row.worker_id.as_deref() == Some(program)
    };
    row.filter(writable).map(|_| ()).ok_or(Error::MergeLost(id))
}

/// A segment that nobody else can change until the transaction ends.
pub(super) async fn locked(
    tx: &DatabaseTransaction,
    id: SegmentId,
) -> Result<Option<segment::Model>, Error> {
    Ok(segment::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?)
}

/// Puts the trips of a segment into the answers.
pub(super) async fn publish(
    tx: &DatabaseTransaction,
    id: SegmentId,
    trips: u64,
) -> Result<(), Error> {
    let sql = "UPDATE segment SET state = 'LIVE', trips = $1, worker_id = NULL WHERE id = $2";
    let values = [trips.cast_signed().into(), id.into()];
    tx.execute_raw(statement(tx, sql, values)).await?;
    Ok(())
}

/// Takes a segment out of the answers, or ends it before it is in them.
pub(super) async fn retire(tx: &DatabaseTransaction, id: SegmentId) -> Result<(), Error> {
    let sql = "UPDATE segment SET state = 'RETIRED' WHERE id = $1";
    tx.execute_raw(statement(tx, sql, [id.into()])).await?;
    Ok(())
}

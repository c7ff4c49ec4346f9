//! Removal: takes the trips of an ingestion out of every answer.
//!
//! Where its segment has no other trips, that is retired. Of a merged segment, the patches that hold
//! trips of the ingestion are written anew without them; what else is in the segment stays where it
//! is. What is to be written was made from a snapshot, and holds only as long as the segment is as it
//! was: [`Store::remove`] looks.

use entity::{ingestion, segment, trip_patch};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, Set,
};

use super::changes::{Message, notify};
use super::commit::CommitPoint;
use super::ingestion_record::ingestion_record;
use super::outcome::Attempt;
use super::segments::{self, LIVE, SegmentId};
use super::{Error, IngestionRecord, Snapshot, Store, histograms, summaries};
use crate::model::{FinishedHistograms, IngestionId, IngestionState, Patch, TripEnd};

/// A segment from which an ingestion is to be removed, as it is in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemovalSource {
    /// The segment.
    pub segment: SegmentId,
    /// Whether it has trips of other ingestions, too.
    pub is_merged: bool,
    /// Incremented when the patches of the segment change.
    revision: i32,
    /// Where its rows for SQL end: batch, cell, and trips of that cell's patch.
    sql: (i32, i64, i64),
}

/// What removes an ingestion.
#[derive(Debug)]
pub struct Removal {
    /// Where it is.
    pub source: RemovalSource,
    /// What its trips add to the histograms.
    pub histograms: FinishedHistograms,
    /// The patches of a merged segment that have trips of it.
    pub patches: Vec<PatchWithout>,
}

/// A patch of a merged segment, and what is left of it.
#[derive(Debug)]
pub struct PatchWithout {
    /// The end that is packed.
    pub end: TripEnd,
    /// The cell of the patch.
    pub cell: u64,
    /// Its batch.
    pub batch: u32,
    /// The trips that stay; empty where none does.
    pub patch: Patch,
    /// The places in the patch, ascending, of the trips that go.
    pub removed: Vec<u64>,
}

impl Snapshot {
    /// Where the trips of an ingestion are; `None` where it is not among the answers.
    pub async fn removal_source(&self, id: IngestionId) -> Result<Option<RemovalSource>, Error> {
        let row = ingestion::Entity::find_by_id(id).one(&self.tx).await?;
        let succeeded = IngestionState::Succeeded.name();
        let segment = row
            .filter(|row| row.state == succeeded)
            .and_then(|row| row.segment_id);
        let Some(segment) = segment else {
            return Ok(None);
        };
        let row = segment::Entity::find_by_id(segment).one(&self.tx).await?;
        let row = row.ok_or(Error::Corrupt("segment"))?;
        let members = ingestion::Entity::find()
            .filter(ingestion::Column::SegmentId.eq(segment))
            .count(&self.tx)
            .await?;
        Ok(Some(RemovalSource {
            segment,
            is_merged: members > 1,
            revision: row.revision,
            sql: (row.sql_batch, row.sql_cell, row.sql_trip),
        }))
    }
}

/// What came of a removal.
#[derive(Debug, Clone, PartialEq)]
pub enum Removed {
    /// The ingestion's trips are in no answer any more.
    Done(Box<IngestionRecord>),
    /// It is not among the answers.
    NotThere,
    /// Its trips are not where they were: to be tried again, from another snapshot.
    Moved,
}

impl Store {
    /// Takes the trips of an ingestion out of every answer, all at once. What is left of them is
    /// purged afterwards.
    pub async fn remove(&self, id: IngestionId, removal: &Removal) -> Result<Removed, Error> {
        self.until_known(|attempt| self.try_remove(id, removal, attempt))
            .await
    }

    async fn try_remove(
        &self,
        id: IngestionId,
        removal: &Removal,
        attempt: Attempt,
    ) -> Result<Removed, Error> {
        let tx = self.publishing().await?;
        let row = ingestion::Entity::find_by_id(id)
            .lock_exclusive()
            .one(&tx)
            .await?;
        let removed = IngestionState::Removed.name();
        if attempt == Attempt::Again
            && let Some(done) = row.as_ref().filter(|row| row.state == removed)
        {
            return Ok(Removed::Done(Box::new(ingestion_record(done.clone())?)));
        }
        let Some(row) = row.filter(|row| row.state == IngestionState::Succeeded.name()) else {
            return Ok(Removed::NotThere);
        };
        let Some(row) = self.take_away(&tx, row, removal).await? else {
            return Ok(Removed::Moved);
        };
        self.count_edition(&tx).await?;
        self.commit(CommitPoint::Remove, tx).await?;
        Ok(Removed::Done(Box::new(ingestion_record(row)?)))
    }

    /// Takes the trips of an ingestion out of the answers, in a transaction that publishes, with its
    /// row locked. Returns the row as it is then; `None` where the trips are not where they were, and
    /// nothing is done.
    pub(super) async fn take_away(
        &self,
        tx: &DatabaseTransaction,
        row: ingestion::Model,
        removal: &Removal,
    ) -> Result<Option<ingestion::Model>, Error> {
        let (id, source) = (row.id, &removal.source);
        let segment = segments::locked(tx, source.segment).await?;
        let unchanged = |segment: &segment::Model| {
            // Of a segment that is removed whole, joins change nothing that matters.
            segment.state == LIVE
                && (segment.revision == source.revision || !source.is_merged)
                && (segment.sql_batch, segment.sql_cell, segment.sql_trip) == source.sql
        };
        let Some(segment) = segment
            .filter(|_| row.segment_id == Some(source.segment))
            .filter(unchanged)
        else {
            return Ok(None);
        };
        let stored = self.histograms(tx);
        histograms::subtract(stored, &removal.histograms.weekly).await?;
        histograms::subtract(stored, &removal.histograms.flows).await?;
        summaries::delete(tx, id).await?;
        if source.is_merged {
            take_out(tx, segment, &row, &removal.patches).await?;
        } else {
            segments::retire(tx, source.segment).await?;
        }
        let mut row: ingestion::ActiveModel = row.into();
        row.state = Set(IngestionState::Removed.name().to_owned());
        row.segment_id = Set(None);
        let row = row.update(tx).await?;
        notify(tx, &Message::state(self.program(), id)).await?;
        Ok(Some(row))
    }
}

/// Takes trips out of a merged segment.
async fn take_out(
    tx: &DatabaseTransaction,
    segment: segment::Model,
    ingestion: &ingestion::Model,
    patches: &[PatchWithout],
) -> Result<(), Error> {
    let mut written = 0;
    let mut before_cursor = 0;
    let (sql_batch, sql_cell, sql_trip) = (segment.sql_batch, segment.sql_cell, segment.sql_trip);
    for without in patches {
        let PatchWithout {
            end,
            cell,
            batch,
            patch,
            removed,
        } = without;
        let (cell, batch) = (cell.cast_signed(), batch.cast_signed());
        if *end == TripEnd::Origin {
            if (batch, cell) < (sql_batch, sql_cell) {
                written += removed.len();
            } else if (batch, cell) == (sql_batch, sql_cell) {
                let trips = sql_trip.cast_unsigned();
                before_cursor = removed.partition_point(|place| *place < trips);
                written += before_cursor;
            }
        }
        let this = Condition::all()
            .add(trip_patch::Column::TripEnd.eq(end.code()))
            .add(trip_patch::Column::Cell.eq(cell))
            .add(trip_patch::Column::SegmentId.eq(segment.id))
            .add(trip_patch::Column::Batch.eq(batch));
        if patch.is_empty() {
            let deleted = trip_patch::Entity::delete_many().filter(this);
            deleted.exec(tx).await?;
        } else {
            let [keys, points, others, rest] = patch.groups().clone();
            let left = trip_patch::ActiveModel {
                checksum: Set(patch.checksum().into()),
                keys: Set(keys),
                points: Set(points),
                others: Set(others),
                rest: Set(rest),
                ..Default::default()
            };
            let updated = trip_patch::Entity::update_many().set(left).filter(this);
            updated.exec(tx).await?;
        }
    }
    let written = if segment.sql_complete {
        ingestion.rows_ingested
    } else {
        // They are in memory.
        i64::try_from(written).unwrap_or(i64::MAX)
    };
    let mut row: segment::ActiveModel = segment.clone().into();
    row.trips = Set(segment.trips - ingestion.rows_ingested);
    row.revision = Set(segment.revision + 1);
    row.sql_rows = Set(segment.sql_rows - written);
    row.sql_trip = Set(sql_trip - i64::try_from(before_cursor).unwrap_or(i64::MAX));
    row.update(tx).await?;
    Ok(())
}

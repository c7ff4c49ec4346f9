//! Joining: fewer rows for each cell of a large segment.
//!
//! A large file is written in batches, so a cell of its segment has a row of `trip_patch` for each batch
//! that has trips there: 24 of them in a file of 100 million trips. A question that reads the cell looks
//! up each row, and reads whole pages of which it needs a part. Patches of one cell are joined by joining
//! their bytes, so this costs little: nothing is unpacked, no histogram changes, and no trip moves to
//! another cell.
//!
//! Cells are joined a few megabytes at a time. Each transaction increments the revision of the segment,
//! so a removal, or rows for SQL, that were made from the rows before do not take effect. A program that
//! is killed leaves the cells that are not joined yet as they were.

use entity::{segment, trip_patch};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    QueryFilter, QueryOrder, Set, Value,
};

use super::by_place;
use super::commit::CommitPoint;
use super::edition;
use super::joined_rows::{JoinCursor, groups, join_rows, next_block, of_cells, read};
use super::list::List;
use super::segments::{self, LIVE, live};
use super::statement::statement;
use super::{Engine, Error, LiveSegment, SegmentId, Store};
use crate::model::TripEnd;

/// Rows that one statement inserts: `SQLite` allows 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1_024;

/// What came of joining rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The rows of some cells are joined.
    Done {
        /// By how many rows there are fewer.
        fewer: u64,
        /// The segment as it is now.
        segment: LiveSegment,
        /// Where to go on; `None` where all of the segment is joined.
        next: Option<JoinCursor>,
    },
    /// The segment has changed, and nothing was done.
    Changed,
}

impl Store {
    /// The first live segment with more than `trips` trips whose rows are not joined, except some.
    /// A segment whose rows for SQL are partly written is left out. If `sql_complete`, so is a segment
    /// that has none of them yet.
    pub async fn joinable(
        &self,
        trips: u64,
        sql_complete: bool,
        except: &[SegmentId],
    ) -> Result<Option<LiveSegment>, Error> {
        let row = segment::Entity::find()
            .filter(segment::Column::State.eq(LIVE))
            .filter(segment::Column::Joined.eq(false))
            .filter(segment::Column::Trips.gt(i64::try_from(trips).unwrap_or(i64::MAX)))
            .filter(if sql_complete {
                segment::Column::SqlComplete.eq(true)
            } else {
                segments::sql_rows_are_all_or_none()
            })
            .filter(segment::Column::Id.is_not_in(except.iter().copied()))
            .order_by_asc(segment::Column::Id)
            .one(&self.inner.reader)
            .await?;
        Ok(row.as_ref().map(live))
    }

    /// Joins the rows of the next cells of a segment, in one transaction, if the segment has not changed.
    /// No answer changes. Fails if a row does not match its checksum.
    pub async fn join(&self, segment: LiveSegment, from: JoinCursor) -> Result<Joined, Error> {
        let (reader, end) = (&self.inner.reader, from.end);
        if self.is_distributed() {
            // Of a removal that has changed the revision, all nodes have deleted their rows.
            self.settle(&edition::read(reader).await?).await?;
        }
        let block = next_block(reader, &[segment.id], from, 2).await?;
        let next = from.after(&block);
        let by_place = self.is_distributed();
        let rows = read(reader, &[segment.id], end, &block.cells, by_place).await?;
        let (mut joined, mut fewer) = (Vec::new(), 0);
        for rows in rows.chunk_by(|a, b| a.cell == b.cell) {
            let together = join_rows(rows)?;
            if together.len() < rows.len() {
                fewer += (rows.len() - together.len()) as u64;
                joined.extend(together);
            }
        }
        if joined.is_empty() && next.is_some() {
            return Ok(Joined::Done {
                fewer,
                segment,
                next,
            });
        }

        let tx = self.publishing().await?;
        let row = segments::locked(&tx, segment.id).await?;
        // The rows that were read are still there if the segment's revision is.
        let unchanged = |row: &segment::Model| {
            row.state == LIVE && live(row) == segment && (row.sql_complete || row.sql_rows == 0)
        };
        let Some(row) = row.filter(unchanged) else {
            return Ok(Joined::Changed);
        };
        replace(&tx, segment.id, end, joined, by_place).await?;
        let mut row: segment::ActiveModel = row.into();
        row.revision = Set(segment.revision + 1);
        row.joined = Set(next.is_none());
        let segment = live(&row.update(&tx).await?);
        self.count_layout(&tx).await?;
        self.commit(CommitPoint::Join, tx).await?;
        if let Engine::Sqlite { checkpointer, .. } = &self.inner.engine {
            checkpointer.block_written();
        }
        Ok(Joined::Done {
            fewer,
            segment,
            next,
        })
    }
}

/// Puts rows in the place of those that their cells have.
async fn replace(
    tx: &DatabaseTransaction,
    segment: SegmentId,
    end: TripEnd,
    rows: Vec<trip_patch::Model>,
    by_place: bool,
) -> Result<(), Error> {
    let cells: Vec<_> = rows.iter().map(|row| row.cell.cast_unsigned()).collect();
    let (sql, values) = of_cells(tx.get_database_backend(), end, &cells, |list| {
        format!(
            "DELETE FROM trip_patch WHERE trip_end = $1 AND segment_id = {segment} \
             AND cell IN (SELECT c0 FROM {list})"
        )
    });
    tx.execute_raw(statement(tx, &sql, values)).await?;
    if by_place {
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let (sql, values) = with_places(rows);
            tx.execute_raw(statement(tx, &sql, values)).await?;
        }
        return Ok(());
    }
    let mut rows = rows.into_iter().map(trip_patch::ActiveModel::from);
    loop {
        let some: Vec<_> = rows.by_ref().take(ROWS_PER_STATEMENT).collect();
        if some.is_empty() {
            return Ok(());
        }
        let insert = trip_patch::Entity::insert_many(some);
        insert.exec_without_returning(tx).await?;
    }
}

/// The statement that inserts rows with their places.
fn with_places(rows: &[trip_patch::Model]) -> (String, Vec<Value>) {
    let numbers = rows.iter().map(|row| {
        let place = by_place::place(row.cell.cast_unsigned()).cast_signed();
        let (end, batch) = (row.trip_end.into(), row.batch.into());
        [end, row.cell, row.segment_id, batch, row.checksum, place]
    });
    let mut list = List::numbers(DbBackend::Postgres, 0, 6, numbers);
    for group in 0..4 {
        list = list.with_bytes(rows.iter().map(|row| groups(row)[group].to_vec()));
    }
    let sql = format!(
        "INSERT INTO trip_patch (trip_end, cell, segment_id, batch, checksum, place, \
         keys, points, others, rest) \
         SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM {}",
        list.table()
    );
    (sql, list.values)
}

//! Filling the table `trip`, for people who ask with SQL: no answer reads it.
//!
//! The rows of a segment follow after its trips are in the answers, a block at a time, from its patches
//! of origins in the order of batch and cell. A cursor in the segment's row says where they end. The
//! transaction that writes a block moves the cursor, and only if it is still where the block begins:
//!
//! | time | program A | program B | `sql_rows` |
//! |---|---|---|---|
//! | 0 ms | reads the patches from cursor 0 | | 0 |
//! | 10 ms | | reads the patches from cursor 0 | 0 |
//! | 20 ms | moves the cursor from 0 to 65,536, writes the rows | waits for A's commit | 0 |
//! | 90 ms | commits | finds no cursor at 0: writes nothing | 65,536 |
//!
//! So a row is never written twice, whoever else writes, is killed, or loses the answer to a commit.
//! Such a commit need not be synced: the cursor is lost with the rows. The view `visible_trip` shows
//! the ingestions of a segment when the last block has set `sql_complete`.

use entity::segment;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::sql_block::SqlPatch;
use super::statement::{column, key, statement};
use super::{
    Engine, Error, SegmentId, SqlBacklog, SqlBlock, SqlCursor, SqlPatches, Store, postgres, sqlite,
};
use crate::model::IngestionId;

/// Trips that are written in one transaction at most.
pub const SQL_BLOCK_TRIPS: usize = 65_536;
/// Patches that are read for a block at most: where each holds a few trips.
const PATCHES: usize = 4_096;
/// Bytes of patches that are read for a block at most, unless the first is larger.
const PATCH_BYTES: i64 = 4 << 20;

/// A segment that lacks rows.
const INCOMPLETE: &str = "state = 'LIVE' AND NOT sql_complete";

/// Moves the cursor of a segment, which has to be where it is expected, and counts the rows. Nothing
/// was removed from the segment since its patches were read.
pub(super) const ADVANCE: &str = "UPDATE segment SET sql_rows = sql_rows + $1, sql_batch = $2, sql_cell = $3, sql_trip = $4, \
     sql_complete = $5 WHERE id = $6 AND sql_batch = $7 AND sql_cell = $8 AND sql_trip = $9 \
     AND revision = $10 AND state = 'LIVE' AND NOT sql_complete";

impl Store {
    /// The first segment whose trips are not all rows yet, except some.
    pub async fn sql_backlog(&self, except: &[SegmentId]) -> Result<Option<SqlBacklog>, Error> {
        let row = segment::Entity::find()
            .filter(Expr::cust(INCOMPLETE))
            .filter(segment::Column::Id.is_not_in(except.iter().copied()))
            .order_by_asc(segment::Column::Id)
            .limit(1)
            .one(&self.inner.reader)
            .await?;
        Ok(row.map(|row| SqlBacklog {
            segment: row.id,
            revision: row.revision,
            cursor: SqlCursor {
                batch: row.sql_batch.cast_unsigned(),
                cell: row.sql_cell.cast_unsigned(),
                trip: row.sql_trip.cast_unsigned(),
            },
            rows: row.sql_rows.cast_unsigned(),
            trips: row.trips.cast_unsigned(),
        }))
    }

    /// Number of trips in the answers that are not rows yet.
    pub async fn sql_rows_missing(&self) -> Result<u64, Error> {
        let reader = &self.inner.reader;
        let sql =
            format!("SELECT CAST(SUM(trips - sql_rows) AS BIGINT) FROM segment WHERE {INCOMPLETE}");
        let row = reader
            .query_one_raw(statement(reader, &sql, []))
            .await?
            .map(|row| column::<Option<i64>>(&row, 0))
            .transpose()?;
        // None where no segment lacks rows.
        let missing = row.flatten().unwrap_or_default();
        Ok(u64::try_from(missing).unwrap_or_default())
    }

    /// Reads the next patches of a segment. What is read may be out of date when it is written:
    /// that is noticed then.
    pub async fn sql_patches(&self, backlog: &SqlBacklog) -> Result<SqlPatches, Error> {
        let (segment, from) = (backlog.segment, backlog.cursor);
        let (last, more) = self.sql_patches_end(segment, from).await?;
        let patches = match last {
            Some(last) => self.sql_patches_between(segment, from, last).await?,
            None => Vec::new(),
        };
        let behind = last.map(|last| SqlCursor {
            batch: from.batch,
            cell: last + 1,
            trip: 0,
        });
        let then = if more {
            behind
        } else {
            let next = self.sql_batch_after(segment, from.batch).await?;
            // The nodes of a cluster do not commit at the same moment: all rows have to be there
            // before the transaction that shows them.
            next.or(behind.filter(|_| self.is_distributed()))
        };
        Ok(SqlPatches {
            segment,
            revision: backlog.revision,
            from,
            patches,
            then,
        })
    }

    /// The last cell of the patches from a cursor on that are read for one block, and whether there
    /// are more in that batch.
    async fn sql_patches_end(
        &self,
        segment: SegmentId,
        from: SqlCursor,
    ) -> Result<(Option<u64>, bool), Error> {
        let reader = &self.inner.reader;
        let sql = format!(
            "SELECT cell, CAST(LENGTH(keys) + LENGTH(points) + LENGTH(others) + LENGTH(rest) \
             AS BIGINT) FROM trip_patch \
             WHERE segment_id = $1 AND batch = $2 AND trip_end = 0 AND cell >= $3 \
             ORDER BY cell LIMIT {PATCHES}"
        );
        let values = [
            segment.into(),
            from.batch.cast_signed().into(),
            key(from.cell),
        ];
        let rows = reader
            .query_all_raw(statement(reader, &sql, values))
            .await?;
        let (mut bytes, mut last) = (0, None);
        for row in &rows {
            let length: i64 = column(row, 1)?;
            bytes += length;
            if last.is_some() && bytes > PATCH_BYTES {
                return Ok((last, true));
            }
            last = Some(column::<i64>(row, 0)?.cast_unsigned());
        }
        Ok((last, rows.len() == PATCHES))
    }

    /// The patches from a cursor to a cell of its batch.
    async fn sql_patches_between(
        &self,
        segment: SegmentId,
        from: SqlCursor,
        last: u64,
    ) -> Result<Vec<SqlPatch>, Error> {
        let reader = &self.inner.reader;
        let sql = "SELECT cell, checksum, keys, points, others, rest FROM trip_patch \
                   WHERE segment_id = $1 AND batch = $2 AND trip_end = 0 \
                   AND cell BETWEEN $3 AND $4 ORDER BY cell";
        let values = [
            segment.into(),
            from.batch.cast_signed().into(),
            key(from.cell),
            key(last),
        ];
        let rows = reader.query_all_raw(statement(reader, sql, values)).await?;
        let patch = |row| -> Result<SqlPatch, Error> {
            Ok(SqlPatch {
                cell: column::<i64>(row, 0)?.cast_unsigned(),
                checksum: column(row, 1)?,
                groups: [
                    column(row, 2)?,
                    column(row, 3)?,
                    column(row, 4)?,
                    column(row, 5)?,
                ],
            })
        };
        rows.iter().map(patch).collect()
    }

    /// The beginning of the batch that comes next; `None` after the last.
    async fn sql_batch_after(
        &self,
        segment: SegmentId,
        batch: u32,
    ) -> Result<Option<SqlCursor>, Error> {
        let reader = &self.inner.reader;
        let sql = "SELECT MIN(batch) FROM trip_patch WHERE segment_id = $1 AND batch > $2";
        let values = [segment.into(), batch.cast_signed().into()];
        let row = reader.query_one_raw(statement(reader, sql, values)).await?;
        let next = row
            .map(|row| column::<Option<i32>>(&row, 0))
            .transpose()?
            .flatten();
        Ok(next.map(|batch| SqlCursor {
            batch: batch.cast_unsigned(),
            ..SqlCursor::default()
        }))
    }

    /// Writes a block in one transaction. Returns whether it did: not where another program wrote
    /// from the same cursor before, or trips were removed or merged meanwhile.
    pub async fn write_sql_block(&self, block: &SqlBlock) -> Result<bool, Error> {
        let writer = &self.inner.writer;
        match &self.inner.engine {
            Engine::Sqlite { checkpointer, .. } => {
                let pool = writer.get_sqlite_connection_pool();
                let written = sqlite::write_sql_block(pool, block).await?;
                checkpointer.block_written();
                Ok(written)
            }
            Engine::Postgres { citus } => {
                let pool = writer.get_postgres_connection_pool();
                postgres::write_sql_block(pool, block, *citus).await
            }
        }
    }

    /// Deletes the rows of an ingestion that is not in the answers, in short transactions.
    pub(super) async fn purge_sql_trips(&self, id: IngestionId) -> Result<(), Error> {
        let writer = &self.inner.writer;
        // None where it had a part of a segment, or its segment is purged.
        let rows = "SELECT segment.sql_rows FROM segment \
                    JOIN ingestion ON ingestion.segment_id = segment.id WHERE ingestion.id = $1";
        let rows = writer
            .query_one_raw(statement(writer, rows, [id.into()]))
            .await?
            .map(|row| column::<i64>(&row, 0))
            .transpose()?;
        if rows == Some(0) {
            return Ok(());
        }
        match &self.inner.engine {
            Engine::Sqlite { checkpointer, .. } => {
                let pool = writer.get_sqlite_connection_pool();
                while sqlite::delete_sql_trips(pool, id).await? {
                    checkpointer.block_written();
                }
            }
            Engine::Postgres { citus } => {
                let pool = writer.get_postgres_connection_pool();
                postgres::delete_sql_trips(pool, id, *citus).await?;
            }
        }
        Ok(())
    }
}

//! Joining: fewer rows for each cell of large segments.
//!
//! A large file is written in batches, so a cell of its segment has a row of `trip_patch` for each batch
//! that has trips there: 24 of them in a file of 100 million trips. A question that reads the cell looks
//! up each row, and reads whole pages of which it needs a part. Patches of one cell are joined by joining
//! their bytes, so this costs little: nothing is unpacked, no histogram changes, and no trip moves to
//! another cell.
//!
//! Rows of several segments are joined in the same way, for a segment that is to be in their place
//! (`ingest/pipeline/merge.rs`).
//!
//! Cells are joined a few megabytes at a time. Each transaction increments the revision of the segment,
//! so a removal, or rows for SQL, that were made from the rows before do not take effect. A program that
//! is killed leaves the cells that are not joined yet as they were.

use entity::{segment, trip_patch};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction,
    DbBackend, EntityTrait, QueryFilter, QueryOrder, Set, Value,
};

use super::by_place;
use super::commit::CommitPoint;
use super::edition;
use super::list::List;
use super::segments::{self, LIVE, live};
use super::statement::{column, key, statement};
use super::{Engine, Error, LiveSegment, LoadBlock, PatchRow, SegmentId, Store};
use crate::geo::CellRange;
use crate::model::{CorruptPatch, Patch, PatchBytes, PatchDepth, TripEnd};

/// Bytes of patches that one transaction joins, unless a single cell has more.
const BLOCK_BYTES: u64 = 8 << 20;
/// Rows that one transaction joins at most, unless a single cell has more.
const BLOCK_ROWS: usize = 4_096;
/// Length in bytes up to which patches are joined. Longer ones would cost memory, and gain little.
const ROW_BYTES: usize = 4 << 20;
/// Rows that one statement inserts: `SQLite` allows 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1_024;

/// What one transaction does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Block {
    /// The cells that have several rows.
    cells: Vec<u64>,
    /// Where the next block begins; `None` if the segment has no more cells of this end.
    next: Option<u64>,
}

/// How far the rows of a segment are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinCursor {
    end: TripEnd,
    /// All cells below are done.
    cell: u64,
}

impl JoinCursor {
    /// Nothing is joined yet.
    pub const START: Self = Self {
        end: TripEnd::Origin,
        cell: 0,
    };

    /// Where to go on after a block; `None` after the last of both ends.
    fn after(self, block: &Block) -> Option<Self> {
        match (block.next, self.end) {
            (Some(cell), end) => Some(Self { end, cell }),
            (None, TripEnd::Origin) => Some(Self {
                end: TripEnd::Destination,
                cell: 0,
            }),
            (None, TripEnd::Destination) => None,
        }
    }
}

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

    /// The rows of the next cells of some segments, joined, as blocks of a segment that is to be in their
    /// place, and where to go on. Fails if a row does not match its checksum.
    pub async fn joined_rows(
        &self,
        segments: &[SegmentId],
        from: JoinCursor,
    ) -> Result<(Vec<LoadBlock>, Option<JoinCursor>), Error> {
        let (reader, by_place) = (&self.inner.reader, self.is_distributed());
        let block = next_block(reader, segments, from, 1).await?;
        let rows = read(reader, segments, from.end, &block.cells, by_place).await?;
        // A cell has several rows where they are too long together: one of each batch.
        let mut blocks: Vec<LoadBlock> = Vec::new();
        for rows in rows.chunk_by(|a, b| a.cell == b.cell) {
            for (batch, row) in (0..).zip(join_rows(rows)?) {
                let patch = PatchRow {
                    end: from.end,
                    cell: row.cell.cast_unsigned(),
                    patch: Patch::from_groups([row.keys, row.points, row.others, row.rest]),
                };
                match blocks.iter_mut().find(|block| block.batch == batch) {
                    Some(block) => block.patches.push(patch),
                    None => blocks.push(LoadBlock {
                        batch,
                        patches: vec![patch],
                        ..LoadBlock::default()
                    }),
                }
            }
        }
        Ok((blocks, from.after(&block)))
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

/// The next cells of an end that have at least `least_rows` rows in these segments.
async fn next_block(
    reader: &DatabaseConnection,
    segments: &[SegmentId],
    from: JoinCursor,
    least_rows: usize,
) -> Result<Block, Error> {
    // The sign keeps the planner from the index of segments, whose order is another.
    let sql = format!(
        "SELECT cell, CAST(LENGTH(keys) + LENGTH(points) + LENGTH(others) + LENGTH(rest) AS BIGINT) \
         FROM trip_patch WHERE trip_end = $1 AND cell >= $2 AND +segment_id IN ({}) \
         ORDER BY trip_end, cell LIMIT {BLOCK_ROWS}",
        numbers(segments)
    );
    let values = [from.end.code().into(), key(from.cell)];
    let rows = reader
        .query_all_raw(statement(reader, &sql, values))
        .await?;
    let mut lengths = Vec::with_capacity(rows.len());
    for row in &rows {
        let (cell, length): (i64, i64) = (column(row, 0)?, column(row, 1)?);
        lengths.push((cell.cast_unsigned(), length.cast_unsigned()));
    }
    Ok(block_of(&lengths, BLOCK_ROWS, least_rows))
}

/// The first block of some rows, given by their cells and lengths. It has the cells with at least `least`
/// rows. If there are `most` rows, more may follow that were not read.
fn block_of(rows: &[(u64, u64)], most: usize, least: usize) -> Block {
    let (mut block, mut bytes, mut read) = (Block::default(), 0, 0);
    for of_cell in rows.chunk_by(|a, b| a.0 == b.0) {
        let cell = of_cell[0].0;
        read += of_cell.len();
        let is_in = of_cell.len() >= least;
        if is_in {
            bytes += of_cell.iter().map(|row| row.1).sum::<u64>();
        }
        // Of the last cell there may be more rows, which were not read.
        let is_whole = read < most || read == of_cell.len();
        if !is_whole || bytes > BLOCK_BYTES && !block.cells.is_empty() {
            block.next = Some(cell);
            return block;
        }
        if is_in {
            block.cells.push(cell);
        }
        block.next = Some(cell + 1);
    }
    if rows.len() < most {
        block.next = None;
    }
    block
}

/// Segments as SQL has them in a list.
fn numbers(segments: &[SegmentId]) -> String {
    let numbers: Vec<_> = segments.iter().map(SegmentId::to_string).collect();
    numbers.join(", ")
}

/// The rows of some cells, in the order of cells, segments and batches.
async fn read(
    reader: &DatabaseConnection,
    segments: &[SegmentId],
    end: TripEnd,
    cells: &[u64],
    by_place: bool,
) -> Result<Vec<trip_patch::Model>, Error> {
    let mut rows = Vec::new();
    if by_place {
        let cells: Vec<_> = cells.iter().copied().map(CellRange::only).collect();
        for (sql, values) in by_place::statements("trip_patch", "t.*", end, &cells) {
            let sql = format!("{sql} AND t.segment_id IN ({})", numbers(segments));
            let found = trip_patch::Entity::find().from_raw_sql(statement(reader, &sql, values));
            rows.extend(found.all(reader).await?);
        }
    } else {
        let (sql, values) = of_cells(reader.get_database_backend(), end, cells, |list| {
            format!(
                "SELECT p.trip_end, p.cell, p.segment_id, p.batch, p.checksum, \
                 p.keys, p.points, p.others, p.rest FROM {list} CROSS JOIN trip_patch AS p \
                 WHERE p.trip_end = $1 AND p.segment_id IN ({}) AND p.cell = list.c0",
                numbers(segments)
            )
        });
        let found = trip_patch::Entity::find().from_raw_sql(statement(reader, &sql, values));
        rows.extend(found.all(reader).await?);
    }
    rows.sort_unstable_by_key(|row: &trip_patch::Model| (row.cell, row.segment_id, row.batch));
    Ok(rows)
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

/// A statement about the rows of some cells, whose end is its first parameter.
fn of_cells(
    backend: DbBackend,
    end: TripEnd,
    cells: &[u64],
    sql: impl FnOnce(String) -> String,
) -> (String, Vec<Value>) {
    let cells = cells.iter().map(|cell| cell.cast_signed());
    let list = List::column(backend, 1, cells);
    let sql = sql(list.table());
    let mut values = vec![end.code().into()];
    values.extend(list.values);
    (sql, values)
}

/// Joins the rows of a cell, in the order of their batches, where they are not too long together.
fn join_rows(rows: &[trip_patch::Model]) -> Result<Vec<trip_patch::Model>, Error> {
    let mut joined: Vec<trip_patch::Model> = Vec::new();
    for row in rows {
        // A corrupt row must not get a valid checksum.
        if checksum(row) != row.checksum {
            return Err(broken(row));
        }
        match joined.last_mut() {
            Some(last) if bytes(last) + bytes(row) <= ROW_BYTES => {
                last.keys.extend_from_slice(&row.keys);
                last.points.extend_from_slice(&row.points);
                last.others.extend_from_slice(&row.others);
                last.rest.extend_from_slice(&row.rest);
            }
            _ => joined.push(row.clone()),
        }
    }
    for row in &mut joined {
        row.checksum = checksum(row);
    }
    Ok(joined)
}

fn bytes(row: &trip_patch::Model) -> usize {
    groups(row).iter().map(|group| group.len()).sum()
}

fn checksum(row: &trip_patch::Model) -> i64 {
    PatchBytes::new(groups(row), PatchDepth::Rest)
        .checksum()
        .into()
}

fn groups(row: &trip_patch::Model) -> [&[u8]; 4] {
    [&row.keys, &row.points, &row.others, &row.rest]
}

fn broken(row: &trip_patch::Model) -> Error {
    let key = || {
        format!(
            "trip_end = {}, cell = {}, segment_id = {}, batch = {}",
            row.trip_end, row.cell, row.segment_id, row.batch
        )
    };
    Error::from(CorruptPatch).in_row("trip_patch", key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(batch: i32, bytes: usize) -> trip_patch::Model {
        let mut row = trip_patch::Model {
            trip_end: 0,
            cell: 7,
            segment_id: 1,
            batch,
            checksum: 0,
            keys: vec![1; bytes],
            points: batch.to_le_bytes().to_vec(),
            others: vec![3],
            rest: vec![4],
        };
        row.checksum = checksum(&row);
        row
    }

    #[test]
    fn a_block_has_the_whole_cells_with_several_rows() {
        let big = BLOCK_BYTES;
        for (rows, most, cells, next) in [
            (&[][..], 3, &[][..], None),
            (&[(1, 5), (1, 9), (4, 20)], 4, &[1], None),
            // Of 4 there may be more rows.
            (&[(1, 5), (1, 9), (4, 20)], 3, &[1], Some(4)),
            (&[(4, 5), (4, 9), (4, 20)], 3, &[4], Some(5)),
            (&[(2, 5), (3, 9), (4, 20)], 3, &[], Some(4)),
            // Rows that stay as they are do not count.
            (
                &[(1, 5), (1, 9), (4, big), (6, 1), (6, 2)],
                9,
                &[1, 6],
                None,
            ),
            (
                &[(1, 5), (1, 9), (4, big), (4, 1), (6, 2)],
                9,
                &[1],
                Some(4),
            ),
            (&[(4, big), (4, 1), (6, 2), (6, 2)], 9, &[4], Some(6)),
        ] {
            let expected = Block {
                cells: cells.to_vec(),
                next,
            };
            assert_eq!(block_of(rows, most, 2), expected, "{rows:?}");
        }
    }

    #[test]
    fn rows_are_joined_up_to_a_length() {
        let rows = [row(0, 10), row(3, 20), row(4, ROW_BYTES), row(5, 30)];
        let joined = join_rows(&rows).unwrap();
        let lengths: Vec<_> = joined
            .iter()
            .map(|row| (row.batch, row.keys.len()))
            .collect();
        assert_eq!(lengths, [(0, 30), (4, ROW_BYTES), (5, 30)]);
        assert_eq!(joined[0].points, [0, 0, 0, 0, 3, 0, 0, 0]);
        for row in &joined {
            assert_eq!(row.checksum, checksum(row));
        }
    }

    #[test]
    fn a_broken_row_is_named() {
        let mut broken = row(1, 10);
        broken.points[0] ^= 1;
        let error = join_rows(&[row(0, 10), broken]).unwrap_err();
        assert!(error.to_string().contains("batch = 1"), "{error}");
    }
}

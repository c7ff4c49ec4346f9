//! The rows of the next cells of some segments, those of a cell joined to one.
//!
//! A large segment is joined in place (`joins.rs`), and several segments are joined to another that is put
//! in their place (`ingest/pipeline/merge.rs`). Both go through the cells of one end after the other, a few
//! megabytes at a time.

use entity::trip_patch;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, Value};

use super::by_place;
use super::list::List;
use super::statement::{column, key, statement};
use super::{Error, LoadBlock, PatchRow, SegmentId, Store};
use crate::geo::CellRange;
use crate::model::{CorruptPatch, Patch, PatchBytes, PatchDepth, TripEnd};

/// Bytes of the patches of a block, unless a single cell has more.
const BLOCK_BYTES: u64 = 8 << 20;
/// Rows that are looked at for a block at most, unless a single cell has more.
const BLOCK_ROWS: usize = 4_096;
/// Length in bytes up to which patches are joined. Longer ones would cost memory, and gain little.
const ROW_BYTES: usize = 4 << 20;

/// Cells whose rows are read together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Block {
    /// The cells that have as many rows as were asked for.
    pub(super) cells: Vec<u64>,
    /// Where the next block begins; `None` if the segment has no more cells of this end.
    next: Option<u64>,
}

/// How far the rows of a segment are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinCursor {
    pub(super) end: TripEnd,
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
    pub(super) fn after(self, block: &Block) -> Option<Self> {
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

impl Store {
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
}

/// The next cells of an end that have at least `least_rows` rows in these segments.
pub(super) async fn next_block(
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
pub(super) async fn read(
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

/// A statement about the rows of some cells, whose end is its first parameter.
pub(super) fn of_cells(
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
pub(super) fn join_rows(rows: &[trip_patch::Model]) -> Result<Vec<trip_patch::Model>, Error> {
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

pub(super) fn groups(row: &trip_patch::Model) -> [&[u8]; 4] {
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

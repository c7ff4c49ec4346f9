//! Reading patches.

use sea_orm::{DbBackend, QueryResult, Value};

use super::list::List;
use super::snapshot::Snapshot;
use super::statement::{column, named};
use super::{Error, SegmentId};
use crate::geo::CellRange;
use crate::model::{CorruptPatch, PatchBytes, PatchDepth, PatchPart, TripEnd};

/// A patch as it lies in the database.
#[derive(Debug, Clone, Copy)]
pub struct StoredPatch<'a> {
    /// The end that is packed.
    pub end: TripEnd,
    /// The cell they lie in.
    pub cell: u64,
    /// The batch of the segment.
    pub batch: u32,
    /// The groups of columns, as far as they were read.
    pub bytes: PatchBytes<'a>,
}

impl<'a> StoredPatch<'a> {
    /// The parts of the patch.
    pub fn parts(&self) -> impl Iterator<Item = Result<PatchPart<'a>, CorruptPatch>> + use<'a> {
        self.bytes.parts(self.end)
    }
}

impl Snapshot {
    /// Reads the patches of some ranges of cells to a depth, in no order.
    pub async fn patches(
        &self,
        end: TripEnd,
        ranges: &[CellRange],
        depth: PatchDepth,
        mut visit: impl FnMut(StoredPatch<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let groups = groups(depth);
        let columns = format!("t.cell, t.segment_id, t.batch, {groups}, t.trip_end");
        self.each_patch(&columns, end, ranges, |row| {
            let mut read = || {
                if self.seen.hides(column(&row, 1)?) {
                    return Ok(());
                }
                visit(StoredPatch {
                    end,
                    cell: column::<i64>(&row, 0)?.cast_unsigned(),
                    batch: column::<i32>(&row, 2)?.cast_unsigned(),
                    bytes: self.patch_bytes(&row, 3, depth)?,
                })
            };
            self.of_patch(&row, read())
        })
        .await
    }

    /// Reads all patches of one segment to a depth, in the order in which they were written, whether
    /// its trips are visible or not.
    pub async fn patches_of(
        &self,
        id: SegmentId,
        depth: PatchDepth,
        mut visit: impl FnMut(StoredPatch<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT t.trip_end, t.cell, t.checksum, t.batch, {}, t.segment_id \
             FROM trip_patch AS t WHERE t.segment_id = $1 \
             ORDER BY t.segment_id, t.batch, t.trip_end, t.cell",
            groups(depth)
        );
        self.each(&sql, [id.into()], |row| {
            let mut read = || {
                let end = TripEnd::from_code(column(&row, 0)?).ok_or(Error::Corrupt("trip end"))?;
                let bytes = self.patch_bytes(&row, 4, depth)?;
                let checksum: i64 = column(&row, 2)?;
                if depth == PatchDepth::Rest && checksum != i64::from(bytes.checksum()) {
                    return Err(CorruptPatch.into());
                }
                visit(StoredPatch {
                    end,
                    cell: column::<i64>(&row, 1)?.cast_unsigned(),
                    batch: column::<i32>(&row, 3)?.cast_unsigned(),
                    bytes,
                })
            };
            self.of_patch(&row, read())
        })
        .await
    }

    /// The groups of a patch's columns to a depth, from the column of the first on.
    fn patch_bytes<'r>(
        &self,
        row: &'r QueryResult,
        first: usize,
        depth: PatchDepth,
    ) -> Result<PatchBytes<'r>, Error> {
        let mut groups: [&[u8]; 4] = [&[]; 4];
        for (index, group) in groups.iter_mut().enumerate().take(depth as usize + 1) {
            *group = self.bytes(row, first + index)?;
        }
        Ok(PatchBytes::new(groups, depth))
    }

    /// What came of reading a row of `trip_patch`; see [`Snapshot::of_row`].
    fn of_patch(&self, row: &QueryResult, result: Result<(), Error>) -> Result<(), Error> {
        let key = || named(row, &PATCH_KEY, String::new());
        self.of_row("trip_patch", key, result)
    }

    /// The statement that reads columns of the patches, named `t`, of some ranges of cells.
    pub(super) fn in_ranges(
        &self,
        columns: &str,
        end: TripEnd,
        ranges: &[CellRange],
    ) -> (String, impl Iterator<Item = Value> + Send + use<>) {
        let rows = ranges
            .iter()
            .map(|range| [range.first, range.last].map(u64::cast_signed));
        let list = List::numbers(self.backend(), 1, 2, rows);
        let within = "t.trip_end = $1 AND t.cell BETWEEN list.c0 AND list.c1";
        let patches = match self.backend() {
            // Looked up range by range. Before the table was analysed, PostgreSQL would rather
            // hold every patch against the list.
            DbBackend::Postgres => {
                format!("LATERAL (SELECT * FROM trip_patch AS t WHERE {within} OFFSET 0) AS t")
            }
            _ => format!("trip_patch AS t WHERE {within}"),
        };
        let sql = format!(
            "SELECT {columns} FROM {} CROSS JOIN {patches}",
            list.table()
        );
        (sql, [end.code().into()].into_iter().chain(list.values))
    }
}

/// The columns of `trip_patch` that hold the groups of a patch's columns, in the order of
/// [`PatchDepth`].
const PATCH_GROUPS: [(&str, PatchDepth); 4] = [
    ("t.keys", PatchDepth::Keys),
    ("t.points", PatchDepth::Points),
    ("t.others", PatchDepth::Others),
    ("t.rest", PatchDepth::Rest),
];

/// The columns that hold the groups to a depth.
fn groups(depth: PatchDepth) -> String {
    let columns = PATCH_GROUPS.iter().filter(|(_, group)| *group <= depth);
    let columns: Vec<_> = columns.map(|(column, _)| *column).collect();
    columns.join(", ")
}

/// The key of `trip_patch`.
const PATCH_KEY: [&str; 4] = ["trip_end", "cell", "segment_id", "batch"];

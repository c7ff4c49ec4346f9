//! Blocks of rows for people who ask with SQL: unpacked from the patches of origins, in the order of
//! batch, cell, and the trips of a patch.

use super::{Error, SegmentId};
use crate::geo::Point;
use crate::model::{
    CorruptPatch, IngestionId, LocalTime, PatchBytes, PatchDepth, PatchTrip, TripEnd,
};

/// A trip on its way into the table `trip`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SqlTrip {
    /// The ingestion that brought it.
    pub ingestion: IngestionId,
    /// The line of the file; the header is line 1.
    pub line: u64,
    /// The region's number.
    pub region: u32,
    /// The datasource's number.
    pub datasource: u32,
    /// Where it starts.
    pub origin: Point,
    /// Where it ends.
    pub destination: Point,
    /// Wall-clock time of departure.
    pub departed_at: LocalTime,
    /// Wall-clock time of arrival, if the file has it.
    pub arrived_at: Option<LocalTime>,
}

impl SqlTrip {
    /// The row of a trip in a patch of origins.
    pub fn of(trip: &PatchTrip) -> Result<Self, CorruptPatch> {
        let [origin, destination] = trip.points()?;
        Ok(Self {
            ingestion: trip.ingestion,
            line: trip.line,
            region: trip.key.region(),
            datasource: trip.key.datasource(),
            origin,
            destination,
            departed_at: trip.departed_at().ok_or(CorruptPatch)?,
            arrived_at: trip.arrived_at,
        })
    }
}

/// The place in a segment up to which its trips are rows of `trip`: those of all batches and cells
/// before it, and the first of the patch at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct SqlCursor {
    /// The batch.
    pub batch: u32,
    /// The cell.
    pub cell: u64,
    /// Number of trips of the patch of that batch and cell that are rows.
    pub trip: u64,
}

/// A segment whose rows are not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlBacklog {
    /// The segment.
    pub segment: SegmentId,
    /// Incremented when its patches change.
    pub revision: i32,
    /// Where its rows end.
    pub cursor: SqlCursor,
    /// Number of its rows so far.
    pub rows: u64,
    /// Number of its trips.
    pub trips: u64,
}

/// The next patches of a segment whose rows are not complete, all of one batch.
#[derive(Debug)]
pub struct SqlPatches {
    pub(super) segment: SegmentId,
    pub(super) revision: i32,
    pub(super) from: SqlCursor,
    pub(super) patches: Vec<SqlPatch>,
    /// What follows the last of them; `None` where it is the last of the segment.
    pub(super) then: Option<SqlCursor>,
}

/// A patch of origins, as it lies in the database.
#[derive(Debug)]
pub(super) struct SqlPatch {
    pub(super) cell: u64,
    pub(super) checksum: i64,
    pub(super) groups: [Vec<u8>; 4],
}

/// Rows of one segment that are written in one short transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlBlock {
    /// The segment.
    pub segment: SegmentId,
    /// Its revision when they were read.
    pub revision: i32,
    /// The cursor that the rows continue from.
    pub from: SqlCursor,
    /// The cursor behind them.
    pub to: SqlCursor,
    /// Whether the segment is complete with them.
    pub completes: bool,
    /// The rows.
    pub trips: Vec<SqlTrip>,
}

impl SqlBlock {
    /// Number of rows, as the database counts.
    pub(super) fn rows(&self) -> i64 {
        // They are in memory.
        i64::try_from(self.trips.len()).unwrap_or(i64::MAX)
    }
}

impl SqlPatches {
    /// Unpacks the trips from the cursor on, up to a number. An error names the broken patch.
    pub fn unpack(&self, most: usize) -> Result<SqlBlock, Error> {
        let mut block = SqlBlock {
            segment: self.segment,
            revision: self.revision,
            from: self.from,
            to: self.from,
            completes: false,
            trips: Vec::new(),
        };
        let batch = self.from.batch;
        for patch in &self.patches {
            let skipped = if patch.cell == self.from.cell {
                self.from.trip
            } else {
                0
            };
            let before = block.trips.len();
            let exhausted = patch
                .unpack(skipped, most, &mut block.trips)
                .map_err(|error| self.broken(patch, error))?;
            if !exhausted {
                block.to = SqlCursor {
                    batch,
                    cell: patch.cell,
                    trip: skipped + (block.trips.len() - before) as u64,
                };
                return Ok(block);
            }
            block.to = SqlCursor {
                batch,
                cell: patch.cell + 1,
                trip: 0,
            };
        }
        match self.then {
            Some(then) => block.to = then,
            None => block.completes = true,
        }
        Ok(block)
    }

    fn broken(&self, patch: &SqlPatch, error: CorruptPatch) -> Error {
        let key = || {
            let (cell, id, batch) = (patch.cell, self.segment, self.from.batch);
            format!("trip_end = 0, cell = {cell}, segment_id = {id}, batch = {batch}")
        };
        Error::from(error).in_row("trip_patch", key)
    }
}

impl SqlPatch {
    /// Adds the trips behind the first `skipped` to others, until there are `most`. Returns whether
    /// these were all.
    fn unpack(
        &self,
        mut skipped: u64,
        most: usize,
        trips: &mut Vec<SqlTrip>,
    ) -> Result<bool, CorruptPatch> {
        let groups = self.groups.each_ref().map(Vec::as_slice);
        let bytes = PatchBytes::new(groups, PatchDepth::Rest);
        if i64::from(bytes.checksum()) != self.checksum {
            return Err(CorruptPatch);
        }
        for part in bytes.parts(TripEnd::Origin) {
            let part = part?;
            let rows = part.rows().end;
            let Some(first) = u32::try_from(skipped).ok().filter(|first| *first < rows) else {
                skipped -= u64::from(rows);
                continue;
            };
            skipped = 0;
            for (cell, run) in part.runs() {
                for row in run.start.max(first)..run.end {
                    if trips.len() == most {
                        return Ok(false);
                    }
                    trips.push(SqlTrip::of(&part.trip(row, cell)?)?);
                }
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::leaf_cell;
    use crate::model::{Patch, TripKey, Week};

    fn trip(line: u64) -> PatchTrip {
        let destination = Point::new(14.0 + line as f64 / 7.0, 50.0).unwrap();
        PatchTrip {
            other_cell: leaf_cell(destination).into(),
            key: TripKey::new(Week::from_number(105_000).unwrap(), 1, 2),
            micros_of_week: line * 1_000_001,
            ingestion: 3,
            position: [14.4, 50.0 + line as f64 / 1e6],
            other: [destination.lon(), destination.lat()],
            line,
            arrived_at: line.is_multiple_of(2).then_some(LocalTime::MAX),
        }
    }

    /// Patches of some cells, each of two parts.
    fn patches(then: Option<SqlCursor>) -> SqlPatches {
        let patches = (0..5).map(|number| {
            let mut patch = Patch::default();
            for part in 0..2 {
                let first = 2 + number * 20 + part * 10;
                let trips: Vec<_> = (first..first + 10).map(trip).collect();
                patch.add(TripEnd::Origin, &trips);
            }
            SqlPatch {
                cell: 100 + number,
                checksum: patch.checksum().into(),
                groups: patch.groups().clone(),
            }
        });
        SqlPatches {
            segment: 3,
            revision: 0,
            from: SqlCursor::default(),
            patches: patches.collect(),
            then,
        }
    }

    #[test]
    fn every_trip_is_in_one_block_whatever_their_size() {
        let all = patches(None).unpack(usize::MAX).unwrap();
        assert!(all.completes);
        let mut lines: Vec<_> = all.trips.iter().map(|trip| trip.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, (2..102).collect::<Vec<_>>());
        assert_eq!(
            all.trips[0].arrived_at.is_some(),
            all.trips[0].line.is_multiple_of(2)
        );
        for most in [1, 3, 7, 10, 20, 33, 99, 100, 101] {
            let (mut trips, mut cursor) = (Vec::new(), SqlCursor::default());
            loop {
                let mut left = patches(None);
                left.from = cursor;
                left.patches.retain(|patch| patch.cell >= cursor.cell);
                let block = left.unpack(most).unwrap();
                assert_eq!(block.from, cursor);
                assert!(block.trips.len() <= most);
                trips.extend(block.trips);
                if block.completes {
                    break;
                }
                assert!(block.to > cursor);
                cursor = block.to;
            }
            assert_eq!(trips, all.trips, "{most} at a time");
        }
    }

    #[test]
    fn a_block_ends_where_the_next_patches_begin() {
        let next = SqlCursor {
            batch: 1,
            ..SqlCursor::default()
        };
        let block = patches(Some(next)).unpack(100).unwrap();
        assert_eq!((block.to, block.completes), (next, false));
        let block = patches(Some(next)).unpack(99).unwrap();
        assert_eq!((block.to.cell, block.to.trip), (104, 19));
    }

    #[test]
    fn an_ingestion_without_patches_is_complete() {
        let mut none = patches(None);
        none.patches.clear();
        let block = none.unpack(10).unwrap();
        assert!(block.completes && block.trips.is_empty());
    }

    #[test]
    fn a_broken_patch_is_named() {
        let mut broken = patches(None);
        broken.patches[2].groups[1][0] ^= 1;
        let error = broken.unpack(usize::MAX).unwrap_err().to_string();
        let key = "trip_patch, trip_end = 0, cell = 102, segment_id = 3, batch = 0";
        assert!(error.contains(key), "{error}");
    }
}

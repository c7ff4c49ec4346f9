//! Batches: some millions of trips at a time, sorted by cell into patches.

use std::sync::Arc;

use crate::geo::{LEVELS, Resolution, parent_index};
use crate::ingest::parse::LocalTime;
use crate::model::{End, Patch, PatchPoint, PatchRest, TripKey, Week};
use crate::store::{PatchRow, TripRow};

/// Trips in a block, which is written in one transaction.
pub(super) const BLOCK_TRIPS: usize = 1 << 16;

/// Blocks in a batch, whose trip ends of one place become one patch.
pub(super) const BATCH_BLOCKS: usize = 32;

/// Trip ends that are too few to be worth patches of smaller cells.
const SPARSE_ENDS: usize = 256;

/// The trips of one batch, in blocks that are shared with the writer.
#[derive(Debug, Default)]
pub(super) struct Batch {
    blocks: Vec<Arc<Vec<TripRow>>>,
}

impl Batch {
    /// Adds a block of at most [`BLOCK_TRIPS`] trips.
    pub(super) fn push(&mut self, block: Arc<Vec<TripRow>>) {
        self.blocks.push(block);
    }

    /// Whether it is time to pack it.
    pub(super) fn is_full(&self) -> bool {
        self.blocks.len() >= BATCH_BLOCKS
    }

    /// Packs the trip ends of each place into a patch, and hands the patches on in the order of
    /// their cells. Where trips are dense a place is a leaf cell, where they are sparse the
    /// largest cell of [`LEVELS`] that holds few.
    pub(super) fn pack<E>(
        &self,
        end: End,
        mut emit: impl FnMut(PatchRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut ends = Vec::with_capacity(self.blocks.iter().map(|block| block.len()).sum());
        for (block, trips) in (0u32..).zip(&self.blocks) {
            ends.extend((0u32..).zip(trips.iter()).map(|(index, trip)| {
                let leaf = match end {
                    End::Origin => trip.origin_cell,
                    End::Destination => trip.destination_cell,
                };
                (leaf, block, index)
            }));
        }
        // The descendants of a cell are neighbours then, and the trips of a leaf cell in the order
        // of their lines.
        ends.sort_unstable();
        cut(&ends, &LEVELS, &mut |cell, ends| {
            let mut patch = Patch::with_capacity(ends.len());
            for &(_, block, index) in ends {
                let (point, rest) = pack(end, &self.blocks[block as usize][index as usize]);
                patch.push(point, rest);
            }
            emit(PatchRow { end, cell, patch })
        })
    }
}

/// A trip end by its leaf cell, and where its trip is in the batch.
type PlacedEnd = (u64, u32, u32);

/// Cuts sorted trip ends into those of one patch each: by the cells of the first level, and where
/// there are more than a few in one of them, by the next.
fn cut<E>(
    ends: &[PlacedEnd],
    levels: &[Resolution],
    emit: &mut impl FnMut(u64, &[PlacedEnd]) -> Result<(), E>,
) -> Result<(), E> {
    let Some((&level, finer)) = levels.split_first() else {
        return Ok(());
    };
    let cell = |end: &PlacedEnd| parent_index(end.0, level);
    for ends in ends.chunk_by(|a, b| cell(a) == cell(b)) {
        if finer.is_empty() || ends.len() <= SPARSE_ENDS {
            emit(cell(&ends[0]), ends)?;
        } else {
            cut(ends, finer, emit)?;
        }
    }
    Ok(())
}

/// A trip as its patch has it.
fn pack(end: End, trip: &TripRow) -> (PatchPoint, PatchRest) {
    let (this, other, other_cell) = match end {
        End::Origin => (trip.origin, trip.destination, trip.destination_cell),
        End::Destination => (trip.destination, trip.origin, trip.origin_cell),
    };
    let time = LocalTime::from_micros(trip.departed_at).unwrap_or(LocalTime::MIN);
    let week = Week::from_number(time.week_number()).unwrap_or(Week::MAX);
    (
        PatchPoint {
            lon: this.lon(),
            lat: this.lat(),
            key: TripKey::new(week, trip.region, trip.datasource),
        },
        PatchRest {
            other_cell,
            other_lon: other.lon(),
            other_lat: other.lat(),
            slot: time.half_hour_slot(),
            line: trip.line,
        },
    )
}

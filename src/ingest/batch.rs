//! Batches: some millions of trips at a time, sorted by cell into patches.

use std::sync::Arc;

use crate::ingest::parse::LocalTime;
use crate::model::{End, Patch, PatchPoint, PatchRest, TripKey, Week};
use crate::store::{PatchRow, TripRow};

/// Trips in a block, which is written in one transaction.
pub(super) const BLOCK_TRIPS: usize = 1 << 16;

/// Blocks in a batch, whose trip ends of one cell become one patch.
pub(super) const BATCH_BLOCKS: usize = 32;

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

    /// Packs the trip ends of each leaf cell into a patch, and hands the patches on in the order
    /// of their cells.
    pub(super) fn pack<E>(
        &self,
        end: End,
        mut emit: impl FnMut(PatchRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut places = Vec::with_capacity(self.blocks.iter().map(|block| block.len()).sum());
        for (block, trips) in (0u32..).zip(&self.blocks) {
            places.extend((0u32..).zip(trips.iter()).map(|(index, trip)| {
                let cell = match end {
                    End::Origin => trip.origin_cell,
                    End::Destination => trip.destination_cell,
                };
                (cell, block, index)
            }));
        }
        // With the place in the key, the trips of a cell stay in the order of their lines.
        places.sort_unstable();
        for run in places.chunk_by(|a, b| a.0 == b.0) {
            let mut patch = Patch::with_capacity(run.len());
            for &(_, block, index) in run {
                let (point, rest) = pack(end, &self.blocks[block as usize][index as usize]);
                patch.push(point, rest);
            }
            emit(PatchRow {
                end,
                cell: run[0].0,
                patch,
            })?;
        }
        Ok(())
    }
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

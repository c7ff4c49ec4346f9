//! Trip patches: the trips with an end in one place, packed. The place is a leaf cell where trips
//! are dense, and a larger cell of [`LEVELS`](crate::geo::LEVELS) where they are sparse.
//!
//! A patch has four groups of [columns](super::columns), stored one behind the other in the order in
//! which questions need them, so that a question reads only as far as it must: see [`PatchDepth`].
//! All groups list the same trips in the same order, which is that of the leaf cell of their other
//! end: so the trips to one place are neighbours, found by binary search.
//!
//! Patches that were packed at different times are joined by joining their bytes: each group is one
//! part or more, and each part is ordered by itself. (pgPointcloud calls such a row a patch.)

use super::columns::ColumnWriter;
use super::{PatchBytes, PatchDepth, PatchTrip, TripEnd};
use crate::geo::leaf_number;

/// A patch as it is stored: the bytes of each group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    groups: [Vec<u8>; 4],
}

impl Patch {
    /// Packs trips and adds them as a part.
    ///
    /// # Panics
    ///
    /// If there are 2³⁰ of them, or more.
    pub fn add(&mut self, end: TripEnd, trips: &[PatchTrip]) {
        let rows = u32::try_from(trips.len())
            .ok()
            .filter(|rows| rows >> INDEX_BITS == 0);
        let rows = rows.unwrap_or_else(|| panic!("{} trips are no patch", trips.len()));
        let order = by_other_cell(trips);
        let trips = order.iter().map(|&(_, index)| &trips[index]);

        let [keys, points, others, rest] = &mut self.groups;
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for (end, &(cell, _)) in (1..).zip(&order) {
            match runs.last_mut() {
                Some(run) if run.0 == cell => run.1 = end,
                _ => runs.push((cell, end)),
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "no more than rows")]
        let mut packed = ColumnWriter::new(keys, runs.len() as u32);
        packed.column(runs.iter().map(|run| run.0));
        packed.column(runs.iter().map(|run| run.1));
        let mut packed = ColumnWriter::new(keys, rows);
        packed.column(trips.clone().map(|trip| trip.key.week_number().into()));
        packed.column(trips.clone().map(|trip| trip.micros_of_week));
        packed.column(trips.clone().map(|trip| trip.key.region().into()));
        packed.column(trips.clone().map(|trip| trip.key.datasource().into()));
        packed.column(trips.clone().map(|trip| trip.ingestion.cast_unsigned()));

        let mut packed = ColumnWriter::new(points, rows);
        for axis in 0..2 {
            packed.column(trips.clone().map(|trip| trip.position[axis].to_bits()));
        }
        let mut packed = ColumnWriter::new(rest, rows);
        packed.column(trips.clone().map(|trip| trip.line));
        if end == TripEnd::Origin {
            packed.column(trips.clone().map(|trip| trip.arrived_at.is_some().into()));
            packed.column(trips.clone().map(duration));
            let mut packed = ColumnWriter::new(others, rows);
            for axis in 0..2 {
                packed.column(trips.clone().map(|trip| trip.other[axis].to_bits()));
            }
        }
        // Patches wait in memory by the thousands.
        for group in &mut self.groups {
            group.shrink_to_fit();
        }
    }

    /// Adds the parts of another patch of the same cell and end.
    pub fn append(&mut self, other: Self) {
        for (group, other) in self.groups.iter_mut().zip(other.groups) {
            if group.is_empty() {
                *group = other;
            } else {
                group.extend_from_slice(&other);
                group.shrink_to_fit();
            }
        }
    }

    /// A patch of bytes that [`groups`](Self::groups) returned, or of those of several patches of a cell,
    /// one behind the other.
    #[must_use]
    pub const fn from_groups(groups: [Vec<u8>; 4]) -> Self {
        Self { groups }
    }

    /// The bytes of each group, in the order of [`PatchDepth`].
    #[must_use]
    pub const fn groups(&self) -> &[Vec<u8>; 4] {
        &self.groups
    }

    /// CRC-32 of the groups, one behind the other.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        self.bytes().checksum()
    }

    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.iter().map(Vec::len).sum()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All groups, to be read.
    #[must_use]
    pub fn bytes(&self) -> PatchBytes<'_> {
        let groups = self.groups.each_ref().map(Vec::as_slice);
        PatchBytes::new(groups, PatchDepth::Rest)
    }
}

const INDEX_BITS: u32 = 30;

/// Numbers of the other ends' leaf cells and indexes of trips, ordered by them.
fn by_other_cell(trips: &[PatchTrip]) -> Vec<(u64, usize)> {
    // Both in one number, which is quick to sort.
    let mut order: Vec<u64> = (0..)
        .zip(trips)
        .map(|(index, trip)| leaf_number(trip.other_cell) << INDEX_BITS | index)
        .collect();
    order.sort_unstable();
    let apart = |number: u64| {
        let index = (number & ((1 << INDEX_BITS) - 1)) as usize;
        (number >> INDEX_BITS, index)
    };
    order.into_iter().map(apart).collect()
}

/// Time from departure to arrival in microseconds, in zigzag coding: 0, -1, 1, -2, … as 0, 1, 2, 3,
/// …; 0 without arrival.
fn duration(trip: &PatchTrip) -> u64 {
    let micros = match (trip.departed_at(), trip.arrived_at) {
        (Some(departed), Some(arrived)) => arrived.micros() - departed.micros(),
        _ => 0,
    };
    (micros << 1 ^ micros >> 63).cast_unsigned()
}

#[cfg(test)]
mod tests;

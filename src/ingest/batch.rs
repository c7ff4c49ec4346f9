//! Batches: about 4 million trips, whose ends of one place form one patch. They are packed in
//! portions, since unpacked trips take more memory.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use crate::geo::{LEAF_NUMBER_BITS, LEVELS, Resolution, leaf_number, numbered_leaf, parent_index};
use crate::ingest::parse::LocalTime;
use crate::model::{Patch, PatchPoint, PatchRest, TripEnd, TripKey, Week};
use crate::store::{PatchRow, TripRow};

/// Trips in a block, which is written in one transaction.
pub(super) const BLOCK_TRIPS: usize = 1 << 16;

/// Blocks in a portion.
const PORTION_BLOCKS: usize = 16;

/// Portions in a batch.
pub(super) const BATCH_PORTIONS: usize = 4;

/// Up to this many trip ends of a portion form one patch instead of patches of smaller cells.
const SPARSE_ENDS: usize = 128;

/// Number of trip ends whose trips are fetched together.
const FETCHED_ENDS: usize = 32;

/// The packed trip ends of a batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The patches by cell, for each kind of trip end.
    patches: [BTreeMap<u64, Patch>; 2],
}

impl Batch {
    /// Packs a portion and adds it.
    pub(super) fn add(&mut self, portion: &Portion) {
        for (end, patches) in TripEnd::ALL.into_iter().zip(&mut self.patches) {
            portion.places(end, |cell, ends| {
                patches.entry(cell).or_default().add(end, ends);
            });
        }
    }

    /// Number of patches.
    pub(super) fn len(&self) -> usize {
        self.patches.iter().map(BTreeMap::len).sum()
    }

    /// Takes all patches, ordered by trip end and cell.
    pub(super) fn take(&mut self) -> impl Iterator<Item = PatchRow> + use<> {
        let ends = TripEnd::ALL.into_iter().zip(mem::take(&mut self.patches));
        ends.flat_map(|(end, patches)| {
            let row = move |(cell, patch)| PatchRow { end, cell, patch };
            patches.into_iter().map(row)
        })
    }
}

/// Trips to be packed together, in blocks that are shared with the writer.
#[derive(Debug, Default)]
pub(super) struct Portion {
    blocks: Vec<Arc<Vec<TripRow>>>,
}

impl Portion {
    /// Adds a block of at most [`BLOCK_TRIPS`] trips.
    pub(super) fn push(&mut self, block: Arc<Vec<TripRow>>) {
        self.blocks.push(block);
    }

    /// Number of trips.
    pub(super) fn trips(&self) -> u64 {
        self.blocks.iter().map(|block| block.len() as u64).sum()
    }

    /// Whether it has all its blocks and is to be packed.
    pub(super) fn is_full(&self) -> bool {
        self.blocks.len() >= PORTION_BLOCKS
    }

    /// Emits the trip ends of each place, with its cell. Where trips are dense a place is a leaf
    /// cell, where they are sparse the largest cell of [`LEVELS`] with at most [`SPARSE_ENDS`].
    fn places(&self, end: TripEnd, mut emit: impl FnMut(u64, &[(PatchPoint, PatchRest)])) {
        let mut ends = Vec::with_capacity(self.blocks.iter().map(|block| block.len()).sum());
        for (block, trips) in self.blocks.iter().enumerate() {
            ends.extend(trips.iter().enumerate().map(|(index, trip)| {
                let leaf = match end {
                    TripEnd::Origin => trip.origin_cell,
                    TripEnd::Destination => trip.destination_cell,
                };
                PlacedEnd::new(leaf, block, index)
            }));
        }
        // The descendants of a cell are neighbours then, and the trips of a leaf cell in the order
        // of their lines.
        ends.sort_unstable();
        let mut place = Vec::new();
        cut(&ends, &LEVELS, &mut |cell, ends| {
            place.clear();
            // Trips lie far apart in memory. Those of a few ends are fetched before any is packed,
            // so that the processor waits for all of them at once.
            for ends in ends.chunks(FETCHED_ENDS) {
                let mut trips = [None; FETCHED_ENDS];
                for (trip, placed) in trips.iter_mut().zip(ends) {
                    *trip = Some(self.blocks[placed.block()][placed.index()]);
                }
                place.extend(trips.iter().flatten().map(|trip| end_of(end, trip)));
            }
            emit(cell, &place);
        });
    }
}

/// A trip end's leaf cell and the block and index of its trip in the portion, in one number, which
/// is quick to sort. The order is by leaf cell, block and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct PlacedEnd(u64);

/// Bits of an index below [`BLOCK_TRIPS`].
const INDEX_BITS: u32 = BLOCK_TRIPS.trailing_zeros();
/// The remaining bits, for the block: there are about [`PORTION_BLOCKS`].
const BLOCK_BITS: u32 = u64::BITS - LEAF_NUMBER_BITS - INDEX_BITS;
const _: () = assert!(BLOCK_TRIPS == 1 << INDEX_BITS && PORTION_BLOCKS < 1 << (BLOCK_BITS - 1));

impl PlacedEnd {
    const fn new(leaf: u64, block: usize, index: usize) -> Self {
        let place = (block as u64) << INDEX_BITS | index as u64;
        Self(leaf_number(leaf) << (BLOCK_BITS + INDEX_BITS) | place)
    }

    const fn leaf(self) -> u64 {
        numbered_leaf(self.0 >> (BLOCK_BITS + INDEX_BITS))
    }

    const fn block(self) -> usize {
        (self.0 >> INDEX_BITS) as usize % (1 << BLOCK_BITS)
    }

    const fn index(self) -> usize {
        (self.0 % (1 << INDEX_BITS)) as usize
    }
}

/// Divides sorted trip ends into patches: by the cells of the first level, and where a cell has
/// more than [`SPARSE_ENDS`], by the next level.
fn cut(ends: &[PlacedEnd], levels: &[Resolution], emit: &mut impl FnMut(u64, &[PlacedEnd])) {
    let Some((&level, finer)) = levels.split_first() else {
        return;
    };
    let cell = |end: &PlacedEnd| parent_index(end.leaf(), level);
    for ends in ends.chunk_by(|a, b| cell(a) == cell(b)) {
        if finer.is_empty() || ends.len() <= SPARSE_ENDS {
            emit(cell(&ends[0]), ends);
        } else {
            cut(ends, finer, emit);
        }
    }
}

/// A trip end as its patch stores it.
fn end_of(end: TripEnd, trip: &TripRow) -> (PatchPoint, PatchRest) {
    let (this, other, other_cell) = match end {
        TripEnd::Origin => (trip.origin, trip.destination, trip.destination_cell),
        TripEnd::Destination => (trip.destination, trip.origin, trip.origin_cell),
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
            other: (end == TripEnd::Origin).then(|| [other.lon(), other.lat()]),
            half_hour: time.half_hour(),
            line: trip.line,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Point, leaf_cell, resolution_of};
    use crate::model::PatchEnds;

    fn trip(line: u64, origin: (f64, f64)) -> TripRow {
        let point = |(lon, lat)| Point::new(lon, lat).unwrap();
        let (origin, destination) = (point(origin), point((14.5, 50.0)));
        TripRow {
            line,
            region: 1,
            datasource: 1,
            origin,
            destination,
            origin_cell: leaf_cell(origin).into(),
            destination_cell: leaf_cell(destination).into(),
            departed_at: 0,
        }
    }

    /// The cell and the lines of each patch, with this many trips in a portion.
    fn packed_in(places: &[(f64, f64)], portion: usize) -> Vec<(u64, Vec<u64>)> {
        let trips: Vec<_> = (2..)
            .zip(places)
            .map(|(line, place)| trip(line, *place))
            .collect();
        let mut batch = Batch::default();
        for trips in trips.chunks(portion) {
            let mut portion = Portion::default();
            for block in trips.chunks(100) {
                portion.push(Arc::new(block.to_vec()));
            }
            batch.add(&portion);
        }
        let mut patches = Vec::new();
        for row in batch.take().filter(|row| row.end == TripEnd::Origin) {
            let mut lines = Vec::new();
            for part in PatchEnds::parts(row.end, &row.patch.points, &row.patch.rest) {
                for (point, rest) in part.unwrap().iter() {
                    let leaf = leaf_cell(Point::new(point.lon, point.lat).unwrap());
                    let level = Resolution::new(resolution_of(row.cell).into()).unwrap();
                    assert_eq!(parent_index(leaf.into(), level), row.cell);
                    lines.push(rest.line);
                }
            }
            patches.push((row.cell, lines));
        }
        assert_eq!(batch.take().count(), 0);
        patches
    }

    fn packed(places: &[(f64, f64)]) -> Vec<(u64, Vec<u64>)> {
        packed_in(places, 1_000_000)
    }

    #[test]
    fn every_trip_end_is_in_one_patch() {
        // A crowd in one place, fewer around it, and some far away.
        let mut places = vec![(14.42, 50.08); SPARSE_ENDS + 50];
        places.extend((0..200).map(|n| (14.42 + f64::from(n) * 0.001, 50.08)));
        places.extend((0..150).map(|n| (f64::from(n), -10.0)));
        let patches = packed(&places);
        let mut lines: Vec<_> = patches
            .iter()
            .flat_map(|(_, lines)| lines.clone())
            .collect();
        lines.sort_unstable();
        assert!(lines.iter().copied().eq(2..2 + places.len() as u64));

        let level = |patch: &(u64, Vec<u64>)| resolution_of(patch.0);
        let crowd = patches
            .iter()
            .find(|(_, lines)| lines.contains(&2))
            .unwrap();
        assert_eq!(resolution_of(crowd.0), 9);
        assert!(crowd.1.is_sorted(), "in the order of the lines");
        assert!(patches.iter().any(|patch| level(patch) == 1));
        for patch in &patches {
            assert!(level(patch) == 9 || patch.1.len() <= SPARSE_ENDS);
        }
    }

    #[test]
    fn portions_of_a_batch_share_patches() {
        let places = vec![(14.42, 50.08); 10];
        let lines: Vec<_> = (2..12).collect();
        for portion in [1, 3, 10] {
            assert_eq!(packed_in(&places, portion)[0].1, lines);
            assert_eq!(packed_in(&places, portion).len(), 1);
        }
    }

    #[test]
    fn few_trips_of_a_place_are_one_patch() {
        let patches = packed(&[(14.42, 50.08), (14.43, 50.09), (14.5, 50.1)]);
        assert_eq!(patches.len(), 1);
        assert_eq!(resolution_of(patches[0].0), 1);
        assert!(packed(&[]).is_empty());
    }
}

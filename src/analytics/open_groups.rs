//! Groups of which more trips may come.

use std::mem;

use hashbrown::HashMap;

use super::periods::Counts;

/// Origin cell, destination cell, bucket.
pub(super) type GroupKey = (u64, u64, u16);

type Map<V> = HashMap<u64, V, foldhash::fast::FixedState>;

/// The counts of groups, by origin: patches are read origin by origin, so that the groups which a patch
/// adds to are beside each other in memory.
#[derive(Debug, Default)]
pub(super) struct OpenGroups {
    /// Places in `of_origins` by origin.
    places: Map<usize>,
    of_origins: Vec<(u64, OfOrigin)>,
    /// The place of the origin that was counted last.
    last: usize,
    len: usize,
}

/// Groups that take as much memory as the table of an origin does.
const GROUPS_OF_ORIGIN: usize = 4;

/// Counts by [destination and bucket](packed).
type OfOrigin = Map<Counts>;

impl OpenGroups {
    /// How much memory they take, in groups: at least that of four for each origin, whose table takes as
    /// much.
    pub(super) fn size(&self) -> usize {
        self.len.max(GROUPS_OF_ORIGIN * self.of_origins.len())
    }

    /// Counts trips of a group if there is room or the group is known; returns whether it did.
    pub(super) fn count(
        &mut self,
        (origin, destination, bucket): GroupKey,
        trips: Counts,
        room: bool,
    ) -> bool {
        let Some(groups) = self.of_origin(origin, room) else {
            return false;
        };
        let key = packed(destination, bucket);
        match groups.get_mut(&key) {
            Some(known) => {
                known[0] += trips[0];
                known[1] += trips[1];
            }
            None if room => {
                groups.insert(key, trips);
                self.len += 1;
            }
            None => return false,
        }
        true
    }

    /// The groups of an origin; `None` if it is new and there is no room.
    fn of_origin(&mut self, origin: u64, room: bool) -> Option<&mut OfOrigin> {
        if self
            .of_origins
            .get(self.last)
            .is_none_or(|(last, _)| *last != origin)
        {
            self.last = match self.places.get(&origin) {
                Some(&place) => place,
                None if room => {
                    let place = self.of_origins.len();
                    self.places.insert(origin, place);
                    self.of_origins.push((origin, OfOrigin::default()));
                    place
                }
                None => return None,
            };
        }
        Some(&mut self.of_origins[self.last].1)
    }

    /// Takes a group out; its counts, or none.
    pub(super) fn remove(&mut self, (origin, destination, bucket): GroupKey) -> Counts {
        let place = self.places.get(&origin);
        let removed = place.and_then(|&place| {
            let groups = &mut self.of_origins[place].1;
            groups.remove(&packed(destination, bucket))
        });
        self.len -= usize::from(removed.is_some());
        removed.unwrap_or_default()
    }

    /// Forgets all groups.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes all groups out, in no order.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (GroupKey, Counts)> + use<> {
        mem::take(self)
            .of_origins
            .into_iter()
            .flat_map(|(origin, groups)| {
                groups.into_iter().map(move |(key, trips)| {
                    let (destination, bucket) = unpacked(key);
                    ((origin, destination, bucket), trips)
                })
            })
    }
}

/// Bits of a bucket, which is less than 48.
const BUCKET_BITS: u32 = 6;
/// The only bit of the highest six of a cell's index that is set: they name the kind of index.
const CELL_MODE: u64 = 1 << 59;

/// A cell and a bucket in one number.
const fn packed(cell: u64, bucket: u16) -> u64 {
    cell << BUCKET_BITS | bucket as u64
}

/// The cell and the bucket of a number.
const fn unpacked(packed: u64) -> (u64, u16) {
    let bucket = packed & ((1 << BUCKET_BITS) - 1);
    (packed >> BUCKET_BITS | CELL_MODE, bucket as u16)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use h3o::CellIndex;

    use super::*;
    use crate::geo::{LEVELS, Point, leaf_cell, parent};

    #[test]
    fn an_origin_takes_as_much_as_some_groups() {
        let mut open = OpenGroups::default();
        for origin in 0..100 {
            assert!(open.count((origin, 7, 0), [1, 0], true));
        }
        // Without room, an origin that is not known takes none.
        assert!(!open.count((100, 7, 0), [1, 0], false));
        assert_eq!(open.size(), 100 * GROUPS_OF_ORIGIN);
        for destination in 0..1_000 {
            assert!(open.count((7, destination, 1), [1, 0], true));
        }
        assert_eq!(open.size(), 1_100);
    }

    #[test]
    fn groups_are_those_of_a_plain_map() {
        let mut random = fastrand::Rng::with_seed(3);
        let mut cell = |spread: f64| {
            let [lon, lat] = [0, 0].map(|_| random.f64() * spread);
            let level = LEVELS[random.usize(..LEVELS.len())];
            u64::from(parent(leaf_cell(Point::new(lon, lat).unwrap()), level))
        };
        let cells: Vec<_> = (0..40).map(|number| cell(f64::from(number))).collect();
        let (mut open, mut plain) = (OpenGroups::default(), HashMap::new());
        for _ in 0..5_000 {
            let [origin, destination] = [0; 2].map(|_| cells[random.usize(..cells.len())]);
            let key = (origin, destination, random.u16(..48));
            let trips = [random.u64(..3), random.u64(..3)];
            match random.u8(..10) {
                0 => assert_eq!(open.remove(key), plain.remove(&key).unwrap_or_default()),
                1 => {
                    let known = plain.contains_key(&key);
                    assert_eq!(open.count(key, trips, false), known);
                    if known {
                        let counts: &mut Counts = plain.get_mut(&key).unwrap();
                        *counts = [counts[0] + trips[0], counts[1] + trips[1]];
                    }
                }
                _ => {
                    assert!(open.count(key, trips, true));
                    let counts = plain.entry(key).or_default();
                    *counts = [counts[0] + trips[0], counts[1] + trips[1]];
                }
            }
            assert_eq!(open.len, plain.len());
        }
        let taken: HashMap<_, _> = open.take().collect();
        assert_eq!(taken, plain);
        assert_eq!(open.size(), 0);
        assert!(cells.iter().all(|&cell| CellIndex::try_from(cell).is_ok()));
    }
}

//! A bounded set of places.

use std::collections::{BTreeSet, HashSet};

use h3o::CellIndex;

use super::cover::{only, patches_within};
use crate::geo::{CellRange, LEVELS, parent_index};
use crate::model::CorruptPatch;

/// Maximum number of cells. With more, all of them are replaced by their parents.
const MAX_CELLS: usize = 20_000;

/// Leaf cells, or, where they are many, larger cells that hold them.
#[derive(Debug)]
pub(super) struct Places {
    /// The number of the cells' level.
    level: usize,
    cells: HashSet<u64, foldhash::fast::FixedState>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            level: LEVELS.len() - 1,
            cells: HashSet::default(),
        }
    }
}

impl Places {
    /// Whether a leaf cell is in one of the places.
    #[inline]
    pub(super) fn contain(&self, leaf: u64) -> bool {
        self.cells.contains(&parent_index(leaf, LEVELS[self.level]))
    }

    /// Adds a leaf cell.
    pub(super) fn add(&mut self, leaf: u64) {
        self.cells.insert(parent_index(leaf, LEVELS[self.level]));
        while self.cells.len() > MAX_CELLS && self.level > 0 {
            self.level -= 1;
            let parent = |&cell: &u64| parent_index(cell, LEVELS[self.level]);
            self.cells = self.cells.iter().map(parent).collect();
        }
    }

    /// The cells of the patches that may hold a trip end in one of the places: those within, and
    /// the larger cells around, in which the trips of sparse places are packed.
    pub(super) fn patches(&self) -> Result<Vec<CellRange>, CorruptPatch> {
        let mut around = BTreeSet::new();
        for &cell in &self.cells {
            let larger = LEVELS[..self.level].iter();
            around.extend(larger.map(|&level| parent_index(cell, level)));
        }
        let mut ranges = Vec::new();
        let cell = |index: u64| CellIndex::try_from(index).map_err(|_| CorruptPatch);
        for &index in &self.cells {
            ranges.extend(patches_within(cell(index)?));
        }
        for index in around {
            ranges.push(only(cell(index)?));
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Point, leaf_cell, parent};

    #[test]
    fn places_hold_what_was_added() {
        let mut random = fastrand::Rng::with_seed(7);
        for (number, spread) in [(200, 0.5), (30_000, 3.0), (60_000, 180.0)] {
            let mut places = Places::default();
            let leaves: Vec<_> = (0..number)
                .map(|_| {
                    let lon = (random.f64() - 0.5) * 2.0 * spread;
                    leaf_cell(Point::new(lon, (random.f64() - 0.5) * spread).unwrap())
                })
                .collect();
            for &leaf in &leaves {
                places.add(leaf.into());
            }
            assert!(places.cells.len() <= MAX_CELLS);
            assert_eq!(places.level == LEVELS.len() - 1, number == 200);
            let mut ranges = places.patches().unwrap();
            ranges.sort_unstable_by_key(|range| range.first);
            // No patch is read twice.
            assert!(ranges.windows(2).all(|pair| pair[0].last < pair[1].first));
            for leaf in leaves {
                assert!(places.contain(leaf.into()));
                for level in LEVELS {
                    let cell = parent(leaf, level);
                    let next = ranges.partition_point(|range| range.last < cell.into());
                    assert!(ranges[next].contains(cell));
                }
            }
        }
    }
}

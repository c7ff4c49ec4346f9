//! Lists of ranges of cells, as short as they can be.

use h3o::BaseCell;

use super::CellRange;
use super::cell::{BASE_CELL_OFFSET, resolution_of, unused_digits};

impl CellRange {
    /// The ranges that hold the same cells, each once: ascending, and as few as possible.
    #[must_use]
    pub fn merged(mut ranges: Vec<Self>) -> Vec<Self> {
        ranges.retain(|range| range.first <= range.last);
        ranges.sort_unstable_by_key(|range| range.first);
        ranges.dedup_by(|next, range| {
            let adjoins = next.first <= next_index(range.last);
            if adjoins {
                range.last = range.last.max(next.last);
            }
            adjoins
        });
        ranges
    }
}

/// The least index that a cell after this one can have at the same resolution.
fn next_index(cell: u64) -> u64 {
    let resolution = u64::from(resolution_of(cell));
    let unused = unused_digits(resolution);
    let mut next = cell + unused + 1;
    for digit in (1..=resolution).rev().map(|digit| 3 * (15 - digit)) {
        // Digits are at most 6.
        if next >> digit & 7 == 7 {
            next += 1 << digit;
        }
    }
    // A pentagon has no child 1: nothing in it has digits of which the first other than 0 is 1.
    let digits = next & unused_digits(0) & !unused;
    let base = u8::try_from(next >> BASE_CELL_OFFSET & 127);
    let is_pentagon =
        base.is_ok_and(|base| BaseCell::try_from(base).is_ok_and(BaseCell::is_pentagon));
    if is_pentagon && digits.is_power_of_two() && digits.trailing_zeros().is_multiple_of(3) {
        next += digits;
    }
    next | unused
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use h3o::CellIndex;

    use super::*;
    use crate::geo::testing::{Random, all_resolutions};
    use crate::geo::{Resolution, leaf_cell, parent};

    #[test]
    fn the_next_cell_has_the_next_index() {
        for resolution in all_resolutions().take(5) {
            let cells: Vec<u64> = CellIndex::base_cells()
                .flat_map(|base| base.children(resolution.into()))
                .map(u64::from)
                .collect();
            for pair in cells.windows(2) {
                assert_eq!(next_index(pair[0]), pair[1], "{pair:x?}");
            }
        }
        // At fine resolutions, around the children of pentagons and of other cells.
        let mut random = Random::new(80);
        for resolution in all_resolutions().skip(5) {
            let pentagons = Resolution::new(3)
                .map(h3o::Resolution::from)
                .unwrap()
                .pentagons();
            let others = (0..100).map(|_| parent(leaf_cell(random.point()), resolution));
            let others = others.map(|cell| cell.parent(h3o::Resolution::Three).unwrap());
            for cell in pentagons.chain(others) {
                let cells: Vec<u64> = cell.children(resolution.into()).map(u64::from).collect();
                for pair in cells.windows(2) {
                    assert_eq!(next_index(pair[0]), pair[1], "{pair:x?}");
                }
            }
        }
    }

    #[test]
    fn all_of_a_resolution_become_one() {
        for resolution in all_resolutions() {
            let parts =
                CellIndex::base_cells().flat_map(|base| base.children(h3o::Resolution::Two));
            let parts = parts.map(|part| CellRange::descendants(part, resolution));
            let merged = CellRange::merged(parts.collect());
            if resolution.get() < 2 {
                assert!(merged.is_empty());
            } else {
                assert_eq!(merged, [CellRange::all(resolution)]);
            }
        }
    }

    #[test]
    fn merged_ranges_hold_the_same_cells() {
        let mut random = Random::new(81);
        let (mut before, mut after) = (0, 0);
        for _ in 0..300 {
            let top = parent(leaf_cell(random.point()), random.resolution());
            let depth = u8::from(top.resolution()) + 2;
            let Some(finest) = Resolution::new(depth.into()) else {
                continue;
            };
            // Some of the cells around, at several resolutions, and of their children.
            let mut cells = top.grid_disk::<Vec<_>>(1);
            cells.extend(
                cells
                    .clone()
                    .iter()
                    .flat_map(|cell| cell.children(finest.into())),
            );
            let kept: Vec<_> = cells
                .iter()
                .filter(|_| random.below(4) > 0)
                .copied()
                .collect();
            let ranges: Vec<_> = kept
                .iter()
                .flat_map(|&cell| {
                    all_resolutions()
                        .filter(|&level| level <= finest)
                        .map(move |level| CellRange::descendants(cell, level))
                })
                .collect();
            let merged = CellRange::merged(ranges.clone());
            assert!(merged.windows(2).all(|pair| pair[0].last < pair[1].first));
            let held = |ranges: &[CellRange]| -> BTreeSet<CellIndex> {
                let held = |&cell: &CellIndex| ranges.iter().any(|range| range.contains(cell));
                let near = cells.iter().flat_map(|cell| {
                    let around = cell.grid_disk::<Vec<_>>(1);
                    let parents = cell.resolution().pred();
                    around
                        .into_iter()
                        .chain(parents.and_then(|parent| cell.parent(parent)))
                });
                near.filter(held).collect()
            };
            assert_eq!(held(&merged), held(&ranges));
            before += ranges
                .iter()
                .filter(|range| range.first <= range.last)
                .count();
            after += merged.len();
        }
        assert!(after * 4 < before, "{after} of {before}");
    }
}

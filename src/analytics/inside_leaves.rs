//! Which leaf cells a cover puts wholly inside an area.

use h3o::CellIndex;

use super::cover::Cover;
use crate::geo::{CellRange, Resolution};

/// The leaf cells of the cells inside a cover.
///
/// A leaf cell that is not among them may still be inside: a cover leaves out what has no trips of
/// its own. But then the trip ends in it are packed in patches of larger cells, on the edge.
#[derive(Debug, Default)]
pub(super) struct InsideLeaves {
    /// Ascending, as few as possible.
    ranges: Vec<CellRange>,
}

impl InsideLeaves {
    /// The leaf cells inside a cover.
    pub(super) fn of(cover: &Cover) -> Self {
        let inside = cover.inside.iter();
        let leaves = inside.map(|&cell| CellRange::descendants(cell, Resolution::LEAF));
        let ranges = CellRange::merged(leaves.collect());
        Self { ranges }
    }

    /// The leaf cells as ascending ranges.
    pub(super) fn ranges(&self) -> &[CellRange] {
        &self.ranges
    }

    /// Whether all leaf cells of a cell are inside.
    pub(super) fn holds(&self, cell: u64) -> bool {
        CellIndex::try_from(cell).is_ok_and(|cell| {
            let leaves = CellRange::descendants(cell, Resolution::LEAF);
            let next = self
                .ranges
                .partition_point(|range| range.last < leaves.last);
            let range = self.ranges.get(next);
            range.is_some_and(|range| range.first <= leaves.first)
        })
    }

    /// Whether a leaf cell is inside.
    pub(super) fn contains(&self, leaf: u64) -> bool {
        let next = self.ranges.partition_point(|range| range.last < leaf);
        let range = self.ranges.get(next);
        range.is_some_and(|range| range.first <= leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::{Point, leaf_cell, parent};

    fn inside(cells: Vec<CellIndex>) -> InsideLeaves {
        InsideLeaves::of(&Cover {
            inside: cells,
            edge: Vec::new(),
        })
    }

    #[test]
    fn children_are_one_range_with_their_parent() {
        let place = leaf_cell(Point::new(14.42, 50.08).unwrap());
        for level in 0..9 {
            let resolution = Resolution::new(level).unwrap();
            let cell = parent(place, resolution);
            let finer = Resolution::new((level + 2).min(9)).unwrap();
            let children: Vec<_> = cell.children(finer.into()).collect();
            let leaves = inside(children.clone());
            assert_eq!(leaves.ranges(), inside(vec![cell]).ranges());
            assert_eq!(leaves.ranges().len(), 1);
            assert!(leaves.contains(place.into()));
            assert!(leaves.holds(cell.into()) && leaves.holds(place.into()));
            assert_eq!(
                leaves.holds(parent(cell, Resolution::new(0).unwrap()).into()),
                level == 0
            );
            // Without one of them, its leaf cells are missing, and no others.
            let (first, others) = children.split_first().unwrap();
            let fewer = inside(others.to_vec());
            assert!(level == 9 || !fewer.holds(cell.into()));
            for leaf in cell.children(h3o::Resolution::Nine).step_by(97) {
                let is_first = leaf.parent(first.resolution()) == Some(*first);
                assert_eq!(fewer.contains(leaf.into()), !is_first);
            }
        }
    }

    #[test]
    fn nothing_is_inside_of_nothing() {
        let leaves = inside(Vec::new());
        assert!(leaves.ranges().is_empty());
        assert!(!leaves.contains(leaf_cell(Point::new(0.0, 0.0).unwrap()).into()));
    }
}

use h3o::{CellIndex, LatLng};

use super::Point;

/// An H3 resolution from 0 (cells of 4.4 million km²) to 9 (0.1 km²), that of leaf cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Resolution(pub(super) h3o::Resolution);

impl Resolution {
    /// The resolution of leaf cells, the finest: edges of about 200 m.
    pub const LEAF: Resolution = Resolution(h3o::Resolution::Nine);
    /// The resolution at which flows are counted: cells of about 5 km².
    pub const FLOW: Resolution = Resolution(h3o::Resolution::Seven);

    /// The resolution of that number, 0–9; `None` for others.
    #[must_use]
    pub fn new(resolution: i32) -> Option<Self> {
        let resolution = u8::try_from(resolution).ok()?;
        let resolution = h3o::Resolution::try_from(resolution).ok()?;
        (resolution <= h3o::Resolution::Nine).then_some(Self(resolution))
    }

    /// The number, 0–9.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0 as u8
    }
}

impl From<Resolution> for h3o::Resolution {
    fn from(resolution: Resolution) -> Self {
        resolution.0
    }
}

/// The leaf cell (resolution 9) under which a point is filed.
#[must_use]
#[expect(
    clippy::missing_panics_doc,
    reason = "the coordinates of a point are finite"
)]
pub fn leaf_cell(point: Point) -> CellIndex {
    #[expect(clippy::expect_used, reason = "the coordinates of a point are finite")]
    let position = LatLng::new(point.lat(), point.lon()).expect("finite coordinates");
    position.to_cell(Resolution::LEAF.into())
}

/// The cell's ancestor at a resolution; the cell itself if it is not finer than that.
#[must_use]
pub fn parent(cell: CellIndex, resolution: Resolution) -> CellIndex {
    cell.parent(resolution.into()).unwrap_or(cell)
}

/// As [`parent`], for the index of a cell: only bits are rewritten, and nothing is checked.
#[inline]
#[must_use]
pub const fn parent_index(cell: u64, resolution: Resolution) -> u64 {
    let wanted = resolution.get() as u64;
    if wanted >= (cell & RESOLUTION_MASK) >> RESOLUTION_OFFSET {
        return cell;
    }
    let digits = cell & !RESOLUTION_MASK | unused_digits(wanted);
    digits | wanted << RESOLUTION_OFFSET
}

/// The resolution of the cell with that index.
#[inline]
#[must_use]
pub const fn resolution_of(cell: u64) -> u8 {
    ((cell & RESOLUTION_MASK) >> RESOLUTION_OFFSET) as u8
}

// The layout of an index (<https://h3geo.org/docs/core-library/h3Indexing>): the resolution in bits
// 52–55, the base cell in bits 45–51, then 15 digits of 3 bits, coarse to fine. Digits are 0–6, and
// 7 past the cell's resolution.
const RESOLUTION_OFFSET: u32 = 52;
pub(super) const BASE_CELL_OFFSET: u32 = 45;
const RESOLUTION_MASK: u64 = 0xF << RESOLUTION_OFFSET;
const DIGITS_OF_6: u64 = 0o666_666_666_666_666;

/// A number that identifies a leaf cell: the bits of its base cell and of its nine digits. Numbers
/// are in the order of the indexes.
#[inline]
#[must_use]
pub const fn leaf_number(leaf: u64) -> u64 {
    (leaf & !RESOLUTION_MASK & LOW_56_BITS) >> LEAF_OFFSET
}

/// The leaf cell of that [number](leaf_number).
#[inline]
#[must_use]
pub const fn numbered_leaf(number: u64) -> u64 {
    LEAF_TEMPLATE | number << LEAF_OFFSET
}

/// Maximum number of bits of a [`leaf_number`].
pub const LEAF_NUMBER_BITS: u32 = RESOLUTION_OFFSET - LEAF_OFFSET;
/// Bits of the digits that leaf cells do not use.
const LEAF_OFFSET: u32 = 3 * (15 - 9);
const LOW_56_BITS: u64 = (1 << 56) - 1;
/// The bits that all leaf cells have in common: the mode of a cell, the resolution, the unused
/// digits.
const LEAF_TEMPLATE: u64 = 1 << 59 | 9 << RESOLUTION_OFFSET | unused_digits(9);

/// The bits of the digits past a resolution.
pub(super) const fn unused_digits(resolution: u64) -> u64 {
    (1 << (3 * (15 - resolution))) - 1
}

/// The middle of a cell.
#[must_use]
pub fn center(cell: CellIndex) -> Point {
    Point::computed(cell.into())
}

/// The corners of a cell, counterclockwise, not closed: 6, or 5 of a pentagon, and one more for
/// each edge that is bent where it crosses an edge of H3's icosahedron.
#[must_use]
pub fn boundary(cell: CellIndex) -> Vec<Point> {
    cell.boundary()
        .iter()
        .map(|&corner| Point::computed(corner))
        .collect()
}

/// The indexes of all descendants of a cell at one resolution, as one inclusive range of integers.
///
/// A cell of that resolution descends from the cell if and only if its index is in the range. Not
/// every integer in the range is a cell: pentagons have children missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CellRange {
    /// The least index.
    pub first: u64,
    /// The greatest index; less than `first` in an empty range.
    pub last: u64,
}

impl CellRange {
    /// The descendants of a cell at a resolution: only the cell itself at its own resolution, an
    /// empty range at coarser ones.
    #[must_use]
    pub fn descendants(cell: CellIndex, resolution: Resolution) -> Self {
        let own = u64::from(u8::from(cell.resolution()));
        let wanted = u64::from(resolution.get());
        if wanted < own {
            return Self { first: 1, last: 0 };
        }
        // The digits of the resolutions own + 1..=wanted distinguish the descendants.
        let free = unused_digits(own) & !unused_digits(wanted);
        let first = (u64::from(cell) & !free) + ((wanted - own) << RESOLUTION_OFFSET);
        Self {
            first,
            last: first | (free & DIGITS_OF_6),
        }
    }

    /// The range of a single cell.
    #[must_use]
    pub const fn only(cell: u64) -> Self {
        Self {
            first: cell,
            last: cell,
        }
    }

    /// All cells of a resolution.
    #[must_use]
    pub fn all(resolution: Resolution) -> Self {
        Self {
            first: CellIndex::first(resolution.into()).into(),
            last: CellIndex::last(resolution.into()).into(),
        }
    }

    /// Whether a cell of the range's resolution is one of the descendants.
    #[must_use]
    pub fn contains(&self, cell: CellIndex) -> bool {
        (self.first..=self.last).contains(&u64::from(cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions};

    #[test]
    fn resolutions_are_0_to_9() {
        assert_eq!(Resolution::new(-1), None);
        assert_eq!(Resolution::new(10), None);
        assert_eq!(Resolution::new(256), None);
        assert_eq!(Resolution::new(9), Some(Resolution::LEAF));
        assert_eq!(Resolution::new(7), Some(Resolution::FLOW));
        for number in 0..=9 {
            let resolution = Resolution::new(number).unwrap();
            assert_eq!(i32::from(resolution.get()), number);
            assert_eq!(
                i32::from(u8::from(h3o::Resolution::from(resolution))),
                number
            );
        }
    }

    #[test]
    fn every_point_has_a_leaf_cell() {
        let mut random = Random::new(1);
        for lon in [-180.0, -0.0, 0.0, 180.0] {
            for lat in [-90.0, 90.0, 0.0, 89.999_999_999] {
                let cell = leaf_cell(Point::new(lon, lat).unwrap());
                assert_eq!(cell.resolution(), h3o::Resolution::Nine);
            }
        }
        for _ in 0..100_000 {
            let point = random.point();
            assert_eq!(leaf_cell(point).resolution(), h3o::Resolution::Nine);
        }
    }

    #[test]
    fn a_cells_middle_lies_in_it() {
        let mut random = Random::new(2);
        for _ in 0..10_000 {
            let cell = leaf_cell(random.point());
            assert_eq!(leaf_cell(center(cell)), cell);
        }
    }

    #[test]
    fn boundaries_have_five_corners_and_more() {
        let mut random = Random::new(3);
        for _ in 0..1_000 {
            let cell = leaf_cell(random.point());
            assert!((6..=10).contains(&boundary(cell).len()));
        }
        for resolution in all_resolutions() {
            for cell in h3o::Resolution::from(resolution).pentagons() {
                assert!([5, 10].contains(&boundary(cell).len()));
            }
        }
    }

    #[test]
    fn parents_are_found_by_bits_alone() {
        let mut random = Random::new(4);
        for _ in 0..10_000 {
            let leaf = leaf_cell(random.point());
            for resolution in all_resolutions() {
                let ancestor = parent(leaf, resolution);
                assert_eq!(ancestor.resolution(), resolution.into());
                assert_eq!(parent_index(leaf.into(), resolution), u64::from(ancestor));
                for other in all_resolutions() {
                    let expected = u64::from(parent(ancestor, other));
                    assert_eq!(parent_index(ancestor.into(), other), expected);
                }
                assert_eq!(parent(ancestor, Resolution::LEAF), ancestor);
            }
        }
    }

    #[test]
    fn leaf_cells_are_numbered_in_their_order() {
        let mut random = Random::new(7);
        let mut before = leaf_cell(random.point()).into();
        for _ in 0..10_000 {
            let leaf: u64 = leaf_cell(random.point()).into();
            let number = leaf_number(leaf);
            assert!(number < 1 << LEAF_NUMBER_BITS);
            assert_eq!(numbered_leaf(number), leaf);
            assert_eq!(number.cmp(&leaf_number(before)), leaf.cmp(&before));
            before = leaf;
        }
    }

    #[test]
    fn all_cells_of_a_resolution_are_one_range() {
        for resolution in all_resolutions() {
            let all = CellRange::all(resolution);
            let first = CellIndex::base_cells().next().unwrap();
            let last = CellIndex::base_cells().last().unwrap();
            assert_eq!(all.first, CellRange::descendants(first, resolution).first);
            assert_eq!(all.last, CellRange::descendants(last, resolution).last);
        }
    }

    #[test]
    fn descendants_are_one_range() {
        let mut random = Random::new(5);
        let mut cells: Vec<_> = CellIndex::base_cells().collect();
        cells.extend(all_resolutions().flat_map(|r| h3o::Resolution::from(r).pentagons()));
        for _ in 0..1_000 {
            cells.push(parent(leaf_cell(random.point()), random.resolution()));
        }
        for cell in cells {
            let own = u8::from(cell.resolution());
            for depth in own..=9.min(own + 4) {
                let resolution = Resolution::new(depth.into()).unwrap();
                let range = CellRange::descendants(cell, resolution);
                let mut children = cell.children(resolution.into());
                assert_eq!(children.next().map(u64::from), Some(range.first));
                assert_eq!(children.last().map_or(range.first, u64::from), range.last);
                for neighbour in cell.grid_disk_safe(1).filter(|&other| other != cell) {
                    let descendant = neighbour.center_child(resolution.into()).unwrap();
                    assert!(!range.contains(descendant), "{cell} {descendant}");
                }
            }
        }
    }

    #[test]
    fn a_range_tells_descendants_from_others() {
        let mut random = Random::new(6);
        for _ in 0..10_000 {
            let leaf = leaf_cell(random.point());
            let other = leaf_cell(random.point());
            let resolution = random.resolution();
            let ancestor = parent(leaf, resolution);
            let range = CellRange::descendants(ancestor, Resolution::LEAF);
            assert!(range.contains(leaf));
            assert_eq!(range.contains(other), parent(other, resolution) == ancestor);
        }
    }

    #[test]
    fn nothing_descends_to_coarser_resolutions() {
        let leaf = leaf_cell(Point::new(13.4, 52.5).unwrap());
        let range = CellRange::descendants(leaf, Resolution::FLOW);
        assert!(range.first > range.last);
        let own = CellRange::descendants(leaf, Resolution::LEAF);
        assert_eq!((own.first, own.last), (u64::from(leaf), u64::from(leaf)));
    }
}

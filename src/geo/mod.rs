//! Points, boxes and H3 cells: pure geometry.
//!
//! A trip end is filed under its leaf cell ([`leaf_cell`]). A box is answered by descending from
//! [`roots`] through [`refine`]: cells [`Containment::Inside`] are counted whole, leaf cells on the
//! [`Containment::Edge`] point by point with [`BoundingBox::contains`]. The descent is exact: it
//! finds exactly the points that a scan with `contains` would find.

mod bbox;
mod cell;
mod containment;
mod extent;
mod leaf;
mod point;
mod ring;
#[cfg(test)]
mod testing;

pub use bbox::{BoundingBox, BoxError};
pub use cell::{
    CellRange, LEAF_NUMBER_BITS, Resolution, boundary, center, leaf_cell, leaf_number,
    numbered_leaf, parent, parent_index, resolution_of,
};
pub use containment::{LEVELS, containment, refine, roots};
pub use extent::Containment;
pub use leaf::LeafCells;
pub use point::{Point, PointError};
pub use ring::ring;

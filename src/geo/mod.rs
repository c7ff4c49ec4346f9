//! Points, areas and H3 cells: pure geometry.
//!
//! A trip end is filed under its leaf cell ([`leaf_cell`]). An area is answered by descending from
//! [`roots`] through [`refine`]: cells [`Containment::Inside`] are counted whole, leaf cells on the
//! [`Containment::Edge`] point by point with [`Area::contains`]. The descent is exact: it
//! finds exactly the points that a scan with `contains` would find.

mod area;
mod bands;
mod bbox;
mod cell;
mod cell_set;
mod centroid;
mod containment;
mod degrees;
mod extent;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod geojson;
mod leaf;
mod levels;
mod point;
mod polygon;
mod ranges;
mod rect;
mod ring;
#[cfg(test)]
mod testing;
mod zones;

pub use area::Area;
pub use bbox::{BoundingBox, BoxError};
pub use cell::{
    CellRange, LEAF_NUMBER_BITS, Resolution, boundary, center, leaf_cell, leaf_number,
    numbered_leaf, parent, parent_index, resolution_of,
};
pub use cell_set::{CellSet, CellSetError};
pub use containment::{containment, refine};
pub use extent::Containment;
pub use geojson::{GeoJsonError, features};
pub use leaf::LeafCells;
pub use levels::{LEVELS, roots};
pub use point::{Point, PointError};
pub use polygon::{MAX_CORNERS, Polygon, PolygonError};
pub use ring::ring;
pub use zones::{ZoneOfCell, Zones};

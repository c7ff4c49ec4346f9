use std::sync::Arc;

use h3o::CellIndex;

use super::extent::Containment;
use super::levels::judged;
use super::{BoundingBox, CellSet, Polygon};

/// Where a trip end counts. Clones share what is large.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Area {
    /// A box.
    Box(BoundingBox),
    /// A polygon or several.
    Polygon(Arc<Polygon>),
    /// Cells of the H3 grid.
    Cells(Arc<CellSet>),
}

impl Area {
    /// Whether a point lies in the area: the definition that every index must agree with.
    #[inline]
    #[must_use]
    pub fn contains(&self, lon: f64, lat: f64) -> bool {
        match self {
            Self::Box(bbox) => bbox.contains(lon, lat),
            Self::Polygon(polygon) => polygon.contains(lon, lat),
            Self::Cells(cells) => cells.contains(lon, lat),
        }
    }

    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let shared = match self {
            Self::Box(_) => 0,
            Self::Polygon(polygon) => polygon.size(),
            Self::Cells(cells) => cells.size(),
        };
        size_of::<Self>() + shared
    }

    /// How the points filed under a cell of resolution 0–9 lie relative to the area.
    pub(super) fn containment(&self, cell: CellIndex) -> Containment {
        let containment = match self {
            Self::Box(bbox) => judged(cell, |extent| settled(extent.containment(bbox))),
            Self::Polygon(polygon) => judged(cell, |extent| settled(polygon.containment(extent))),
            Self::Cells(cells) => return cells.containment(cell),
        };
        containment.unwrap_or(Containment::Edge)
    }
}

fn settled(containment: Containment) -> Option<Containment> {
    (containment != Containment::Edge).then_some(containment)
}

impl From<BoundingBox> for Area {
    fn from(bbox: BoundingBox) -> Self {
        Self::Box(bbox)
    }
}

impl From<Polygon> for Area {
    fn from(polygon: Polygon) -> Self {
        Self::Polygon(Arc::new(polygon))
    }
}

impl From<CellSet> for Area {
    fn from(cells: CellSet) -> Self {
        Self::Cells(Arc::new(cells))
    }
}

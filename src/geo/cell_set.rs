use std::hash::{Hash, Hasher};

use h3o::{CellIndex, LatLng};
use thiserror::Error;

use super::bands::Bands;
use super::extent::{Containment, Extent, outline_reach, reach};
use super::rect::Rect;
use super::{MAX_CORNERS, Point, Resolution, boundary, center};

/// A set of H3 cells of any resolutions, 0–15.
///
/// A point is in a cell if the cell is the one that H3 computes for the point at the cell's
/// resolution. That is not always an ancestor of the point's leaf cell.
#[derive(Debug)]
pub struct CellSet {
    /// Ascending.
    cells: Vec<CellIndex>,
    /// The resolutions of the cells.
    resolutions: Vec<h3o::Resolution>,
    /// For each cell, rectangles that hold all of its points: more than one where it crosses the
    /// antimeridian.
    rects: Vec<(Rect, CellIndex)>,
    /// The rectangles by their latitudes.
    bands: Bands,
}

/// Why texts are not a set of cells.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CellSetError {
    /// There are too many cells.
    #[error("{0} cells, more than {MAX_CORNERS}")]
    TooLarge(usize),
    /// A text is not the index of a cell.
    #[error("`{0}` is not the index of an H3 cell")]
    Index(String),
}

impl CellSet {
    /// The set of the cells with these indexes, in hexadecimal.
    pub fn parse<'a>(
        indexes: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<Self, CellSetError> {
        if indexes.len() > MAX_CORNERS {
            return Err(CellSetError::TooLarge(indexes.len()));
        }
        let cell = |text: &str| {
            let cell = text.parse::<CellIndex>();
            cell.map_err(|_| CellSetError::Index(text.chars().take(40).collect()))
        };
        Ok(Self::new(indexes.map(cell).collect::<Result<_, _>>()?))
    }

    /// A set of cells; any order, and more than once, is all the same.
    #[must_use]
    pub fn new(mut cells: Vec<CellIndex>) -> Self {
        cells.sort_unstable();
        cells.dedup();
        let mut resolutions: Vec<_> = cells.iter().map(|cell| cell.resolution()).collect();
        resolutions.sort_unstable();
        resolutions.dedup();
        let rects: Vec<_> = cells
            .iter()
            .flat_map(|&cell| {
                Extent::of_outline(cell)
                    .rects()
                    .map(move |rect| (rect, cell))
            })
            .collect();
        let spans: Vec<_> = rects
            .iter()
            .map(|(rect, _)| (rect.south, rect.north))
            .collect();
        Self {
            cells,
            resolutions,
            bands: Bands::new(&spans),
            rects,
        }
    }

    /// The cells, ascending.
    #[must_use]
    pub fn cells(&self) -> &[CellIndex] {
        &self.cells
    }

    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        // With its place in the index.
        self.cells.len() * (2 * size_of::<(Rect, CellIndex)>() + 32)
    }

    /// Whether a point lies in one of the cells.
    #[must_use]
    pub fn contains(&self, lon: f64, lat: f64) -> bool {
        let Ok(position) = LatLng::new(lat, lon) else {
            return false;
        };
        let mut resolutions = self.resolutions.iter();
        resolutions.any(|&resolution| {
            let cell = position.to_cell(resolution);
            self.cells.binary_search(&cell).is_ok()
        })
    }

    /// How the points filed under a cell of resolution 0–9 lie relative to the set.
    pub(super) fn containment(&self, cell: CellIndex) -> Containment {
        let is_leaf = |cell: CellIndex| cell.resolution() == Resolution::LEAF.into();
        if is_leaf(cell) && self.cells.binary_search(&cell).is_ok() {
            return Containment::Inside;
        }
        let mut found = Containment::Outside;
        for rect in Extent::of_cap(cell).rects() {
            for &near in self.bands.between(rect.south, rect.north) {
                let (outline, near) = &self.rects[near as usize];
                // A point has one leaf cell.
                if !outline.touches(&rect) || is_leaf(cell) && is_leaf(*near) {
                    continue;
                }
                match cap_in_cell(cell, *near) {
                    Containment::Inside => return Containment::Inside,
                    Containment::Edge => found = Containment::Edge,
                    Containment::Outside => {}
                }
            }
        }
        found
    }
}

/// How the cap that holds all points filed under one cell lies relative to another cell.
///
/// The points that H3 assigns to a cell are those within its boundary, up to rounding: on a face of
/// the icosahedron, H3's grid is planar, and the straight lines of that plane (gnomonic projection)
/// are arcs of great circles. A margin of 6 mm covers rounding.
fn cap_in_cell(cap: CellIndex, cell: CellIndex) -> Containment {
    const MARGIN: f64 = 1e-9;
    let (middle, reach) = (center(cap), reach(cap) + MARGIN);
    if cap.resolution() < cell.resolution() {
        // Too large to be inside.
        let apart = angle(vector(middle), vector(center(cell))) > reach + outline_reach(cell);
        return if apart {
            Containment::Outside
        } else {
            Containment::Edge
        };
    }
    let corners: Vec<_> = boundary(cell).into_iter().map(vector).collect();
    let edges = corners.iter().zip(corners.iter().cycle().skip(1));
    let point = vector(middle);
    if edges
        .into_iter()
        .any(|(&a, &b)| distance(point, a, b) <= reach)
    {
        return Containment::Edge;
    }
    let position = LatLng::new(middle.lat(), middle.lon());
    if position.is_ok_and(|position| position.to_cell(cell.resolution()) == cell) {
        Containment::Inside
    } else {
        Containment::Outside
    }
}

type Vector = [f64; 3];

fn vector(point: Point) -> Vector {
    let (lon, lat) = (point.lon().to_radians(), point.lat().to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// The angle between two unit vectors in radians.
fn angle(a: Vector, b: Vector) -> f64 {
    let normal = cross(a, b);
    dot(normal, normal).sqrt().atan2(dot(a, b))
}

/// The distance of a point from the shorter arc between two others, in radians.
fn distance(point: Vector, a: Vector, b: Vector) -> f64 {
    let normal = cross(a, b);
    let length = dot(normal, normal).sqrt();
    let beyond_a = dot(cross(normal, a), point) < 0.0;
    let beyond_b = dot(cross(b, normal), point) < 0.0;
    if beyond_a || beyond_b || length == 0.0 {
        angle(point, a).min(angle(point, b))
    } else {
        (dot(normal, point) / length).clamp(-1.0, 1.0).asin().abs()
    }
}

impl PartialEq for CellSet {
    fn eq(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

impl Eq for CellSet {}

impl Hash for CellSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.cells.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions};
    use crate::geo::{leaf_cell, parent};

    fn cell_of(point: Point, resolution: u8) -> CellIndex {
        let position = LatLng::new(point.lat(), point.lon()).unwrap();
        position.to_cell(resolution.try_into().unwrap())
    }

    /// Cells around a point, of one resolution or of several.
    fn set(random: &mut Random, around: Point) -> CellSet {
        let mut cells = vec![];
        let mixed = random.below(3) == 0;
        let resolution = u8::try_from(random.below(16)).unwrap();
        for _ in 0..=random.below(40) {
            let resolution = if mixed {
                u8::try_from(random.below(16)).unwrap()
            } else {
                resolution
            };
            let size = 60.0 / 7_f64.powf(f64::from(resolution) / 2.0);
            let near = random.near(around.lon(), around.lat(), size);
            cells.push(cell_of(near, resolution));
        }
        CellSet::new(cells)
    }

    #[test]
    fn positions_hold_for_every_point_at_every_resolution() {
        let mut random = Random::new(50);
        let mut seen = [0; 3];
        for _ in 0..20_000 {
            let around = random.point();
            let set = set(&mut random, around);
            for _ in 0..4 {
                let size = 60.0 / 7_f64.powf(f64::from(random.resolution().get()) / 2.0);
                let point = random.near(around.lon(), around.lat(), size);
                let inside = set
                    .cells
                    .iter()
                    .any(|&cell| cell_of(point, cell.resolution().into()) == cell);
                assert_eq!(set.contains(point.lon(), point.lat()), inside);
                for resolution in all_resolutions() {
                    let cell = parent(leaf_cell(point), resolution);
                    let position = set.containment(cell);
                    match position {
                        Containment::Inside => assert!(inside, "{cell} {point:?} {set:?}"),
                        Containment::Outside => assert!(!inside, "{cell} {point:?} {set:?}"),
                        Containment::Edge => {}
                    }
                    seen[position as usize] += 1;
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 10_000), "{seen:?}");
    }

    #[test]
    fn points_on_the_borders_of_a_cell_are_on_the_edge_of_it() {
        // The points that the generator puts on corners and edges of cells, the icosahedron's too.
        let mut random = Random::new(51);
        for _ in 0..50_000 {
            let point = random.point();
            let resolution = u8::try_from(random.below(10)).unwrap();
            let set = CellSet::new(vec![cell_of(point, resolution)]);
            for finer in all_resolutions() {
                let cell = parent(leaf_cell(point), finer);
                assert_ne!(
                    set.containment(cell),
                    Containment::Outside,
                    "{cell} {point:?}"
                );
            }
            for neighbour in set.cells[0].grid_disk::<Vec<_>>(1) {
                if neighbour != set.cells[0] {
                    let other = CellSet::new(vec![neighbour]);
                    for finer in all_resolutions() {
                        let cell = parent(leaf_cell(point), finer);
                        assert_ne!(
                            other.containment(cell),
                            Containment::Inside,
                            "{cell} {point:?}"
                        );
                    }
                }
            }
        }
    }
}

use h3o::CellIndex;

use super::rect::Rect;
use super::{BoundingBox, Point, Resolution, center};

/// How the points filed under a cell lie relative to an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Containment {
    /// None of them can be in the area.
    Outside,
    /// They may be in the area or not: to be refined, or tested one by one.
    Edge,
    /// All of them are in the area, wherever in the cell they are.
    Inside,
}

/// A range of latitudes and longitudes in degrees that holds every point filed under a cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    south: f64,
    north: f64,
    /// Around the cell's middle, so less than -180 where the extent crosses the antimeridian.
    west: f64,
    /// Greater than 180 where the extent crosses the antimeridian.
    east: f64,
}

const NEIGHBOUR: f64 = 0.381_966_011_250_105;
const SQRT_3: f64 = 1.732_050_807_568_877_2;
const SQRT_7: f64 = 2.645_751_311_064_590_7;
const MARGIN: f64 = 1.001;

/// Maximum distance of the points filed under a cell from its middle, in radians, by resolution.
///
/// H3's grid is planar, drawn on the unfolded faces of an icosahedron. The middles of neighbours at
/// resolution `r` are `u · 7^(-r/2)` apart, `u` = 0.381966 on faces that touch the unit sphere. The
/// middle of a child is the cell's own, or a neighbour's distance of the next resolution from it,
/// so descendants' middles are at most `u · 7^(-r/2) · (7^(-1/2) + 7^(-1) + …)` away, and a leaf's
/// corners `u · 7^(-9/2) / √3` from its middle, which is less than the sum's remaining terms.
/// Projected from the sphere's middle (gnomonic) onto the sphere, every path gets shorter. The sum
/// is 1.0524 times the cell's own planar radius; a margin of a thousandth covers rounding.
const REACH: [f64; 10] = {
    // 7^(-1/2) + 7^(-1) + 7^(-3/2) + …
    const STEPS: f64 = 1.0 / (SQRT_7 - 1.0);

    let mut reach = [0.0; 10];
    let mut unit = NEIGHBOUR * MARGIN;
    let mut resolution = 0;
    while resolution < 9 {
        reach[resolution] = unit * STEPS;
        unit /= SQRT_7;
        resolution += 1;
    }
    // Leaf cells have no descendants that would leak out of them.
    reach[9] = unit / SQRT_3;
    reach
};

/// Maximum distance of the points filed under a cell from its middle, in radians.
pub(super) fn reach(cell: CellIndex) -> f64 {
    // Cells finer than leaves do not occur; a leaf's reach would hold for them too.
    REACH[usize::from(u8::from(cell.resolution())).min(9)]
}

/// Maximum distance from a cell's middle of the points in the cell itself, in radians: that of its
/// corners.
pub(super) fn outline_reach(cell: CellIndex) -> f64 {
    let scale = SQRT_7.powi(i32::from(u8::from(cell.resolution())));
    NEIGHBOUR * MARGIN / (scale * SQRT_3)
}

impl Extent {
    /// The extent of a cap that holds all points filed under a cell, of any resolution 0–9.
    pub(super) fn of_cap(cell: CellIndex) -> Self {
        Self::around(center(cell), reach(cell))
    }

    /// The extent of a cap that holds the points in a cell, of any resolution.
    pub(super) fn of_outline(cell: CellIndex) -> Self {
        Self::around(center(cell), outline_reach(cell))
    }

    /// The extent of the cap of that radius in radians around a point.
    fn around(middle: Point, reach: f64) -> Self {
        let degrees = reach.to_degrees();
        let (south, north) = (middle.lat() - degrees, middle.lat() + degrees);
        if south <= -90.0 || north >= 90.0 {
            // A pole, where all longitudes meet.
            return Self {
                south,
                north,
                west: -180.0,
                east: 180.0,
            };
        }
        // The meridians that touch the cap: a right-angled spherical triangle with the pole.
        let sine = reach.sin() / middle.lat().to_radians().cos();
        let half_width = sine.min(1.0).asin().to_degrees();
        let (west, east) = (middle.lon() - half_width, middle.lon() + half_width);
        Self {
            south,
            north,
            west,
            east,
        }
    }

    /// The tighter extent of a leaf cell's outline; `None` where it would not be safe, next to the
    /// poles.
    pub(super) fn of_leaf_outline(cell: CellIndex) -> Option<Self> {
        const REACH_OF_LEAF: f64 = REACH[Resolution::LEAF.get() as usize];

        let middle = center(cell);
        let cosine = middle.lat().to_radians().cos();
        if cosine < 100.0 * REACH_OF_LEAF {
            return None;
        }
        let mut extent = Self {
            south: f64::MAX,
            north: f64::MIN,
            west: f64::MAX,
            east: f64::MIN,
        };
        for &corner in cell.boundary().iter() {
            let corner = Point::computed(corner);
            let mut lon = corner.lon();
            if lon - middle.lon() > 180.0 {
                lon -= 360.0;
            } else if middle.lon() - lon > 180.0 {
                lon += 360.0;
            }
            extent.south = extent.south.min(corner.lat());
            extent.north = extent.north.max(corner.lat());
            extent.west = extent.west.min(lon);
            extent.east = extent.east.max(lon);
        }
        // Edges are arcs of great circles, which bulge towards the pole: by about edge² / 8 · tan
        // lat. This is more than eight times that, and 7 mm or more for rounding.
        let margin = (REACH_OF_LEAF * REACH_OF_LEAF / cosine).to_degrees();
        extent.south -= margin;
        extent.north += margin;
        extent.west -= margin / cosine;
        extent.east += margin / cosine;
        Some(extent)
    }

    /// How the points of the extent lie relative to a box.
    pub(super) fn containment(&self, bbox: &BoundingBox) -> Containment {
        if self.north < bbox.south() || self.south > bbox.north() {
            return Containment::Outside;
        }
        let within = self.south.max(-90.0) >= bbox.south() && self.north.min(90.0) <= bbox.north();
        match self.containment_of_longitudes(bbox) {
            Containment::Inside if !within => Containment::Edge,
            containment => containment,
        }
    }

    /// How the points of the extent lie relative to an area, of which `containment` says it of
    /// rectangles that do not cross the antimeridian.
    pub(super) fn containment_of_rects(
        &self,
        containment: impl Fn(&Rect) -> Containment,
    ) -> Containment {
        let mut rects = self.rects().map(|rect| containment(&rect));
        let first = rects.next().unwrap_or(Containment::Outside);
        rects.fold(first, both)
    }

    /// The extent as rectangles that do not cross the antimeridian, one or two. Points on it have
    /// either of the longitudes -180 and 180.
    pub(super) fn rects(&self) -> impl Iterator<Item = Rect> + use<> {
        let spans = match (self.west <= -180.0, self.east >= 180.0) {
            (false, false) => [Some((self.west, self.east)), None],
            (true, true) => [Some((-180.0, 180.0)), None],
            (true, false) => [Some((self.west + 360.0, 180.0)), Some((-180.0, self.east))],
            (false, true) => [Some((self.west, 180.0)), Some((-180.0, self.east - 360.0))],
        };
        let (south, north) = (self.south.max(-90.0), self.north.min(90.0));
        spans.into_iter().flatten().map(move |(west, east)| Rect {
            west,
            south,
            east,
            north,
        })
    }

    fn containment_of_longitudes(&self, bbox: &BoundingBox) -> Containment {
        self.containment_of_rects(|rect| span(rect.west, rect.east, bbox))
    }

    #[cfg(test)]
    pub(super) fn contains(&self, point: Point) -> bool {
        let lon = point.lon();
        let in_lon = [lon - 360.0, lon, lon + 360.0]
            .iter()
            .any(|&lon| self.west <= lon && lon <= self.east);
        in_lon && self.south <= point.lat() && point.lat() <= self.north
    }
}

/// How the longitudes `west..=east`, both in -180…180 and in order, lie relative to a box.
fn span(west: f64, east: f64, bbox: &BoundingBox) -> Containment {
    let (inside, outside) = if bbox.crosses_antimeridian() {
        (
            west >= bbox.west() || east <= bbox.east(),
            west > bbox.east() && east < bbox.west(),
        )
    } else {
        (
            west >= bbox.west() && east <= bbox.east(),
            east < bbox.west() || west > bbox.east(),
        )
    };
    if inside {
        Containment::Inside
    } else if outside {
        Containment::Outside
    } else {
        Containment::Edge
    }
}

/// The containment of two parts together.
fn both(one: Containment, other: Containment) -> Containment {
    if one == other { one } else { Containment::Edge }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions, distance};
    use crate::geo::{LEVELS, boundary, leaf_cell, parent, roots};

    /// The greatest distance of the points from the cell's middle, as a multiple of its reach.
    fn stretch(cell: CellIndex, points: &[Point]) -> f64 {
        let middle = center(cell);
        points
            .iter()
            .map(|&p| distance(middle, p))
            .fold(0.0, f64::max)
            / reach(cell)
    }

    #[test]
    fn all_descendants_near_the_roots_are_within_reach() {
        for resolution in [h3o::Resolution::Zero, h3o::Resolution::One] {
            for root in CellIndex::base_cells().flat_map(|base| base.children(resolution)) {
                for depth in 0..=3 {
                    let level = h3o::Resolution::try_from(u8::from(resolution) + depth).unwrap();
                    for cell in root.children(level) {
                        assert!(stretch(root, &[center(cell)]) < 1.0, "{root} {cell}");
                    }
                }
            }
        }
    }

    #[test]
    fn all_descendants_of_pentagons_are_within_reach() {
        for resolution in all_resolutions() {
            for pentagon in h3o::Resolution::from(resolution).pentagons() {
                let depth = 9.min(u8::from(pentagon.resolution()) + 3);
                for cell in pentagon.children(h3o::Resolution::try_from(depth).unwrap()) {
                    let mut points = boundary(cell);
                    points.push(center(cell));
                    let leaf = depth == 9;
                    let slack = if leaf { 1.0 } else { 1.1 };
                    assert!(stretch(pentagon, &points) < slack, "{pentagon} {cell}");
                }
            }
        }
    }

    #[test]
    fn leaves_are_within_reach_of_their_ancestors() {
        let mut random = Random::new(10);
        for _ in 0..50_000 {
            let point = random.point();
            let leaf = leaf_cell(point);
            let mut points = boundary(leaf);
            points.push(point);
            for resolution in all_resolutions() {
                let ancestor = parent(leaf, resolution);
                assert!(
                    stretch(ancestor, &points) < 1.0,
                    "{ancestor} {leaf} {point:?}"
                );
                let extent = Extent::of_cap(ancestor);
                assert!(
                    points.iter().all(|&p| extent.contains(p)),
                    "{ancestor} {point:?}"
                );
            }
        }
    }

    #[test]
    fn the_outermost_descendants_are_within_reach() {
        // Greedily: always the child that is farthest from the ancestor's middle.
        for root in roots() {
            for level in LEVELS {
                let ancestor = parent(root.center_child(h3o::Resolution::Nine).unwrap(), level);
                let middle = center(ancestor);
                let mut cell = ancestor;
                while let Some(finer) = cell.resolution().succ().filter(|r| u8::from(*r) <= 9) {
                    cell = cell
                        .children(finer)
                        .max_by(|&a, &b| {
                            distance(middle, center(a)).total_cmp(&distance(middle, center(b)))
                        })
                        .unwrap();
                }
                assert!(
                    stretch(ancestor, &boundary(cell)) < 1.0,
                    "{ancestor} {cell}"
                );
            }
        }
    }

    #[test]
    fn outlines_hold_the_points_filed_under_their_leaf() {
        let mut random = Random::new(11);
        let mut outlines = 0;
        for _ in 0..100_000 {
            let point = random.point();
            let leaf = leaf_cell(point);
            if let Some(outline) = Extent::of_leaf_outline(leaf) {
                outlines += 1;
                assert!(outline.contains(point), "{leaf} {point:?} {outline:?}");
            }
        }
        assert!(outlines > 50_000);
    }

    #[test]
    fn spans_know_the_antimeridian_by_two_names() {
        let extent = |west, east| Extent {
            south: -1.0,
            north: 1.0,
            west,
            east,
        };
        let bbox = |west, east| BoundingBox::new(west, -5.0, east, 5.0).unwrap();
        let across = extent(179.0, 181.0);
        assert_eq!(across.containment(&bbox(170.0, 180.0)), Containment::Edge);
        assert_eq!(
            across.containment(&bbox(-180.0, 180.0)),
            Containment::Inside
        );
        assert_eq!(
            across.containment(&bbox(170.0, -170.0)),
            Containment::Inside
        );
        assert_eq!(across.containment(&bbox(170.0, -179.5)), Containment::Edge);
        assert_eq!(across.containment(&bbox(-180.0, -180.0)), Containment::Edge);
        assert_eq!(across.containment(&bbox(-10.0, 10.0)), Containment::Outside);
        assert_eq!(across.containment(&bbox(10.0, -10.0)), Containment::Inside);
        let touching = extent(-182.0, -180.0);
        assert_eq!(touching.containment(&bbox(170.0, 180.0)), Containment::Edge);
        assert_eq!(
            touching.containment(&bbox(-180.0, -170.0)),
            Containment::Edge
        );
        assert_eq!(
            touching.containment(&bbox(0.0, 177.0)),
            Containment::Outside
        );
        let everywhere = extent(-180.0, 180.0);
        assert_eq!(
            everywhere.containment(&bbox(10.0, -10.0)),
            Containment::Edge
        );
        assert_eq!(
            everywhere.containment(&bbox(-180.0, 180.0)),
            Containment::Inside
        );
    }
}

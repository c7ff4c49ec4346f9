use std::hash::{BuildHasher, Hash, Hasher};

use robust::{Coord, orient2d};
use thiserror::Error;

use super::bands::Bands;
use super::degrees::shown;
use super::extent::{Containment, Extent};
use super::rect::Rect;
use super::{Point, PointError};

/// Maximum number of corners of all rings together; the corner that closes a ring is counted.
pub const MAX_CORNERS: usize = 100_000;

/// A polygon or several: rings of corners in degrees, whose edges are straight in longitude and
/// latitude.
///
/// A point is in a polygon if a line from it to far away crosses the polygon's rings an odd number
/// of times, so the direction of a ring does not matter, and a ring within another is a hole. Points
/// on an edge or a corner, of holes too, are in the polygon. A point is in several polygons if it is
/// in one of them. Longitudes are compared as numbers: the antimeridian is where the map ends, and a
/// polygon that crosses it is given in two parts.
#[derive(Debug)]
pub struct Polygon {
    /// Polygons, rings, corners: longitude and latitude. The first corner of a ring is also its
    /// last.
    polygons: Vec<Vec<Vec<[f64; 2]>>>,
    /// The edges, polygon by polygon.
    edges: Vec<Edge>,
    /// The edges by their latitudes.
    bands: Bands,
    /// All corners lie in it.
    rect: Rect,
    /// Hash of the corners.
    fingerprint: u64,
}

/// Why rings of corners are not a polygon.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum PolygonError {
    /// There is no ring.
    #[error("it has no rings")]
    Empty,
    /// A ring has fewer than three corners and the one that closes it.
    #[error("a ring has {0} positions; it needs at least 4, of which the last is the first again")]
    Short(usize),
    /// The last corner of a ring is not its first.
    #[error(
        "a ring is not closed: it begins at [{}, {}] and ends at [{}, {}]",
        shown(first[0]), shown(first[1]), shown(last[0]), shown(last[1])
    )]
    Open {
        /// The first corner.
        first: [f64; 2],
        /// The last corner.
        last: [f64; 2],
    },
    /// A corner is not a position on the globe.
    #[error("{0}")]
    Corner(#[from] PointError),
    /// There are too many corners.
    #[error("it has more than {MAX_CORNERS} positions")]
    TooLarge,
}

/// An edge of a ring.
#[derive(Debug)]
struct Edge {
    /// The end with the lesser latitude.
    low: [f64; 2],
    high: [f64; 2],
    /// The number of its polygon.
    polygon: u32,
}

/// Where a point lies relative to an edge whose latitudes include the point's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    West,
    On,
    East,
}

impl Polygon {
    /// Polygons of rings of corners: longitude and latitude in degrees.
    pub fn new(mut polygons: Vec<Vec<Vec<[f64; 2]>>>) -> Result<Self, PolygonError> {
        let mut hasher = foldhash::quality::FixedState::default().build_hasher();
        let (mut edges, mut corners) = (Vec::new(), 0);
        for (number, polygon) in (0..).zip(&mut polygons) {
            if polygon.is_empty() {
                return Err(PolygonError::Empty);
            }
            for ring in polygon {
                check(ring)?;
                if corners + ring.len() > MAX_CORNERS {
                    return Err(PolygonError::TooLarge);
                }
                corners += ring.len();
                for degrees in ring.as_flattened_mut() {
                    // 0 and -0 are equal.
                    *degrees += 0.0;
                    degrees.to_bits().hash(&mut hasher);
                }
                ring.len().hash(&mut hasher);
                edges.extend(ring.windows(2).map(|ends| Edge::new(ends, number)));
            }
        }
        if polygons.is_empty() {
            return Err(PolygonError::Empty);
        }
        let spans: Vec<_> = edges
            .iter()
            .map(|edge| (edge.low[1], edge.high[1]))
            .collect();
        Ok(Self {
            bands: Bands::new(&spans),
            rect: edges.iter().fold(Rect::NOTHING, |rect, edge| {
                rect.with(edge.low).with(edge.high)
            }),
            fingerprint: hasher.finish(),
            polygons,
            edges,
        })
    }

    /// The polygons: of each its rings, of each its corners, the first of which is also the last.
    #[must_use]
    pub fn polygons(&self) -> &[Vec<Vec<[f64; 2]>>] {
        &self.polygons
    }

    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        // With its place in the index.
        self.edges.len() * (size_of::<Edge>() + size_of::<[f64; 2]>() + 32)
    }

    /// Whether a point lies in one of the polygons or on a border.
    #[must_use]
    pub fn contains(&self, lon: f64, lat: f64) -> bool {
        if !self.rect.contains(lon, lat) {
            return false;
        }
        let (mut polygon, mut odd) = (0, false);
        for &edge in self.bands.at(lat) {
            let edge = &self.edges[edge as usize];
            if lat < edge.low[1] || lat > edge.high[1] {
                continue;
            }
            if edge.polygon != polygon {
                if odd {
                    return true;
                }
                polygon = edge.polygon;
            }
            match edge.side([lon, lat]) {
                Side::On => return true,
                // Two edges that meet at this latitude are crossed once if one of them is above.
                Side::West if lat < edge.high[1] => odd = !odd,
                Side::West | Side::East => {}
            }
        }
        odd
    }

    /// The smallest rectangle that holds all corners.
    pub(super) const fn rect(&self) -> &Rect {
        &self.rect
    }

    /// How the points of an extent lie relative to the polygons.
    pub(super) fn containment(&self, extent: &Extent) -> Containment {
        extent.containment_of_rects(|rect| self.containment_of(rect))
    }

    fn containment_of(&self, rect: &Rect) -> Containment {
        if !self.rect.touches(rect) {
            return Containment::Outside;
        }
        let near = self.bands.between(rect.south, rect.north);
        if near
            .iter()
            .any(|&edge| self.edges[edge as usize].may_touch(rect))
        {
            Containment::Edge
        } else if self.contains(rect.west, rect.south) {
            Containment::Inside
        } else {
            Containment::Outside
        }
    }
}

/// Checks a ring.
#[expect(clippy::float_cmp, reason = "exactly the same corner")]
fn check(ring: &[[f64; 2]]) -> Result<(), PolygonError> {
    for &[lon, lat] in ring {
        Point::new(lon, lat)?;
    }
    match ring {
        [first, _, _, .., last] if first == last => Ok(()),
        &[first, _, _, .., last] => Err(PolygonError::Open { first, last }),
        _ => Err(PolygonError::Short(ring.len())),
    }
}

impl Edge {
    fn new(ends: &[[f64; 2]], polygon: u32) -> Self {
        let (mut low, mut high) = (ends[0], ends[1]);
        if low[1] > high[1] {
            (low, high) = (high, low);
        }
        Self { low, high, polygon }
    }

    /// Which side of the edge a point lies on, whose latitude is one of the edge's.
    #[inline]
    fn side(&self, point: [f64; 2]) -> Side {
        let (low, high) = (self.low[0], self.high[0]);
        if point[0] < low.min(high) {
            return Side::West;
        }
        if point[0] > low.max(high) {
            return Side::East;
        }
        match self.turn(point) {
            turn if turn > 0.0 => Side::West,
            turn if turn < 0.0 => Side::East,
            _ => Side::On,
        }
    }

    /// Positive for a point to the left of the line upwards, negative to its right, 0 on it; exact.
    #[inline]
    fn turn(&self, [x, y]: [f64; 2]) -> f64 {
        let coord = |[x, y]: [f64; 2]| Coord { x, y };
        orient2d(coord(self.low), coord(self.high), Coord { x, y })
    }

    /// Whether a point of the edge may lie in a rectangle.
    fn may_touch(&self, rect: &Rect) -> bool {
        let (low, high) = (self.low, self.high);
        if low[1] > rect.north
            || high[1] < rect.south
            || low[0].min(high[0]) > rect.east
            || low[0].max(high[0]) < rect.west
        {
            return false;
        }
        let turns = rect.corners().map(|corner| self.turn(corner));
        !(turns.iter().all(|&turn| turn > 0.0) || turns.iter().all(|&turn| turn < 0.0))
    }
}

impl PartialEq for Polygon {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint && self.polygons == other.polygons
    }
}

// No corner is NaN.
impl Eq for Polygon {}

impl Hash for Polygon {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod reference;
#[cfg(test)]
mod tests;

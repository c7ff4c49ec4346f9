//! Reproducible random points and boxes, many of them where geometry is numerically difficult.

use h3o::{CellIndex, LatLng};

use super::{BoundingBox, Point, Resolution, boundary, leaf_cell, parent};

/// `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..1`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `low..high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number in `0..count`.
    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count as u64).unwrap()
    }

    /// A length in `low..high`, each order of magnitude with the same probability.
    pub(super) fn scale(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    pub(super) fn resolution(&mut self) -> Resolution {
        all_resolutions().nth(self.below(10)).unwrap()
    }

    /// A point anywhere: uniformly distributed on the globe, or near a pole, the antimeridian, a
    /// pentagon, an edge of the icosahedron, a corner or an edge of a cell of any resolution.
    pub(super) fn point(&mut self) -> Point {
        let spread = self.scale(1e-9, 1.0);
        match self.below(8) {
            0 => self.near(0.0, 90.0, spread),
            1 => self.near(0.0, -90.0, spread),
            2 => {
                let lat = self.even().lat();
                self.near(180.0, lat, spread)
            }
            3 => {
                let (a, _) = self.icosahedron_edge();
                self.near(a.lon(), a.lat(), spread)
            }
            4 => {
                let (a, b) = self.icosahedron_edge();
                let along = between(a, b, self.unit());
                self.near(along.lon(), along.lat(), spread)
            }
            5 => {
                let cell = parent(leaf_cell(self.even()), self.resolution());
                let corners = boundary(cell);
                let index = self.below(corners.len());
                let (a, b) = (corners[index], corners[(index + 1) % corners.len()]);
                let share = if self.below(2) == 0 { 0.0 } else { self.unit() };
                let on_edge = between(a, b, share);
                self.near(on_edge.lon(), on_edge.lat(), spread)
            }
            _ => self.even(),
        }
    }

    /// A point that is uniformly distributed on the globe.
    pub(super) fn even(&mut self) -> Point {
        let lat = self.between(-1.0, 1.0).asin().to_degrees();
        folded(self.between(-180.0, 180.0), lat)
    }

    /// A point within about that many degrees.
    pub(super) fn near(&mut self, lon: f64, lat: f64, degrees: f64) -> Point {
        if lat.abs() > 89.0 {
            // Around a pole.
            let away = degrees * self.unit();
            return folded(self.between(-180.0, 180.0), (90.0 - away) * lat.signum());
        }
        let lon = lon + self.between(-degrees, degrees) / lat.to_radians().cos();
        folded(lon, lat + self.between(-degrees, degrees))
    }

    /// A box around a point, of any size from a millimetre to the globe, sometimes without width or
    /// height, sometimes across the antimeridian.
    pub(super) fn bbox(&mut self, around: Point) -> BoundingBox {
        let mut side = |limit: f64| match self.below(8) {
            0 => 0.0,
            1 => limit,
            _ => self.scale(1e-8, limit),
        };
        let (width, height) = (side(360.0), side(180.0));
        let (left, down) = (self.unit(), self.unit());
        let south = (around.lat() - height * down).max(-90.0);
        let north = (around.lat() + height * (1.0 - down)).min(90.0);
        if width >= 360.0 {
            return BoundingBox::new(-180.0, south, 180.0, north).unwrap();
        }
        let wrap = |lon: f64| {
            if lon.abs() > 180.0 {
                lon - 360.0 * lon.signum()
            } else {
                lon
            }
        };
        let west = wrap(around.lon() - width * left);
        let east = wrap(around.lon() + width * (1.0 - left));
        BoundingBox::new(west, south, east, north).unwrap()
    }

    /// The ends of one of the icosahedron's 30 edges: neighbours of the 12 pentagons' middles.
    fn icosahedron_edge(&mut self) -> (Point, Point) {
        let corners: Vec<CellIndex> = h3o::Resolution::Nine.pentagons().collect();
        let a = corners[self.below(12)];
        let edges: Vec<_> = corners
            .into_iter()
            .filter(|&b| b != a && distance(center(a), center(b)) < 70_f64.to_radians())
            .collect();
        let b = edges[self.below(edges.len())];
        (center(a), center(b))
    }
}

fn center(cell: CellIndex) -> Point {
    super::center(cell)
}

/// The point at a longitude that may have passed the antimeridian and a latitude that may have
/// passed a pole.
fn folded(lon: f64, lat: f64) -> Point {
    let (lon, lat) = if lat.abs() > 90.0 {
        (lon + 180.0, 180.0 * lat.signum() - lat)
    } else {
        (lon, lat)
    };
    let lon = if lon.abs() > 180.0 {
        lon - 360.0 * (lon / 360.0).round()
    } else {
        lon
    };
    Point::new(lon, lat).unwrap()
}

/// The point that divides the great circle arc from `start` to `end`, roughly at `share` of it.
fn between(start: Point, end: Point, share: f64) -> Point {
    let vector = |point: Point| {
        let (lon, lat) = (point.lon().to_radians(), point.lat().to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (from, to) = (vector(start), vector(end));
    let [x, y, z] = [0, 1, 2].map(|axis| from[axis] * (1.0 - share) + to[axis] * share);
    Point::computed(LatLng::from_radians(z.atan2(x.hypot(y)), y.atan2(x)).unwrap())
}

/// Great circle distance in radians.
pub(super) fn distance(a: Point, b: Point) -> f64 {
    let position = |p: Point| LatLng::new(p.lat(), p.lon()).unwrap();
    position(a).distance_rads(position(b))
}

pub(super) fn all_resolutions() -> impl Iterator<Item = Resolution> {
    (0..=9).filter_map(Resolution::new)
}

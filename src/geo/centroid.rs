use super::{Point, Polygon};

impl Polygon {
    /// The centroid of the largest of the polygons, as on a map of longitudes and latitudes. It is
    /// a place for a label or for the end of a line, and may lie outside the polygon.
    #[must_use]
    pub fn centroid(&self) -> Point {
        let parts = self.polygons().iter().map(|rings| Part::of(rings));
        let largest = parts.max_by(|one, other| one.area.total_cmp(&other.area));
        largest.unwrap_or_else(|| Part::of(&[])).centroid()
    }
}

/// The area of a polygon, and its moments relative to one of its corners, which keeps the digits of
/// small polygons.
struct Part {
    corner: [f64; 2],
    area: f64,
    moments: [f64; 2],
    /// The rectangle of the outer ring: west, south, east, north.
    rect: [f64; 4],
}

impl Part {
    fn of(rings: &[Vec<[f64; 2]>]) -> Self {
        let outer: &[[f64; 2]] = rings.first().map_or(&[], Vec::as_slice);
        let corner = outer.first().copied().unwrap_or_default();
        let rect = outer.iter().fold(
            [corner[0], corner[1], corner[0], corner[1]],
            |[west, south, east, north], &[lon, lat]| {
                [west.min(lon), south.min(lat), east.max(lon), north.max(lat)]
            },
        );
        let mut part = Self {
            corner,
            area: 0.0,
            moments: [0.0; 2],
            rect,
        };
        for (number, ring) in rings.iter().enumerate() {
            let (mut area, mut moments) = (0.0, [0.0; 2]);
            for ends in ring.windows(2) {
                let [[a, b], [c, d]] =
                    [ends[0], ends[1]].map(|[lon, lat]| [lon - corner[0], lat - corner[1]]);
                let cross = a * d - c * b;
                area += cross / 2.0;
                moments[0] += (a + c) * cross / 6.0;
                moments[1] += (b + d) * cross / 6.0;
            }
            // Rings may have either direction; all but the first are holes.
            let sign = if (area < 0.0) == (number == 0) {
                -1.0
            } else {
                1.0
            };
            part.area += sign * area;
            for (sum, moment) in part.moments.iter_mut().zip(moments) {
                *sum += sign * moment;
            }
        }
        part
    }

    fn centroid(&self) -> Point {
        let [west, south, east, north] = self.rect;
        let at = |index: usize, least: f64, most: f64| {
            let degrees = self.corner[index] + self.moments[index] / self.area;
            // Rings that cross themselves may have no area, or a centroid far away.
            if degrees.is_finite() && least <= degrees && degrees <= most {
                degrees
            } else {
                f64::midpoint(least, most)
            }
        };
        Point::clamped(at(0, west, east), at(1, south, north))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, y: f64, size: f64) -> Vec<[f64; 2]> {
        vec![
            [x, y],
            [x + size, y],
            [x + size, y + size],
            [x, y + size],
            [x, y],
        ]
    }

    fn centroid(polygons: Vec<Vec<Vec<[f64; 2]>>>) -> Point {
        Polygon::new(polygons).unwrap().centroid()
    }

    fn at(lon: f64, lat: f64) -> Point {
        Point::new(lon, lat).unwrap()
    }

    #[test]
    fn centroids_are_in_the_middle() {
        assert_eq!(
            centroid(vec![vec![square(10.0, 20.0, 2.0)]]),
            at(11.0, 21.0)
        );
        let mut turned = square(10.0, 20.0, 2.0);
        turned.reverse();
        assert_eq!(centroid(vec![vec![turned]]), at(11.0, 21.0));
        // Without its right half, in either direction.
        let mut hole = vec![
            [11.0, 20.0],
            [12.0, 20.0],
            [12.0, 22.0],
            [11.0, 22.0],
            [11.0, 20.0],
        ];
        for _ in 0..2 {
            let rings = vec![square(10.0, 20.0, 2.0), hole.clone()];
            assert_eq!(centroid(vec![rings]), at(10.5, 21.0));
            hole.reverse();
        }
    }

    #[test]
    fn the_largest_part_has_it() {
        // Split at the antimeridian.
        let parts = vec![
            vec![square(-180.0, 0.0, 1.0)],
            vec![square(176.0, 0.0, 4.0)],
        ];
        assert_eq!(centroid(parts), at(178.0, 2.0));
    }

    #[test]
    fn rings_without_an_area_have_one() {
        let line = vec![[1.0, 1.0], [3.0, 5.0], [1.0, 1.0], [1.0, 1.0]];
        assert_eq!(centroid(vec![vec![line]]), at(2.0, 3.0));
        let eight = vec![[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]];
        assert_eq!(centroid(vec![vec![eight]]), at(1.0, 1.0));
    }
}

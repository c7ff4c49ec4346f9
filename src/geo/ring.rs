use h3o::CellIndex;

use super::{boundary, center};

/// The boundary of a cell as a ring in the plane of longitudes and latitudes, counterclockwise, not
/// closed. No edge jumps across the antimeridian: some longitudes may be outside -180…180, and the
/// ring encloses the cell's centre. If the cell contains a pole, the ring goes once around the
/// world and is closed along the latitude of that pole.
#[must_use]
pub fn ring(cell: CellIndex) -> Vec<[f64; 2]> {
    let mut ring: Vec<[f64; 2]> = Vec::new();
    for corner in boundary(cell) {
        let before = ring.last().map_or(corner.lon(), |[lon, _]| *lon);
        ring.push([near(corner.lon(), before), corner.lat()]);
    }
    let (Some(&[start, lat]), Some(&[end, _])) = (ring.first(), ring.last()) else {
        return ring;
    };
    let closed = near(start, end);
    #[expect(clippy::float_cmp, reason = "exactly the same or a turn away")]
    let around_pole = closed != start;
    if around_pole {
        let pole = 90.0_f64.copysign(lat);
        ring.extend([[closed, lat], [closed, pole], [start, pole]]);
    }
    let (west, east) = ring.iter().fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(west, east), [lon, _]| (west.min(*lon), east.max(*lon)),
    );
    let middle = west.midpoint(east);
    let turns = near(middle, center(cell).lon()) - middle;
    for [lon, _] in &mut ring {
        *lon += turns;
    }
    ring
}

/// The longitude plus the multiple of 360° that brings it nearest to another.
fn near(lon: f64, to: f64) -> f64 {
    lon - 360.0 * ((lon - to) / 360.0).round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::testing::{Random, all_resolutions};
    use crate::geo::{leaf_cell, parent};

    /// Twice the area, positive counterclockwise.
    fn area(ring: &[[f64; 2]]) -> f64 {
        let edges = ring.iter().zip(ring.iter().cycle().skip(1));
        edges.map(|([x, y], [u, v])| x * v - u * y).sum()
    }

    /// Whether a point is in a ring, by the even-odd rule.
    fn contains(ring: &[[f64; 2]], lon: f64, lat: f64) -> bool {
        let edges = ring.iter().zip(ring.iter().cycle().skip(1));
        let crossed = edges.filter(|([x, y], [u, v])| {
            (*y > lat) != (*v > lat) && lon < (u - x) * (lat - y) / (v - y) + x
        });
        crossed.count() % 2 == 1
    }

    fn check(cell: CellIndex) {
        let ring = ring(cell);
        let corners = boundary(cell);
        let around_pole = ring.len() > corners.len();
        assert!(area(&ring) > 0.0, "{cell}: {ring:?}");
        for ([lon, lat], corner) in ring.iter().zip(&corners) {
            assert!((near(*lon, corner.lon()) - corner.lon()).abs() < 1e-9);
            assert_eq!(lat.to_bits(), corner.lat().to_bits());
        }
        for pair in ring[..corners.len()].windows(2) {
            assert!((pair[0][0] - pair[1][0]).abs() < 180.0, "{cell}: {ring:?}");
        }
        let closing = (ring[0][0] - ring[corners.len() - 1][0]).abs();
        assert_eq!(closing >= 180.0, around_pole, "{cell}: {ring:?}");
        let center = center(cell);
        let around = [-360.0, 0.0, 360.0].map(|turn| center.lon() + turn);
        let inside = around.map(|lon| contains(&ring, lon, center.lat()));
        if around_pole {
            assert_eq!(ring.len(), corners.len() + 3);
            assert!(inside.contains(&true), "{cell}: {ring:?}");
        } else {
            assert_eq!(inside, [false, true, false], "{cell}: {ring:?}");
        }
    }

    #[test]
    fn rings_of_all_coarse_cells_can_be_drawn() {
        for resolution in all_resolutions().take(4) {
            let cells = CellIndex::base_cells();
            let resolution = h3o::Resolution::from(resolution);
            cells
                .flat_map(|base| base.children(resolution))
                .for_each(check);
        }
    }

    #[test]
    fn rings_along_the_antimeridian_can_be_drawn() {
        let mut random = Random::new(7);
        for resolution in all_resolutions() {
            for _ in 0..500 {
                let point = random.even();
                let point = random.near(180.0, point.lat(), 1e-3);
                check(parent(leaf_cell(point), resolution));
            }
        }
    }

    #[test]
    fn rings_around_the_poles_are_closed_along_them() {
        for pole in [90.0, -90.0] {
            for resolution in all_resolutions() {
                // Not the ancestor of a leaf cell: a cell does not hold all its descendants.
                let cell = h3o::LatLng::new(pole, 0.0)
                    .unwrap()
                    .to_cell(resolution.into());
                check(cell);
                let ring = ring(cell);
                let along: Vec<f64> = ring
                    .iter()
                    .filter(|[_, lat]| (lat - pole).abs() < 1e-12)
                    .map(|[lon, _]| *lon)
                    .collect();
                assert_eq!(along.len(), 2, "{ring:?}");
                assert!(((along[0] - along[1]).abs() - 360.0).abs() < 1e-9);
            }
        }
    }
}

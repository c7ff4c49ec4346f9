//! Whether a point lies in a polygon, the slow and obvious way: in whole numbers.
#![expect(clippy::unwrap_used, reason = "for tests only: their rings are valid")]

use super::Polygon;

/// Corners on a grid, so that the reference implementation computes with whole numbers.
pub(crate) type Ring = Vec<[i64; 2]>;

/// The grid has 2¹⁰ lines to a degree.
pub(crate) fn degrees([x, y]: [i64; 2]) -> [f64; 2] {
    [x as f64 / 1024.0, y as f64 / 1024.0]
}

pub(crate) fn polygon(polygons: &[Vec<Ring>]) -> Polygon {
    let ring = |ring: &Ring| ring.iter().copied().map(degrees).collect();
    let rings = |rings: &Vec<Ring>| rings.iter().map(ring).collect();
    Polygon::new(polygons.iter().map(rings).collect()).unwrap()
}

/// The slow and obvious way: each edge, exactly.
pub(crate) fn contains(polygons: &[Vec<Ring>], point: [i64; 2]) -> bool {
    polygons.iter().any(|rings| {
        let mut crossed = 0;
        for edge in rings.iter().flat_map(|ring| ring.windows(2)) {
            let ([x, y], [u, v]) = (edge[0], edge[1]);
            let turn = i128::from(u - x) * i128::from(point[1] - y)
                - i128::from(v - y) * i128::from(point[0] - x);
            let within = x.min(u) <= point[0]
                && point[0] <= x.max(u)
                && y.min(v) <= point[1]
                && point[1] <= y.max(v);
            if turn == 0 && within {
                return true;
            }
            if (y > point[1]) != (v > point[1]) && (turn > 0) == (v > y) {
                crossed += 1;
            }
        }
        crossed % 2 == 1
    })
}

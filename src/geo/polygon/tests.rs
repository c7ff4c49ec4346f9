use std::sync::Arc;

use super::reference::{Ring, contains, degrees, polygon};
use super::*;
use crate::geo::testing::{Random, all_resolutions};
use crate::geo::{Area, containment, leaf_cell, parent};

/// The ends of the map on the grid.
const EAST: i64 = 180 << 10;
const NORTH: i64 = 90 << 10;

fn closed(mut ring: Ring) -> Ring {
    ring.push(ring[0]);
    ring
}

fn grid(random: &mut Random, middle: i64, size: i64) -> i64 {
    middle - size + i64::try_from(random.next() % (2 * size.cast_unsigned() + 1)).unwrap()
}

/// A star around a point, with corners at random distances.
fn star(random: &mut Random, [x, y]: [i64; 2], size: i64, corners: usize) -> Ring {
    let ring = (0..corners).map(|corner| {
        let angle = std::f64::consts::TAU * corner as f64 / corners as f64;
        let length = random.between(0.2, 1.0) * size as f64;
        #[expect(clippy::cast_possible_truncation, reason = "a place on the grid")]
        let at = |share: f64| (share * length) as i64;
        [x + at(angle.cos()), y + at(angle.sin())]
    });
    closed(ring.collect())
}

/// Polygons with what is difficult: few places for many corners, so that edges overlap, cross and
/// touch; slivers; holes that touch the border and each other.
fn polygons(random: &mut Random, middle: [i64; 2], size: i64) -> Vec<Vec<Ring>> {
    let count = 1 + random.below(3);
    let one = |random: &mut Random| match random.below(4) {
        0 => {
            let corners = 3 + random.below(12);
            let ring = (0..corners)
                .map(|_| [grid(random, middle[0], size), grid(random, middle[1], size)]);
            vec![closed(ring.collect())]
        }
        1 => {
            // A sliver.
            let [x, y] = middle;
            let end = [grid(random, x, size), grid(random, y, size)];
            vec![closed(vec![[x - size, y], end, [end[0] + 1, end[1]]])]
        }
        2 => {
            // A square with holes that touch it and each other in corners and along edges.
            let [x, y] = middle;
            let square = |x, y, s| closed(vec![[x, y], [x + s, y], [x + s, y + s], [x, y + s]]);
            let s = (size / 2).max(1);
            vec![
                square(x - 2 * s, y - 2 * s, 4 * s),
                square(x - 2 * s, y - s, s),
                square(x - s, y, s),
                square(x, y, s),
            ]
        }
        _ => {
            let corners = 3 + random.below(60);
            let outer = star(random, middle, size, corners);
            vec![outer, star(random, middle, (size / 4).max(1), 5)]
        }
    };
    (0..count).map(|_| one(random)).collect()
}

/// A place on the grid: anywhere, or at the antimeridian or a pole, where the map ends.
fn middle(random: &mut Random) -> [i64; 2] {
    let ends = [-1, 1][random.below(2)];
    let [x, y] = [grid(random, 0, 150 << 10), grid(random, 0, 80 << 10)];
    match random.below(4) {
        0 => [ends * EAST, y],
        1 => [x, ends * NORTH],
        2 => [ends * EAST, [-1, 1][random.below(2)] * NORTH],
        _ => [x, y],
    }
}

/// The nearest place on the map.
fn on_map([x, y]: [i64; 2]) -> [i64; 2] {
    [x.clamp(-EAST, EAST), y.clamp(-NORTH, NORTH)]
}

#[test]
fn points_are_found_as_by_the_reference() {
    let mut random = Random::new(60);
    let (mut inside, mut total, mut at_an_end) = (0, 0, 0);
    for _ in 0..3_000 {
        let size = [3, 10, 100, 20_000][random.below(4)];
        let middle = middle(&mut random);
        let mut rings = polygons(&mut random, middle, size);
        for corner in rings.iter_mut().flatten().flatten() {
            *corner = on_map(*corner);
        }
        let built = polygon(&rings);
        let mut points: Vec<_> = rings.concat().concat();
        // The middle of an edge is often on the grid.
        for ring in rings.iter().flatten() {
            points.extend(ring.windows(2).map(|edge| {
                [
                    edge[0][0].midpoint(edge[1][0]),
                    edge[0][1].midpoint(edge[1][1]),
                ]
            }));
        }
        for _ in 0..60 {
            points.push([
                grid(&mut random, middle[0], size),
                grid(&mut random, middle[1], size),
            ]);
        }
        for point in points.into_iter().map(on_map) {
            at_an_end += usize::from(point[0].abs() == EAST || point[1].abs() == NORTH);
            let expected = contains(&rings, point);
            let [lon, lat] = degrees(point);
            assert_eq!(built.contains(lon, lat), expected, "{point:?} {rings:?}");
            inside += usize::from(expected);
            total += 1;
        }
    }
    assert!(
        inside > total / 10 && inside < total * 9 / 10,
        "{inside} of {total}"
    );
    assert!(at_an_end > total / 10, "{at_an_end} of {total}");
}

#[test]
fn a_point_next_to_an_edge_is_not_on_it() {
    // From (0, 0) to (3, 1): 1/3 is no floating-point number.
    let triangle = vec![vec![vec![[0.0, 0.0], [3.0, 1.0], [0.0, 1.0], [0.0, 0.0]]]];
    let triangle = Polygon::new(triangle).unwrap();
    let mut random = Random::new(61);
    for _ in 0..10_000 {
        let lat = random.unit();
        // The product is exact in 106 bits: its error is known.
        let lon = 3.0 * lat;
        let error = 3.0_f64.mul_add(lat, -lon);
        assert_eq!(triangle.contains(lon, lat), error >= 0.0, "{lat}");
        assert!(!triangle.contains(lon.next_up().next_up(), lat));
        assert!(triangle.contains(lon.next_down().next_down(), lat));
    }
}

#[test]
fn positions_hold_for_every_point_at_every_resolution() {
    let mut random = Random::new(62);
    let mut seen = [0; 3];
    for _ in 0..6_000 {
        let around = random.point();
        let size = random.scale(1e-4, 60.0);
        #[expect(clippy::cast_possible_truncation, reason = "a place on the grid")]
        let grid = |degrees: f64| (degrees * 1024.0) as i64;
        let middle = [grid(around.lon()), grid(around.lat())];
        let mut rings = polygons(&mut random, middle, grid(size).max(2));
        for corner in rings.iter_mut().flatten().flatten() {
            *corner = on_map(*corner);
        }
        let area = Area::Polygon(Arc::new(polygon(&rings)));
        let corners = rings.concat().concat();
        for number in 0..8 {
            // Trip ends lie on corners, too, also where the map ends.
            let point = if number < 6 {
                random.near(around.lon(), around.lat(), size)
            } else {
                let [lon, lat] = degrees(corners[random.below(corners.len())]);
                Point::new(lon, lat).unwrap()
            };
            let inside = area.contains(point.lon(), point.lat());
            for resolution in all_resolutions() {
                let cell = parent(leaf_cell(point), resolution);
                let position = containment(cell, &area);
                match position {
                    Containment::Inside => assert!(inside, "{cell} {point:?} {rings:?}"),
                    Containment::Outside => assert!(!inside, "{cell} {point:?} {rings:?}"),
                    Containment::Edge => {}
                }
                seen[position as usize] += 1;
            }
        }
    }
    assert!(seen.iter().all(|&count| count > 10_000), "{seen:?}");
}

#[test]
fn a_comb_takes_no_more_memory_than_its_corners() {
    // Each tooth reaches from the south to the north.
    let mut ring: Vec<_> = (0..40_000)
        .map(|corner| [f64::from(corner) / 1_000.0, f64::from(corner % 2)])
        .collect();
    ring.extend([[40.0, -1.0], [0.0, -1.0], [0.0, 0.0]]);
    let corners = ring.len();
    let comb = Polygon::new(vec![vec![ring]]).unwrap();
    assert!(comb.bands.between(-90.0, 90.0).len() <= 8 * corners);
    assert!(comb.contains(20.000_5, 0.1) && !comb.contains(20.000_5, 0.99));
}

#[test]
fn errors_say_what_is_wrong() {
    let message = |rings: Vec<Vec<[f64; 2]>>| Polygon::new(vec![rings]).unwrap_err().to_string();
    assert_eq!(message(vec![]), "it has no rings");
    assert_eq!(Polygon::new(vec![]).unwrap_err(), PolygonError::Empty);
    let [a, b, c] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    assert_eq!(
        message(vec![vec![a, b, a]]),
        "a ring has 3 positions; it needs at least 4, of which the last is the first again"
    );
    assert_eq!(
        message(vec![vec![a, b, c, b]]),
        "a ring is not closed: it begins at [0, 0] and ends at [1, 0]"
    );
    assert_eq!(
        message(vec![vec![a, b, [0.0, 91.0], a]]),
        "latitude 91 is outside -90…90"
    );
    assert_eq!(
        message(vec![vec![a, b, [f64::NAN, 1.0], a]]),
        "longitude NaN is outside -180…180"
    );
    let long = |corners: usize| [vec![a; corners - 2], vec![b, a]].concat();
    assert!(Polygon::new(vec![vec![long(MAX_CORNERS)]]).is_ok());
    assert_eq!(
        message(vec![long(MAX_CORNERS + 1)]),
        "it has more than 100000 positions"
    );
}

#[test]
fn equal_polygons_are_equal_questions() {
    let ring = |zero: f64| vec![vec![vec![[zero, 0.0], [1.0, 0.0], [0.0, 1.0], [zero, 0.0]]]];
    let [a, b] = [0.0, -0.0].map(|zero| Polygon::new(ring(zero)).unwrap());
    assert_eq!((&a, a.fingerprint), (&b, b.fingerprint));
    assert_ne!(a, Polygon::new(ring(0.5)).unwrap());
}

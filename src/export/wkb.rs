//! Well-known binary, little-endian: the geometries of `GeoParquet`.

use super::line::Line;
use crate::geo::{Point, Polygon};

const LITTLE_ENDIAN: u8 = 1;
const POINT: u32 = 1;
const LINE_STRING: u32 = 2;
const POLYGON: u32 = 3;
const MULTI_LINE_STRING: u32 = 5;
const MULTI_POLYGON: u32 = 6;

/// A Point.
pub(super) fn point(point: Point) -> [u8; 21] {
    let mut wkb = [0; 21];
    wkb[0] = LITTLE_ENDIAN;
    wkb[1..5].copy_from_slice(&POINT.to_le_bytes());
    wkb[5..13].copy_from_slice(&point.lon().to_le_bytes());
    wkb[13..21].copy_from_slice(&point.lat().to_le_bytes());
    wkb
}

/// A `LineString` from one point to another; two, if it crosses the antimeridian.
pub(super) fn line(ends: [Point; 2]) -> Vec<u8> {
    let mut wkb = Vec::new();
    match Line::between(ends) {
        Line::Whole(part) => push_line(&mut wkb, &part),
        Line::Cut(parts) => {
            push_head(&mut wkb, MULTI_LINE_STRING);
            push_count(&mut wkb, parts.len());
            for part in &parts {
                push_line(&mut wkb, part);
            }
        }
    }
    wkb
}

/// A Polygon, or a `MultiPolygon` if it has several parts.
pub(super) fn area(polygon: &Polygon) -> Vec<u8> {
    let mut wkb = Vec::new();
    match polygon.polygons() {
        [one] => push_polygon(&mut wkb, one),
        several => {
            push_head(&mut wkb, MULTI_POLYGON);
            push_count(&mut wkb, several.len());
            for part in several {
                push_polygon(&mut wkb, part);
            }
        }
    }
    wkb
}

fn push_line(wkb: &mut Vec<u8>, positions: &[[f64; 2]]) {
    push_head(wkb, LINE_STRING);
    push_positions(wkb, positions);
}

fn push_polygon(wkb: &mut Vec<u8>, rings: &[Vec<[f64; 2]>]) {
    push_head(wkb, POLYGON);
    push_count(wkb, rings.len());
    for ring in rings {
        push_positions(wkb, ring);
    }
}

fn push_head(wkb: &mut Vec<u8>, kind: u32) {
    wkb.push(LITTLE_ENDIAN);
    wkb.extend_from_slice(&kind.to_le_bytes());
}

fn push_positions(wkb: &mut Vec<u8>, positions: &[[f64; 2]]) {
    push_count(wkb, positions.len());
    for degrees in positions.as_flattened() {
        wkb.extend_from_slice(&degrees.to_le_bytes());
    }
}

/// A number of parts, rings or positions. A polygon has at most 100,000 positions.
fn push_count(wkb: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    wkb.extend_from_slice(&count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubles(bytes: &[u8]) -> Vec<f64> {
        let chunks = bytes.chunks_exact(8);
        chunks
            .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap()))
            .collect()
    }

    #[test]
    fn points_and_lines() {
        let [a, b] = [(1.0, -2.0), (3.5, 4.0)].map(|(lon, lat)| Point::new(lon, lat).unwrap());
        let wkb = point(a);
        assert_eq!(wkb[..5], [1, 1, 0, 0, 0]);
        assert_eq!(doubles(&wkb[5..]), [1.0, -2.0]);
        let wkb = line([a, b]);
        assert_eq!(wkb[..9], [1, 2, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(doubles(&wkb[9..]), [1.0, -2.0, 3.5, 4.0]);
        let across = [(179.0, 0.0), (-179.0, 2.0)].map(|(lon, lat)| Point::new(lon, lat).unwrap());
        let wkb = line(across);
        assert_eq!(wkb[..9], [1, 5, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(doubles(&wkb[18..50]), [179.0, 0.0, 180.0, 1.0]);
        assert_eq!(doubles(&wkb[59..]), [-180.0, 1.0, -179.0, 2.0]);
    }

    #[test]
    fn areas() {
        let triangle = |x: f64| vec![[x, 0.0], [x + 1.0, 0.0], [x, 1.0], [x, 0.0]];
        let one = Polygon::new(vec![vec![triangle(2.0), triangle(3.0)]]).unwrap();
        let wkb = area(&one);
        assert_eq!(wkb[..13], [1, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0]);
        assert_eq!(doubles(&wkb[13..77]), *triangle(2.0).as_flattened());
        assert_eq!(wkb[77..81], [4, 0, 0, 0]);
        assert_eq!(doubles(&wkb[81..]), *triangle(3.0).as_flattened());
        let two = Polygon::new(vec![vec![triangle(2.0)], vec![triangle(3.0)]]).unwrap();
        let wkb = area(&two);
        assert_eq!(wkb[..9], [1, 6, 0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(wkb.len(), 9 + 2 * (13 + 64));
    }
}

//! Properties of areas that hold for any text and any corners.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: what cannot be read again is a finding"
)]

use super::Polygon;
use super::polygon::reference;

/// JSON is refused, or is an area that is read again as it is written.
pub(crate) fn geojson(data: &[u8]) {
    let Ok(json) = serde_json::from_slice(data) else {
        return;
    };
    match Polygon::from_geojson(&json) {
        Ok(area) => {
            let written = area.to_geojson();
            let read = Polygon::from_geojson(&written).unwrap();
            assert_eq!(read, area);
            assert_eq!(read.to_geojson(), written);
            for [lon, lat] in area.polygons().concat().concat() {
                assert!(area.contains(lon, lat), "{lon} {lat}");
            }
        }
        Err(error) => assert!(error.to_string().chars().count() < 300),
    }
}

/// A point of a grid is in a polygon if the reference implementation, which computes with whole numbers,
/// says so.
pub(crate) fn polygon(data: &[u8]) {
    let Some((&[rings, polygons], bytes)) = data.split_first_chunk() else {
        return;
    };
    let corners: Vec<[i64; 2]> = (bytes.as_chunks().0.iter().take(60))
        .map(|[x, y]: &[u8; 2]| [x, y].map(|byte| i64::from(byte.cast_signed())))
        .collect();
    let ring = |corners: &[[i64; 2]]| [corners, &corners[..1]].concat();
    let size = 3 + usize::from(rings % 16);
    let rings = corners.chunks(size).filter(|corners| corners.len() > 2);
    let rings: Vec<_> = rings.map(ring).collect();
    let area: Vec<_> = rings
        .chunks(1 + usize::from(polygons % 4))
        .map(<[_]>::to_vec)
        .collect();
    if area.is_empty() {
        return;
    }
    let built = reference::polygon(&area);
    let probes = corners
        .iter()
        .chain(corners.iter().skip(1))
        .zip(&corners)
        .map(|(a, b)| [a[0].midpoint(b[0]), a[1].midpoint(b[1])]);
    for point in corners.iter().copied().chain(probes) {
        let [lon, lat] = reference::degrees(point);
        let expected = reference::contains(&area, point);
        assert_eq!(built.contains(lon, lat), expected, "{point:?} {area:?}");
    }
}

use std::str::FromStr;

use proptest::prelude::*;

use super::*;

fn reason(text: &str) -> String {
    parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn points_in_many_hands() {
    let point = Point::new(14.4, 50.0).unwrap();
    for text in [
        "POINT (14.4 50.0)",
        "POINT(14.4 50)",
        "point(14.4 50.0)",
        " Point\t (  14.4 \n 50.0 ) ",
        "POINT (+14.4 5e1)",
        "POINT (14.40 .5E+2)",
        "SRID=4326;POINT(14.4 50.0)",
        " srid = 4326 ; point (14.4 50.)",
    ] {
        assert_eq!(parse(text.as_bytes()), Ok(point), "{text}");
    }
}

#[test]
fn reasons_are_for_people() {
    for (text, expected) in [
        ("", "empty: expected POINT (lon lat)"),
        ("  ", "empty: expected POINT (lon lat)"),
        (
            "14.4 50.0",
            "not a WKT point: expected POINT (lon lat), found 14.4 50.0",
        ),
        (
            "POINT ()",
            "not a WKT point: expected POINT (lon lat), found POINT ()",
        ),
        (
            "POINT (1, 2)",
            "not a WKT point: expected POINT (lon lat), found POINT (1, 2)",
        ),
        (
            "POINT (1 2",
            "not a WKT point: expected POINT (lon lat), found POINT (1 2",
        ),
        (
            "POINT (1 2) x",
            "not a WKT point: expected POINT (lon lat), found POINT (1 2) x",
        ),
        (
            "POINTS (1 2)",
            "not a WKT point: expected POINT (lon lat), found POINTS (1 2)",
        ),
        (
            "POINT EMPTY",
            "POINT EMPTY has no coordinates: expected POINT (lon lat)",
        ),
        (
            "POINT Z (1 2 3)",
            "POINT Z has more than two dimensions: expected POINT (lon lat)",
        ),
        (
            "pointzm(1 2 3 4)",
            "POINT ZM has more than two dimensions: expected POINT (lon lat)",
        ),
        (
            "LINESTRING (1 2, 3 4)",
            "a LINESTRING is not a point: expected POINT (lon lat)",
        ),
        (
            "POINT (1)",
            "a point has two coordinates, found 1: expected POINT (lon lat)",
        ),
        (
            "POINT (1 2 3)",
            "a point has two coordinates, found 3: expected POINT (lon lat)",
        ),
        (
            "POINT (NaN 2)",
            "NaN is not a number: expected POINT (lon lat)",
        ),
        (
            "POINT (1 1.2.3)",
            "1.2.3 is not a number: expected POINT (lon lat)",
        ),
        ("POINT (14.4 91)", "latitude 91 is outside -90…90"),
        (
            "SRID=3857;POINT (1 2)",
            "SRID=3857 is not WGS 84: expected POINT (lon lat) in degrees (SRID=4326)",
        ),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    assert!(matches!(parse(b"POINT (1e999 2)"), Err(WktError::Point(_))));
    assert!(
        reason(&"x".repeat(100_000)).chars().count() < 100,
        "what was seen is cut"
    );
}

fn by_wkt_crate(text: &str) -> Option<(f64, f64)> {
    let Ok(wkt::Wkt::Point(point)) = wkt::Wkt::<f64>::from_str(text) else {
        return None;
    };
    let coord = point.coord()?;
    if point.dimension() != wkt::types::Dimension::XY {
        return None;
    }
    Point::new(coord.x, coord.y)
        .ok()
        .map(|point| (point.lon(), point.lat()))
}

fn by_us(text: &str) -> Option<(f64, f64)> {
    parse(text.as_bytes())
        .ok()
        .map(|point| (point.lon(), point.lat()))
}

/// Where we part from the `wkt` crate on purpose. We are stricter: nothing may follow the closing
/// parenthesis, `+-5` and `++5` are no numbers, NUL does not end the text. We are more tolerant: an
/// SRID may stand before the point, and form feed is white space.
fn intended_difference(text: &str) -> bool {
    let upper = text.trim().to_ascii_uppercase();
    upper.contains("+-")
        || upper.contains("++")
        || text.contains(['\0', ';', '=', '\u{b}', '\u{c}'])
        || upper.find(')').is_some_and(|at| at + 1 < upper.len())
}

fn space() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", " ", "  ", "\t", "\n", " \r\n "])
}

fn blank() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![" ", "  ", "\t", "\n"])
}

fn coordinate_text(limit: f64) -> impl Strategy<Value = String> {
    prop_oneof![
        (-limit..=limit).prop_map(|value| value.to_string()),
        (-limit..=limit).prop_map(|value| format!("{value:e}")),
        (-limit..=limit, 0usize..20).prop_map(|(value, places)| format!("{value:.places$}")),
        (-400f64..400.0).prop_map(|value| format!("{value:.2}")),
    ]
}

fn point_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["POINT", "point", "Point", "POINT "]);
    let places = (coordinate_text(180.0), blank(), coordinate_text(90.0));
    (space(), word, space(), space(), places, space(), space()).prop_map(
        |(before, word, behind, inside, (lon, between, lat), end, after)| {
            format!("{before}{word}{behind}({inside}{lon}{between}{lat}{end}){after}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn valid_points_agree_with_the_wkt_crate(text in point_text()) {
        prop_assert_eq!(by_us(&text), by_wkt_crate(&text));
    }

    #[test]
    fn mutated_points_agree_with_the_wkt_crate(
        text in point_text(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(b"POINTZME ()-+.,0159eE\t\nx".to_vec()), 0..3u8),
            1..3,
        ),
    ) {
        let mut bytes = text.into_bytes();
        for (index, byte, edit) in edits {
            let at = index.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        if !intended_difference(&text) {
            prop_assert_eq!(by_us(&text), by_wkt_crate(&text), "{:?}", text);
        }
    }

    #[test]
    fn the_short_cut_changes_nothing(text in point_text()) {
        if let Some(coordinates) = exact(text.as_bytes()) {
            prop_assert_eq!(tolerant(text.as_bytes()), Ok(coordinates));
        }
    }
}

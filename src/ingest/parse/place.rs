//! Locations as text: WKT, GeoJSON, hexadecimal WKB, and the two ends of a line.

use serde::Deserialize;

use super::number::{decimal, number};
use super::snippet::snippet;
use super::wkt::{self, WktError};
use crate::geo::{Point, PointError};
use crate::text::trim_bytes;

/// Maximum number of characters of a field in an error message.
const SHOWN_CHARS: usize = 40;

/// Why a field is not a location.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// Not WKT.
    #[error(transparent)]
    Wkt(#[from] WktError),
    /// Not a point in GeoJSON; the field, truncated.
    #[error(
        "not a GeoJSON point: expected {{\"type\":\"Point\",\"coordinates\":[lon,lat]}}, found {0}"
    )]
    GeoJson(String),
    /// Not a point in hexadecimal WKB; the field, truncated.
    #[error("not a point in hexadecimal WKB with two coordinates in WGS 84: {0}")]
    Wkb(String),
    /// The field of a coordinate or an id is empty.
    #[error("empty: expected {0}")]
    Missing(&'static str),
    /// A coordinate that is not a number; the field, truncated.
    #[error("not a number: {0}")]
    NotANumber(String),
    /// Not a line; the field, truncated.
    #[error("not a line: expected [[lon,lat],…] or LINESTRING (lon lat, …), found {0}")]
    Line(String),
    /// A line without points.
    #[error("the line has no points")]
    EmptyLine,
    /// An id that is not in the list of locations; the field, truncated.
    #[error("no location has the id {0}")]
    UnknownId(String),
    /// A coordinate out of range.
    #[error(transparent)]
    Point(#[from] PointError),
}

impl PlaceError {
    /// The kind of the error, without the field's text.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Wkt(WktError::Missing) | Self::Missing(_) => "empty",
            Self::Wkt(WktError::NotAPoint(_)) => "not a WKT point",
            Self::Wkt(WktError::EmptyPoint) => "a point without coordinates",
            Self::Wkt(WktError::Dimensions(_)) => "a point with more than two dimensions",
            Self::Wkt(WktError::OtherGeometry(_)) => "a geometry that is not a point",
            Self::Wkt(WktError::Coordinates(_)) => "a point that has not two coordinates",
            Self::Wkt(WktError::NotANumber(_)) | Self::NotANumber(_) => "not a number",
            Self::Wkt(WktError::Srid(_)) => "not WGS 84",
            Self::Wkt(WktError::Point(PointError::Longitude(_)))
            | Self::Point(PointError::Longitude(_)) => "longitude outside -180…180",
            Self::Wkt(WktError::Point(PointError::Latitude(_)))
            | Self::Point(PointError::Latitude(_)) => "latitude outside -90…90",
            Self::GeoJson(_) => "not a GeoJSON point",
            Self::Wkb(_) => "not a point in hexadecimal WKB",
            Self::Line(_) => "not a line",
            Self::EmptyLine => "a line without points",
            Self::UnknownId(_) => "an id that no location has",
        }
    }
}

/// Reads a point in WKT, GeoJSON or hexadecimal (E)WKB.
#[inline]
pub(super) fn point(field: &[u8]) -> Result<Point, PlaceError> {
    match field.first() {
        Some(b'P') => Ok(wkt::parse(field)?),
        _ => tolerant_point(trim_bytes(field)),
    }
}

#[cold]
fn tolerant_point(field: &[u8]) -> Result<Point, PlaceError> {
    match field {
        [b'{', ..] => geo_json(field),
        [b'\\' | b'0', b'x' | b'X', rest @ ..] => wkb(rest),
        [b'0', b'0' | b'1', ..] if field.len() >= 42 && field.iter().all(u8::is_ascii_hexdigit) => {
            wkb(field)
        }
        _ => Ok(wkt::parse(field)?),
    }
}

/// A geometry of GeoJSON.
#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Point(Vec<f64>),
    LineString(Vec<Vec<f64>>),
}

fn geo_json(field: &[u8]) -> Result<Point, PlaceError> {
    match serde_json::from_slice(field) {
        // A third coordinate is a height.
        Ok(Geometry::Point(coordinates)) if matches!(coordinates.len(), 2 | 3) => {
            Ok(Point::new(coordinates[0], coordinates[1])?)
        }
        _ => Err(PlaceError::GeoJson(snippet(field, SHOWN_CHARS))),
    }
}

/// Reads hexadecimal WKB of the OGC, or PostGIS's extension of it with a spatial reference.
fn wkb(digits: &[u8]) -> Result<Point, PlaceError> {
    const SRID: u32 = 0x2000_0000;
    const POINT: u32 = 1;
    let read = || {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
        let bytes: Vec<u8> = digits.chunks_exact(2).map(byte).collect::<Option<_>>()?;
        let (order, rest) = bytes.split_first()?;
        let little = match order {
            0 => false,
            1 => true,
            _ => return None,
        };
        let word = |bytes: [u8; 4]| {
            if little {
                u32::from_le_bytes(bytes)
            } else {
                u32::from_be_bytes(bytes)
            }
        };
        let (kind, mut rest) = rest.split_first_chunk()?;
        let kind = word(*kind);
        if kind & SRID != 0 {
            let (srid, behind) = rest.split_first_chunk()?;
            if word(*srid) != 4326 {
                return None;
            }
            rest = behind;
        }
        let (lon, rest) = rest.split_first_chunk::<8>()?;
        let lat: &[u8; 8] = rest.try_into().ok()?;
        let [lon, lat] = [lon, lat].map(|bytes| {
            if little {
                f64::from_le_bytes(*bytes)
            } else {
                f64::from_be_bytes(*bytes)
            }
        });
        (kind & !SRID == POINT && digits.len().is_multiple_of(2)).then_some((lon, lat))
    };
    let (lon, lat) = read().ok_or_else(|| PlaceError::Wkb(snippet(digits, SHOWN_CHARS)))?;
    Ok(Point::new(lon, lat)?)
}

/// Reads a coordinate in a field of its own. `decimal_comma`: whether a comma may stand for the
/// decimal point.
#[inline]
pub(super) fn coordinate(field: &[u8], decimal_comma: bool) -> Result<f64, PlaceError> {
    match decimal(field) {
        Some((value, len)) if len == field.len() => Ok(value),
        _ => tolerant_coordinate(trim_bytes(field), decimal_comma),
    }
}

#[cold]
fn tolerant_coordinate(field: &[u8], decimal_comma: bool) -> Result<f64, PlaceError> {
    if field.is_empty() {
        return Err(PlaceError::Missing("a number of degrees"));
    }
    let with_point = || {
        let comma = field.iter().position(|byte| *byte == b',')?;
        let mut field = field.to_vec();
        field[comma] = b'.';
        number(&field)
    };
    number(field)
        .or_else(|| decimal_comma.then(with_point)?)
        .ok_or_else(|| PlaceError::NotANumber(snippet(field, SHOWN_CHARS)))
}

/// Reads the first and the last point of a line: a JSON array of positions, GeoJSON or WKT.
pub(super) fn line_ends(field: &[u8]) -> Result<(Point, Point), PlaceError> {
    let field = trim_bytes(field);
    let wrong = || PlaceError::Line(snippet(field, SHOWN_CHARS));
    let (first, last) = match field {
        [] => return Err(PlaceError::Missing("a line")),
        [b'[', inside @ .., b']'] => array_ends(inside.trim_ascii()).ok_or_else(wrong)?,
        [b'{', ..] => match serde_json::from_slice(field) {
            Ok(Geometry::LineString(positions)) => {
                let end = |position: &Vec<f64>| Some((*position.first()?, *position.get(1)?));
                match (positions.first(), positions.last()) {
                    (Some(first), Some(last)) => {
                        Some((end(first).ok_or_else(wrong)?, end(last).ok_or_else(wrong)?))
                    }
                    _ => None,
                }
            }
            _ => return Err(wrong()),
        },
        _ => wkt_ends(field).ok_or_else(wrong)?,
    }
    .ok_or(PlaceError::EmptyLine)?;
    Ok((Point::new(first.0, first.1)?, Point::new(last.0, last.1)?))
}

type Ends = ((f64, f64), (f64, f64));

/// The ends of `[lon,lat],[lon,lat],…`; `Some(None)` if there are no positions.
#[expect(clippy::option_option, reason = "read, or not; and there, or not")]
fn array_ends(inside: &[u8]) -> Option<Option<Ends>> {
    if inside.is_empty() {
        return Some(None);
    }
    let inside = inside.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let first = inside.split(|byte| *byte == b']').next()?;
    let end = inside.rsplit(|byte| *byte == b'[').next()?;
    let position = |text: &[u8]| {
        let mut parts = text.split(|byte| *byte == b',');
        let (lon, lat) = (parts.next()?, parts.next()?);
        let position = (number(lon.trim_ascii())?, number(lat.trim_ascii())?);
        (parts.count() <= 1).then_some(position)
    };
    Some(Some((position(first)?, position(end)?)))
}

/// The ends of `LINESTRING (lon lat, …)`.
#[expect(clippy::option_option, reason = "read, or not; and there, or not")]
fn wkt_ends(field: &[u8]) -> Option<Option<Ends>> {
    const NAME: &[u8] = b"LINESTRING";
    let (name, rest) = field.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let rest = rest.trim_ascii();
    if rest.eq_ignore_ascii_case(b"EMPTY") {
        return Some(None);
    }
    let inside = rest.strip_prefix(b"(")?.strip_suffix(b")")?;
    let position = |text: &[u8]| {
        let mut parts = text
            .split(u8::is_ascii_whitespace)
            .filter(|part| !part.is_empty());
        let end = (number(parts.next()?)?, number(parts.next()?)?);
        parts.next().is_none().then_some(end)
    };
    let mut positions = inside.split(|byte| *byte == b',');
    let first = position(positions.next()?)?;
    let last = positions.next_back().map_or(Some(first), position)?;
    Some(Some((first, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_other_notations() {
        let expected = Point::new(14.4, 50.0).unwrap();
        for text in [
            "POINT (14.4 50)",
            " point(14.4 50.0) ",
            r#"{"type":"Point","coordinates":[14.4,50.0]}"#,
            r#" { "coordinates": [14.4, 50, 200], "type": "Point" } "#,
            "0101000000CDCCCCCCCCCC2C400000000000004940",
            "0101000020e6100000cdcccccccccc2c400000000000004940",
            "\\x0101000000CDCCCCCCCCCC2C400000000000004940",
            "0x0000000001402CCCCCCCCCCCCD4049000000000000",
        ] {
            assert_eq!(point(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in [
            r#"{"type":"Polygon","coordinates":[]}"#,
            r#"{"type":"Point","coordinates":[14.4]}"#,
            "{",
            // EPSG:3857, three dimensions, cut off.
            "0101000020110f0000cdcccccccccc2c400000000000004940",
            "01e9030000CDCCCCCCCCCC2C4000000000000049400000000000000000",
            "\\x0101000000CDCCCCCCCCCC2C40",
            "",
            "x",
        ] {
            assert!(point(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn coordinates_in_fields_of_their_own() {
        let read = |text: &str| coordinate(text.as_bytes(), false);
        assert_eq!(read("-73.98765432101234"), Ok(-73.987_654_321_012_34));
        assert_eq!(read(" 5e1 "), Ok(50.0));
        assert_eq!(read("").unwrap_err().kind(), "empty");
        assert_eq!(read("4,83").unwrap_err().kind(), "not a number");
        assert_eq!(coordinate(b"4,83", true), Ok(4.83));
        assert!(coordinate(b"4,83,2", true).is_err());
    }

    #[test]
    fn lines_have_ends() {
        let [first, last] = [(-8.6, 41.1), (-8.5, 41.25)].map(|(x, y)| Point::new(x, y).unwrap());
        for text in [
            "[[-8.6,41.1],[-8.55,41.2],[-8.5,41.25]]",
            " [ [ -8.6 , 41.1 ] , [ -8.5 , 41.25, 3 ] ] ",
            "LINESTRING (-8.6 41.1, 0 0, -8.5 41.25)",
            "LineString(-8.6 41.1,-8.5 41.25)",
            r#"{"type":"LineString","coordinates":[[-8.6,41.1],[-8.5,41.25]]}"#,
        ] {
            assert_eq!(line_ends(text.as_bytes()), Ok((first, last)), "{text}");
        }
        assert_eq!(line_ends(b"[[-8.6,41.1]]"), Ok((first, first)));
        assert_eq!(line_ends(b"LINESTRING (-8.6 41.1)"), Ok((first, first)));
        for text in [
            "[]",
            "[ ]",
            "LINESTRING EMPTY",
            r#"{"type":"LineString","coordinates":[]}"#,
        ] {
            assert_eq!(
                line_ends(text.as_bytes()),
                Err(PlaceError::EmptyLine),
                "{text}"
            );
        }
        for text in [
            "[[-8.6]]",
            "[-8.6,41.1]",
            "POINT (1 2)",
            "[[-8.6,41.1],[]]",
            "[[1,2],[3,x]]",
        ] {
            let error = line_ends(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), "not a line", "{text}");
        }
        assert_eq!(line_ends(b"").unwrap_err().kind(), "empty");
    }
}

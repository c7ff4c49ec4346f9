use super::number::{decimal, number};
use super::snippet::snippet;
use crate::geo::{Point, PointError};
use crate::text::trim_bytes;

/// Maximum number of characters of a field in an error message.
const SHOWN_CHARS: usize = 40;

/// Why a field is not a point.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WktError {
    /// The field is empty.
    #[error("empty: expected POINT (lon lat)")]
    Missing,
    /// Not of the form `POINT (lon lat)`; the field, truncated.
    #[error("not a WKT point: expected POINT (lon lat), found {0}")]
    NotAPoint(String),
    /// `POINT EMPTY`.
    #[error("POINT EMPTY has no coordinates: expected POINT (lon lat)")]
    EmptyPoint,
    /// `POINT Z`, `POINT M` or `POINT ZM`.
    #[error("POINT {0} has more than two dimensions: expected POINT (lon lat)")]
    Dimensions(&'static str),
    /// Another geometry.
    #[error("a {0} is not a point: expected POINT (lon lat)")]
    OtherGeometry(&'static str),
    /// A point with one, three or more coordinates; their number.
    #[error("a point has two coordinates, found {0}: expected POINT (lon lat)")]
    Coordinates(usize),
    /// A coordinate that is not a number; its text, truncated.
    #[error("{0} is not a number: expected POINT (lon lat)")]
    NotANumber(String),
    /// A spatial reference other than WGS 84; its text, truncated.
    #[error("{0} is not WGS 84: expected POINT (lon lat) in degrees (SRID=4326)")]
    Srid(String),
    /// A coordinate out of range.
    #[error(transparent)]
    Point(#[from] PointError),
}

/// The other geometries of WKT.
const OTHER_GEOMETRIES: [&str; 8] = [
    "LINESTRING",
    "LINEARRING",
    "POLYGON",
    "MULTIPOINT",
    "MULTILINESTRING",
    "MULTIPOLYGON",
    "GEOMETRYCOLLECTION",
    "TRIANGLE",
];

/// Reads `POINT (lon lat)`, in WGS 84 degrees.
///
/// Case is ignored, white space is allowed anywhere between the tokens, and the prefix
/// `SRID=4326;` of extended WKT is accepted.
#[inline]
pub(super) fn parse(bytes: &[u8]) -> Result<Point, WktError> {
    let (lon, lat) = match exact(bytes) {
        Some(coordinates) => coordinates,
        None => tolerant(bytes)?,
    };
    Ok(Point::new(lon, lat)?)
}

/// Parses exactly the form `POINT (14.4 50.0)`, which nearly all files have.
#[inline]
pub(super) fn exact(bytes: &[u8]) -> Option<(f64, f64)> {
    let rest = bytes.strip_prefix(b"POINT (")?;
    let (lon, len) = decimal(rest)?;
    let rest = rest[len..].strip_prefix(b" ")?;
    let (lat, len) = decimal(rest)?;
    (&rest[len..] == b")").then_some((lon, lat))
}

#[cold]
pub(super) fn tolerant(field: &[u8]) -> Result<(f64, f64), WktError> {
    let field = trim_bytes(field);
    if field.is_empty() {
        return Err(WktError::Missing);
    }
    let not_a_point = || WktError::NotAPoint(snippet(field, SHOWN_CHARS));
    let (word, rest) = word(after_srid(field)?);
    if let Some(name) = OTHER_GEOMETRIES.iter().find(|name| is(word, name)) {
        return Err(WktError::OtherGeometry(name));
    }
    if !word.get(..5).is_some_and(|name| is(name, "POINT")) {
        return Err(not_a_point());
    }
    if let Some(dimensions) = dimensions(&word[5..]).or_else(|| dimensions(self::word(rest).0)) {
        return Err(WktError::Dimensions(dimensions));
    }
    if word.len() == 5 && is(rest, "EMPTY") {
        return Err(WktError::EmptyPoint);
    }
    let inside = rest
        .strip_prefix(b"(")
        .filter(|_| word.len() == 5)
        .ok_or_else(not_a_point)?;
    let inside = inside.strip_suffix(b")").ok_or_else(not_a_point)?;
    if inside
        .iter()
        .any(|byte| matches!(byte, b'(' | b')' | b',' | b';'))
    {
        return Err(not_a_point());
    }
    let mut coordinates = inside
        .split(u8::is_ascii_whitespace)
        .filter(|part| !part.is_empty());
    match (coordinates.next(), coordinates.next(), coordinates.count()) {
        (Some(lon), Some(lat), 0) => Ok((coordinate(lon)?, coordinate(lat)?)),
        (None, ..) => Err(not_a_point()),
        (Some(_), None, _) => Err(WktError::Coordinates(1)),
        (_, _, more) => Err(WktError::Coordinates(2 + more)),
    }
}

fn coordinate(bytes: &[u8]) -> Result<f64, WktError> {
    number(bytes).ok_or_else(|| WktError::NotANumber(snippet(bytes, SHOWN_CHARS)))
}

/// The field without the prefix `SRID=4326;`, if it has one.
fn after_srid(field: &[u8]) -> Result<&[u8], WktError> {
    let Some(semicolon) = field.iter().position(|byte| *byte == b';') else {
        return Ok(field);
    };
    let prefix = field[..semicolon].trim_ascii();
    let is_srid = prefix.get(..4).is_some_and(|name| is(name, "SRID"));
    if !is_srid {
        return Ok(field);
    }
    let number = prefix[4..]
        .trim_ascii_start()
        .strip_prefix(b"=")
        .map(<[u8]>::trim_ascii);
    if number != Some(b"4326") {
        return Err(WktError::Srid(snippet(prefix, SHOWN_CHARS)));
    }
    Ok(field[semicolon + 1..].trim_ascii_start())
}

/// The mark `Z`, `M` or `ZM` of a point with more than two dimensions.
fn dimensions(word: &[u8]) -> Option<&'static str> {
    ["Z", "M", "ZM"].into_iter().find(|name| is(word, name))
}

/// The letters at the beginning, and the rest without leading white space.
fn word(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(bytes.len());
    (&bytes[..end], bytes[end..].trim_ascii_start())
}

fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests;

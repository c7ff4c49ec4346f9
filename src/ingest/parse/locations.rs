//! Lists of locations, whose ids files of trips name: CSV, or `station_information.json` of GBFS.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};

use encoding_rs::Encoding;
use serde::Deserialize;

use super::column::{LATITUDES, LOCATIONS, LONGITUDES, normalise};
use super::dialect::Dialect;
use super::options::{FileOptions, Locations};
use super::place::{self, PlaceError};
use crate::geo::Point;
use crate::text::trim;

/// The longest list that is read, in bytes.
const MAX_BYTES: u64 = 32 << 20;

/// Why a list of locations can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LocationsError {
    /// The header lacks a column.
    #[error(
        "the list of locations has no column of {0}: it needs a column id (or number, terminal, \
         name), and columns lon and lat (or longitude and latitude) or a column of points \
         (location, geometry, wkt)"
    )]
    Column(&'static str),
    /// A line can't be read.
    #[error("line {0} of the list of locations: {1}")]
    Line(u64, PlaceError),
    /// Two locations of one id.
    #[error(
        "the list of locations has the id {0} twice, with different places: keep the one that the \
         trips mean"
    )]
    Ambiguous(String),
    /// Not text in a known encoding.
    #[error(
        "the list of locations is not text: save it as CSV in UTF-8, or name its encoding with \
         --encoding (encoding in TripFormat)"
    )]
    NotText,
    /// Not CSV.
    #[error("the list of locations can't be read: {0}")]
    Csv(#[from] csv::Error),
    /// Not GBFS.
    #[error("the list of locations is not station_information.json of GBFS: {0}")]
    Json(#[from] serde_json::Error),
    /// There are none.
    #[error("the list of locations is empty")]
    Empty,
    /// It is longer than any list.
    #[error("the list of locations is larger than the limit of {MAX_BYTES} bytes")]
    TooLarge,
    /// Its bytes could not be read.
    #[error("the list of locations can't be read: {0}")]
    Io(#[from] io::Error),
}

/// Columns of ids, the preferred ones first: if two locations share an id, the column decides.
const IDS: [&str; 9] = [
    "id",
    "locationid",
    "shortname",
    "number",
    "code",
    "terminal",
    "legacyid",
    "externalid",
    "name",
];

/// `station_information.json`.
#[derive(Deserialize)]
struct Gbfs {
    data: Stations,
}

#[derive(Deserialize)]
struct Stations {
    stations: Vec<Station>,
}

#[derive(Deserialize)]
struct Station {
    #[serde(rename = "station_id")]
    id: Text,
    short_name: Option<Text>,
    legacy_id: Option<Text>,
    external_id: Option<Text>,
    name: Option<Text>,
    lon: f64,
    lat: f64,
}

/// A text, which some systems write as a number, and version 3 as a list of translations.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Number(serde_json::Number),
    Translations(Vec<Translation>),
}

#[derive(Deserialize)]
struct Translation {
    text: String,
}

impl Text {
    fn into_string(self) -> Option<String> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Number(number) => Some(number.to_string()),
            Self::Translations(all) => all.into_iter().next().map(|one| one.text),
        }
    }
}

/// The bytes of a list of locations, unless there are too many.
pub fn read_list(source: impl Read) -> Result<Vec<u8>, LocationsError> {
    let mut bytes = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(LocationsError::TooLarge);
    }
    Ok(bytes)
}

/// Reads a list of locations. Its encoding and its empty values may be those of the trips, which the
/// options name; the rest is recognised.
pub fn read_locations(bytes: &[u8], options: &FileOptions) -> Result<Locations, LocationsError> {
    let text = text(bytes, options)?;
    let text = text.trim_start_matches('\u{feff}');
    // The ids of each location, in the order of preference.
    let list = if text.trim_ascii_start().starts_with('{') {
        stations(text)?
    } else {
        rows(text, options)?
    };
    let mut locations = Locations::new();
    for rank in 0..IDS.len() {
        // Nothing where an id has several places.
        let mut column: HashMap<&str, Option<Point>> = HashMap::new();
        for (ids, point) in &list {
            if let Some(Some(id)) = ids.get(rank) {
                let known = column.entry(id).or_insert(Some(*point));
                *known = known.filter(|known| known == point);
            }
        }
        let ambiguous = column.iter().filter(|(_, point)| point.is_none());
        // In the other columns, such as that of names, several may share one: no trip can mean it.
        match ambiguous.map(|(id, _)| *id).min() {
            Some(id) if locations.is_empty() => {
                return Err(LocationsError::Ambiguous(id.to_owned()));
            }
            _ => {}
        }
        for (id, point) in column {
            if let Some(point) = point {
                locations.entry(id.to_owned()).or_insert(point);
            }
        }
    }
    if locations.is_empty() {
        return Err(LocationsError::Empty);
    }
    Ok(locations)
}

/// The text of a list: as its byte order mark says, else UTF-8, else as declared.
fn text<'b>(bytes: &'b [u8], options: &FileOptions) -> Result<Cow<'b, str>, LocationsError> {
    let is_text = |text: &str| !text.contains('\0');
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok(encoding.decode(bytes).0);
    }
    match (std::str::from_utf8(bytes), options.encoding()) {
        (Ok(text), _) if is_text(text) => Ok(text.into()),
        (_, Some(encoding)) => Some(encoding.decode_without_bom_handling(bytes).0)
            .filter(|text| is_text(text))
            .ok_or(LocationsError::NotText),
        _ => Err(LocationsError::NotText),
    }
}

type Listed = (Vec<Option<String>>, Point);

fn stations(json: &str) -> Result<Vec<Listed>, LocationsError> {
    let gbfs: Gbfs = serde_json::from_str(json)?;
    let point = |number: usize, station: &Station| {
        Point::new(station.lon, station.lat)
            .map_err(|error| LocationsError::Line(number as u64 + 1, error.into()))
    };
    let listed = gbfs.data.stations.into_iter().enumerate();
    listed
        .map(|(number, station)| {
            let point = point(number, &station)?;
            let ids = [
                Some(station.id),
                station.short_name,
                station.legacy_id,
                station.external_id,
                station.name,
            ];
            let text =
                |id: Option<Text>| id.and_then(Text::into_string).filter(|id| !id.is_empty());
            Ok((ids.map(text).into(), point))
        })
        .collect()
}

/// The columns of the place of a location.
enum Place {
    Pair(usize, usize),
    Text(usize),
}

fn rows(text: &str, options: &FileOptions) -> Result<Vec<Listed>, LocationsError> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let (declared, text, lines) = match Dialect::declared_delimiter(trim(first).as_bytes()) {
        Some(delimiter) => (Some(delimiter), rest, 1),
        None => (None, text, 0),
    };
    let header = text.lines().find(|line| !trim(line).is_empty());
    let header = header.ok_or(LocationsError::Empty)?;
    let count = |delimiter: &u8| memchr::memchr_iter(*delimiter, header.as_bytes()).count();
    let delimiter = [b'|', b'\t', b';', b','].into_iter().max_by_key(count);
    let delimiter = declared.or(delimiter).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let names: Vec<String> = reader
        .headers()?
        .iter()
        .map(|name| normalise(trim(name)))
        .collect();
    let find = |wanted: &[&str]| {
        let is_wanted = |name: &String| wanted.contains(&name.as_str());
        names.iter().position(is_wanted)
    };
    let place = match (find(&LONGITUDES), find(&LATITUDES), find(&LOCATIONS)) {
        (Some(lon), Some(lat), _) => Place::Pair(lon, lat),
        (_, _, Some(text)) => Place::Text(text),
        (None, ..) => return Err(LocationsError::Column("longitudes")),
        (_, None, _) => return Err(LocationsError::Column("latitudes")),
    };
    let ids = IDS.map(|name| find(&[name]));
    if ids.iter().all(Option::is_none) {
        return Err(LocationsError::Column("ids"));
    }
    let mut listed = Vec::new();
    for record in reader.records() {
        let record = record?;
        let field = |index: usize| {
            let field = record.get(index).map(trim).unwrap_or_default();
            if options.is_null(field.as_bytes()) {
                ""
            } else {
                field
            }
        };
        let degrees = |index| place::coordinate(field(index).as_bytes(), delimiter != b',');
        let point = match place {
            // Stations that were planned have no place.
            Place::Pair(lon, lat) if field(lon).is_empty() && field(lat).is_empty() => continue,
            Place::Text(text) if field(text).is_empty() => continue,
            Place::Pair(lon, lat) => degrees(lon)
                .and_then(|lon| Ok((lon, degrees(lat)?)))
                .and_then(|(lon, lat)| Ok(Point::new(lon, lat)?)),
            Place::Text(text) => place::point(field(text).as_bytes()),
        };
        let line = record.position().map_or(0, csv::Position::line) + lines;
        let point = point.map_err(|error| LocationsError::Line(line, error))?;
        let id = |index: Option<usize>| {
            let id = field(index?);
            (!id.is_empty()).then(|| id.to_owned())
        };
        listed.push((ids.map(id).into(), point));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests;

//! Lists of locations, whose ids files of trips name: CSV, or `station_information.json` of GBFS.

use serde::Deserialize;

use super::column::normalise;
use super::number::number;
use super::options::Locations;
use crate::geo::Point;
use crate::text::trim;

/// Why a list of locations can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LocationsError {
    /// The header lacks a column.
    #[error(
        "the list of locations has no column of {0}: it needs a column id (or number, terminal, \
         name), and columns lon and lat (or longitude and latitude)"
    )]
    Column(&'static str),
    /// A line can't be read.
    #[error("line {0} of the list of locations: {1}")]
    Line(u64, String),
    /// Not CSV.
    #[error("the list of locations can't be read: {0}")]
    Csv(#[from] csv::Error),
    /// Not GBFS.
    #[error("the list of locations is not station_information.json of GBFS: {0}")]
    Json(#[from] serde_json::Error),
    /// There are none.
    #[error("the list of locations is empty")]
    Empty,
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

/// Reads a list of locations.
pub fn read_locations(bytes: &[u8]) -> Result<Locations, LocationsError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The ids of each location, in the order of preference.
    let list = if bytes.trim_ascii_start().first() == Some(&b'{') {
        stations(bytes)?
    } else {
        rows(bytes)?
    };
    let mut locations = Locations::new();
    for rank in 0..IDS.len() {
        for (ids, point) in &list {
            if let Some(id) = ids.get(rank).and_then(Option::as_ref) {
                locations.entry(id.clone()).or_insert(*point);
            }
        }
    }
    if locations.is_empty() {
        return Err(LocationsError::Empty);
    }
    Ok(locations)
}

type Listed = (Vec<Option<String>>, Point);

fn stations(bytes: &[u8]) -> Result<Vec<Listed>, LocationsError> {
    let gbfs: Gbfs = serde_json::from_slice(bytes)?;
    let point = |number: usize, station: &Station| {
        Point::new(station.lon, station.lat)
            .map_err(|error| LocationsError::Line(number as u64 + 1, error.to_string()))
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

fn rows(bytes: &[u8]) -> Result<Vec<Listed>, LocationsError> {
    let header = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let count = |delimiter: &u8| memchr::memchr_iter(*delimiter, header).count();
    let delimiter = [b'|', b'\t', b';', b','].into_iter().max_by_key(count);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .flexible(true)
        .from_reader(bytes);
    let names: Vec<String> = reader
        .headers()?
        .iter()
        .map(|name| normalise(trim(name)))
        .collect();
    let find = |wanted: &[&str]| {
        let is_wanted = |name: &String| wanted.contains(&name.as_str());
        names.iter().position(is_wanted)
    };
    let lon = find(&["lon", "lng", "long", "longitude", "x"]);
    let lat = find(&["lat", "latitude", "y"]);
    let ids = IDS.map(|name| find(&[name]));
    let lon = lon.ok_or(LocationsError::Column("longitudes"))?;
    let lat = lat.ok_or(LocationsError::Column("latitudes"))?;
    if ids.iter().all(Option::is_none) {
        return Err(LocationsError::Column("ids"));
    }
    let mut listed = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |index: usize| record.get(index).map(trim).unwrap_or_default();
        let (x, y) = (field(lon), field(lat));
        // Stations that were planned have no place.
        if x.is_empty() && y.is_empty() {
            continue;
        }
        let degrees = |text: &str| {
            number(text.as_bytes())
                .ok_or_else(|| LocationsError::Line(line, format!("{text:?} is not a number")))
        };
        let point = Point::new(degrees(x)?, degrees(y)?)
            .map_err(|error| LocationsError::Line(line, error.to_string()))?;
        let id = |index: Option<usize>| {
            let id = field(index?);
            (!id.is_empty()).then(|| id.to_owned())
        };
        listed.push((ids.map(id).into(), point));
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(lon: f64, lat: f64) -> Point {
        Point::new(lon, lat).unwrap()
    }

    #[test]
    fn lists_are_read() {
        let csv =
            "\u{feff}Station ID;Name;Longitude;Latitude\n1;\"A; B\";-0.1;51.5\n 2 ;C;1;2\n3;D;;\n";
        let locations = read_locations(csv.as_bytes()).unwrap();
        assert_eq!(locations.len(), 4);
        assert_eq!(locations["1"], point(-0.1, 51.5));
        assert_eq!(locations["A; B"], locations["1"]);
        assert_eq!(locations["2"], point(1.0, 2.0));
        let gbfs = r#"{"data": {"stations": [
            {"station_id": "7", "short_name": "31280", "name": "A", "lat": 2, "lon": 1},
            {"station_id": 8, "name": [{"text": "7", "language": "en"}], "lat": 4, "lon": 3}]}}"#;
        let locations = read_locations(gbfs.as_bytes()).unwrap();
        assert_eq!(locations["31280"], point(1.0, 2.0));
        assert_eq!(
            locations["7"],
            point(1.0, 2.0),
            "ids are preferred to names"
        );
        assert_eq!(locations["8"], point(3.0, 4.0));
    }

    #[test]
    fn broken_lists_are_errors() {
        for (list, message) in [
            (
                "id,lat\n1,2\n",
                "the list of locations has no column of longitudes",
            ),
            (
                "place,lat,lon\n1,2,3\n",
                "the list of locations has no column of ids",
            ),
            (
                "id,lat,lon\n1,2,x\n",
                "line 2 of the list of locations: \"x\" is not a number",
            ),
            (
                "id,lat,lon\n1,99,3\n",
                "line 2 of the list of locations: latitude 99",
            ),
            ("id,lat,lon\n", "the list of locations is empty"),
            (
                "{}",
                "the list of locations is not station_information.json",
            ),
        ] {
            let error = read_locations(list.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}

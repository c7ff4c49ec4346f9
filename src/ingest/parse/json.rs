//! Trips in JSON, as the Mobility Data Specification has them in answers of `/trips`: converted to
//! CSV, one trip after the other.

use std::io::{self, Write as _};

use serde_json::Value;

use crate::text::trim_bytes;

/// The longest trip that is read, in bytes.
const MAX_TRIP_BYTES: usize = 16 << 20;

/// The columns that a trip is converted to.
const HEADER: &str = "trip_id,device_id,start_time,end_time,start_lng,start_lat,end_lng,end_lat\n";

/// Why a JSON file is not a list of trips. It passes through readers inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// No array of trips, or no array called `trips`.
    #[error(
        "the JSON has no list of trips: expected an answer of /trips as the Mobility Data \
         Specification (MDS) describes it; export other trips as CSV"
    )]
    NoTrips,
    /// The first item of the list is not a trip of MDS.
    #[error(
        "the file is JSON, but its rows are no trips of the Mobility Data Specification (MDS), which \
         have a start_location or a route: export the table as CSV"
    )]
    OtherRows,
    /// The file ends before the list does.
    #[error("the JSON ends inside the list of trips: it was cut off, so download it again")]
    Truncated,
    /// Something else than a trip is in the list.
    #[error("the list of trips in the JSON has an item that is not an object")]
    NotObject,
    /// A trip is longer than any trip.
    #[error("a trip in the JSON is longer than 16 MiB")]
    TooLong,
    /// A trip is not JSON.
    #[error("a trip in the JSON is broken: {0}")]
    Broken(serde_json::Error),
}

impl From<JsonError> for io::Error {
    fn from(error: JsonError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Converts a list of trips, in an array called `trips` or alone.
#[derive(Debug, Default)]
pub(super) struct JsonTrips {
    state: State,
    /// Bytes of the string or trip that has begun.
    pending: Vec<u8>,
    is_in_string: bool,
    is_escaped: bool,
    /// Whether a trip was converted.
    has_trips: bool,
    /// Braces and brackets that are open inside the trip.
    depth: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first bracket.
    #[default]
    Start,
    /// Before the list.
    Outside,
    /// In the list, between trips.
    Between,
    /// In a trip.
    Trip,
    /// After the list.
    Behind,
}

impl JsonTrips {
    /// Whether a file that begins with these bytes is JSON.
    pub(super) fn begins(head: &[u8]) -> bool {
        let head = trim_bytes(head);
        let next = head.get(1..).unwrap_or_default().trim_ascii_start().first();
        matches!(
            (head.first(), next),
            (Some(b'{'), Some(b'"')) | (Some(b'['), Some(b'{'))
        )
    }

    /// Converts the next bytes.
    pub(super) fn add(&mut self, bytes: &[u8], is_last: bool, out: &mut Vec<u8>) -> io::Result<()> {
        for &byte in bytes {
            self.step(byte, out)?;
        }
        match (is_last, self.state) {
            (true, State::Start | State::Outside) => Err(JsonError::NoTrips.into()),
            (true, State::Between | State::Trip) => Err(JsonError::Truncated.into()),
            _ => Ok(()),
        }
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> io::Result<()> {
        match self.state {
            State::Start | State::Outside => self.seek(byte, out),
            State::Between => match byte {
                b'{' => {
                    self.pending.clear();
                    self.pending.push(byte);
                    self.depth = 1;
                    self.state = State::Trip;
                }
                b']' => self.state = State::Behind,
                b',' => {}
                _ if byte.is_ascii_whitespace() => {}
                _ => return Err(JsonError::NotObject.into()),
            },
            State::Trip => {
                self.pending.push(byte);
                if self.pending.len() > MAX_TRIP_BYTES {
                    return Err(JsonError::TooLong.into());
                }
                self.note_string(byte);
                if !self.is_in_string {
                    match byte {
                        b'{' | b'[' => self.depth += 1,
                        b'}' | b']' => self.depth -= 1,
                        _ => {}
                    }
                }
                if self.depth == 0 {
                    let trip: Value =
                        serde_json::from_slice(&self.pending).map_err(JsonError::Broken)?;
                    // The first one shows it: a later one that lacks its places is a rejected row.
                    if !self.has_trips && !is_of_mds(&trip) {
                        return Err(JsonError::OtherRows.into());
                    }
                    self.has_trips = true;
                    write_trip(&trip, out)?;
                    self.state = State::Between;
                }
            }
            State::Behind => {}
        }
        Ok(())
    }

    /// Looks for the beginning of the list: after the key `trips`, or at the beginning.
    fn seek(&mut self, byte: u8, out: &mut Vec<u8>) {
        let was_in_string = self.is_in_string;
        self.note_string(byte);
        if self.is_in_string {
            if was_in_string && self.pending.len() < 16 {
                self.pending.push(byte);
            } else if !was_in_string {
                self.pending.clear();
            }
            return;
        }
        let is_list = self.state == State::Start || self.pending == b"trips";
        match byte {
            b'[' if is_list => {
                out.extend_from_slice(HEADER.as_bytes());
                self.state = State::Between;
            }
            b'"' | b':' => {}
            _ if byte.is_ascii_whitespace() => {}
            _ if self.state == State::Start && !byte.is_ascii() => {}
            _ => {
                self.pending.clear();
                self.state = State::Outside;
            }
        }
    }

    /// Follows the quotes of strings.
    const fn note_string(&mut self, byte: u8) {
        if self.is_escaped {
            self.is_escaped = false;
        } else if self.is_in_string && byte == b'\\' {
            self.is_escaped = true;
        } else if byte == b'"' {
            self.is_in_string = !self.is_in_string;
        }
    }
}

/// Whether an object has what a trip of MDS says where it was: from version 2.0 on, or before.
fn is_of_mds(trip: &Value) -> bool {
    ["start_location", "end_location", "route"]
        .iter()
        .any(|key| trip.get(key).is_some())
}

/// Writes a trip as a row; what it lacks is an empty field.
fn write_trip(trip: &Value, out: &mut Vec<u8>) -> io::Result<()> {
    let [origin, destination] = ends(trip);
    let text = |key: &str| scalar(trip.get(key));
    let fields = [
        text("trip_id"),
        text("device_id"),
        text("start_time"),
        text("end_time"),
        scalar(origin.map(|(lon, _)| lon)),
        scalar(origin.map(|(_, lat)| lat)),
        scalar(destination.map(|(lon, _)| lon)),
        scalar(destination.map(|(_, lat)| lat)),
    ];
    for (index, field) in fields.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        if field.contains(['"', ',', '\n', '\r']) {
            write!(out, "{comma}\"{}\"", field.replace('"', "\"\""))?;
        } else {
            write!(out, "{comma}{field}")?;
        }
    }
    out.push(b'\n');
    Ok(())
}

fn scalar(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

type Position<'a> = (&'a Value, &'a Value);

/// Where a trip starts and ends: from version 2.0 on in locations, before in its route.
fn ends(trip: &Value) -> [Option<Position<'_>>; 2] {
    let route = trip.get("route").and_then(|route| route.get("features"));
    let points = route.and_then(Value::as_array);
    [
        trip.get("start_location")
            .and_then(position)
            .or_else(|| position(points?.first()?)),
        trip.get("end_location")
            .and_then(position)
            .or_else(|| position(points?.last()?)),
    ]
}

/// The longitude and latitude of an object with `lat` and `lng`, or of a point in GeoJSON.
fn position(location: &Value) -> Option<Position<'_>> {
    if let (Some(lng), Some(lat)) = (location.get("lng"), location.get("lat")) {
        return Some((lng, lat));
    }
    let geometry = location.get("geometry").unwrap_or(location);
    let coordinates = geometry.get("coordinates")?;
    Some((coordinates.get(0)?, coordinates.get(1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convert(json: &str, step: usize) -> io::Result<String> {
        let mut converter = JsonTrips::default();
        let mut out = Vec::new();
        for bytes in json.as_bytes().chunks(step) {
            converter.add(bytes, false, &mut out)?;
        }
        converter.add(&[], true, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn trips_become_rows() {
        let json = r#"{"version": "2.0.0", "note": "trips [{", "links": {"next": "x"}, "data": [1],
            "trips": [
              {"trip_id": "a\"},{b", "device_id": "d,e", "start_time": 1614585600000,
               "end_time": 1614586200000, "start_location": {"lat": 40.712800000000001, "lng": -74.006},
               "end_location": {"lng": -73.98, "lat": 40.7}},
              {"trip_id": "c", "start_time": 1, "route": {"type": "FeatureCollection", "features": [
                 {"geometry": {"type": "Point", "coordinates": [1.5, 2]}},
                 {"geometry": {"type": "Point", "coordinates": [9, 9]}},
                 {"geometry": {"type": "Point", "coordinates": [3, 4]}}]}}
            ], "more": "]"}"#;
        let expected = format!(
            "{HEADER}\"a\"\"}},{{b\",\"d,e\",1614585600000,1614586200000,-74.006,40.7128,-73.98,40.7\n\
             c,,1,,1.5,2,3,4\n"
        );
        for step in [1, 7, 10_000] {
            assert_eq!(convert(json, step).unwrap(), expected);
        }
        assert_eq!(convert("[]", 1).unwrap(), HEADER);
        let list = convert(r#"[{"trip_id": 5, "route": null}]"#, 1).unwrap();
        assert_eq!(list, format!("{HEADER}5,,,,,,,\n"));
    }

    #[test]
    fn other_json_is_an_error() {
        for json in [
            r#"{"a": 1}"#,
            r#"{"trips": 5, "x": [{}]}"#,
            r#"{"trips": [{"trip_id": "a"}"#,
            r#"{"trips": [{"trip_id": "a"#,
            r#"{"trips": [5]}"#,
            r#"{"trips": [{x}]}"#,
            r#"[{"trip_id": "a", "start_time": 1, "start_lng": "4.8"}]"#,
        ] {
            assert!(convert(json, 3).is_err(), "{json}");
        }
        assert!(JsonTrips::begins(b" {\n \"version\""));
        assert!(JsonTrips::begins(b"[ {"));
        assert!(!JsonTrips::begins(b"region,origin_coord"));
        assert!(!JsonTrips::begins(b"{a},b"));
    }
}

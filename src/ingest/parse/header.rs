use std::sync::Arc;

use serde::Serialize;

use super::chunk::{Fault, Shape};
use super::clock::{Clock, TimeFormat};
use super::column::{Column, PLAIN_COLUMNS, Rank};
use super::dialect::Dialect;
use super::layout::Layout;
use super::mapping::{Mapping, Place};
use super::open_error::OpenError;
use super::options::FileOptions;
use super::quoting::Fields;
use crate::model::{RecognisedFormat, TripFormat};
use crate::text::trim;

/// A column that trips are read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// The part of a trip.
    pub part: &'static str,
    /// The column's name.
    pub name: String,
    /// Why it is this column.
    pub why: &'static str,
}

/// The columns of a file, and how its fields are read.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// The kind of each column up to the last one that trips are parsed from; `None` for a column
    /// that is ignored.
    pub(super) slots: Vec<Option<Column>>,
    /// The names of all columns.
    names: Vec<String>,
    pub(super) origin: Place,
    pub(super) destination: Place,
    /// Whether the columns are those of the plain format.
    pub(super) is_plain: bool,
    /// Number of columns up to the last named one: the minimum number of fields of a row.
    pub(super) named_columns: usize,
    /// Number of all columns: any further fields of a row must be empty.
    pub(super) columns: usize,
    pub(super) dialect: Dialect,
    pub(super) clock: Clock,
    /// The times whose date and time of day are in columns of their own: departure, arrival.
    pub(super) joined: Vec<Column>,
    pub(super) layout: Option<&'static Layout>,
    /// The format of its times in strftime's notation, declared or as the first of them show it.
    pub(super) time_notation: String,
    pub(super) options: Arc<FileOptions>,
}

impl Header {
    /// The position of a column, counted from 0.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.is_some_and(|column| column.name() == name))
    }

    pub(super) fn read(
        bytes: &[u8],
        shape: Shape,
        dialect: Dialect,
        options: &Arc<FileOptions>,
    ) -> Result<Self, OpenError> {
        if is_binary(bytes, shape) {
            return Err(OpenError::NotText);
        }
        match shape {
            Shape::Plain | Shape::Quoted => {}
            Shape::Broken(Fault::TooLong) => return Err(OpenError::HeaderTooLong),
            Shape::Broken(Fault::Unclosed) => return Err(OpenError::HeaderUnclosedQuote),
            Shape::Broken(_) => return Err(OpenError::HeaderBroken),
        }
        let names: Vec<String> = Fields::new(bytes, shape, dialect.delimiter)
            .map(|field| trim(&String::from_utf8_lossy(&field)).to_owned())
            .collect();
        let Mapping {
            mut slots,
            origin,
            destination,
        } = match Mapping::choose(&names, options) {
            Err(OpenError::MissingColumns { .. }) if is_quoted_line(&names, dialect, options) => {
                return Err(OpenError::QuotedLines);
            }
            mapping => mapping?,
        };
        while slots.last() == Some(&None) {
            slots.pop();
        }
        let layout = Layout::of(&names);
        let is_named = |name: &String| !name.is_empty();
        let named_columns = names.iter().rposition(is_named).map_or(0, |last| last + 1);
        let columns = names.len();
        let has = |column| slots.contains(&Some(column));
        let is_plain = [origin, destination] == [Place::Text; 2]
            && has(Column::Region)
            && has(Column::Datasource)
            && slots
                .iter()
                .flatten()
                .all(|column| (*column as usize) < PLAIN_COLUMNS);
        let joined = [Column::Departure, Column::Arrival]
            .into_iter()
            .filter(|column| column.clock().is_some_and(has))
            .collect();
        Ok(Self {
            slots,
            names,
            origin,
            destination,
            is_plain,
            named_columns,
            columns,
            dialect,
            clock: Clock {
                format: options
                    .time_format
                    .clone()
                    .unwrap_or(TimeFormat::Text(None)),
                zone: options.zone,
            },
            joined,
            layout,
            time_notation: options.format.time_format.clone().unwrap_or_default(),
            options: Arc::clone(options),
        })
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The character between fields.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.dialect.delimiter
    }

    /// The format that was given with the file.
    #[must_use]
    pub fn given(&self) -> &TripFormat {
        &self.options.format
    }

    /// The format that was recognised.
    #[must_use]
    pub fn format(&self) -> RecognisedFormat {
        let name = |column: Column| {
            let index = self.slots.iter().position(|slot| *slot == Some(column))?;
            self.uses(column).then(|| self.names[index].clone())
        };
        let place = |place: Place, text, lon, lat| match place {
            Place::Text => Vec::from_iter(name(text)),
            Place::Pair => name(lon).into_iter().chain(name(lat)).collect(),
            Place::Line => Vec::from_iter(name(Column::Line)),
            Place::Id => Vec::new(),
        };
        let region = name(Column::Region);
        let datasource = name(Column::Datasource);
        let encoding = self.options.encoding.unwrap_or(encoding_rs::UTF_8);
        RecognisedFormat {
            layout: self.layout.map(|layout| layout.name.to_owned()),
            encoding: Some(encoding.name().to_owned()),
            delimiter: Some(char::from(self.dialect.delimiter).to_string()),
            origin: place(
                self.origin,
                Column::Origin,
                Column::OriginLon,
                Column::OriginLat,
            ),
            destination: place(
                self.destination,
                Column::Destination,
                Column::DestinationLon,
                Column::DestinationLat,
            ),
            departed_at: name(Column::Departure),
            arrived_at: name(Column::Arrival),
            region_name: region.is_none().then(|| self.options.region.clone()),
            region,
            datasource_name: datasource
                .is_none()
                .then(|| self.options.datasource.clone()),
            datasource,
            origin_id: name(Column::OriginId),
            destination_id: name(Column::DestinationId),
            time_format: Some(self.time_notation.clone()),
            time_zone: self.clock.zone.map(|zone| zone.name().to_owned()),
        }
    }

    /// Whether trips are read from a column that the header has: the rows may have shown that they are
    /// read from another one.
    fn uses(&self, column: Column) -> bool {
        match column {
            Column::Origin => self.origin == Place::Text,
            Column::OriginId => self.origin == Place::Id,
            Column::Destination => self.destination == Place::Text,
            Column::DestinationId => self.destination == Place::Id,
            Column::DepartureClock => self.joined.contains(&Column::Departure),
            Column::ArrivalClock => self.joined.contains(&Column::Arrival),
            _ => true,
        }
    }

    /// The columns that trips are read from, and why.
    #[must_use]
    pub fn mapped_columns(&self) -> Vec<MappedColumn> {
        let chosen = self.options.columns();
        let slots = self.slots.iter().zip(&self.names);
        slots
            .filter_map(|(slot, name)| {
                let column = slot.filter(|column| self.uses(*column))?;
                let why = if chosen.iter().any(|(other, _)| *other == column) {
                    "named by an option"
                } else {
                    match Column::recognise(name)?.1 {
                        Rank::Plain => "a name of the plain format",
                        Rank::Specific => "recognised by its name",
                        Rank::General => "no other column is more specific",
                    }
                };
                Some(MappedColumn {
                    part: column.content(),
                    name: name.clone(),
                    why,
                })
            })
            .collect()
    }

    /// The name of a column in messages: that in the file, or that of the plain format if the file
    /// has an alias of it.
    pub(super) fn column_name(&self, column: Column) -> &str {
        let index = self.slots.iter().position(|slot| *slot == Some(column));
        match index.map(|index| self.names[index].as_str()) {
            Some(name) if (column as usize) >= PLAIN_COLUMNS || Column::plain(name).is_none() => {
                name
            }
            _ => column.name(),
        }
    }
}

/// Whether these bytes are not text; the last character of a truncated line may be incomplete.
fn is_binary(bytes: &[u8], shape: Shape) -> bool {
    bytes.contains(&0)
        || std::str::from_utf8(bytes).is_err_and(|error| {
            shape != Shape::Broken(Fault::TooLong) || error.error_len().is_some()
        })
}

/// Whether the only name contains a whole header.
fn is_quoted_line(names: &[String], dialect: Dialect, options: &Arc<FileOptions>) -> bool {
    let mut given = names.iter().filter(|name| !name.is_empty());
    let (Some(name), None) = (given.next(), given.next()) else {
        return false;
    };
    // A single column has no delimiter in it, so this ends.
    name.as_bytes().contains(&dialect.delimiter)
        && Header::read(name.as_bytes(), Shape::Quoted, dialect, options).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::mapping::{SHOWN_CHARS, SHOWN_NAMES};
    use super::*;

    fn read_as(text: &str, format: &TripFormat) -> Result<Header, OpenError> {
        let options = FileOptions::new(format, "trips.csv").unwrap();
        let options = options.with_locations(format.origin_id.is_some().then(Arc::default));
        Header::read(
            text.as_bytes(),
            Shape::Plain,
            Dialect::default(),
            &Arc::new(options),
        )
    }

    fn read(text: &str) -> Result<Header, OpenError> {
        read_as(text, &TripFormat::default())
    }

    #[test]
    fn columns_are_found_by_name() {
        let header =
            read(" DATASOURCE ,id,Date_Time,Destination_Coord,origin_coord,x,Region,y,z").unwrap();
        assert_eq!(header.position("datasource"), Some(0));
        assert_eq!(header.position("datetime"), Some(2));
        assert_eq!(header.position("destination_coord"), Some(3));
        assert_eq!(header.position("origin_coord"), Some(4));
        assert_eq!(header.position("region"), Some(6));
        assert!(header.is_plain);
        assert_eq!(
            header.slots.len(),
            7,
            "columns behind the last needed one are not looked at"
        );
    }

    #[test]
    fn the_arrival_is_optional() {
        let required = "region,origin_coord,destination_coord,datetime,datasource";
        for (name, position) in [
            ("Arrived_At", Some(5)),
            ("end_datetime", Some(5)),
            ("x", None),
        ] {
            let header = read(&format!("{required},{name}")).unwrap();
            assert_eq!(header.position("arrived_at"), position);
        }
    }

    #[test]
    fn missing_columns_are_named() {
        let error = read("region,origin_coord,when,datasource").unwrap_err();
        assert_eq!(error.code(), "MISSING_COLUMNS");
        assert_eq!(
            error.to_string(),
            "the header has no column destination_coord, datetime; it has: region, origin_coord, \
             when, datasource. Name it with --destination (destination in TripFormat), --time \
             (departedAt in TripFormat)"
        );
        let error = read("start_station_id,end_station_id,starttime").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("give their coordinates with --locations FILE")
        );
        let error = read("start_lat,end_lat,end_lng,starttime").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("the header has no column origin_coord;")
        );
    }

    #[test]
    fn ids_are_named_by_options_where_there_are_locations() {
        let options = FileOptions::default().with_locations(Some(Arc::default()));
        let read = |text: &str| {
            let (shape, dialect) = (Shape::Plain, Dialect::default());
            let error = Header::read(text.as_bytes(), shape, dialect, &Arc::new(options.clone()));
            error.unwrap_err().to_string()
        };
        let message = read("dock_a,end_station_id,starttime");
        assert!(
            message.ends_with(
                "Name it with --origin-id (originId in TripFormat) or --origin (origin in TripFormat)"
            ),
            "{message}"
        );
        let message = read("dock_a,dock_b");
        assert!(
            message.ends_with(
                "Name it with --origin-id (originId in TripFormat) or --origin (origin in \
                 TripFormat), --destination-id (destinationId in TripFormat) or --destination \
                 (destination in TripFormat), --time (departedAt in TripFormat)"
            ),
            "{message}"
        );
    }

    #[test]
    fn a_date_and_a_time_of_day_may_be_in_two_columns() {
        for (text, joined) in [
            (
                "StartDate,StartTime,End Date,End Time",
                &[Column::Departure, Column::Arrival][..],
            ),
            ("start_time,start_date,ended_at", &[Column::Departure]),
            ("date,time", &[Column::Departure]),
            ("datetime,date,time", &[]),
            ("start_date,end_time,end_date", &[Column::Arrival]),
        ] {
            let header = read(&format!("start_point,end_point,{text}")).unwrap();
            assert_eq!(header.joined, joined, "{text}");
        }
        for text in [
            "started_at,start_time",
            "start_date,pickup_time",
            "start_date,start_time,started_at",
            "start_date,begin_date",
        ] {
            let error = read(&format!("start_point,end_point,{text}")).unwrap_err();
            assert_eq!(error.code(), "AMBIGUOUS_COLUMNS", "{text}");
        }
    }

    #[test]
    fn a_wide_header_is_shown_cut() {
        let OpenError::MissingColumns { found, .. } =
            read(&vec!["column".repeat(50); 500].join(",")).unwrap_err()
        else {
            panic!("another error");
        };
        assert_eq!(found.len(), SHOWN_NAMES + 1);
        assert!(
            found
                .iter()
                .all(|name| name.chars().count() <= SHOWN_CHARS + 1)
        );
        assert_eq!(found.last().unwrap(), "… (500 in all)");
    }

    #[test]
    fn a_column_of_trips_may_be_there_once() {
        let twice = |text: &str, names: [&str; 2], option: &str| {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), "DUPLICATE_COLUMN");
            let message = error.to_string();
            let [first, second] = names;
            let start = format!("the columns {first} and {second} are named alike");
            assert!(message.starts_with(&start), "{message}");
            assert!(message.contains(option), "{message}");
        };
        twice(
            "region,origin_coord,destination_coord,datetime,date_time,datasource",
            ["datetime", "date_time"],
            "--time (departedAt",
        );
        twice(
            "region,origin_coord,destination_coord,datetime,datasource,End_DateTime,end_datetime",
            ["End_DateTime", "end_datetime"],
            "--arrival (arrivedAt",
        );
        let spelled = "start_lng,start_lat,end_lng,end_lat,Start Lng,starttime";
        twice(spelled, ["start_lng", "Start Lng"], "--origin (origin");
        // What the message says resolves it; a third spelling does not.
        let choose = |name: &str| {
            let format = TripFormat {
                origin: vec![name.to_owned(), "start_lat".to_owned()],
                ..TripFormat::default()
            };
            read_as(spelled, &format)
        };
        for (name, index) in [("start_lng", 0), ("Start Lng", 4)] {
            let header = choose(name).unwrap();
            assert_eq!(header.position("origin_lon"), Some(index), "{name}");
        }
        assert_eq!(
            choose("start-lng").unwrap_err().to_string(),
            "the columns start_lng and Start Lng are named alike and may both be the longitude of \
             the origin: choose one of them with --origin (origin in TripFormat), spelled as in the \
             header, or remove or rename the other"
        );
        let same = read("start_lng,start_lat,end_lng,end_lat,start_lng,starttime").unwrap_err();
        assert_eq!(
            same.to_string(),
            "the header names the column start_lng twice: remove or rename one of them"
        );
        let extra = read("x,x,region,origin_coord,destination_coord,datetime,datasource");
        assert!(extra.is_ok());
    }

    #[test]
    fn ambiguous_columns_are_an_error_that_an_option_resolves() {
        let text = "start_lng,start_lat,end_lng,end_lat,from_longitude,started_at";
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), "AMBIGUOUS_COLUMNS");
        assert_eq!(
            error.to_string(),
            "the columns start_lng and from_longitude may both be the longitude of the origin: \
             choose one of them with --origin (origin in TripFormat)"
        );
        let format = TripFormat {
            origin: vec!["From Longitude".to_owned(), "start_lat".to_owned()],
            ..TripFormat::default()
        };
        let header = read_as(text, &format).unwrap();
        assert_eq!(header.position("origin_lon"), Some(4));
        assert_eq!(header.format().origin, ["from_longitude", "start_lat"]);

        let error = read("started_at,start_time,start_point,end_point").unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("with --time (departedAt in TripFormat)")
        );
        // What is not needed may be ambiguous.
        read("started_at,start_point,start_wkt,start_x,start_y,end_x,end_y").unwrap();
    }

    #[test]
    fn numbers_are_preferred_to_text_and_specific_names_to_general_ones() {
        let header = read(
            "Pickup Centroid Location,Pickup Centroid Longitude,Pickup Centroid Latitude,timestamp,\
             Dropoff Centroid  Location,Trip Start Timestamp",
        )
        .unwrap();
        assert_eq!(
            (header.origin, header.destination),
            (Place::Pair, Place::Text)
        );
        assert_eq!(header.position("datetime"), Some(5));
        assert_eq!(header.position("origin_coord"), None);
        let header = read("POLYLINE,TIMESTAMP").unwrap();
        assert_eq!(
            (header.origin, header.destination),
            (Place::Line, Place::Line)
        );
    }

    #[test]
    fn options_name_columns() {
        let some = |text: &str| Some(text.to_owned());
        let format = TripFormat {
            origin: vec!["a".to_owned()],
            destination: vec!["A B".to_owned()],
            departed_at: some("t"),
            region: some("city"),
            datasource_name: some("bikes"),
            ..TripFormat::default()
        };
        let header = read_as("t,A,a_b,city,datasource", &format).unwrap();
        let recognised = header.format();
        assert_eq!(recognised.origin, ["A"]);
        assert_eq!(recognised.destination, ["a_b"]);
        assert_eq!(recognised.departed_at, some("t"));
        assert_eq!(recognised.region, some("city"));
        assert_eq!(
            (recognised.datasource, recognised.datasource_name),
            (None, some("bikes"))
        );
        let error = read_as("t,A,city", &format).unwrap_err();
        assert_eq!(error.code(), "UNKNOWN_COLUMN");
        assert_eq!(
            error.to_string(),
            "the header has no column A B for --destination (destination in TripFormat); it has: \
             t, A, city"
        );
    }
}

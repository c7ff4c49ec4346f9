//! The columns that trips are parsed from, and the rule that recognises them by name.

use crate::text::is_blank;

/// A column that trips are parsed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Region,
    /// A location as text: WKT, GeoJSON or hexadecimal WKB.
    Origin,
    Destination,
    Departure,
    Datasource,
    Arrival,
    OriginLon,
    OriginLat,
    DestinationLon,
    DestinationLat,
    /// The id of a location.
    OriginId,
    DestinationId,
    /// A line whose ends are the origin and the destination.
    Line,
    /// The time of day, where the column of the departure or arrival has only the date.
    DepartureClock,
    ArrivalClock,
}

/// Number of [`Column`]s.
pub(super) const COLUMNS: usize = Column::ALL.len();
/// Number of the columns of the plain format, which come first.
pub(super) const PLAIN_COLUMNS: usize = 6;

impl Column {
    pub(super) const ALL: [Self; 15] = [
        Self::Region,
        Self::Origin,
        Self::Destination,
        Self::Departure,
        Self::Datasource,
        Self::Arrival,
        Self::OriginLon,
        Self::OriginLat,
        Self::DestinationLon,
        Self::DestinationLat,
        Self::OriginId,
        Self::DestinationId,
        Self::Line,
        Self::DepartureClock,
        Self::ArrivalClock,
    ];

    /// The name in messages, and in the plain format.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Origin => "origin_coord",
            Self::Destination => "destination_coord",
            Self::Departure => "datetime",
            Self::Datasource => "datasource",
            Self::Arrival => "arrived_at",
            Self::OriginLon => "origin_lon",
            Self::OriginLat => "origin_lat",
            Self::DestinationLon => "destination_lon",
            Self::DestinationLat => "destination_lat",
            Self::OriginId => "origin_id",
            Self::DestinationId => "destination_id",
            Self::Line => "polyline",
            Self::DepartureClock => "departure_clock",
            Self::ArrivalClock => "arrival_clock",
        }
    }

    /// What the column contains, in messages.
    pub(super) const fn content(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Origin => "origin",
            Self::Destination => "destination",
            Self::Departure => "time of departure",
            Self::Datasource => "datasource",
            Self::Arrival => "time of arrival",
            Self::OriginLon => "longitude of the origin",
            Self::OriginLat => "latitude of the origin",
            Self::DestinationLon => "longitude of the destination",
            Self::DestinationLat => "latitude of the destination",
            Self::OriginId => "id of the origin",
            Self::DestinationId => "id of the destination",
            Self::Line => "way of the trip",
            Self::DepartureClock => "time of day of the departure",
            Self::ArrivalClock => "time of day of the arrival",
        }
    }

    /// The option that names the column: on the command line, and of `TripFormat`.
    pub(super) const fn option(self) -> &'static str {
        match self {
            Self::Region => "--region-column (region in TripFormat)",
            Self::Datasource => "--datasource-column (datasource in TripFormat)",
            Self::Departure | Self::DepartureClock => "--time (departedAt in TripFormat)",
            Self::Arrival | Self::ArrivalClock => "--arrival (arrivedAt in TripFormat)",
            Self::Origin | Self::OriginLon | Self::OriginLat => "--origin (origin in TripFormat)",
            Self::Destination | Self::DestinationLon | Self::DestinationLat => {
                "--destination (destination in TripFormat)"
            }
            Self::OriginId => "--origin-id (originId in TripFormat)",
            Self::DestinationId => "--destination-id (destinationId in TripFormat)",
            Self::Line => "--origin and --destination (origin and destination in TripFormat)",
        }
    }

    /// The column of the time of day, if this one may have only the date.
    pub(super) const fn clock(self) -> Option<Self> {
        match self {
            Self::Departure => Some(Self::DepartureClock),
            Self::Arrival => Some(Self::ArrivalClock),
            _ => None,
        }
    }

    /// Another name of the plain format.
    const fn alias(self) -> Option<&'static str> {
        match self {
            Self::Departure => Some("date_time"),
            Self::Arrival => Some("end_datetime"),
            _ => None,
        }
    }

    /// The column of the plain format with a name or an alias, in upper or lower case.
    pub(super) fn plain(name: &str) -> Option<Self> {
        let is_called = |called: &str| name.eq_ignore_ascii_case(called);
        Self::ALL[..PLAIN_COLUMNS]
            .iter()
            .copied()
            .find(|column| is_called(column.name()) || column.alias().is_some_and(is_called))
    }

    /// The column of a name, by rule, and how specific the name is: a name of the plain format is
    /// preferred to one that the rule recognises, and that to a general one such as `timestamp`.
    pub(super) fn recognise(name: &str) -> Option<(Self, Rank)> {
        if let Some(column) = Self::plain(name) {
            return Some((column, Rank::Plain));
        }
        let name = normalise(name);
        by_rule(without_prefix(&name))
            .map(|column| (column, Rank::Specific))
            .or_else(|| general(&name).map(|column| (column, Rank::General)))
    }
}

/// How specific a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Plain,
    Specific,
    General,
}

const ORIGINS: [&str; 6] = ["origin", "start", "pickup", "from", "source", "begintrip"];
const DESTINATIONS: [&str; 6] = ["destination", "dest", "end", "dropoff", "to", "target"];
const DEPARTURES: [&str; 5] = ["started", "departure", "departed", "begin", "pickedup"];
const ARRIVALS: [&str; 7] = [
    "ended",
    "stop",
    "stopped",
    "arrival",
    "arrived",
    "droppedoff",
    "finish",
];
pub(super) const LONGITUDES: [&str; 5] = ["lon", "lng", "long", "longitude", "x"];
pub(super) const LATITUDES: [&str; 3] = ["lat", "latitude", "y"];
pub(super) const LOCATIONS: [&str; 8] = [
    "coord",
    "coords",
    "coordinates",
    "location",
    "point",
    "geom",
    "geometry",
    "wkt",
];
const TIMES: [&str; 8] = [
    "time",
    "datetime",
    "date",
    "timestamp",
    "at",
    "localtime",
    "ts",
    "dt",
];
const IDS: [&str; 5] = ["id", "number", "code", "terminal", "locationid"];
const LINES: [&str; 5] = ["polyline", "linestring", "trajectory", "route", "path"];
/// What a name may begin with, apart from digits.
const PREFIXES: [&str; 8] = [
    "rentaldetails",
    "trip",
    "tpep",
    "lpep",
    "rental",
    "ride",
    "local",
    "journey",
];

/// A name in lower case, without blanks, punctuation and the words `station` and `centroid`.
pub(super) fn normalise(name: &str) -> String {
    name.chars()
        .filter(|c| !is_blank(*c) && !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace("station", "")
        .replace("centroid", "")
}

/// A normalised name without digits and words that only say that it is of a trip.
fn without_prefix(name: &str) -> &str {
    let mut rest = name.trim_start_matches(|c: char| c.is_ascii_digit());
    while let Some(shorter) = PREFIXES.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = shorter;
    }
    rest
}

fn by_rule(name: &str) -> Option<Column> {
    // A word of a list and a word of another, in either order.
    let is = |ends: &[&str], kinds: &[&str]| {
        let joins = |end: &str, kind: &str| {
            name.len() == end.len() + kind.len()
                && (name.starts_with(end) && name.ends_with(kind)
                    || name.starts_with(kind) && name.ends_with(end))
        };
        ends.iter()
            .any(|end| kinds.iter().any(|kind| joins(end, kind)))
    };
    let table: [(&[&str], &[&str], Column); 12] = [
        (&ORIGINS, &LONGITUDES, Column::OriginLon),
        (&ORIGINS, &LATITUDES, Column::OriginLat),
        (&DESTINATIONS, &LONGITUDES, Column::DestinationLon),
        (&DESTINATIONS, &LATITUDES, Column::DestinationLat),
        (&ORIGINS, &LOCATIONS, Column::Origin),
        (&DESTINATIONS, &LOCATIONS, Column::Destination),
        (&ORIGINS, &TIMES, Column::Departure),
        (&DEPARTURES, &TIMES, Column::Departure),
        (&DESTINATIONS, &TIMES, Column::Arrival),
        (&ARRIVALS, &TIMES, Column::Arrival),
        (&ORIGINS, &IDS, Column::OriginId),
        (&DESTINATIONS, &IDS, Column::DestinationId),
    ];
    let found = table.iter().find(|(ends, kinds, _)| is(ends, kinds));
    found.map(|(.., column)| *column).or(match name {
        // Zones of taxis in New York.
        "pulocationid" => Some(Column::OriginId),
        "dolocationid" => Some(Column::DestinationId),
        "departure" => Some(Column::Departure),
        "arrival" => Some(Column::Arrival),
        _ => None,
    })
}

/// The column of a name that says little.
fn general(name: &str) -> Option<Column> {
    if TIMES[..4].contains(&name) {
        Some(Column::Departure)
    } else if LINES.contains(&name) {
        Some(Column::Line)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Option<Column> {
        Column::recognise(name).map(|(column, _)| column)
    }

    #[test]
    fn published_names_are_recognised() {
        for (column, names) in [
            (
                Column::OriginLon,
                &[
                    "start_lng",
                    "start station longitude",
                    "Start Station Longitude",
                    "start_station_longitude",
                    "Start_Lon",
                    "pickup_longitude",
                    " pickup_longitude",
                    "Pickup Centroid Longitude",
                    "origin_x",
                    "lon_from",
                ][..],
            ),
            (
                Column::DestinationLat,
                &[
                    "end_lat",
                    "End_Lat",
                    "Dropoff Centroid Latitude",
                    "dest_y",
                    "toLat",
                ],
            ),
            (
                Column::Destination,
                &[
                    "destination_coord",
                    "Dropoff Centroid  Location",
                    "end_geom",
                    "to_point",
                ],
            ),
            (
                Column::Departure,
                &[
                    "started_at",
                    "starttime",
                    "Start Time",
                    "Trip_Pickup_DateTime",
                    "tpep_pickup_datetime",
                    "lpep_pickup_datetime",
                    " pickup_datetime",
                    "Trip Start Timestamp",
                    "start_time",
                    "Start date",
                    "TIMESTAMP",
                    "Date_Time",
                    "01 - Rental Details Local Start Time",
                    "departure",
                ],
            ),
            (
                Column::Arrival,
                &[
                    "ended_at",
                    "stoptime",
                    "Stop Time",
                    "Trip_Dropoff_DateTime",
                    "Lpep_dropoff_datetime",
                    "Trip End Timestamp",
                    "End Date",
                    "arrived_at",
                ],
            ),
            (
                Column::OriginId,
                &[
                    "start station id",
                    "StartStation Id",
                    "from_station_id",
                    "Start station number",
                    "03 - Rental Start Station ID",
                    "PULocationID",
                ],
            ),
            (Column::Line, &["POLYLINE"]),
        ] {
            for name in names {
                assert_eq!(self::column(name), Some(column), "{name}");
            }
        }
    }

    #[test]
    fn other_names_are_not() {
        for name in [
            "",
            "trip_id",
            "tripduration",
            "Start station",
            "from_station_name",
            "ORIGIN_CALL",
            "Trip_Distance",
            "store_and_forward",
            "Pickup Census Tract",
            "bikeid",
            "lat",
            "end",
            "Trip Total",
            "rideable_type",
            "ride_id",
            "total_amount",
            "vendor_name",
            "stoprow",
        ] {
            assert_eq!(column(name), None, "{name}");
        }
    }
}

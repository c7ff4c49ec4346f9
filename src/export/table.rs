//! The columns of each export. Formats know tables, not subjects.

use chrono::NaiveDate;
use h3o::CellIndex;

use crate::analytics::Row;
use crate::geo::{self, Point, Polygon};
use crate::model::{BucketMinutes, LocalTime, Week, ZoneSet};

/// A table: the names and types of its columns.
#[derive(Debug)]
pub(super) struct Table {
    /// The columns, in the order of a record's values.
    pub(super) columns: &'static [Column],
    /// What its records are on the map, beside the points among their values.
    #[cfg_attr(
        not(feature = "parquet"),
        expect(dead_code, reason = "Parquet is not written")
    )]
    pub(super) shape: Option<ShapeKind>,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether its values may be missing.
    #[cfg_attr(
        not(feature = "parquet"),
        expect(dead_code, reason = "Parquet is not written")
    )]
    pub(super) optional: bool,
}

/// Type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Count,
    Float,
    Point,
    Date,
    Time,
}

/// What a record is on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShapeKind {
    Line,
    Area,
}

/// A value of a record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    /// Text: the H3 index.
    Cell(CellIndex),
    /// Text: a time of the day in minutes.
    Clock(u16),
    Count(u64),
    Float(f64),
    Point(Point),
    Date(NaiveDate),
    Time(LocalTime),
    Missing,
}

/// A row of a table.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) values: &'a [Value<'a>],
    /// What it is on the map; `None` if it has no place there.
    pub(super) shape: Option<Shape<'a>>,
}

/// What a record is on the map.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    /// From one point to another.
    Line([Point; 2]),
    Area(&'a Polygon),
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: false,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        kind,
        optional: true,
    }
}

/// Weeks and their numbers of trips.
pub(super) static WEEKS: Table = Table {
    columns: &[column("week", Kind::Date), column("trips", Kind::Count)],
    shape: None,
};

/// Groups of similar trips. kepler.gl draws columns of these names without being told.
pub(super) static GROUPS: Table = Table {
    columns: &[
        column("source_lat", Kind::Float),
        column("source_lng", Kind::Float),
        column("target_lat", Kind::Float),
        column("target_lng", Kind::Float),
        column("count", Kind::Count),
        column("start_time", Kind::Text),
        column("end_time", Kind::Text),
        column("source_hex_id", Kind::Text),
        column("target_hex_id", Kind::Text),
    ],
    shape: Some(ShapeKind::Line),
};

/// Trips, in the columns in which they are ingested.
pub(super) static TRIPS: Table = Table {
    columns: &[
        column("region", Kind::Text),
        column("origin_coord", Kind::Point),
        column("destination_coord", Kind::Point),
        column("datetime", Kind::Time),
        column("datasource", Kind::Text),
        optional("arrived_at", Kind::Time),
    ],
    shape: Some(ShapeKind::Line),
};

/// Pairs of zones; what is missing is outside the set. kepler.gl draws columns of these names without
/// being told.
pub(super) static OD: Table = Table {
    columns: &[
        optional("source_lat", Kind::Float),
        optional("source_lng", Kind::Float),
        optional("target_lat", Kind::Float),
        optional("target_lng", Kind::Float),
        column("count", Kind::Count),
        optional("source_id", Kind::Text),
        optional("source_name", Kind::Text),
        optional("target_id", Kind::Text),
        optional("target_name", Kind::Text),
    ],
    shape: Some(ShapeKind::Line),
};

/// Zones and their weekly averages.
pub(super) static ZONES: Table = Table {
    columns: &[
        column("zone_id", Kind::Text),
        column("zone_name", Kind::Text),
        column("lat", Kind::Float),
        column("lng", Kind::Float),
        column("trips", Kind::Count),
        column("average", Kind::Float),
        column("average_of_active_weeks", Kind::Float),
        column("calendar_weeks", Kind::Count),
        column("active_weeks", Kind::Count),
        optional("first_week", Kind::Date),
        optional("last_week", Kind::Date),
    ],
    shape: Some(ShapeKind::Area),
};

/// Hands the record of a row on.
pub(super) fn with_record<T>(
    row: &Row<'_>,
    bucket: BucketMinutes,
    take: impl FnOnce(&Record<'_>) -> T,
) -> T {
    match row {
        Row::Week(week, trips) => take(&Record {
            values: &[Value::Date(week.monday()), Value::Count(*trips)],
            shape: None,
        }),
        Row::Group(group) => {
            let [source, target] = [group.origin, group.destination].map(geo::center);
            let start = group.bucket * bucket.minutes();
            take(&Record {
                values: &[
                    Value::Float(source.lat()),
                    Value::Float(source.lon()),
                    Value::Float(target.lat()),
                    Value::Float(target.lon()),
                    Value::Count(group.trips),
                    Value::Clock(start),
                    Value::Clock(start + bucket.minutes()),
                    Value::Cell(group.origin),
                    Value::Cell(group.destination),
                ],
                shape: Some(Shape::Line([source, target])),
            })
        }
        Row::Trip(trip) => take(&Record {
            values: &[
                Value::Text(trip.region),
                Value::Point(trip.origin),
                Value::Point(trip.destination),
                Value::Time(trip.departed_at),
                Value::Text(trip.datasource),
                trip.arrived_at.map_or(Value::Missing, Value::Time),
            ],
            shape: Some(Shape::Line([trip.origin, trip.destination])),
        }),
        Row::Pair(set, pair) => {
            let zone = |number: Option<u32>| MappedZone::of(set, number?);
            let (source, target) = (zone(pair.origin), zone(pair.destination));
            let ends = source.as_ref().zip(target.as_ref());
            let [source_lat, source_lng] = MappedZone::degrees(source.as_ref());
            let [target_lat, target_lng] = MappedZone::degrees(target.as_ref());
            let [source_id, source_name] = MappedZone::texts(source.as_ref());
            let [target_id, target_name] = MappedZone::texts(target.as_ref());
            take(&Record {
                values: &[
                    source_lat,
                    source_lng,
                    target_lat,
                    target_lng,
                    Value::Count(pair.trips),
                    source_id,
                    source_name,
                    target_id,
                    target_name,
                ],
                shape: ends.map(|(source, target)| Shape::Line([source.center, target.center])),
            })
        }
        Row::Zone(set, number, average) => {
            let zone = MappedZone::of(set, *number);
            let [id, name] = MappedZone::texts(zone.as_ref());
            let [lat, lng] = MappedZone::degrees(zone.as_ref());
            let monday =
                |week: Option<Week>| week.map_or(Value::Missing, |week| Value::Date(week.monday()));
            take(&Record {
                values: &[
                    id,
                    name,
                    lat,
                    lng,
                    Value::Count(average.total_trips()),
                    Value::Float(average.average()),
                    Value::Float(average.average_of_active_weeks()),
                    Value::Count(average.calendar_weeks() as u64),
                    Value::Count(average.active_weeks() as u64),
                    monday(average.first),
                    monday(average.last()),
                ],
                shape: zone.as_ref().map(|zone| Shape::Area(zone.boundary)),
            })
        }
    }
}

/// A zone as it is exported.
pub(super) struct MappedZone<'a> {
    /// Unique among all sets.
    pub(super) id: String,
    pub(super) name: &'a str,
    /// Where it is on the map as a point.
    pub(super) center: Point,
    boundary: &'a Polygon,
}

impl<'a> MappedZone<'a> {
    /// The zone of that number; `None` if the set has none.
    pub(super) fn of(set: &'a ZoneSet, number: u32) -> Option<Self> {
        let zone = set.zones().get(number as usize)?;
        Some(Self {
            id: set.id(zone),
            name: &zone.name,
            center: zone.boundary.centroid(),
            boundary: &zone.boundary,
        })
    }

    fn texts(zone: Option<&Self>) -> [Value<'_>; 2] {
        zone.map_or([Value::Missing; 2], |zone| {
            [Value::Text(&zone.id), Value::Text(zone.name)]
        })
    }

    fn degrees(zone: Option<&Self>) -> [Value<'a>; 2] {
        zone.map_or([Value::Missing; 2], |zone| {
            [
                Value::Float(zone.center.lat()),
                Value::Float(zone.center.lon()),
            ]
        })
    }
}

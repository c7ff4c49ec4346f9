//! The slow and obvious way to every answer: trips in a list, each question a scan.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike};
use h3o::{CellIndex, LatLng};
use tripgraph::analytics::WeeklyAverage;
use tripgraph::geo::{Area, BoundingBox};
use tripgraph::model::{IngestionId, LocalTime, Selection, Trip, TripEndRule, Week};

/// A row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct TwinTrip {
    pub ingestion: IngestionId,
    pub line: u64,
    pub region: String,
    pub datasource: String,
    /// Longitude and latitude.
    pub origin: (f64, f64),
    pub destination: (f64, f64),
    pub time: NaiveDateTime,
    /// Resolution 9.
    pub cells: (CellIndex, CellIndex),
}

impl TwinTrip {
    /// The Monday of its week.
    pub fn week(&self) -> NaiveDate {
        monday(self.time.date())
    }

    /// The same as the store tells it. Coordinates are equal to the last bit, but for the sign of
    /// a zero.
    pub fn is(&self, trip: &Trip) -> bool {
        self.ingestion == trip.ingestion_id
            && self.line == trip.line
            && self.region == trip.region
            && self.datasource == trip.datasource
            && self.origin == (trip.origin.lon(), trip.origin.lat())
            && self.destination == (trip.destination.lon(), trip.destination.lat())
            && self.time == trip.departed_at.to_naive()
    }
}

/// What a weekly average is, said plainly.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReferenceAverage {
    /// Mondays and trips, without a gap.
    pub weeks: Vec<(NaiveDate, u64)>,
    pub total: u64,
    pub active: usize,
    pub average: f64,
    pub average_of_active: f64,
}

impl From<&WeeklyAverage> for ReferenceAverage {
    fn from(answer: &WeeklyAverage) -> Self {
        let weeks: Vec<_> = answer
            .weeks()
            .map(|(week, trips)| (week.monday(), trips))
            .collect();
        assert_eq!(answer.calendar_weeks(), weeks.len());
        assert_eq!(
            answer.first.map(Week::monday),
            weeks.first().map(|week| week.0)
        );
        assert_eq!(
            answer.last().map(Week::monday),
            weeks.last().map(|week| week.0)
        );
        Self {
            weeks,
            total: answer.total_trips(),
            active: answer.active_weeks(),
            average: answer.average(),
            average_of_active: answer.average_of_active_weeks(),
        }
    }
}

/// Origin, destination, bucket.
pub type GroupKey = (u64, u64, u16);

/// The members of a group by ingestion and line.
pub type Group<'a> = (GroupKey, Vec<&'a TwinTrip>);

/// The trips of some files.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    pub trips: Vec<TwinTrip>,
}

impl Reference {
    /// Adds the trips of a file; rows that can't be read are left out. Lines end in LF, and none
    /// is blank.
    pub fn add(&mut self, ingestion: IngestionId, file: &str) {
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        let header = reader.headers().unwrap().clone();
        let column = |name| header.iter().position(|field| field == name).unwrap();
        let [region, datasource, origin, destination, time] = [
            "region",
            "datasource",
            "origin_coord",
            "destination_coord",
            "datetime",
        ]
        .map(column);
        for record in reader.records() {
            let record = record.unwrap();
            let (Some(origin), Some(destination)) =
                (point(&record[origin]), point(&record[destination]))
            else {
                continue;
            };
            self.trips.push(TwinTrip {
                ingestion,
                line: record.position().unwrap().line(),
                region: record[region].to_owned(),
                datasource: record[datasource].to_owned(),
                origin,
                destination,
                time: NaiveDateTime::parse_from_str(&record[time], "%Y-%m-%d %H:%M:%S%.f").unwrap(),
                cells: (cell(origin), cell(destination)),
            });
        }
    }

    /// The trips that a selection keeps.
    pub fn select<'a>(&'a self, selection: &'a Selection) -> impl Iterator<Item = &'a TwinTrip> {
        self.trips.iter().filter(move |trip| {
            let area = selection.area.as_ref().is_none_or(|area| {
                let origin = lies_in(&area.place, trip.origin);
                let destination = lies_in(&area.place, trip.destination);
                match area.ends {
                    TripEndRule::Origin => origin,
                    TripEndRule::Destination => destination,
                    TripEndRule::Both => origin && destination,
                    TripEndRule::Either => origin || destination,
                }
            });
            let region = selection.region.as_ref();
            let datasource = selection.datasource.as_ref();
            let week = Week::of(trip.time.date()).unwrap();
            let micros = LocalTime::from_naive(trip.time).unwrap().micros_of_week();
            let times = selection.times.as_ref();
            area && selection.from_week.is_none_or(|from| from <= week)
                && selection.to_week.is_none_or(|to| week <= to)
                && selection.ingestion.is_none_or(|id| id == trip.ingestion)
                && times.is_none_or(|times| times.contains(micros))
                && region.is_none_or(|name| *name == trip.region)
                && datasource.is_none_or(|name| *name == trip.datasource)
        })
    }

    /// The weekly average of a selection; any date names its week.
    pub fn weekly_average(
        &self,
        selection: &Selection,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> ReferenceAverage {
        let mut counts: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        for trip in self.select(selection) {
            *counts.entry(trip.week()).or_default() += 1;
        }
        let (Some((&first, _)), Some((&last, _))) =
            (counts.first_key_value(), counts.last_key_value())
        else {
            return ReferenceAverage::default();
        };
        let (mut week, last) = (from.map_or(first, monday), to.map_or(last, monday));
        let mut weeks = Vec::new();
        while week <= last {
            weeks.push((week, counts.get(&week).copied().unwrap_or(0)));
            week += TimeDelta::weeks(1);
        }
        let total = weeks.iter().map(|week| week.1).sum();
        let active = weeks.iter().filter(|week| week.1 > 0).count();
        let average = |weeks: usize| {
            if weeks == 0 {
                0.0
            } else {
                total as f64 / weeks as f64
            }
        };
        ReferenceAverage {
            average: average(weeks.len()),
            average_of_active: average(active),
            weeks,
            total,
            active,
        }
    }

    /// The groups of a selection with at least `min_trips` trips, in their rank.
    pub fn groups<'a>(
        &'a self,
        selection: &'a Selection,
        resolution: u8,
        bucket_minutes: u32,
        min_trips: usize,
    ) -> Vec<Group<'a>> {
        let resolution = h3o::Resolution::try_from(resolution).unwrap();
        let mut groups: BTreeMap<GroupKey, Vec<&TwinTrip>> = BTreeMap::new();
        for trip in self.select(selection) {
            let minute = trip.time.hour() * 60 + trip.time.minute();
            let cell = |leaf: CellIndex| leaf.parent(resolution).unwrap().into();
            let key = (
                cell(trip.cells.0),
                cell(trip.cells.1),
                u16::try_from(minute / bucket_minutes).unwrap(),
            );
            groups.entry(key).or_default().push(trip);
        }
        let mut groups: Vec<_> = groups
            .into_iter()
            .filter(|(_, trips)| trips.len() >= min_trips)
            .collect();
        for (_, trips) in &mut groups {
            trips.sort_by_key(|trip| (trip.ingestion, trip.line));
        }
        // A stable sort: groups of one size stay in the order of their keys.
        groups.sort_by_key(|(_, trips)| Reverse(trips.len()));
        groups
    }
}

/// The Monday of a date's week.
pub fn monday(date: NaiveDate) -> NaiveDate {
    date - TimeDelta::days(date.weekday().num_days_from_monday().into())
}

/// Whether a point is in an area, said plainly.
fn lies_in(area: &Area, point: (f64, f64)) -> bool {
    match area {
        Area::Box(bbox) => in_box(bbox, point),
        Area::Polygon(polygon) => polygon
            .polygons()
            .iter()
            .any(|rings| in_rings(rings, point)),
        Area::Cells(cells) => cells.cells().iter().any(|&cell| {
            let position = LatLng::new(point.1, point.0).unwrap();
            position.to_cell(cell.resolution()) == cell
        }),
    }
}

/// On an edge, or with an odd number of edges to the east.
fn in_rings(rings: &[Vec<[f64; 2]>], (lon, lat): (f64, f64)) -> bool {
    let mut odd = false;
    for edge in rings.iter().flat_map(|ring| ring.windows(2)) {
        let ([x, y], [u, v]) = (edge[0], edge[1]);
        // Tests have no trips so close to a slanted edge that rounding would matter, but trips on
        // corners and on edges along meridians and parallels.
        let turn = (u - x) * (lat - y) - (v - y) * (lon - x);
        let within = x.min(u) <= lon && lon <= x.max(u) && y.min(v) <= lat && lat <= y.max(v);
        if within && turn == 0.0 {
            return true;
        }
        if (y > lat) != (v > lat) && (turn > 0.0) == (v > y) {
            odd = !odd;
        }
    }
    odd
}

/// `lon BETWEEN … AND lat BETWEEN …`.
fn in_box(bbox: &BoundingBox, (lon, lat): (f64, f64)) -> bool {
    let (west, east) = (bbox.west(), bbox.east());
    let between = if west <= east {
        west <= lon && lon <= east
    } else {
        (west <= lon && lon <= 180.0) || (-180.0 <= lon && lon <= east)
    };
    between && bbox.south() <= lat && lat <= bbox.north()
}

fn point(text: &str) -> Option<(f64, f64)> {
    let Ok(wkt::Wkt::Point(point)) = wkt::Wkt::<f64>::from_str(text) else {
        return None;
    };
    let coordinates = point.coord()?;
    let valid = coordinates.x.abs() <= 180.0 && coordinates.y.abs() <= 90.0;
    valid.then_some((coordinates.x, coordinates.y))
}

fn cell((lon, lat): (f64, f64)) -> CellIndex {
    LatLng::new(lat, lon)
        .unwrap()
        .to_cell(h3o::Resolution::Nine)
}

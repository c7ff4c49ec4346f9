//! Weekly averages against a scan of all trips: whatever histogram or patch an answer came from,
//! it is the scan's.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use support::backend::Backend;
use support::data::{DATASOURCES, File, REGIONS, Shape, onto_globe};
use support::database::on_postgres;
use support::random::Random;
use support::reference::{Reference, ReferenceAverage};
use tripgraph::analytics::weekly_average;
use tripgraph::geo::BoundingBox;
use tripgraph::model::{Area, Selection, TripEndRule, Week};

const ALL_ENDS: [TripEndRule; 4] = [
    TripEndRule::Origin,
    TripEndRule::Destination,
    TripEndRule::Both,
    TripEndRule::Either,
];

/// A backend and its reference, with the same trips.
struct Pair {
    backend: Backend,
    reference: Reference,
}

impl Pair {
    async fn of(files: &[String]) -> Self {
        let backend = Backend::start().await;
        let mut reference = Reference::default();
        for file in files {
            let before = reference.trips.len();
            let ingestion = backend.ingest(file).await;
            reference.add(ingestion.id, file);
            let rows = (reference.trips.len() - before) as u64;
            assert_eq!(ingestion.rows_ingested, rows);
        }
        Self { backend, reference }
    }

    /// Cities and scattered places, in several ingestions of several sizes.
    async fn varied(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut files: Vec<_> = [3_000, 1_500, 800, 400, 200, 1]
            .map(|rows| Shape::new(rows).file(&mut random))
            .into();
        let alike = Shape {
            places: 20,
            ..Shape::new(1_500)
        };
        files.push(alike.file(&mut random));
        Self::of(&files).await
    }

    /// Asks both; the answers must be the same. Returns the trips counted.
    async fn check(
        &self,
        selection: &Selection,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> u64 {
        let week = |date| Week::of(date).unwrap();
        let answer = weekly_average(&self.backend.store, selection, from.map(week), to.map(week))
            .await
            .unwrap();
        let expected = self.reference.weekly_average(selection, from, to);
        let answer = ReferenceAverage::from(&answer);
        assert_eq!(answer, expected, "{selection:?} from {from:?} to {to:?}");
        expected.total
    }

    /// Asks for a box with each choice of ends, under a few combinations of filters. Returns the
    /// trips counted.
    async fn check_box(&self, random: &mut Random, bbox: BoundingBox) -> u64 {
        let mut trips = 0;
        for ends in ALL_ENDS {
            let plain = Selection {
                area: Some(Area {
                    place: bbox.into(),
                    ends,
                }),
                ..Selection::default()
            };
            trips += self.check(&plain, None, None).await;
            let (selection, from, to) = filtered(random, plain);
            self.check(&selection, from, to).await;
        }
        trips
    }

    /// A random trip end.
    fn end(&self, random: &mut Random) -> (f64, f64) {
        let trip = random.pick(&self.reference.trips);
        if random.once_in(2) {
            trip.origin
        } else {
            trip.destination
        }
    }

    /// A random box, of one of many kinds.
    fn random_box(&self, random: &mut Random, kind: usize) -> BoundingBox {
        let (lon, lat) = self.end(random);
        match kind % 10 {
            // Around a trip end, from a few metres to half the globe.
            0..=2 => {
                let mut size = || random.scale(2e-5, 120.0);
                let (width, height) = (size(), size());
                let (west, east) = (lon - width * random.between(0.0, 1.0), lon);
                around(west, lat - height / 2.0, east + width / 2.0, lat + height)
            }
            // The size of a city's part, where most trips are.
            3 | 4 => {
                let &(_, lon, lat) = random.pick(&REGIONS);
                let (lon, lat) = (random.around(lon, 0.1), random.around(lat, 0.1));
                let size = random.scale(0.001, 0.2);
                around(lon - size, lat - size, lon + size, lat + size)
            }
            // Each border exactly on a trip end, or the next number beside it.
            5 | 6 => {
                let mut nudged = |number: f64, limit: f64| {
                    let number = match random.below(4) {
                        0 => number.next_up(),
                        1 => number.next_down(),
                        _ => number,
                    };
                    number.clamp(-limit, limit)
                };
                let trip =
                    &self.reference.trips[nudged_index(lon, lat, self.reference.trips.len())];
                let (other_lon, other_lat) = trip.destination;
                let (west, east) = (nudged(lon, 180.0), nudged(other_lon, 180.0));
                let (south, north) = (
                    nudged(lat.min(other_lat), 90.0),
                    nudged(lat.max(other_lat), 90.0),
                );
                boxed(west, south.min(north), east, north.max(south))
            }
            // Across the antimeridian.
            7 => {
                let west = 180.0 - random.scale(1e-4, 300.0);
                let east = -180.0 + random.scale(1e-4, 300.0);
                let lat = if random.once_in(2) { -16.85 } else { lat };
                let height = random.scale(1e-3, 90.0);
                boxed(
                    west,
                    (lat - height).max(-90.0),
                    east,
                    (lat + height).min(90.0),
                )
            }
            // At a pole.
            8 => {
                let reach = 90.0 - random.scale(1e-6, 60.0);
                let (mut west, mut east) =
                    (random.between(-180.0, 180.0), random.between(-180.0, 180.0));
                if random.once_in(3) {
                    (west, east) = (-180.0, 180.0);
                }
                if random.once_in(2) {
                    boxed(west, reach, east, 90.0)
                } else {
                    boxed(west, -90.0, east, -reach)
                }
            }
            // Anything on the globe, now and then with a border on the antimeridian.
            _ => {
                let mut lon = || match random.below(8) {
                    0 => -180.0,
                    1 => 180.0,
                    _ => random.between(-180.0, 180.0),
                };
                let (west, east) = (lon(), lon());
                let (a, b) = (random.between(-90.0, 90.0), random.between(-90.0, 90.0));
                boxed(west, a.min(b), east, a.max(b))
            }
        }
    }
}

/// Some trip that depends on nothing but a place.
fn nudged_index(lon: f64, lat: f64, trips: usize) -> usize {
    usize::try_from((lon.to_bits() ^ lat.to_bits()) >> 7).unwrap() % trips
}

fn boxed(west: f64, south: f64, east: f64, north: f64) -> BoundingBox {
    BoundingBox::new(west, south, east, north).unwrap()
}

/// A box whose borders may reach past the antimeridian, and are cut off at the poles.
fn around(west: f64, south: f64, east: f64, north: f64) -> BoundingBox {
    if east - west >= 360.0 {
        return boxed(-180.0, south.max(-90.0), 180.0, north.min(90.0));
    }
    let (west, south) = onto_globe(west, south);
    let (east, north) = onto_globe(east, north);
    boxed(west, south, east, north)
}

/// With a region, a datasource, a period, or several of them.
fn filtered(
    random: &mut Random,
    mut selection: Selection,
) -> (Selection, Option<NaiveDate>, Option<NaiveDate>) {
    let mut choose = |names: &[&str]| {
        let name = match random.below(20) {
            0 => "nobody knows it",
            _ => random.pick(names),
        };
        random.once_in(2).then(|| name.to_owned())
    };
    selection.region = choose(&REGIONS.map(|region| region.0));
    selection.datasource = choose(&DATASOURCES);
    let mut day = || {
        let days = i64::try_from(random.below(500)).unwrap();
        let day = date(2019, 11, 20) + TimeDelta::days(days);
        random.once_in(2).then_some(day)
    };
    let (from, to) = (day(), day());
    (selection, from, to)
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
}

fn in_box(bbox: BoundingBox, ends: TripEndRule) -> Selection {
    Selection {
        area: Some(Area {
            place: bbox.into(),
            ends,
        }),
        ..Selection::default()
    }
}

/// Boxes of every kind; most of them must hold trips, or the test would say little. PostgreSQL, which has
/// statements of its own but the same arithmetic, is asked about a quarter of them.
async fn random_boxes(seed: u64) {
    let boxes = if on_postgres() { 130 } else { 520 };
    let pair = Pair::varied(seed).await;
    let mut random = Random::new(seed + 1_000);
    let mut with_trips = 0;
    for kind in 0..boxes {
        let bbox = pair.random_box(&mut random, kind);
        with_trips += usize::from(pair.check_box(&mut random, bbox).await > 0);
    }
    assert!(with_trips > boxes / 2, "{with_trips} of {boxes} boxes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_boxes_are_counted_as_by_a_scan() {
    random_boxes(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_boxes_over_other_trips_are_counted_as_by_a_scan() {
    random_boxes(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_trips_are_counted_without_a_box() {
    let pair = Pair::varied(3).await;
    let mut random = Random::new(3);
    let all = pair.check(&Selection::default(), None, None).await;
    assert_eq!(all, pair.reference.trips.len() as u64);
    for _ in 0..300 {
        let (selection, from, to) = filtered(&mut random, Selection::default());
        pair.check(&selection, from, to).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn borders_count_and_the_next_number_past_them_does_not() {
    let pair = Pair::varied(4).await;
    let mut random = Random::new(4);
    for _ in 0..40 {
        let (lon, lat) = pair.end(&mut random);
        // The place alone: at least one trip, and the same for a box of any choice of ends.
        let place = boxed(lon, lat, lon, lat);
        assert!(pair.check_box(&mut random, place).await > 0);
        // The place in each corner and on each side of a larger box.
        let size = random.scale(1e-4, 3.0);
        let (west, east) = ((lon - size).max(-180.0), (lon + size).min(180.0));
        let (south, north) = ((lat - size).max(-90.0), (lat + size).min(90.0));
        for bbox in [
            boxed(lon, south, east, north),
            boxed(west, south, lon, north),
            boxed(west, lat, east, north),
            boxed(west, south, east, lat),
            boxed(lon, lat, east, north),
            boxed(west, south, lon, lat),
        ] {
            let trips = pair
                .check(&in_box(bbox, TripEndRule::Either), None, None)
                .await;
            assert!(trips > 0, "{bbox:?}");
        }
        // And just outside of it.
        if lon < 180.0 && lat < 90.0 {
            let past = boxed(lon.next_up(), lat.next_up(), east.max(lon.next_up()), 90.0);
            pair.check_box(&mut random, past).await;
            // All of the globe but the meridian of the place.
            let all_but = boxed(lon.next_up(), -90.0, lon.next_down().max(-180.0), 90.0);
            pair.check(&in_box(all_but, TripEndRule::Origin), None, None)
                .await;
            pair.check(&in_box(all_but, TripEndRule::Both), None, None)
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_corners_of_the_map_are_counted_as_by_a_scan() {
    let pair = Pair::varied(5).await;
    let mut random = Random::new(5);
    for (west, south, east, north) in [
        (-180.0, -90.0, 180.0, 90.0),
        (180.0, -90.0, -180.0, 90.0),
        (180.0, -90.0, 180.0, 90.0),
        (-180.0, -90.0, -180.0, 90.0),
        (179.9, -20.0, 180.0, -10.0),
        (-180.0, -20.0, -179.9, -10.0),
        (179.9, -20.0, -179.9, -10.0),
        (180.0_f64.next_down(), -90.0, -180.0, 90.0),
        (180.0, -90.0, (-180.0_f64).next_up(), 90.0),
        (-180.0, 90.0, 180.0, 90.0),
        (-180.0, -90.0, 180.0, -90.0),
        (-180.0, -90.0, 180.0, (-90.0_f64).next_up()),
        (-180.0, 89.9999, 180.0, 90.0),
        (0.0, 90.0, 0.0, 90.0),
        (-0.0, -90.0, 0.0, 90.0),
        (0.0, 0.0, 0.0, 0.0),
        (-180.0, 0.0, 180.0, 0.0),
        (0.0, -90.0, 180.0, 90.0),
        (-180.0, -90.0, 0.0, 90.0),
        (0.0_f64.next_up(), -90.0, (-0.0_f64).next_down(), 90.0),
    ] {
        let trips = pair
            .check_box(&mut random, boxed(west, south, east, north))
            .await;
        assert!(trips > 0, "no trips: {west} {south} {east} {north}");
    }
}

/// A file of several blocks, which are packed together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_counted_as_by_a_scan() {
    let mut random = Random::new(6);
    let large = Shape {
        places: 3_000,
        ..Shape::new(140_000)
    };
    let pair = Pair::of(&[large.file(&mut random)]).await;
    assert_eq!(
        pair.check(&Selection::default(), None, None).await,
        pair.reference.trips.len() as u64
    );
    for kind in 0..30 {
        let bbox = pair.random_box(&mut random, kind);
        for ends in ALL_ENDS {
            pair.check(&in_box(bbox, ends), None, None).await;
        }
    }
}

/// A file of one trip at each of some times, all at the same place.
fn at_times(times: &[&str]) -> String {
    let mut file = File::default();
    for text in times {
        file.push(
            "Prague",
            "funny_car",
            (14.4, 50.05),
            (14.5, 50.1),
            time(text),
        );
    }
    file.csv
}

/// Three trips: one in the last week of 2020, its 53rd, two in the second of 2021.
async fn around_new_year() -> Pair {
    Pair::of(&[
        at_times(&["2021-01-03 23:59:59"]),
        at_times(&["2021-01-11 00:00:00", "2021-01-17 23:59:59"]),
    ])
    .await
}

#[tokio::test]
async fn weeks_run_over_new_year_and_quiet_ones_count() {
    let pair = around_new_year().await;
    for selection in [
        Selection::default(),
        in_box(boxed(14.0, 50.0, 15.0, 51.0), TripEndRule::Both),
        in_box(boxed(14.4, 50.05, 14.4, 50.05), TripEndRule::Origin),
    ] {
        let answer = weekly_average(&pair.backend.store, &selection, None, None)
            .await
            .unwrap();
        let answer = ReferenceAverage::from(&answer);
        let expected = ReferenceAverage {
            weeks: vec![
                (date(2020, 12, 28), 1),
                (date(2021, 1, 4), 0),
                (date(2021, 1, 11), 2),
            ],
            total: 3,
            active: 2,
            average: 1.0,
            average_of_active: 1.5,
        };
        assert_eq!(answer, expected);
        assert_eq!(pair.check(&selection, None, None).await, 3);
    }
}

#[tokio::test]
async fn a_period_is_cut_and_stretched_to_the_weeks_of_its_dates() {
    let pair = around_new_year().await;
    let all = Selection::default();
    let weeks = |from: Option<NaiveDate>, to: Option<NaiveDate>| {
        let (pair, all) = (&pair, &all);
        async move {
            let trips = pair.check(all, from, to).await;
            let answer = pair.reference.weekly_average(all, from, to);
            (answer.weeks.len(), trips)
        }
    };
    // Any day of a week names it.
    assert_eq!(weeks(Some(date(2021, 1, 3)), None).await, (3, 3));
    assert_eq!(weeks(Some(date(2020, 12, 28)), None).await, (3, 3));
    assert_eq!(weeks(Some(date(2021, 1, 4)), None).await, (2, 2));
    assert_eq!(weeks(None, Some(date(2021, 1, 11))).await, (3, 3));
    assert_eq!(weeks(None, Some(date(2021, 1, 10))).await, (2, 1));
    // Longer than the data, on both sides.
    let (from, to) = (Some(date(2020, 12, 14)), Some(date(2021, 1, 31)));
    assert_eq!(weeks(from, to).await, (7, 3));
    // Weeks in which the selection has no trip.
    let quiet = Some(date(2021, 1, 6));
    assert_eq!(weeks(quiet, quiet).await, (1, 0));
    let (from, to) = (Some(date(2022, 1, 3)), Some(date(2022, 1, 10)));
    assert_eq!(weeks(from, to).await, (2, 0));
    // No period at all: it ends before it begins.
    assert_eq!(weeks(to, from).await, (0, 0));
    assert_eq!(weeks(Some(date(2021, 1, 18)), None).await, (0, 0));
    assert_eq!(weeks(None, Some(date(2020, 12, 27))).await, (0, 0));
}

#[tokio::test]
async fn weeks_of_any_year_are_counted() {
    let times = [
        "0001-01-01 00:00:00",
        "1969-12-31 23:59:59",
        "1970-01-01 00:00:00",
        "1976-12-31 12:00:00",
        "2004-12-31 12:00:00",
        "2005-01-02 12:00:00",
        "2005-01-03 00:00:00",
        "2009-12-31 12:00:00",
        "2015-12-31 12:00:00",
        "2016-01-03 23:59:59",
        "2018-12-31 00:00:00",
        "2020-02-29 12:00:00",
        "2026-12-31 12:00:00",
        "9999-12-31 23:59:59",
    ];
    for times in times.windows(2) {
        let pair = Pair::of(&[at_times(times)]).await;
        assert_eq!(pair.check(&Selection::default(), None, None).await, 2);
        let here = in_box(boxed(14.4, 50.0, 14.5, 50.1), TripEndRule::Either);
        assert_eq!(pair.check(&here, None, None).await, 2);
    }
}

#[tokio::test]
async fn what_has_no_trips_has_no_weeks() {
    let (from, to) = (Some(date(2021, 1, 1)), Some(date(2021, 2, 1)));
    let empty = Pair::of(&[]).await;
    let full = around_new_year().await;
    let named = |region: Option<&str>, datasource: Option<&str>| Selection {
        area: None,
        region: region.map(str::to_owned),
        datasource: datasource.map(str::to_owned),
        ..Selection::default()
    };
    let elsewhere = in_box(boxed(7.0, 45.0, 8.0, 46.0), TripEndRule::Either);
    let everywhere = boxed(-180.0, -90.0, 180.0, 90.0);
    let none = ReferenceAverage::default();
    for (pair, selection) in [
        (&empty, Selection::default()),
        (&empty, named(Some("Prague"), None)),
        (&empty, elsewhere.clone()),
        (&full, named(Some("Atlantis"), None)),
        (&full, named(None, Some("no_car"))),
        (&full, named(Some("prague"), None)),
        (&full, elsewhere),
        (
            &full,
            Selection {
                region: Some("Atlantis".to_owned()),
                ..in_box(everywhere, TripEndRule::Both)
            },
        ),
    ] {
        for (from, to) in [(None, None), (from, to)] {
            assert_eq!(pair.check(&selection, from, to).await, 0);
            let week = |date| Week::of(date).unwrap();
            let (from, to) = (from.map(week), to.map(week));
            let answer = weekly_average(&pair.backend.store, &selection, from, to)
                .await
                .unwrap();
            assert_eq!(ReferenceAverage::from(&answer), none, "{selection:?}");
        }
    }
}

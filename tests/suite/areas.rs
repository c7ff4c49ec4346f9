//! Areas of every kind and conditions on time, against a scan of all trips; and over HTTP.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::{Home, Serving};
use super::support;

use chrono::{Datelike, Timelike, Weekday};
use h3o::{CellIndex, LatLng};
use serde_json::{Value, json};
use support::backend::Backend;
use support::data::{REGIONS, Shape, onto_globe};
use support::random::Random;
use support::reference::{Reference, ReferenceAverage};
use tripgraph::analytics::{similar_trips, trip_profile, trips, weekly_average};
use tripgraph::geo::{Area, BoundingBox, CellSet, Polygon, Resolution};
use tripgraph::model::{
    self, BucketMinutes, DayRange, Selection, Similarity, TripEndRule, Week, WeekTimes,
};

const ALL_ENDS: [TripEndRule; 4] = [
    TripEndRule::Origin,
    TripEndRule::Destination,
    TripEndRule::Both,
    TripEndRule::Either,
];

const WEEK: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

struct Pair {
    backend: Backend,
    reference: Reference,
}

impl Pair {
    async fn varied(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (backend, mut reference) = (Backend::start().await, Reference::default());
        for rows in [3_000, 700, 150] {
            let file = Shape::new(rows).file(&mut random);
            let ingestion = backend.ingest(&file).await;
            reference.add(ingestion.id, &file);
        }
        Self { backend, reference }
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

    /// A random area of one of several kinds, most of them with trips.
    fn area(&self, random: &mut Random, kind: usize) -> Area {
        let &(_, lon, lat) = random.pick(&REGIONS);
        let end = self.end(random);
        let (lon, lat) = if random.once_in(3) { end } else { (lon, lat) };
        let size = random.scale(0.01, 2.0);
        match kind % 9 {
            0 => star(random, (lon, lat), size, 0.1),
            // With a hole around the middle, and corners on trip ends.
            1 => {
                let mut outer = ring(random, (lon, lat), size, 0.7);
                let corner = outer.len() / 2;
                outer[corner] = self.end(random).into();
                let hole = ring(random, (lon, lat), size / 3.0, 0.3);
                polygon(vec![vec![outer, hole]])
            }
            // A square whose edges run through a trip end, and its neighbour that touches it.
            2 => {
                let (x, y) = end;
                let square = |x: f64, y: f64| {
                    let corners = [(x, y), (x + size, y), (x + size, y + size), (x, y + size)];
                    let mut ring: Vec<[f64; 2]> = corners.map(clamped).into();
                    ring.push(ring[0]);
                    vec![ring]
                };
                polygon(vec![
                    square(x, y - size / 2.0),
                    square(x - size, y - size / 2.0),
                ])
            }
            // A polygon that was split at the antimeridian.
            3 => {
                let rectangle = |west: f64, east: f64| {
                    let (south, north) = (-17.5 - size, -16.0 + size / 2.0);
                    let corners = [(west, south), (east, south), (east, north), (west, north)];
                    let mut ring: Vec<[f64; 2]> = corners.map(clamped).into();
                    ring.push(ring[0]);
                    vec![ring]
                };
                polygon(vec![
                    rectangle(180.0 - size, 180.0),
                    rectangle(-180.0, size - 180.0),
                ])
            }
            // A cap around a pole, with a hole that touches its border and the pole.
            7 => {
                let south = 90.0 - size / 2.0;
                let cap = vec![
                    [-180.0, south],
                    [180.0, south],
                    [180.0, 90.0],
                    [-180.0, 90.0],
                    [-180.0, south],
                ];
                let hole = vec![[end.0, south], [end.0, 90.0], [0.0, 90.0], [end.0, south]];
                polygon(vec![vec![cap, hole]])
            }
            // A sliver between two trip ends.
            8 => {
                let other = self.end(random);
                let (start, end) = ([end.0, end.1], [other.0, other.1]);
                let beside = clamped((end[0], end[1] + 1e-9));
                polygon(vec![vec![vec![start, end, beside, start]]])
            }
            // Cells of one resolution, or of several.
            4 => cells(random, (lon, lat), |random| random.below(16)),
            5 => {
                let resolution = 4 + random.below(8);
                cells(random, (lon, lat), |_| resolution)
            }
            _ => {
                let (west, south) = onto_globe(lon - size, lat - size);
                let (x, y) = end;
                let bbox = BoundingBox::half_open(west, south.min(y), x, y.max(south));
                bbox.unwrap().into()
            }
        }
    }

    /// Random conditions on time and ingestion.
    fn conditions(&self, random: &mut Random) -> Selection {
        let ranges = [
            ("07:00", "09:30"),
            ("22:00", "02:15"),
            ("00:00", "24:00"),
            ("13:59", "14:00"),
        ];
        let day_ranges: Vec<_> = (0..=random.below(2))
            .map(|_| random.pick(&ranges))
            .map(|(from, to)| DayRange::parse(from, to).unwrap())
            .collect();
        let mut days = WEEK;
        random.shuffle(&mut days);
        let days = &days[..=random.below(7)];
        let mut week = || {
            let date = random.pick(&self.reference.trips).time.date();
            random.once_in(3).then(|| Week::of(date).unwrap())
        };
        let (from_week, to_week) = (week(), week());
        let ingestion = random.pick(&self.reference.trips).ingestion;
        Selection {
            from_week,
            to_week,
            times: random.once_in(2).then(|| WeekTimes::new(days, &day_ranges)),
            ingestion: random.once_in(3).then_some(ingestion),
            region: random.once_in(4).then(|| "Prague".to_owned()),
            ..Selection::default()
        }
    }

    /// Asks all questions about a selection; the answers must be those of a scan. Returns the
    /// number of trips.
    async fn check(&self, random: &mut Random, selection: &Selection) -> usize {
        let store = &self.backend.store;
        let mut expected: Vec<_> = self.reference.select(selection).collect();

        let answer = weekly_average(store, selection, None, None).await.unwrap();
        assert_eq!(
            ReferenceAverage::from(&answer),
            self.reference.weekly_average(selection, None, None),
            "{selection:?}"
        );

        let profile = trip_profile(store, selection).await.unwrap();
        let mut hours = [0; 168];
        for trip in &expected {
            let day = trip.time.weekday().num_days_from_monday() as usize;
            hours[24 * day + trip.time.hour() as usize] += 1;
        }
        assert_eq!(profile, hours, "{selection:?}");

        expected.sort_by_key(|trip| (trip.time, trip.ingestion, trip.line));
        let size = 1 + random.below(expected.len() / 2 + 1).min(900);
        let (mut after, mut listed) = (None, Vec::new());
        loop {
            let page = trips(store, selection, size as u64, after).await.unwrap();
            assert_eq!(page.total, expected.len() as u64);
            let last = page.items.last();
            after = last.map(|trip| (trip.departed_at, trip.ingestion_id, trip.line));
            listed.extend(page.items);
            if !page.has_next {
                break;
            }
        }
        assert_eq!(listed.len(), expected.len(), "{selection:?}");
        for (trip, twin) in listed.iter().zip(&expected) {
            assert!(twin.is(trip), "{selection:?}: {trip:?} is not {twin:?}");
        }

        let resolution = [3, 7, 9][random.below(3)];
        let similarity = Similarity {
            resolution: Resolution::new(resolution).unwrap(),
            bucket: BucketMinutes::HOUR,
        };
        let groups = similar_trips(store, selection, similarity, 1, 1_000, None)
            .await
            .unwrap();
        let resolution = u8::try_from(resolution).unwrap();
        let twins = self.reference.groups(selection, resolution, 60, 1);
        assert_eq!(groups.total, twins.len() as u64, "{selection:?}");
        for (group, (key, members)) in groups.items.iter().zip(&twins) {
            let cells = [group.origin, group.destination].map(u64::from);
            assert_eq!((cells[0], cells[1], group.bucket), *key, "{selection:?}");
            assert_eq!(group.trips, members.len() as u64, "{selection:?}");
        }
        expected.len()
    }
}

fn clamped((lon, lat): (f64, f64)) -> [f64; 2] {
    [lon.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)]
}

fn polygon(polygons: Vec<Vec<Vec<[f64; 2]>>>) -> Area {
    Polygon::new(polygons).unwrap().into()
}

/// A ring of corners around a point; the distances vary between a share and all of the size.
fn ring(random: &mut Random, (lon, lat): (f64, f64), size: f64, least: f64) -> Vec<[f64; 2]> {
    let corners = 3 + random.below(60);
    let mut ring: Vec<_> = (0..corners)
        .map(|corner| {
            let angle = std::f64::consts::TAU * corner as f64 / corners as f64;
            let length = size * random.between(least, 1.0);
            clamped((lon + length * angle.cos(), lat + length * angle.sin()))
        })
        .collect();
    if random.once_in(2) {
        ring.reverse();
    }
    ring.push(ring[0]);
    ring
}

fn star(random: &mut Random, middle: (f64, f64), size: f64, least: f64) -> Area {
    polygon(vec![vec![ring(random, middle, size, least)]])
}

fn cells(
    random: &mut Random,
    (lon, lat): (f64, f64),
    resolution: impl Fn(&mut Random) -> usize,
) -> Area {
    let cells = (0..=random.below(60)).map(|_| {
        let resolution = u8::try_from(resolution(random)).unwrap();
        let size = 30.0 / 7_f64.powf(f64::from(resolution) / 2.0);
        let (lon, lat) = onto_globe(random.around(lon, size), random.around(lat, size));
        cell((lon, lat), resolution)
    });
    CellSet::new(cells.collect()).into()
}

fn cell((lon, lat): (f64, f64), resolution: u8) -> CellIndex {
    let position = LatLng::new(lat, lon).unwrap();
    position.to_cell(resolution.try_into().unwrap())
}

async fn random_areas(seed: u64, areas: usize) {
    let pair = Pair::varied(seed).await;
    let mut random = Random::new(seed + 1_000);
    let mut with_trips = 0;
    for kind in 0..areas {
        let place = pair.area(&mut random, kind);
        let ends = ALL_ENDS[random.below(4)];
        let conditions = if random.once_in(2) {
            Selection::default()
        } else {
            pair.conditions(&mut random)
        };
        let selection = Selection {
            area: Some(model::Area { place, ends }),
            ..conditions
        };
        with_trips += usize::from(pair.check(&mut random, &selection).await > 0);
    }
    assert!(with_trips > areas / 3, "{with_trips} of {areas} areas");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn areas_of_every_kind_are_answered_as_by_a_scan() {
    random_areas(1, 81).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conditions_on_time_are_answered_as_by_a_scan() {
    let pair = Pair::varied(3).await;
    let mut random = Random::new(1_003);
    for _ in 0..40 {
        let selection = pair.conditions(&mut random);
        pair.check(&mut random, &selection).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_open_boxes_add_up() {
    let pair = Pair::varied(4).await;
    let mut random = Random::new(1_004);
    let mut borders = |limit: f64, of: fn((f64, f64)) -> f64| {
        let ends = (0..5).map(|_| of(pair.end(&mut random)));
        let mut borders: Vec<_> = ends.chain([-limit, limit]).collect();
        borders.sort_by(f64::total_cmp);
        // A box without width at longitude 180 has the points of its neighbour.
        borders.dedup();
        borders
    };
    let (lons, lats) = (borders(180.0, |end| end.0), borders(90.0, |end| end.1));
    let mut sum = 0;
    for lon in lons.windows(2) {
        for lat in lats.windows(2) {
            let tile = BoundingBox::half_open(lon[0], lat[0], lon[1], lat[1]).unwrap();
            let area = model::Area {
                place: tile.into(),
                ends: TripEndRule::Origin,
            };
            let selection = Selection {
                area: Some(area),
                ..Selection::default()
            };
            let average = weekly_average(&pair.backend.store, &selection, None, None).await;
            sum += average.unwrap().total_trips();
        }
    }
    assert_eq!(sum, pair.reference.trips.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_tiles_add_up_over_http() {
    let home = Home::new();
    let mut random = Random::new(1_006);
    let file = Shape::new(1_500).file(&mut random);
    let mut reference = Reference::default();
    reference.add(1, &file);
    let server = home.serve();
    let id = server.upload(&home.write("trips.csv", &file)).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    // Borders through trip ends, of a column that crosses the antimeridian, too.
    let mut borders = |of: fn((f64, f64)) -> f64| -> Vec<f64> {
        let ends = (0..4).map(|_| of(random.pick(&reference.trips).origin));
        let mut borders: Vec<_> = ends.filter(|degrees| degrees.abs() < 90.0).collect();
        borders.sort_by(f64::total_cmp);
        borders.dedup();
        borders
    };
    let (lons, mut lats) = (borders(|end| end.0), borders(|end| end.1));
    lats.insert(0, -90.0);
    lats.push(90.0);
    let query = "query ($box: BoundingBox!, $filter: TripFilter!) { weeklyAverage(bbox: $box) { totalTrips } \
                 trips(filter: $filter) { totalCount } groupedTrips(filter: $filter, resolution: 1, \
                 timeBucketMinutes: 1440, first: 1000) { nodes { trips } } }";
    let mut sums = [0; 4];
    for column in 0..lons.len() {
        let (west, east) = (lons[column], lons[(column + 1) % lons.len()]);
        for row in lats.windows(2) {
            let tile = json!({ "west": west, "south": row[0], "east": east, "north": row[1],
                               "borders": "HALF_OPEN" });
            let answer = server
                .ask(query, json!({ "box": tile, "filter": { "bbox": tile } }))
                .await;
            let groups = answer["groupedTrips"]["nodes"].as_array().unwrap().iter();
            let path = format!(
                "/export/trips.csv?borders=HALF_OPEN&bbox={west},{},{east},{}",
                row[0], row[1]
            );
            let csv = reqwest::get(server.url(&path)).await.unwrap();
            let counts = [
                answer["weeklyAverage"]["totalTrips"].as_u64().unwrap(),
                answer["trips"]["totalCount"].as_u64().unwrap(),
                groups.map(|group| group["trips"].as_u64().unwrap()).sum(),
                csv.text().await.unwrap().lines().count() as u64 - 1,
            ];
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
    assert_eq!(sums, [reference.trips.len() as u64; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_polygon_equals_its_box() {
    let pair = Pair::varied(5).await;
    let (west, south, east, north) = (14.2, 49.9, 14.6, 50.2);
    // 40,000 corners along the border of a box.
    let along = |from: [f64; 2], to: [f64; 2]| {
        (0..10_000).map(move |step| {
            let share = f64::from(step) / 10_000.0;
            [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share)
        })
    };
    let corners = [[west, south], [east, south], [east, north], [west, north]];
    let mut ring: Vec<_> = (0..4)
        .flat_map(|side| along(corners[side], corners[(side + 1) % 4]))
        .collect();
    ring.push(ring[0]);
    let bbox = BoundingBox::new(west, south, east, north).unwrap();
    for ends in ALL_ENDS {
        let mut totals = Vec::new();
        for place in [polygon(vec![vec![ring.clone()]]), bbox.into()] {
            let selection = Selection {
                area: Some(model::Area { place, ends }),
                ..Selection::default()
            };
            let average = weekly_average(&pair.backend.store, &selection, None, None).await;
            totals.push(average.unwrap());
        }
        assert!(totals[0].total_trips() > 100);
        assert_eq!(totals[0], totals[1]);
    }
}

/// A server with a few trips in Prague: Monday 08:00, Friday 23:30, Saturday 00:30.
async fn serving(home: &Home) -> Serving {
    let server = home.serve();
    let rows = [
        (
            "POINT (14.40 50.05)",
            "POINT (14.45 50.09)",
            "2024-03-04 08:00:00",
        ),
        (
            "POINT (14.41 50.06)",
            "POINT (14.40 50.05)",
            "2024-03-08 23:30:00",
        ),
        (
            "POINT (14.45 50.09)",
            "POINT (14.41 50.06)",
            "2024-03-16 00:30:00",
        ),
    ];
    let rows = rows
        .map(|(origin, destination, time)| format!("Prague,{origin},{destination},{time},car\n"));
    let header = "region,origin_coord,destination_coord,datetime,datasource\n";
    let csv = header.to_owned() + &rows.concat();
    let id = server.upload(&home.write("trips.csv", &csv)).await;
    assert_eq!(server.ended(&id).await["rowsIngested"], 3);
    server
}

const TOTAL: &str = "query ($area: AreaInput, $days: [DayOfWeek!], $times: [TimeRange!], $id: ID) {
    weeklyAverage(area: $area, daysOfWeek: $days, timeRanges: $times, ingestion: $id) { totalTrips }
    trips(filter: { area: $area, daysOfWeek: $days, timeRanges: $times, ingestion: $id }) { totalCount }
    groupedTrips(filter: { area: $area, daysOfWeek: $days, timeRanges: $times, ingestion: $id }) { totalCount }
}";

async fn total(server: &Serving, variables: Value) -> i64 {
    let answer = server.ask(TOTAL, variables.clone()).await;
    let total = &answer["weeklyAverage"]["totalTrips"];
    assert_eq!(answer["trips"]["totalCount"], *total, "{variables}");
    assert_eq!(answer["groupedTrips"]["totalCount"], *total, "{variables}");
    total.as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn areas_and_times_are_arguments() {
    let home = Home::new();
    let server = serving(&home).await;
    let ring = json!([
        [14.40, 50.05],
        [14.42, 50.05],
        [14.42, 50.07],
        [14.40, 50.07],
        [14.40, 50.05]
    ]);
    let polygon = json!({ "type": "Polygon", "coordinates": [ring] });
    let feature = json!({ "type": "Feature", "properties": {}, "geometry": polygon });
    let bbox = json!({ "west": 14.40, "south": 50.05, "east": 14.42, "north": 50.07 });
    let point = cell((14.45, 50.09), 9).to_string();
    let coarse = cell((14.41, 50.06), 5).to_string();
    for (area, trips) in [
        (json!(null), 3),
        (json!({ "polygon": polygon }), 2),
        (json!({ "polygon": feature }), 2),
        (json!({ "bbox": bbox }), 2),
        (json!({ "cells": [point] }), 1),
        (json!({ "cells": [] }), 0),
        (json!({ "cells": [point, coarse] }), 3),
    ] {
        assert_eq!(
            total(&server, json!({ "area": area })).await,
            trips,
            "{area}"
        );
    }
    let half_open = json!({ "west": 14.40, "south": 50.05, "east": 14.41, "north": 50.06, "borders": "HALF_OPEN" });
    assert_eq!(
        total(&server, json!({ "area": { "bbox": half_open } })).await,
        1
    );
    for (days, times, trips) in [
        (json!(["FRIDAY"]), json!(null), 1),
        (json!(["MONDAY", "SATURDAY"]), json!(null), 2),
        (json!(null), json!([{ "from": "08:00", "to": "08:01" }]), 1),
        (json!(null), json!([{ "from": "07:00", "to": "08:00" }]), 0),
        (json!(null), json!([{ "from": "23:00", "to": "01:00" }]), 2),
        (
            json!(["FRIDAY"]),
            json!([{ "from": "23:00", "to": "01:00" }]),
            1,
        ),
        (
            json!(["FRIDAY"]),
            json!([{ "from": "23:30", "to": "24:00" }]),
            1,
        ),
    ] {
        let variables = json!({ "days": days, "times": times });
        assert_eq!(total(&server, variables).await, trips, "{days} {times}");
    }
    for (id, trips) in [("1", 3), ("2", 0), ("none", 0)] {
        assert_eq!(total(&server, json!({ "id": id })).await, trips, "{id}");
    }

    // As literals.
    let query = "{ weeklyAverage(area: { polygon: { type: \"Polygon\", coordinates: [[[14, 50], \
                 [14.42, 50.0], [14.42, 50.07], [14.0, 50.07], [14, 50]]] } }, timeRanges: \
                 { from: \"08:00\", to: \"09:00\" }) { totalTrips } \
                 tripProfile(area: { bbox: { west: 14, south: 50, east: 15, north: 51 } }, \
                 fromWeek: \"2024-03-04\", toWeek: \"2024-03-10\") \
                 { cells { dayOfWeek hour trips } } }";
    let answer = server.ask(query, json!({})).await;
    assert_eq!(answer["weeklyAverage"]["totalTrips"], 1);
    let cells = answer["tripProfile"]["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 168);
    let quiet = |cell: &&Value| cell["trips"] != 0;
    let busy: Vec<_> = cells.iter().filter(quiet).collect();
    assert_eq!(
        json!(busy),
        json!([
            { "dayOfWeek": "MONDAY", "hour": 8, "trips": 1 },
            { "dayOfWeek": "FRIDAY", "hour": 23, "trips": 1 },
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn trips_are_paged_by_departure() {
    let home = Home::new();
    let server = serving(&home).await;
    let query = "query ($after: String) { trips(first: 2, after: $after) { totalCount \
                 nodes { line departedAt origin { lon } } pageInfo { hasNextPage endCursor } } }";
    let page = server.ask(query, json!({})).await;
    assert_eq!(page["trips"]["nodes"][0]["line"], 2);
    assert_eq!(
        page["trips"]["nodes"][1]["departedAt"],
        "2024-03-08T23:30:00"
    );
    assert_eq!(page["trips"]["pageInfo"]["hasNextPage"], true);
    let after = &page["trips"]["pageInfo"]["endCursor"];
    let page = server.ask(query, json!({ "after": after })).await;
    assert_eq!(page["trips"]["totalCount"], 3);
    assert_eq!(
        page["trips"]["nodes"],
        json!([{ "line": 4, "departedAt": "2024-03-16T00:30:00", "origin": { "lon": 14.45 } }])
    );
    assert_eq!(page["trips"]["pageInfo"]["hasNextPage"], false);
    let wrong = server.answer(query, json!({ "after": "MTI" })).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_areas_and_times_are_refused() {
    let home = Home::new();
    let server = home.serve();
    let message = async |query: &str, variables: Value| {
        let answer = server.answer(query, variables).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        error["message"].as_str().unwrap().to_owned()
    };
    let point = json!({ "type": "Point", "coordinates": [0, 0] });
    let open = json!({ "type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]] });
    for (variables, wrong) in [
        (
            json!({ "area": { "polygon": point } }),
            "polygon: its type is `Point`, not Polygon or MultiPolygon",
        ),
        (
            json!({ "area": { "polygon": open } }),
            "polygon: a ring is not closed: it begins at [0, 0] and ends at [0, 1]",
        ),
        (
            json!({ "area": { "cells": ["8a1fb46622d"] } }),
            "cells: `8a1fb46622d` is not the index of an H3 cell",
        ),
        (
            json!({ "days": [] }),
            "`daysOfWeek` is empty: leave it out for no restriction",
        ),
        (
            json!({ "times": [{ "from": "9:00", "to": "10:00" }] }),
            "timeRanges: `9:00` is not a time of day from 00:00 to 24:00, HH:MM",
        ),
    ] {
        assert_eq!(message(TOTAL, variables).await, wrong);
    }
    let both = "{ weeklyAverage(bbox: { west: 0, south: 0, east: 1, north: 1 }, \
                area: { cells: [] }) { totalTrips } }";
    assert_eq!(
        message(both, json!({})).await,
        "`area` and `bbox` exclude each other: give one of them"
    );
    for area in [json!({}), json!({ "cells": [], "polygon": open })] {
        message(TOTAL, json!({ "area": area })).await;
    }
}

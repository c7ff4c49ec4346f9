//! Sets of zones: averages that add up, matrices and comparisons, over HTTP and against a scan.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::{Home, Serving};
use super::support::backend::Backend;
use super::support::data::{File, REGIONS, Shape, onto_globe};
use super::support::random::Random;
use super::support::reference::Reference;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{Datelike, NaiveDate, NaiveDateTime, TimeDelta, Weekday};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tripgraph::analytics::{Answers, Comparison};
use tripgraph::model::{
    DayRange, Selection, TripEndRule, Week, WeekTimes, ZoneProperties, ZoneSet,
};

/// A trip: origin, destination, departure.
type Row = ((f64, f64), (f64, f64), NaiveDateTime);

const MONDAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();

/// Trips of 8 weeks within one city.
fn rows(random: &mut Random, count: usize) -> Vec<Row> {
    let &(_, lon, lat) = &REGIONS[0];
    let place = |random: &mut Random| {
        // A grid, so that trip ends are on borders.
        let mut step = || f64::from(u8::try_from(random.below(41)).unwrap()) - 20.0;
        onto_globe(lon + step() / 100.0, lat + step() / 200.0)
    };
    (0..count)
        .map(|_| {
            let minutes = i64::try_from(random.below(8 * 7 * 24 * 60)).unwrap();
            let time = MONDAY.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minutes);
            (place(random), place(random), time)
        })
        .collect()
}

fn csv(rows: &[Row]) -> String {
    let mut file = File::default();
    for &(origin, destination, time) in rows {
        file.push("Prague", "car", origin, destination, time);
    }
    file.csv
}

/// A zone as a rectangle: west, south, east, north.
type Rectangle = [f64; 4];

/// Rectangles that share borders and overlap, some of them outside the city.
fn rectangles(random: &mut Random, count: usize) -> Vec<Rectangle> {
    let &(_, lon, lat) = &REGIONS[0];
    (0..count)
        .map(|_| {
            let mut step = || f64::from(u8::try_from(random.below(41)).unwrap()) - 20.0;
            let (west, south) = (lon + step() / 100.0, lat + step() / 200.0);
            [west, south, west + 0.08, south + 0.03]
        })
        .collect()
}

fn collection(rectangles: &[Rectangle]) -> Value {
    let features = (1..).zip(rectangles).map(|(number, &[w, s, e, n])| {
        json!({
            "type": "Feature",
            "properties": { "code": format!("z{number}"), "name": format!("Zone {number}") },
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[w, s], [w, n], [e, n], [e, s], [w, s]]],
            },
        })
    });
    json!({ "type": "FeatureCollection", "features": features.collect::<Vec<_>>() })
}

/// The first zone that contains a point.
fn zone_of(rectangles: &[Rectangle], (lon, lat): (f64, f64)) -> Option<usize> {
    let contains = |&[w, s, e, n]: &Rectangle| w <= lon && lon <= e && s <= lat && lat <= n;
    rectangles.iter().position(contains)
}

async fn import(server: &Serving, zones: &Value, set: &str) -> Value {
    let query = "mutation ($file: Upload!, $set: String!) { importZones(file: $file, set: $set, \
                 id: \"code\") { name zones(first: 2) { totalCount nodes { id name boundary } } } }";
    let operations = json!({ "query": query, "variables": { "file": null, "set": set } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{ "0": ["variables.file"] }"#)
        .part(
            "0",
            Part::bytes(zones.to_string().into_bytes()).file_name("zones.geojson"),
        );
    let request = reqwest::Client::new()
        .post(server.url("/graphql"))
        .multipart(form);
    request.send().await.unwrap().json().await.unwrap()
}

async fn serving(home: &Home, rows: &[Row], zones: &[Rectangle]) -> Serving {
    let server = home.serve();
    let id = server.upload(&home.write("trips.csv", &csv(rows))).await;
    assert_eq!(server.ended(&id).await["rowsIngested"], rows.len());
    let imported = import(&server, &collection(zones), "districts").await;
    assert_eq!(imported["errors"], Value::Null, "{imported}");
    server
}

fn week(time: NaiveDateTime) -> i64 {
    (time.date() - MONDAY).num_days() / 7
}

#[tokio::test(flavor = "multi_thread")]
async fn averages_of_zones_are_those_of_a_scan() {
    let mut random = Random::new(80);
    let (rows, zones) = (rows(&mut random, 4_000), rectangles(&mut random, 30));
    let home = Home::new();
    let server = serving(&home, &rows, &zones).await;
    let query = "query ($end: TripEnd!, $days: [DayOfWeek!], $to: Date) { zoneSet(name: \"districts\") { \
                 weeklyAverages(tripEnd: $end, daysOfWeek: $days, toWeek: $to) { zone { id } \
                 weeklyAverage { totalTrips calendarWeeks weeks { trips } } } } }";
    for end in ["ORIGIN", "DESTINATION", "BOTH", "EITHER"] {
        for (days, to) in [
            (None, None),
            (Some(json!(["MONDAY", "SUNDAY"])), Some("2024-01-20")),
        ] {
            let mut counts = vec![[0; 8]; zones.len()];
            for &(origin, destination, time) in &rows {
                let weekday = time.weekday().num_days_from_monday();
                if days.is_some() && weekday != 0 && weekday != 6 {
                    continue;
                }
                let ends = [origin, destination].map(|end| zone_of(&zones, end));
                let counted: Vec<_> = match end {
                    "ORIGIN" => vec![ends[0]],
                    "DESTINATION" => vec![ends[1]],
                    "BOTH" if ends[0] == ends[1] => vec![ends[0]],
                    "BOTH" => vec![],
                    _ if ends[0] == ends[1] => vec![ends[0]],
                    _ => ends.into(),
                };
                for zone in counted.into_iter().flatten() {
                    counts[zone][usize::try_from(week(time)).unwrap()] += 1;
                }
            }
            let weeks = if to.is_some() { 3 } else { 8 };
            let mut expected: Vec<_> = (1..)
                .zip(&counts)
                .map(|(number, counts)| {
                    let counts: Vec<u64> = counts[..weeks].into();
                    (format!("districts/z{number}"), counts)
                })
                .collect();
            expected.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
            let variables = json!({ "end": end, "days": days, "to": to });
            let answer = server.ask(query, variables).await;
            let averages = answer["zoneSet"]["weeklyAverages"].as_array().unwrap();
            assert_eq!(averages.len(), zones.len());
            for (average, (id, counts)) in averages.iter().zip(&expected) {
                assert_eq!(average["zone"]["id"], *id, "{end}");
                let weekly = &average["weeklyAverage"];
                assert_eq!(weekly["calendarWeeks"], weeks);
                assert_eq!(weekly["totalTrips"], counts.iter().sum::<u64>());
                let trips: Vec<_> = counts
                    .iter()
                    .map(|trips| json!({ "trips": trips }))
                    .collect();
                assert_eq!(weekly["weeks"], json!(trips), "{end} {id}");
            }
        }
    }
}

/// All pairs of a matrix, page by page.
async fn pairs(server: &Serving, arguments: &str, first: usize) -> Vec<Value> {
    let query = format!(
        "query ($after: String) {{ odMatrix(zoneSet: \"districts\", first: {first}, after: $after, \
         {arguments}) {{ totalCount nodes {{ origin {{ id }} destination {{ id }} trips tripsBefore }} \
         pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let (mut pairs, mut after) = (Vec::new(), json!(null));
    loop {
        let answer = server.ask(&query, json!({ "after": after })).await;
        let page = &answer["odMatrix"];
        pairs.extend(page["nodes"].as_array().unwrap().clone());
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(page["totalCount"], pairs.len());
            return pairs;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn matrices_are_those_of_a_scan() {
    let mut random = Random::new(81);
    let (rows, zones) = (rows(&mut random, 4_000), rectangles(&mut random, 12));
    let home = Home::new();
    let server = serving(&home, &rows, &zones).await;
    let id = |zone: Option<usize>| {
        zone.map_or(
            json!(null),
            |zone| json!({ "id": format!("districts/z{}", zone + 1) }),
        )
    };
    let area = "{ west: 14.42, south: 50.0, east: 14.6, north: 50.08 }";
    let in_area =
        |(lon, lat): (f64, f64)| (14.42..=14.6).contains(&lon) && (50.0..=50.08).contains(&lat);
    for rule in ["", "ORIGIN", "DESTINATION", "BOTH", "EITHER"] {
        let mut counts: HashMap<_, u64> = HashMap::new();
        for &(origin, destination, _) in &rows {
            let (o, d) = (in_area(origin), in_area(destination));
            let selected = match rule {
                "" => true,
                "ORIGIN" => o,
                "DESTINATION" => d,
                "BOTH" => o && d,
                _ => o || d,
            };
            if selected {
                let pair = [origin, destination].map(|end| zone_of(&zones, end));
                *counts.entry(pair).or_default() += 1;
            }
        }
        let mut expected: Vec<_> = counts.into_iter().collect();
        // Outside is last.
        let place = |zone: Option<usize>| zone.unwrap_or(usize::MAX);
        expected.sort_by_key(|&([o, d], trips)| (std::cmp::Reverse(trips), place(o), place(d)));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|([o, d], trips)| json!({ "origin": id(o), "destination": id(d), "trips": trips, "tripsBefore": null }))
            .collect();
        assert!(expected.len() > 4);
        let filter = if rule.is_empty() {
            "minTrips: 1".to_owned()
        } else {
            format!("filter: {{ area: {{ bbox: {area} }}, tripEnd: {rule} }}")
        };
        assert_eq!(pairs(&server, &filter, 7).await, expected, "{rule}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_are_compared() {
    let mut random = Random::new(82);
    let (rows, zones) = (rows(&mut random, 3_000), rectangles(&mut random, 6));
    let home = Home::new();
    let server = serving(&home, &rows, &zones).await;
    // Weeks 4 to 7, and 2 to 4 before: one week is in both.
    let now = "filter: { fromWeek: \"2024-01-29\", toWeek: \"2024-02-25\" }";
    let compare = "compareTo: { fromWeek: \"2024-01-15\", toWeek: \"2024-02-04\" }";
    let mut counts: HashMap<_, [u64; 2]> = HashMap::new();
    for &(origin, destination, time) in &rows {
        let pair = [origin, destination].map(|end| zone_of(&zones, end));
        let sums = counts.entry(pair).or_default();
        sums[0] += u64::from((4..=7).contains(&week(time)));
        sums[1] += u64::from((2..=4).contains(&week(time)));
    }
    let answer = pairs(
        &server,
        &format!("{now}, {compare}, orderBy: CHANGE, minTrips: 1"),
        5,
    )
    .await;
    let count = |pair: &Value, name: &str| pair[name].as_u64().unwrap();
    let changes: Vec<_> = answer
        .iter()
        .map(|pair| count(pair, "trips").abs_diff(count(pair, "tripsBefore")))
        .collect();
    assert!(changes.is_sorted_by(|one, next| one >= next));
    let mut found: Vec<_> = answer
        .iter()
        .map(|pair| [count(pair, "trips"), count(pair, "tripsBefore")])
        .collect();
    let mut expected: Vec<_> = counts
        .into_values()
        .filter(|sums| *sums != [0; 2])
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);

    // Groups: those of either period, by themselves, give the same numbers.
    let groups = async |arguments: &str| {
        let query = format!(
            "{{ groupedTrips(resolution: 6, timeBucketMinutes: 720, first: 1000, {arguments}) \
                             {{ nodes {{ id trips tripsBefore }} }} }}"
        );
        let answer = server.ask(&query, json!({})).await;
        answer["groupedTrips"]["nodes"].as_array().unwrap().clone()
    };
    let by_id = |groups: &[Value]| -> HashMap<String, u64> {
        let groups = groups.iter();
        groups
            .map(|group| (group["id"].to_string(), group["trips"].as_u64().unwrap()))
            .collect()
    };
    let of_now = by_id(&groups(now).await);
    let of_before =
        by_id(&groups("filter: { fromWeek: \"2024-01-15\", toWeek: \"2024-02-04\" }").await);
    for order in ["TRIPS", "CHANGE"] {
        let compared = groups(&format!("{now}, {compare}, orderBy: {order}")).await;
        let mut all: Vec<_> = of_now.keys().chain(of_before.keys()).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(compared.len(), all.len());
        let mut last = u64::MAX;
        for group in &compared {
            let id = group["id"].to_string();
            let (trips, before) = (count(group, "trips"), count(group, "tripsBefore"));
            assert_eq!(trips, of_now.get(&id).copied().unwrap_or(0));
            assert_eq!(before, of_before.get(&id).copied().unwrap_or(0));
            let rank = if order == "TRIPS" {
                trips
            } else {
                trips.abs_diff(before)
            };
            assert!(rank <= last);
            last = rank;
        }
    }
    // Page by page.
    let query = format!(
        "query ($after: String) {{ groupedTrips(first: 3, after: $after, {now}, {compare}, \
                         orderBy: CHANGE) {{ nodes {{ id }} pageInfo {{ endCursor }} totalCount }} }}"
    );
    let first = server.ask(&query, json!({})).await;
    let after = &first["groupedTrips"]["pageInfo"]["endCursor"];
    let second = server.ask(&query, json!({ "after": after })).await;
    let both = query.replace("first: 3", "first: 6");
    let both = server.ask(&both, json!({})).await;
    let ids = |answer: &Value| answer["groupedTrips"]["nodes"].as_array().unwrap().clone();
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&both));
    let wrong = server
        .answer(
            "{ groupedTrips(orderBy: CHANGE) { totalCount } }",
            json!({}),
        )
        .await;
    assert_eq!(
        wrong["errors"][0]["message"],
        "`orderBy: CHANGE` needs `compareTo`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_are_imported_listed_and_removed() {
    let mut random = Random::new(83);
    let (rows, zones) = (rows(&mut random, 300), rectangles(&mut random, 3));
    let home = Home::new();
    let server = serving(&home, &rows, &zones).await;
    let sets = "{ zoneSets { name zones(first: 1) { totalCount nodes { id name boundary } pageInfo { hasNextPage } } } }";
    let answer = server.ask(sets, json!({})).await;
    let set = &answer["zoneSets"][0];
    assert_eq!(set["zones"]["totalCount"], 3);
    assert_eq!(set["zones"]["pageInfo"]["hasNextPage"], true);
    let zone = &set["zones"]["nodes"][0];
    assert_eq!(
        (&zone["id"], &zone["name"]),
        (&json!("districts/z1"), &json!("Zone 1"))
    );
    assert_eq!(
        zone["boundary"],
        collection(&zones)["features"][0]["geometry"]
    );

    // A zone is an area.
    let total = async |id: &str| {
        let query = "query ($id: ID!) { weeklyAverage(area: { zone: $id }) { totalTrips } }";
        server.answer(query, json!({ "id": id })).await
    };
    let [w, s, e, n] = zones[1];
    let bbox = json!({ "w": w, "s": s, "e": e, "n": n });
    let query = "query ($w: Float!, $s: Float!, $e: Float!, $n: Float!) { weeklyAverage(bbox: { west: $w, south: $s, east: $e, north: $n }) { totalTrips } }";
    let expected = server.ask(query, bbox).await;
    assert_eq!(total("districts/z2").await["data"], expected);
    for id in ["districts/z9", "nowhere/z1", "z1"] {
        let answer = total(id).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "NOT_FOUND",
            "{answer}"
        );
    }

    // Imported anew, a set is replaced, and so are its answers.
    import(&server, &collection(&zones[..1]), "districts").await;
    let answer = server.ask(sets, json!({})).await;
    assert_eq!(answer["zoneSets"].as_array().unwrap().len(), 1);
    assert_eq!(answer["zoneSets"][0]["zones"]["totalCount"], 1);
    let pairs = pairs(&server, "minTrips: 0", 100).await;
    assert!(pairs.len() <= 4, "{pairs:?}");
    let trips = pairs.iter().map(|pair| pair["trips"].as_u64().unwrap());
    assert_eq!(trips.sum::<u64>(), 300);
    let broken = import(
        &server,
        &json!({ "type": "FeatureCollection", "features": [] }),
        "districts",
    )
    .await;
    assert_eq!(broken["errors"][0]["message"], "the file has no features");
    assert_eq!(broken["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");

    let remove = "mutation { removeZones(set: \"districts\") }";
    assert_eq!(server.ask(remove, json!({})).await["removeZones"], true);
    assert_eq!(server.ask(remove, json!({})).await["removeZones"], false);
    assert_eq!(server.ask(sets, json!({})).await["zoneSets"], json!([]));
    let missing = server.answer("{ odMatrix(zoneSet: \"districts\") { totalCount } zoneSet(name: \"districts\") { name } }", json!({})).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

#[test]
fn zones_are_imported_from_the_command_line() {
    let home = Home::new();
    let zones = rectangles(&mut Random::new(84), 2);
    let file = home.write("zones.geojson", &collection(&zones).to_string());
    let file = file.to_str().unwrap();
    let ran = home.run(&[
        "zones",
        "import",
        file,
        "--set",
        "districts",
        "--id",
        "code",
    ]);
    assert_eq!(ran.stdout, "districts: 2 zones\n", "{ran:?}");
    assert_eq!(home.run(&["zones", "list"]).stdout, "districts: 2 zones\n");
    let ran = home.run(&["zones", "import", file, "--set", "a/b"]);
    assert!(
        !ran.succeeded() && ran.stderr.contains("the name of a zone set"),
        "{ran:?}"
    );
    assert!(home.run(&["zones", "remove", "districts"]).succeeded());
    let ran = home.run(&["zones", "remove", "districts"]);
    assert!(
        !ran.succeeded() && ran.stderr.contains("there is no zone set districts"),
        "{ran:?}"
    );
}

/// Zones of random shapes in and around the cities, some over others, some at the ends of the map.
fn shapes(random: &mut Random, count: usize) -> Value {
    let features = (0..count).map(|number| {
        let &(_, lon, lat) = random.pick(&REGIONS);
        let size = random.scale(0.005, 3.0);
        let (lon, lat) = onto_globe(random.around(lon, size), random.around(lat, size));
        let corners = 3 + random.below(9);
        let mut ring: Vec<[f64; 2]> = (0..corners)
            .map(|_| {
                let (lon, lat) = (random.around(lon, size), random.around(lat, size));
                [lon.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)]
            })
            .collect();
        ring.push(ring[0]);
        json!({ "type": "Feature", "id": number,
                "geometry": { "type": "Polygon", "coordinates": [ring] } })
    });
    json!({ "type": "FeatureCollection", "features": features.collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn matrices_of_scattered_trips_are_those_of_a_scan() {
    let mut random = Random::new(85);
    let (backend, mut reference) = (Backend::start().await, Reference::default());
    for rows in [2_500, 600, 90] {
        let file = Shape::new(rows).file(&mut random);
        reference.add(backend.ingest(&file).await.id, &file);
    }
    let answers = Answers::new(backend.store.clone(), 0);
    let mut between = 0;
    for round in 0..10 {
        let count = 1 + random.below(40);
        let zones = shapes(&mut random, count).to_string();
        let set = ZoneSet::from_geojson("set", zones.as_bytes(), &ZoneProperties::default());
        let set = Arc::new(set.unwrap());
        let mut week = || {
            let date = random.pick(&reference.trips).time.date();
            random.once_in(3).then(|| Week::of(date).unwrap())
        };
        let (from_week, to_week) = (week(), week());
        let weekend = WeekTimes::new(&[Weekday::Sat, Weekday::Sun], &[DayRange::DAY]);
        let selection = Selection {
            from_week,
            to_week,
            region: random.once_in(4).then(|| "Prague".to_owned()),
            times: random.once_in(3).then_some(weekend),
            ..Selection::default()
        };
        let zone_of = |(lon, lat): (f64, f64)| {
            let found = set
                .zones()
                .iter()
                .position(|zone| zone.boundary.contains(lon, lat));
            found.map(|zone| u32::try_from(zone).unwrap())
        };
        let mut expected: HashMap<_, u64> = HashMap::new();
        for trip in reference.select(&selection) {
            let pair = (zone_of(trip.origin), zone_of(trip.destination));
            *expected.entry(pair).or_default() += 1;
        }
        let page = answers
            .od_matrix(
                &set,
                &selection,
                Comparison::default(),
                1.into(),
                100_000,
                None,
            )
            .await
            .unwrap();
        let found: HashMap<_, _> = page
            .items
            .iter()
            .map(|pair| ((pair.origin, pair.destination), pair.trips))
            .collect();
        assert_eq!(found, expected, "round {round}: {selection:?}");
        let inside = found
            .keys()
            .filter(|(from, to)| from.is_some() && to.is_some());
        between += inside.count();

        for ends in [
            TripEndRule::Origin,
            TripEndRule::Destination,
            TripEndRule::Both,
            TripEndRule::Either,
        ] {
            let averages = answers.zone_averages(&set, ends, &selection, None, None);
            for (zone, average) in averages.await.unwrap().iter() {
                let zone = Some(*zone);
                let counted = expected.iter().filter(|((from, to), _)| match ends {
                    TripEndRule::Origin => *from == zone,
                    TripEndRule::Destination => *to == zone,
                    TripEndRule::Both => *from == zone && *to == zone,
                    TripEndRule::Either => *from == zone || *to == zone,
                });
                let trips: u64 = counted.map(|(_, trips)| trips).sum();
                assert_eq!(
                    average.total_trips(),
                    trips,
                    "round {round}: {ends:?} {zone:?}"
                );
            }
        }
    }
    assert!(between > 50, "{between}");
}

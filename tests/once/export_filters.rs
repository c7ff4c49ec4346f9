//! Exports of every kind and format, with every filter, over HTTP and from the command line: the rows
//! are those of GraphQL.
#![allow(clippy::unwrap_used, reason = "tests")]

mod graphql;
mod rows;

use crate::suite::program::{Home, Serving};
use crate::suite::support::data::{DATASOURCES, File, REGIONS, onto_globe};
use crate::suite::support::random::Random;

use chrono::{NaiveDate, TimeDelta};
use h3o::{LatLng, Resolution};
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value, json};

use self::graphql::of_graphql;
use self::rows::{Rows, csv_rows, geojson_rows, parquet_rows, sorted};

const MONDAY: NaiveDate = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
const KINDS: [&str; 5] = ["weeks", "groups", "trips", "od", "zones"];
const ENDS: [&str; 4] = ["ORIGIN", "DESTINATION", "BOTH", "EITHER"];

/// A place on a grid around the middle of the first city.
fn place(random: &mut Random) -> (f64, f64) {
    let &(_, lon, lat) = &REGIONS[0];
    let mut step = || f64::from(u8::try_from(random.below(17)).unwrap()) - 8.0;
    onto_globe(lon + step() / 100.0, lat + step() / 200.0)
}

/// Two files of trips of 6 weeks, fewer than a page.
fn files(random: &mut Random) -> [String; 2] {
    [500, 300].map(|count| {
        let mut file = File::default();
        for _ in 0..count {
            let minutes = i64::try_from(random.below(6 * 7 * 24 * 60)).unwrap();
            let time = MONDAY.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minutes);
            let (region, datasource) = (random.pick(&REGIONS[..2]).0, *random.pick(&DATASOURCES));
            file.push(region, datasource, place(random), place(random), time);
        }
        file.csv
    })
}

fn rectangle([w, s, e, n]: [f64; 4]) -> Value {
    json!([[[w, s], [e, s], [e, n], [w, n], [w, s]]])
}

fn borders(random: &mut Random) -> [f64; 4] {
    let ((a, b), (c, d)) = (place(random), place(random));
    [a.min(c), b.min(d), a.max(c) + 0.02, b.max(d) + 0.01]
}

/// A home with trips and the zone set `parts`, and its server.
async fn serving(home: &Home, random: &mut Random) -> Serving {
    let server = home.serve();
    for (number, file) in files(random).iter().enumerate() {
        let id = server
            .upload(&home.write(&format!("{number}.csv"), file))
            .await;
        assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    }
    let features: Vec<_> = (1..=9)
        .map(|number| {
            // Some of two parts, some overlapping.
            let coordinates = [rectangle(borders(random)), rectangle(borders(random))];
            let geometry = if number % 3 == 0 {
                json!({ "type": "MultiPolygon", "coordinates": coordinates })
            } else {
                json!({ "type": "Polygon", "coordinates": coordinates[0] })
            };
            json!({ "type": "Feature", "id": number, "geometry": geometry,
                    "properties": { "name": format!("Part {number}, \"new\"") } })
        })
        .collect();
    let zones = json!({ "type": "FeatureCollection", "features": features }).to_string();
    let query = "mutation ($file: Upload!) { importZones(file: $file, set: \"parts\") { name } }";
    let form = Form::new()
        .text(
            "operations",
            json!({ "query": query, "variables": { "file": null } }).to_string(),
        )
        .text("map", r#"{ "0": ["variables.file"] }"#)
        .part("0", Part::bytes(zones.into_bytes()).file_name("zones"));
    let request = reqwest::Client::new().post(server.url("/graphql"));
    let answer: Value = request
        .multipart(form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(answer["data"]["importZones"]["name"], "parts", "{answer}");
    server
}

/// An area as GraphQL has it, of one of several kinds.
fn area(random: &mut Random) -> Value {
    let [west, south, east, north] = borders(random);
    match random.below(5) {
        0 => json!({ "bbox": { "west": west, "south": south, "east": east, "north": north } }),
        1 => json!({ "bbox": { "west": west, "south": south, "east": east, "north": north,
                               "borders": "HALF_OPEN" } }),
        2 => {
            let hole = [
                west,
                south,
                f64::midpoint(west, east),
                f64::midpoint(south, north),
            ];
            let rings = [rectangle([west, south, east, north]), rectangle(hole)];
            let rings = rings.map(|rings| rings[0].clone());
            json!({ "polygon": { "type": "Polygon", "coordinates": rings } })
        }
        3 => {
            let cells: Vec<_> = (0..6)
                .map(|_| {
                    let (lon, lat) = place(random);
                    let resolution = *random.pick(&[Resolution::Six, Resolution::Eight]);
                    let cell = LatLng::new(lat, lon).unwrap().to_cell(resolution);
                    cell.to_string()
                })
                .collect();
            json!({ "cells": cells })
        }
        _ => json!({ "zone": format!("parts/{}", 1 + random.below(9)) }),
    }
}

/// The filter of a kind as GraphQL has it, with the members of the fields' arguments.
fn filter(random: &mut Random, kind: &str) -> Map<String, Value> {
    let mut filter = Map::new();
    let mut add = |name: &str, value: Value| filter.insert(name.to_owned(), value);
    if kind != "zones" && !random.once_in(5) {
        add("area", area(random));
    }
    if random.once_in(2) {
        add("tripEnd", json!(random.pick(&ENDS)));
    }
    if random.once_in(4) {
        add("region", json!(random.pick(&REGIONS[..2]).0));
    }
    if random.once_in(4) {
        add("datasource", json!(random.pick(&DATASOURCES)));
    }
    if kind != "zones" && random.once_in(4) {
        add("ingestion", json!(random.pick(&["1", "2"])));
    }
    if random.once_in(3) {
        add("fromWeek", json!("2024-01-10"));
    }
    if random.once_in(3) {
        add("toWeek", json!("2024-02-01"));
    }
    if random.once_in(2) {
        let days = [
            ["MONDAY", "FRIDAY"],
            ["SATURDAY", "SUNDAY"],
            ["TUESDAY", "TUESDAY"],
        ];
        add("daysOfWeek", json!(random.pick(&days)));
    }
    if random.once_in(2) {
        let (day, night) = (
            json!({ "from": "07:00", "to": "19:30" }),
            json!({ "from": "22:00", "to": "05:00" }),
        );
        let ranges = [json!([day]), json!([night]), json!([day, night])];
        add("timeRanges", random.pick(&ranges).clone());
    }
    filter
}

/// What belongs to a kind beside the filter.
fn others(random: &mut Random, kind: &str) -> Map<String, Value> {
    let others = match kind {
        "groups" => json!({ "resolution": *random.pick(&[6, 8]), "timeBucketMinutes": 120,
                            "minTrips": *random.pick(&[1, 2]) }),
        "od" => json!({ "zoneSet": "parts", "minTrips": *random.pick(&[1, 3]) }),
        "zones" => json!({ "zoneSet": "parts" }),
        _ => json!({}),
    };
    others.as_object().unwrap().clone()
}

/// Parameters as texts, as a URL has them.
fn texts(members: &Map<String, Value>) -> Vec<(String, String)> {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut texts = Vec::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("area", area) => {
                let (kind, value) = area.as_object().unwrap().iter().next().unwrap();
                let text = match kind.as_str() {
                    "bbox" => {
                        if let Some(borders) = value.get("borders") {
                            texts.push(("borders".to_owned(), plain(borders)));
                        }
                        ["west", "south", "east", "north"]
                            .map(|border| value[border].to_string())
                            .join(",")
                    }
                    "cells" => {
                        let cells = value.as_array().unwrap().iter();
                        cells.map(plain).collect::<Vec<_>>().join(",")
                    }
                    _ => plain(value),
                };
                texts.push((kind.clone(), text));
            }
            (_, Value::Array(items)) => {
                let item = |item: &Value| match item {
                    Value::Object(range) => {
                        format!("{}-{}", plain(&range["from"]), plain(&range["to"]))
                    }
                    other => plain(other),
                };
                let items: Vec<_> = items.iter().map(item).collect();
                texts.push((name.clone(), items.join(",")));
            }
            (_, value) => texts.push((name.clone(), plain(value))),
        }
    }
    texts
}

/// The rows without the columns that GraphQL doesn't have: the middles of zones.
fn without_middles(kind: &str, rows: Rows) -> Rows {
    let left_out = match kind {
        "od" => 0..4,
        "zones" => 2..4,
        _ => 0..0,
    };
    let rows = rows.into_iter().map(|mut row| {
        row.drain(left_out.clone());
        row
    });
    sorted(rows.collect())
}

async fn get(server: &Serving, path: &str, parameters: &[(String, String)]) -> reqwest::Response {
    let mut url = reqwest::Url::parse(&server.url(path)).unwrap();
    if !parameters.is_empty() {
        url.query_pairs_mut().extend_pairs(parameters);
    }
    let response = reqwest::get(url.clone()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{url}");
    response
}

async fn post(server: &Serving, path: &str, body: &Value) -> reqwest::Response {
    let request = reqwest::Client::new().post(server.url(path)).json(body);
    request.send().await.unwrap()
}

/// The arguments of the command that exports the same.
fn arguments(home: &Home, kind: &str, parameters: &[(String, String)]) -> Vec<String> {
    let mut arguments = vec!["export".to_owned(), kind.to_owned()];
    for (name, value) in parameters {
        let mut option = String::from("--");
        for c in name.chars() {
            if c.is_ascii_uppercase() {
                option.push('-');
            }
            option.push(c.to_ascii_lowercase());
        }
        let value = if name == "polygon" {
            home.write("area.geojson", value);
            "area.geojson".to_owned()
        } else {
            value.clone()
        };
        arguments.push(format!("{option}={value}"));
    }
    arguments
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_every_kind_and_filter_are_what_graphql_answers() {
    let home = Home::new();
    let mut random = Random::new(150);
    let server = serving(&home, &mut random).await;
    let mut found = [0; KINDS.len()];
    for round in 0..60 {
        let number = round % KINDS.len();
        let kind = KINDS[number];
        let filter = filter(&mut random, kind);
        let others = others(&mut random, kind);
        let mut body = filter.clone();
        body.extend(others.clone());
        let parameters = texts(&body);
        let case = format!("{kind}: {}", json!(body));

        let path = |ending: &str| format!("/export/{kind}.{ending}");
        let csv = get(&server, &path("csv"), &parameters)
            .await
            .text()
            .await
            .unwrap();
        let (header, rows) = csv_rows(&csv);
        let expected = sorted(of_graphql(&server, kind, &filter, &others).await);
        assert_eq!(without_middles(kind, rows.clone()), expected, "{case}");
        found[number] += rows.len();

        // As GraphQL has the area and the lists, and as a URL has them.
        let posted = post(&server, &path("csv"), &json!(body)).await;
        assert_eq!(posted.status(), StatusCode::OK, "{case}");
        assert_eq!(csv_rows(&posted.text().await.unwrap()).1, rows, "{case}");
        let as_texts: Map<_, _> = parameters
            .iter()
            .map(|(name, text)| (name.clone(), json!(text)))
            .collect();
        let posted = post(&server, &path("csv"), &json!(as_texts)).await;
        assert_eq!(csv_rows(&posted.text().await.unwrap()).1, rows, "{case}");

        let geojson = get(&server, &path("geojson"), &parameters).await;
        let features = geojson_rows(&geojson.text().await.unwrap(), &header);
        let columns: Vec<_> = (0..header.len())
            .filter(|&column| !header[column].ends_with("_coord"))
            .collect();
        let projected = rows.iter().map(|row| {
            let columns = columns.iter();
            columns.map(|&column| row[column].clone()).collect()
        });
        assert_eq!(features, sorted(projected.collect()), "{case}");

        #[cfg(feature = "parquet")]
        {
            let file = get(&server, &path("parquet"), &parameters).await;
            let read = parquet_rows(file.bytes().await.unwrap(), &header);
            assert_eq!(read, rows, "{case}");
        }

        // In a third of the rounds, since each starts the program.
        if round % 3 == 0 {
            let arguments = arguments(&home, kind, &parameters);
            for ending in ["csv", "geojson", "parquet"] {
                if ending == "parquet" && cfg!(not(feature = "parquet")) {
                    continue;
                }
                let name = format!("out.{ending}");
                let mut arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
                arguments.extend(["-o", &name]);
                let ran = home.run(&arguments);
                assert!(ran.succeeded(), "{ran:?}");
                let written = std::fs::read(home.path(&name)).unwrap();
                let read = match ending {
                    "csv" => csv_rows(str::from_utf8(&written).unwrap()).1,
                    "geojson" => geojson_rows(str::from_utf8(&written).unwrap(), &header),
                    _ => parquet_rows(written.into(), &header),
                };
                let expected = if ending == "geojson" {
                    &features
                } else {
                    &rows
                };
                assert_eq!(read, *expected, "{case}");
            }
        }
    }
    assert!(found.iter().all(|&rows| rows > 50), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn matrices_and_zones_have_shapes() {
    let home = Home::new();
    let mut random = Random::new(151);
    let server = serving(&home, &mut random).await;
    let parameters = [("zoneSet".to_owned(), "parts".to_owned())];
    let read = async |file: &str| -> Value {
        let response = get(&server, &format!("/export/{file}"), &parameters).await;
        response.json().await.unwrap()
    };
    let zones = read("zones.geojson").await;
    let query = "{ zoneSet(name: \"parts\") { zones { nodes { id boundary } } } }";
    let boundaries = server.ask(query, json!({})).await;
    let boundaries = boundaries["zoneSet"]["zones"]["nodes"]
        .as_array()
        .unwrap()
        .clone();
    for feature in zones["features"].as_array().unwrap() {
        let id = &feature["properties"]["zone_id"];
        let zone = boundaries.iter().find(|zone| zone["id"] == *id).unwrap();
        assert_eq!(feature["geometry"], zone["boundary"]);
    }
    let pairs = read("od.geojson").await;
    let mut outside = 0;
    for feature in pairs["features"].as_array().unwrap() {
        let properties = &feature["properties"];
        if properties["source_id"].is_null() || properties["target_id"].is_null() {
            assert!(feature["geometry"].is_null());
            outside += 1;
            continue;
        }
        let ends = ["source_lng", "source_lat", "target_lng", "target_lat"];
        let ends = ends.map(|name| &properties[name]);
        let line = json!([[ends[0], ends[1]], [ends[2], ends[3]]]);
        assert_eq!(feature["geometry"]["coordinates"], line);
    }
    assert!(outside > 0);

    // The zones as the locations of a flow map.
    let ran = home.run(&[
        "export",
        "od",
        "--zone-set",
        "parts",
        "--format",
        "flowmap",
        "-o",
        "map",
    ]);
    assert!(ran.succeeded(), "{ran:?}");
    let read = |name: &str| std::fs::read_to_string(home.path("map").join(name)).unwrap();
    let (header, locations) = csv_rows(&read("locations.csv"));
    assert_eq!(header, ["id", "name", "lat", "lon"]);
    let flows = csv_rows(&read("flows.csv")).1;
    let inside = pairs["features"].as_array().unwrap().len() - outside;
    assert_eq!(flows.len(), inside);
    for flow in flows {
        for end in &flow[..2] {
            assert!(locations.iter().any(|location| location[0] == *end));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_parameters_are_refused() {
    let home = Home::new();
    let server = home.serve();
    for (body, message) in [
        ("[]", "`body`: the request is not a JSON object"),
        ("{", "`body`: the request is not JSON"),
        (
            r#"{"bounds":1}"#,
            "`bounds`: is no parameter of trips, which has bbox,",
        ),
        (
            r#"{"region":true}"#,
            "`region`: is neither a text nor a number",
        ),
        (r#"{"bounds":true}"#, "`bounds`: is no parameter of trips"),
        (
            r#"{"area":{"bbox":{"west":1},"zone":"a"}}"#,
            "`area`: is not an object with one of bbox, polygon, cells and zone",
        ),
        (
            r#"{"area":{"circle":1}}"#,
            "`area`: is not an object with one of bbox",
        ),
        (
            r#"{"area":{"bbox":{"west":1,"south":1,"east":2}}}"#,
            "`bbox`: is not an object of the numbers west, south, east and north, and borders",
        ),
        (
            r#"{"area":{"bbox":{"west":1,"south":1,"east":2,"north":2,"up":1}}}"#,
            "`bbox`: is not an object of the numbers west, south, east and north, and borders",
        ),
        (
            r#"{"daysOfWeek":[true]}"#,
            "`daysOfWeek`: has an item that it cannot have",
        ),
        (
            r#"{"area":{"polygon":{"type":"Point"}}}"#,
            "`polygon`: its type is `Point`",
        ),
        (
            r#"{"bbox":[1,2,3]}"#,
            "`bbox`: \"1,2,3\" is not four numbers",
        ),
        (
            r#"{"bbox":[1,2,3,4],"area":{"bbox":{"west":1,"south":1,"east":2,"north":2}}}"#,
            "`bbox`: is given twice",
        ),
    ] {
        let request = reqwest::Client::new()
            .post(server.url("/export/trips.csv"))
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = response.json().await.unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert!(
            error["message"].as_str().unwrap().starts_with(message),
            "{body}: {answer}"
        );
    }
    // Of what a form of another site can send, nothing is read.
    let form = reqwest::Client::new()
        .post(server.url("/export/trips.csv"))
        .body("{}");
    let response = form.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // In both places, the parameters are all of them.
    let path = "/export/trips.csv?region=a";
    let response = post(&server, path, &json!({ "region": "b" })).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let response = post(&server, path, &json!({ "area": null, "toWeek": null })).await;
    assert_eq!(response.status(), StatusCode::OK);
}

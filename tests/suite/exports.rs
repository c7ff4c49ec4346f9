//! Exports, over HTTP and from the command line, against what the files and GraphQL say.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::Home;
use super::support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use flate2::read::GzDecoder;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use support::Server;
use support::data::{DATASOURCES, REGIONS, Shape};
use support::random::Random;
use support::reference::Reference;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tripgraph::geo::BoundingBox;
use tripgraph::model::{Area, Selection, TripEndRule};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource,arrived_at";

const ENDS: [(&str, TripEndRule); 4] = [
    ("ORIGIN", TripEndRule::Origin),
    ("DESTINATION", TripEndRule::Destination),
    ("BOTH", TripEndRule::Both),
    ("EITHER", TripEndRule::Either),
];

async fn get(server: &Server, path: &str) -> reqwest::Response {
    Client::new().get(server.url(path)).send().await.unwrap()
}

async fn text(server: &Server, path: &str) -> String {
    let response = get(server, path).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

async fn ask(server: &Server, query: &str) -> Value {
    let request = Client::new()
        .post(server.url("/graphql"))
        .json(&json!({ "query": query }));
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null, "{query}");
    answer["data"].take()
}

/// The rows of a CSV file in some order that is the same for the same rows.
fn rows(csv: &str) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let mut rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    rows.sort_by(|a, b| a.iter().cmp(b.iter()));
    rows
}

fn query(parameters: &[(&str, String)]) -> String {
    let mut url = reqwest::Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().extend_pairs(parameters);
    url.query().unwrap_or_default().to_owned()
}

/// A coordinate with a random number of digits, of any magnitude.
fn coordinate(random: &mut Random, limit: f64) -> f64 {
    match random.below(4) {
        0 => random.between(-limit, limit),
        1 => random.scale(1e-300, limit),
        2 => (random.between(-limit, limit) * 1e3).round() / 1e3,
        _ => random.between(-limit, limit).trunc(),
    }
}

fn time(random: &mut Random) -> NaiveDateTime {
    let start = NaiveDate::from_ymd_opt(1, 1, 2).unwrap();
    let day = start + TimeDelta::days(i64::try_from(random.below(3_600_000)).unwrap());
    let second = u32::try_from(random.below(86_400)).unwrap();
    let micros = match random.below(3) {
        0 => 0,
        1 => u32::try_from(random.below(1_000_000)).unwrap(),
        _ => 500_000,
    };
    day.and_hms_opt(0, 0, 0).unwrap()
        + TimeDelta::seconds(second.into())
        + TimeDelta::microseconds(micros.into())
}

/// Trips with awkward names, numbers and times, as the rows of an export.
fn awkward(random: &mut Random, trips: usize) -> String {
    let names = [
        "Zürich",
        "Paris, 1er",
        "say \"hi\"",
        "two\nlines",
        "=1+1",
        "a;b\tc",
    ];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER.split(',')).unwrap();
    for _ in 0..trips {
        let [from, to] = [(), ()].map(|()| {
            let (lon, lat) = (coordinate(random, 180.0), coordinate(random, 90.0));
            format!("POINT ({lon} {lat})")
        });
        let departed = time(random);
        let arrived = if random.once_in(3) {
            String::new()
        } else {
            time(random).to_string()
        };
        let (region, datasource) = (*random.pick(&names), *random.pick(&names));
        let departed = departed.to_string();
        writer
            .write_record([region, &from, &to, &departed, datasource, &arrived])
            .unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exported_trips_can_be_ingested_again() {
    for seed in 0..3 {
        let mut random = Random::new(seed);
        let trips = 1 + random.below(800);
        let csv = awkward(&mut random, trips);
        let server = Server::start().await;
        assert_eq!(server.backend.ingest(&csv).await.rows_rejected, 0);
        let exported = text(&server, "/export/trips.csv").await;
        assert_eq!(exported.lines().next(), Some(HEADER));
        assert_eq!(rows(&exported), rows(&csv));

        let again = Server::start().await;
        assert_eq!(again.backend.ingest(&exported).await.rows_rejected, 0);
        let exported_again = text(&again, "/export/trips.csv").await;
        assert_eq!(rows(&exported_again), rows(&csv));
    }
}

/// A selection as parameters of a URL, and as itself.
fn selection(
    random: &mut Random,
    reference: &Reference,
) -> (Vec<(&'static str, String)>, Selection) {
    let mut parameters = Vec::new();
    let mut selection = Selection::default();
    if !random.once_in(5) {
        let &(name, ends) = random.pick(&ENDS);
        let trip = random.pick(&reference.trips);
        let (lon, lat) = *random.pick(&[trip.origin, trip.destination]);
        let (width, height) = (random.scale(1e-3, 90.0), random.scale(1e-3, 90.0));
        let turned = |lon: f64| {
            if lon > 180.0 {
                lon - 360.0
            } else if lon < -180.0 {
                lon + 360.0
            } else {
                lon
            }
        };
        let borders = [
            turned(lon - width),
            (lat - height).max(-90.0),
            turned(lon + width),
            (lat + height).min(90.0),
        ];
        let [west, south, east, north] = borders;
        let bbox = BoundingBox::new(west, south, east, north).unwrap();
        selection.area = Some(Area {
            place: bbox.into(),
            ends,
        });
        parameters.push(("bbox", borders.map(|degrees| degrees.to_string()).join(",")));
        parameters.push(("tripEnd", name.to_owned()));
    }
    if random.once_in(3) {
        let name = random.pick(&REGIONS).0.to_owned();
        parameters.push(("region", name.clone()));
        selection.region = Some(name);
    }
    if random.once_in(3) {
        let name = (*random.pick(&DATASOURCES)).to_owned();
        parameters.push(("datasource", name.clone()));
        selection.datasource = Some(name);
    }
    (parameters, selection)
}

#[tokio::test(flavor = "multi_thread")]
async fn selections_are_exported_as_a_scan_finds_them() {
    let server = Server::start().await;
    let mut random = Random::new(77);
    let mut reference = Reference::default();
    for rows in [2_500, 40] {
        let file = Shape::new(rows).file(&mut random);
        reference.add(server.backend.ingest(&file).await.id, &file);
    }
    let (mut found, mut groups_found) = (0, 0);
    for _ in 0..80 {
        let (mut parameters, selection) = selection(&mut random, &reference);
        let groups_path = format!(
            "/export/groups.csv?resolution=6&minTrips=2&{}",
            query(&parameters)
        );
        let (mut from, mut to) = (None, None);
        if random.once_in(2) {
            let day = |random: &mut Random| random.pick(&reference.trips).time.date();
            let mut days = [day(&mut random), day(&mut random)];
            days.sort_unstable();
            (from, to) = (Some(days[0]), Some(days[1]));
            parameters.push(("fromWeek", days[0].to_string()));
            parameters.push(("toWeek", days[1].to_string()));
        }
        let (from_week, to_week) = (
            from.map(support::reference::monday),
            to.map(support::reference::monday),
        );
        let mut expected: Vec<_> = reference
            .select(&selection)
            .filter(|trip| from_week.is_none_or(|week| trip.week() >= week))
            .filter(|trip| to_week.is_none_or(|week| trip.week() <= week))
            .map(|trip| {
                // The sign of a zero is not kept.
                let point = |(lon, lat): (f64, f64)| format!("POINT ({} {})", lon + 0.0, lat + 0.0);
                csv::StringRecord::from(vec![
                    trip.region.clone(),
                    point(trip.origin),
                    point(trip.destination),
                    trip.time.to_string(),
                    trip.datasource.clone(),
                    String::new(),
                ])
            })
            .collect();
        expected.sort_by(|a, b| a.iter().cmp(b.iter()));
        let parameters = query(&parameters);
        let trips = text(&server, &format!("/export/trips.csv?{parameters}")).await;
        assert_eq!(
            rows(&trips.replace("(-0 ", "(0 ").replace(" -0)", " 0)")),
            expected,
            "{parameters}"
        );
        found += expected.len();

        let weeks = text(&server, &format!("/export/weeks.csv?{parameters}")).await;
        let average = reference.weekly_average(&selection, from, to);
        let mut lines = String::from("week,trips\n");
        for (week, trips) in &average.weeks {
            writeln!(lines, "{week},{trips}").unwrap();
        }
        assert_eq!(weeks, lines, "{parameters}");

        let groups = rows(&text(&server, &groups_path).await);
        let counts: BTreeMap<_, u64> = groups
            .iter()
            .map(|row| {
                let cell = |index: usize| u64::from_str_radix(&row[index], 16).unwrap();
                (
                    (cell(7), cell(8), row[5].to_owned()),
                    row[4].parse().unwrap(),
                )
            })
            .collect();
        assert_eq!(counts.len(), groups.len(), "a group occurs twice");
        let expected: BTreeMap<_, u64> = reference
            .groups(&selection, 6, 60, 2)
            .into_iter()
            .map(|((origin, destination, bucket), trips)| {
                (
                    (origin, destination, format!("{bucket:02}:00")),
                    trips.len() as u64,
                )
            })
            .collect();
        assert_eq!(counts, expected, "{groups_path}");
        groups_found += counts.len();
    }
    assert!(
        found > 5_000 && groups_found > 500,
        "{found}, {groups_found}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_those_of_graphql() {
    let server = Server::start().await;
    let file = Shape {
        places: 20,
        ..Shape::new(1_500)
    }
    .file(&mut Random::new(5));
    server.backend.ingest(&file).await;
    let answer = ask(
        &server,
        "{ groupedTrips(first: 1000, minTrips: 2) { totalCount nodes { trips startTime endTime \
         origin { index center { lat lon } } destination { index center { lat lon } } } } }",
    )
    .await;
    let nodes = answer["groupedTrips"]["nodes"].as_array().unwrap();
    assert_eq!(answer["groupedTrips"]["totalCount"], nodes.len());
    let center = |cell: &Value| {
        [&cell["center"]["lat"], &cell["center"]["lon"]]
            .map(|degrees| degrees.as_f64().unwrap().to_string())
    };
    let text_of = |value: &Value| value.as_str().unwrap().to_owned();
    let mut expected: Vec<_> = nodes
        .iter()
        .map(|group| {
            let (origin, destination) = (&group["origin"], &group["destination"]);
            let mut row = [center(origin), center(destination)].concat();
            row.push(group["trips"].to_string());
            row.extend(
                [
                    &group["startTime"],
                    &group["endTime"],
                    &origin["index"],
                    &destination["index"],
                ]
                .map(text_of),
            );
            csv::StringRecord::from(row)
        })
        .collect();
    expected.sort_by(|a, b| a.iter().cmp(b.iter()));
    let csv = text(&server, "/export/groups.csv?minTrips=2").await;
    assert_eq!(
        csv.lines().next(),
        Some(
            "source_lat,source_lng,target_lat,target_lng,count,start_time,end_time,source_hex_id,target_hex_id"
        )
    );
    assert!(expected.len() > 20);
    assert_eq!(rows(&csv), expected);

    // As features.
    let collection: Value =
        serde_json::from_str(&text(&server, "/export/groups.geojson?minTrips=2").await).unwrap();
    assert_eq!(collection["type"], "FeatureCollection");
    let features = collection["features"].as_array().unwrap();
    assert_eq!(features.len(), expected.len());
    for feature in features {
        let properties = &feature["properties"];
        let geometry = &feature["geometry"];
        let [lon, lat] = ["source_lng", "source_lat"].map(|name| &properties[name]);
        let first = match geometry["type"].as_str().unwrap() {
            "LineString" => &geometry["coordinates"][0],
            _ => &geometry["coordinates"][0][0],
        };
        assert_eq!((&first[0], &first[1]), (lon, lat));
    }
    let request = Client::new()
        .get(server.url("/export/groups.geojson?minTrips=2"))
        .header(ACCEPT, "application/geo+json-seq");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()[CONTENT_TYPE], "application/geo+json-seq");
    let sequence = response.text().await.unwrap();
    let mut listed: Vec<Value> = sequence
        .split('\u{1e}')
        .skip(1)
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    // The shards of a cluster answer in any order.
    let mut features = features.clone();
    for list in [&mut listed, &mut features] {
        list.sort_by_key(Value::to_string);
    }
    assert_eq!(listed, features);
}

#[tokio::test]
async fn a_compressed_export_has_its_end() {
    let server = Server::start().await;
    let plain = text(&server, "/export/weeks.csv").await;
    for encoding in ["gzip", "br"] {
        let request = Client::new()
            .get(server.url("/export/weeks.csv"))
            .header(ACCEPT_ENCODING, encoding);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()[CONTENT_ENCODING], encoding);
        // An error if the connection closes before the end of the body.
        let bytes = response.bytes().await.unwrap();
        if encoding == "gzip" {
            let mut unpacked = String::new();
            GzDecoder::new(&bytes[..])
                .read_to_string(&mut unpacked)
                .unwrap();
            assert_eq!(unpacked, plain);
        }
    }
}

/// What is asked for, and the status, the code and a part of the message of the answer.
const REFUSED: [(&str, u16, &str, &str); 27] = [
    (
        "trips.csv?bbox=1,2,3",
        400,
        "BAD_USER_INPUT",
        "`bbox`: \"1,2,3\" is not four numbers: west,south,east,north",
    ),
    (
        "trips.csv?bbox=1,2,3,x",
        400,
        "BAD_USER_INPUT",
        "`bbox`: \"1,2,3,x\" is not four numbers: west,south,east,north",
    ),
    (
        "trips.csv?bbox=1,60,3,50",
        400,
        "BAD_USER_INPUT",
        "`bbox`: south 60 is greater than north 50",
    ),
    (
        "trips.csv?tripEnd=START",
        400,
        "BAD_USER_INPUT",
        "`tripEnd`: \"START\" is none of ORIGIN, DESTINATION, BOTH and EITHER",
    ),
    (
        "trips.csv?fromWeek=2018",
        400,
        "BAD_USER_INPUT",
        "`fromWeek`: \"2018\" is not a date of the years 1–9999: YYYY-MM-DD",
    ),
    (
        "weeks.csv?fromWeek=2018-05-28&toWeek=2018-05-21",
        400,
        "BAD_USER_INPUT",
        "`fromWeek`: is after `toWeek`",
    ),
    (
        "groups.csv?resolution=10",
        400,
        "BAD_USER_INPUT",
        "`resolution`: 10 is outside 0–9",
    ),
    (
        "groups.csv?resolution=seven",
        400,
        "BAD_USER_INPUT",
        "`resolution`: \"seven\" is not a whole number",
    ),
    (
        "groups.csv?timeBucketMinutes=45",
        400,
        "BAD_USER_INPUT",
        "`timeBucketMinutes`: 45 is not a multiple of 30 that divides 24 hours (1440)",
    ),
    (
        "groups.csv?minTrips=-1",
        400,
        "BAD_USER_INPUT",
        "`minTrips`: \"-1\" is not a whole number",
    ),
    (
        "weeks.csv?resolution=7",
        400,
        "BAD_USER_INPUT",
        "`resolution`: does not apply to weeks",
    ),
    ("trips.xlsx", 404, "NOT_FOUND", "there is no such export"),
    ("matrix.csv", 404, "NOT_FOUND", "there is no such export"),
    ("trips", 404, "NOT_FOUND", "there is no such export"),
    (
        "trips.csv?bounds=1",
        400,
        "BAD_USER_INPUT",
        "`bounds`: is no parameter of trips, which has bbox, borders, polygon, cells, zone, tripEnd, \
         region, datasource, ingestion, fromWeek, toWeek, daysOfWeek, timeRanges",
    ),
    (
        "zones.csv?bounds=1",
        400,
        "BAD_USER_INPUT",
        "`bounds`: is no parameter of zones, which has tripEnd, region, datasource, ingestion, fromWeek, \
         toWeek, daysOfWeek, timeRanges, zoneSet",
    ),
    (
        "trips.csv?zoneSet=a",
        400,
        "BAD_USER_INPUT",
        "`zoneSet`: does not apply to trips",
    ),
    (
        "trips.csv?borders=half_open",
        400,
        "BAD_USER_INPUT",
        "`borders`: needs `bbox`",
    ),
    (
        "trips.csv?bbox=1,2,3,4&zone=a/b",
        400,
        "BAD_USER_INPUT",
        "`area`: more than one of `bbox`, `polygon`, `cells` and `zone` is given",
    ),
    (
        "trips.csv?polygon={}",
        400,
        "BAD_USER_INPUT",
        "`polygon`: it is not a GeoJSON object with a `type`",
    ),
    (
        "trips.csv?cells=871e35411ffffff,x",
        400,
        "BAD_USER_INPUT",
        "`cells`: `x` is not the index of an H3 cell",
    ),
    (
        "trips.csv?daysOfWeek=MONDAY,LUNDI",
        400,
        "BAD_USER_INPUT",
        "`daysOfWeek`: \"LUNDI\" is none of MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY and SUNDAY",
    ),
    (
        "trips.csv?timeRanges=07:00",
        400,
        "BAD_USER_INPUT",
        "`timeRanges`: \"07:00\" is not a range: 07:00-09:30",
    ),
    (
        "trips.csv?zone=a/b",
        404,
        "NOT_FOUND",
        "there is no zone a/b",
    ),
    (
        "od.csv?zoneSet=a",
        404,
        "NOT_FOUND",
        "there is no zone set a",
    ),
    ("od.csv", 400, "BAD_USER_INPUT", "`zoneSet`: is missing"),
    (
        "trips.csv?region=a&region=b",
        400,
        "BAD_USER_INPUT",
        "`region`: is given twice",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_is_refused_with_a_reason() {
    let server = Server::start().await;
    for (path, status, code, message) in REFUSED {
        let response = get(&server, &format!("/export/{path}")).await;
        assert_eq!(response.status(), status, "{path}");
        let answer: Value = response.json().await.unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{answer}");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{path}: {answer}"
        );
    }
    // Nothing there is an empty answer.
    assert_eq!(
        text(&server, "/export/trips.csv?region=Atlantis").await,
        format!("{HEADER}\n")
    );
    assert_eq!(text(&server, "/export/weeks.csv").await, "week,trips\n");
    let empty: Value = serde_json::from_str(&text(&server, "/export/trips.geojson").await).unwrap();
    assert_eq!(
        empty,
        json!({ "type": "FeatureCollection", "features": [] })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_need_a_token_where_questions_do() {
    let server = Server::with(&["ann:read:0123456789abcdef"]).await;
    let refused = get(&server, "/export/trips.csv").await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let answer: Value = refused.json().await.unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let request = |secret: &str| {
        let request = Client::new().get(server.url("/export/trips.csv"));
        request
            .header(AUTHORIZATION, format!("Bearer {secret}"))
            .send()
    };
    assert_eq!(
        request("wrong").await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    let answered = request("0123456789abcdef").await.unwrap();
    assert_eq!(answered.status(), StatusCode::OK);
    assert_eq!(
        answered.headers()["content-disposition"],
        "attachment; filename=\"trips.csv\""
    );
    assert_eq!(answered.headers()["cache-control"], "no-store");
    assert_eq!(answered.text().await.unwrap(), format!("{HEADER}\n"));
}

/// Exports that run, as a monitoring system reads it.
async fn running(server: &Server) -> u32 {
    let metrics = text(server, "/metrics").await;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("tripgraph_questions_running{cost=\"export\"} "));
    line.unwrap().parse().unwrap()
}

async fn until_running(server: &Server, number: u32) {
    for _ in 0..1_000 {
        if running(server).await == number {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} exports run", running(server).await);
}

/// Requests an export, and reads no more than the beginning.
async fn stalled(server: &Server, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Otherwise the system may buffer a whole export, which is then complete.
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut start = [0; 1_000];
    socket.read_exact(&mut start).await.unwrap();
    assert!(start.starts_with(b"HTTP/1.1 200 OK\r\n"));
    socket
}

/// More than the buffers between a server and a client hold.
fn large_file() -> String {
    let mut file = Shape::new(60_000).file(&mut Random::new(9));
    let rows = file.split_once('\n').unwrap().1.to_owned();
    for _ in 0..2 {
        file.push_str(&rows);
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_disconnects_ends_its_export() {
    let server = Server::start().await;
    server.backend.ingest(&large_file()).await;
    let mut clients = Vec::new();
    for path in [
        "/export/trips.csv",
        "/export/trips.geojson",
        "/export/trips.csv?bbox=-180,-90,180,90&tripEnd=EITHER",
    ] {
        clients.push(stalled(&server, path).await);
    }
    // They wait for their clients, and hold up nobody else.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(running(&server).await, 3);
    ask(
        &server,
        "{ weeklyAverage { totalTrips } groupedTrips { totalCount } }",
    )
    .await;
    drop(clients);
    until_running(&server, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_takes_too_long_is_cut_off() {
    let server = Server::set_up(&[], |settings| settings.export = Duration::from_millis(400)).await;
    server.backend.ingest(&large_file()).await;
    let mut socket = stalled(&server, "/export/trips.csv").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let mut rest = Vec::new();
    // Reset, or ended without the last chunk: in no case whole.
    let _ = socket.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    until_running(&server, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_ends_exports() {
    let server = Server::start().await;
    server.backend.ingest(&large_file()).await;
    let client = stalled(&server, "/export/trips.csv").await;
    server.shutdown.request();
    let ended = tokio::time::timeout(Duration::from_secs(20), server.task).await;
    ended.unwrap().unwrap().unwrap();
    drop(client);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_writes_the_same_files() {
    let home = Home::new();
    let file = home.generate("trips.csv", 3_000, 4);
    let ran = home.run(&["ingest", file.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let ran = home.run(&["export", "trips", "-o", "all.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let exported = std::fs::read_to_string(home.path("all.csv")).unwrap();
    let without_arrival = |csv: &str| -> Vec<_> {
        let fields =
            |row: &csv::StringRecord| row.iter().take(5).map(str::to_owned).collect::<Vec<_>>();
        rows(csv).iter().map(fields).collect()
    };
    let original = std::fs::read_to_string(&file).unwrap();
    let mut original = without_arrival(&original);
    let mut found = without_arrival(&exported);
    original.sort();
    found.sort();
    assert_eq!(found, original);

    let serving = home.serve();
    for (path, arguments) in [
        (
            "trips.csv?tripEnd=both&bbox=14.3,49.9,14.6,50.2",
            "trips --trip-end both --bbox 14.3,49.9,14.6,50.2",
        ),
        (
            "trips.geojson?region=Prague",
            "trips --region Prague --format geojson",
        ),
        (
            "groups.csv?minTrips=2&resolution=6&timeBucketMinutes=120",
            "groups --min-trips 2 --resolution 6 --time-bucket-minutes 120",
        ),
        (
            "groups.geojsonseq?minTrips=2&resolution=5",
            "groups --min-trips 2 --resolution 5 --format geojsonseq",
        ),
        (
            "weeks.csv?fromWeek=2018-05-01",
            "weeks --from-week 2018-05-01",
        ),
        ("weeks.csv?bbox=-10,40,20,60", "weeks --bbox=-10,40,20,60"),
    ] {
        let response = reqwest::get(serving.url(&format!("/export/{path}")))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let mut arguments: Vec<_> = arguments.split(' ').collect();
        arguments.insert(0, "export");
        arguments.extend(["-o", "-"]);
        let ran = home.run(&arguments);
        assert!(ran.succeeded(), "{ran:?}");
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text
                .lines()
                .map(|line| line.trim_end_matches(',').to_owned())
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(
            sorted(&ran.stdout),
            sorted(&response.text().await.unwrap()),
            "{path}"
        );
        assert!(ran.stdout.lines().count() > 3, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_appears_when_it_is_whole() {
    let home = Home::new();
    let file = home.generate("trips.csv", 500, 4);
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    let files = || {
        let entries = std::fs::read_dir(home.path("")).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let before = files();
    for (arguments, message) in [
        (
            ["export", "weeks", "-o", "x.csv", "--from-week", "soon"],
            "error: --from-week: \"soon\" is not a date",
        ),
        (
            ["export", "weeks", "-o", "x.csv", "--min-trips", "2"],
            "error: --min-trips: does not apply to weeks",
        ),
        (
            ["export", "weeks", "-o", "x.csv", "--format", "flowmap"],
            "error: --format: flowmap is for groups and od",
        ),
        (
            ["export", "weeks", "-o", "nowhere/x.csv", "--region", "x"],
            "error: cannot write nowhere/x.csv",
        ),
        (
            ["export", "weeks", "-o", "data", "--region", "x"],
            "error: data is a directory",
        ),
    ] {
        let ran = home.run(&arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(message), "{ran:?}");
        assert_eq!(files(), before);
    }
    // Replaced at once, and readable for those for whom other new files are.
    std::fs::write(home.path("weeks.csv"), "old").unwrap();
    assert!(
        home.run(&["export", "weeks", "-o", "weeks.csv"])
            .succeeded()
    );
    let written = std::fs::read_to_string(home.path("weeks.csv")).unwrap();
    assert!(written.starts_with("week,trips\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| {
            std::fs::metadata(home.path(name))
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("weeks.csv"), mode("trips.csv"));
        // What is no file stays what it is.
        assert!(
            home.run(&["export", "weeks", "-o", "/dev/null"])
                .succeeded()
        );
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }
}

#[cfg(unix)]
#[test]
fn an_export_that_is_interrupted_leaves_nothing() {
    let home = Home::new();
    let file = home.write("trips.csv", &large_file());
    let ran = home.run(&["ingest", file.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let begun = || {
        let entries = std::fs::read_dir(home.path("")).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.starts_with(".tripgraph-export-"))
    };
    let process = home.start(&["export", "trips", "-o", "all.geojson"]);
    while !begun() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (status, log) = process.interrupt();
    assert!(
        !status.success() && log.contains("interrupted: no file was written"),
        "{log}"
    );
    assert!(!begun() && !home.path("all.geojson").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn flowmap_gets_locations_and_flows() {
    let home = Home::new();
    let file = home.generate("trips.csv", 2_000, 4);
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    let ran = home.run(&[
        "export",
        "groups",
        "-o",
        "map",
        "--format",
        "flowmap",
        "--resolution",
        "6",
    ]);
    assert!(ran.succeeded(), "{ran:?}");
    let read = |name: &str| std::fs::read_to_string(home.path("map").join(name)).unwrap();
    let (locations, flows) = (read("locations.csv"), read("flows.csv"));
    assert!(locations.starts_with("id,name,lat,lon\n") && flows.starts_with("origin,dest,count\n"));
    let known: BTreeMap<_, _> = rows(&locations)
        .into_iter()
        .map(|row| (row[0].to_owned(), row))
        .collect();
    let mut trips = 0;
    for flow in rows(&flows) {
        assert!(known.contains_key(&flow[0]) && known.contains_key(&flow[1]));
        trips += flow[2].parse::<u32>().unwrap();
    }
    assert_eq!(trips, 2_000);
}

#[cfg(feature = "parquet")]
mod parquet_files {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
    use arrow_array::{Array, RecordBatch};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use tripgraph::model::LocalTime;

    use super::*;

    /// The record batches of a Parquet file, and the value of its key `geo`.
    async fn batches(server: &Server, path: &str) -> (Vec<RecordBatch>, Value) {
        let response = get(server, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "application/vnd.apache.parquet"
        );
        let bytes = response.bytes().await.unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let metadata = reader.metadata().file_metadata().key_value_metadata();
        let mut metadata = metadata.into_iter().flatten();
        let geo = metadata.find(|pair| pair.key == "geo");
        let geo = geo.map_or(Value::Null, |pair| {
            serde_json::from_str(pair.value.as_ref().unwrap()).unwrap()
        });
        (reader.build().unwrap().map(Result::unwrap).collect(), geo)
    }

    /// Longitude and latitude of a point in little-endian WKB.
    fn point(wkb: &[u8]) -> String {
        assert_eq!((wkb.len(), &wkb[..5]), (21, &[1, 1, 0, 0, 0][..]));
        let double = |at: usize| f64::from_le_bytes(wkb[at..at + 8].try_into().unwrap());
        format!("POINT ({} {})", double(5), double(13))
    }

    fn time(batch: &RecordBatch, column: &str, row: usize) -> String {
        let times = batch.column_by_name(column).unwrap();
        let times = times.as_primitive::<TimestampMicrosecondType>();
        if times.is_null(row) {
            return String::new();
        }
        LocalTime::from_micros(times.value(row))
            .unwrap()
            .to_naive()
            .to_string()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn trips_lose_nothing_in_parquet() {
        let server = Server::start().await;
        let csv = awkward(&mut Random::new(31), 700);
        server.backend.ingest(&csv).await;
        let (batches, geo) = batches(&server, "/export/trips.parquet").await;
        assert_eq!(geo["version"], "1.1.0");
        assert_eq!(geo["primary_column"], "origin_coord");
        let mut found = Vec::new();
        for batch in &batches {
            let text = |column: &str, row| {
                batch
                    .column_by_name(column)
                    .unwrap()
                    .as_string::<i32>()
                    .value(row)
                    .to_owned()
            };
            let wkb = |column: &str, row| {
                point(
                    batch
                        .column_by_name(column)
                        .unwrap()
                        .as_binary::<i32>()
                        .value(row),
                )
            };
            let degrees = |column: &str, row| {
                batch
                    .column_by_name(column)
                    .unwrap()
                    .as_primitive::<Float64Type>()
                    .value(row)
            };
            for row in 0..batch.num_rows() {
                let origin = wkb("origin_coord", row);
                assert_eq!(
                    origin,
                    format!(
                        "POINT ({} {})",
                        degrees("origin_lon", row),
                        degrees("origin_lat", row)
                    )
                );
                let destination = wkb("destination_coord", row);
                assert_eq!(
                    destination,
                    format!(
                        "POINT ({} {})",
                        degrees("destination_lon", row),
                        degrees("destination_lat", row)
                    )
                );
                found.push(csv::StringRecord::from(vec![
                    text("region", row),
                    origin,
                    destination,
                    time(batch, "datetime", row),
                    text("datasource", row),
                    time(batch, "arrived_at", row),
                ]));
            }
        }
        found.sort_by(|a, b| a.iter().cmp(b.iter()));
        assert_eq!(found, rows(&csv));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn groups_and_weeks_are_the_same_in_parquet() {
        let server = Server::start().await;
        let file = Shape::new(2_000).file(&mut Random::new(8));
        server.backend.ingest(&file).await;
        let (groups, geo) = batches(&server, "/export/groups.parquet?resolution=5").await;
        assert_eq!(geo["primary_column"], "geometry");
        let csv = rows(&text(&server, "/export/groups.csv?resolution=5").await);
        assert_eq!(
            groups.iter().map(RecordBatch::num_rows).sum::<usize>(),
            csv.len()
        );
        let count = |batch: &RecordBatch, column: &str| -> i64 {
            batch
                .column_by_name(column)
                .unwrap()
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .sum()
        };
        let trips: i64 = csv.iter().map(|row| row[4].parse::<i64>().unwrap()).sum();
        assert_eq!(
            groups
                .iter()
                .map(|batch| count(batch, "count"))
                .sum::<i64>(),
            trips
        );

        let (weeks, geo) = batches(&server, "/export/weeks.parquet").await;
        assert_eq!(geo, Value::Null);
        assert_eq!(
            weeks.iter().map(|batch| count(batch, "trips")).sum::<i64>(),
            trips
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_disconnects_ends_its_export() {
        let server = Server::start().await;
        server.backend.ingest(&large_file()).await;
        let client = stalled(&server, "/export/trips.parquet").await;
        assert_eq!(running(&server).await, 1);
        drop(client);
        until_running(&server, 0).await;
    }
}

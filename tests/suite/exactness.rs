//! Numbers are read and printed exactly, on every way in and out.
#![allow(
    clippy::unwrap_used,
    clippy::unreadable_literal,
    reason = "tests, with numbers as they stand in files"
)]

use super::program::{Home, Serving};
use super::support::random::Random;

use std::fmt::Write as _;

use futures::{SinkExt, StreamExt};
use reqwest::Client;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Points that were once read one unit off, and corners of the range.
const POINTS: [(f64, f64); 10] = [
    (4.824750281196463, 45.769260841689004),
    (-48.370871642230526, 11.309917369958569),
    (132.38218655231123, 32.49901102981332),
    (14.49737943844191, 50.00136875782316),
    (-180.0, -90.0),
    (180.0, 90.0),
    (0.1, -0.3),
    (179.99999999999997, 89.99999999999999),
    (1.0000000000000002, -1.0000000000000002),
    (0.00001, -0.000012345678901234567),
];

const TRIPS: usize = 150;

/// Trips from points with all the digits a float has.
fn points() -> Vec<(f64, f64)> {
    let mut random = Random::new(20_260_101);
    let mut points = POINTS.to_vec();
    while points.len() < TRIPS {
        let point = (random.between(-180.0, 180.0), random.between(-90.0, 90.0));
        points.push(point);
    }
    points
}

fn csv(points: &[(f64, f64)]) -> String {
    let mut csv = String::from("region,origin_coord,destination_coord,datetime,datasource\n");
    for (lon, lat) in points {
        writeln!(
            csv,
            "A,POINT ({lon} {lat}),POINT (0 0),2021-03-01 08:00:00,x"
        )
        .unwrap();
    }
    csv
}

/// The origin of each trip by its line, each number as the text that the API sent.
async fn origins(server: &Serving) -> Vec<(String, String)> {
    let query = "{ groupedTrips(first: 300, resolution: 9) { nodes { members(first: 5) { nodes { line origin { lon lat } } } } } }";
    let request = Client::new()
        .post(server.url("/graphql"))
        .json(&json!({ "query": query }));
    let text = request.send().await.unwrap().text().await.unwrap();
    let mut origins = vec![(String::new(), String::new()); TRIPS];
    // As text: a JSON parser of the test's own could undo what the server's did.
    for member in text.split(r#"{"line":"#).skip(1) {
        let (line, rest) = member.split_once(',').unwrap();
        let (_, rest) = rest.split_once(r#""lon":"#).unwrap();
        let (lon, rest) = rest.split_once(r#","lat":"#).unwrap();
        let (lat, _) = rest.split_once('}').unwrap();
        let line: usize = line.parse().unwrap();
        origins[line - 2] = (lon.to_owned(), lat.to_owned());
    }
    origins
}

fn bbox((lon, lat): &(String, String), [west, south, east, north]: [&str; 4]) -> String {
    format!("{{{west}: {lon}, {south}: {lat}, {east}: {lon}, {north}: {lat}}}")
}

const NAMES: [&str; 4] = ["west", "south", "east", "north"];
const QUOTED: [&str; 4] = [r#""west""#, r#""south""#, r#""east""#, r#""north""#];
const BY_VARIABLE: &str = "query ($b: BoundingBox) { weeklyAverage(bbox: $b) { totalTrips } }";

fn trips(text: &str) -> i64 {
    let answer: Value = serde_json::from_str(text).unwrap();
    answer["data"]["weeklyAverage"]["totalTrips"]
        .as_i64()
        .unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_box_made_of_a_trips_own_coordinates_holds_it() {
    let home = Home::new();
    let server = home.serve();
    let points = points();
    let id = server.upload(&home.write("trips.csv", &csv(&points))).await;
    assert_eq!(server.ended(&id).await["rowsIngested"], TRIPS);
    let origins = origins(&server).await;
    for ((lon, lat), printed) in points.iter().zip(&origins) {
        assert_eq!(printed.0.parse(), Ok(*lon));
        assert_eq!(printed.1.parse(), Ok(*lat));
    }

    let client = Client::new();
    let url = server.url("/graphql");
    let mut request = url.replace("http:", "ws:").into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    let init = json!({ "type": "connection_init" }).to_string();
    socket.send(Message::text(init)).await.unwrap();
    let mut missed = Vec::new();
    for origin in &origins {
        let variables = format!(r#"{{"b":{}}}"#, bbox(origin, QUOTED));
        let literal = format!(
            "{{ weeklyAverage(bbox: {}) {{ totalTrips }} }}",
            bbox(origin, NAMES)
        );
        let payload = format!(r#"{{"query":"{BY_VARIABLE}","variables":{variables}}}"#);
        let post = |body: String| {
            client
                .post(&url)
                .header("content-type", "application/json")
                .body(body)
        };
        let get = |query: &[(&str, &str)]| {
            client.get(reqwest::Url::parse_with_params(&url, query).unwrap())
        };
        for (way, request) in [
            ("variable", post(payload.clone())),
            ("literal", post(json!({ "query": literal }).to_string())),
            (
                "GET, variable",
                get(&[("query", BY_VARIABLE), ("variables", &variables)]),
            ),
            ("GET, literal", get(&[("query", &literal)])),
        ] {
            let text = request.send().await.unwrap().text().await.unwrap();
            if trips(&text) != 1 {
                missed.push((way, origin));
            }
        }
        let subscribe = format!(r#"{{"type":"subscribe","id":"1","payload":{payload}}}"#);
        socket.send(Message::text(subscribe)).await.unwrap();
        loop {
            let Message::Text(text) = socket.next().await.unwrap().unwrap() else {
                continue;
            };
            let message: Value = serde_json::from_str(&text).unwrap();
            match message["type"].as_str().unwrap() {
                "next" if trips(&message["payload"].to_string()) == 1 => {}
                "next" => missed.push(("WebSocket", origin)),
                "complete" => break,
                _ => assert_eq!(message["type"], "connection_ack"),
            }
        }
    }
    for (lon, lat) in origins.iter().take(POINTS.len()) {
        let bounds = [lon.as_str(), lat, lon, lat].join(",");
        let ran = home.run(&["report", "--json", "--bbox", &bounds]);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["weeklyAverages"][0]["totalTrips"], 1, "{bounds}");
    }
    assert_eq!(missed, []);
}

#[tokio::test]
async fn long_numbers_have_64_bits_on_every_way() {
    let home = Home::new();
    let server = home.serve();
    let by_variable = "query ($m: Long!) { groupedTrips(minTrips: $m) { totalCount } }";
    for (number, message) in [
        (
            "-9223372036854775808",
            "`minTrips` is -9223372036854775808, less than 0",
        ),
        (
            "-9007199254740993",
            "`minTrips` is -9007199254740993, less than 0",
        ),
        (
            "-9223372036854775807",
            "`minTrips` is -9223372036854775807, less than 0",
        ),
    ] {
        let variables: Value = serde_json::from_str(&format!(r#"{{"m":{number}}}"#)).unwrap();
        let literal = format!("{{ groupedTrips(minTrips: {number}) {{ totalCount }} }}");
        for answer in [
            server.answer(by_variable, variables).await,
            server.answer(&literal, json!({})).await,
        ] {
            assert_eq!(answer["errors"][0]["message"], message);
        }
    }
    for number in ["9223372036854775808", "1e400", "-9223372036854775809"] {
        let literal = format!("{{ groupedTrips(minTrips: {number}) {{ totalCount }} }}");
        let answer = server.answer(&literal, json!({})).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{number}"
        );
        let body = format!(r#"{{"query":"{by_variable}","variables":{{"m":{number}}}}}"#);
        let request = Client::new()
            .post(server.url("/graphql"))
            .header("content-type", "application/json")
            .body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{number}"
        );
    }
    for beyond in ["1e400", "-1e400"] {
        let literal = format!(
            "{{ weeklyAverage(bbox: {{west: {beyond}, south: 0, east: 0, north: 0}}) {{ average }} }}"
        );
        let answer = server.answer(&literal, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    for small in [
        "5e-324",
        "-5e-324",
        "2.2250738585072011e-308",
        "-0",
        "-0.0",
        "0.0e0",
    ] {
        let literal = format!(
            "{{ weeklyAverage(bbox: {{west: {small}, south: 0, east: 0.1e1, north: 1E-5}}) {{ totalTrips }} }}"
        );
        server.ask(&literal, json!({})).await;
    }
}

#[tokio::test]
async fn a_date_far_away_leaves_the_series_and_the_average() {
    let home = Home::new();
    let server = home.serve();
    let csv = "region,origin_coord,destination_coord,datetime,datasource
Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,bikes
Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-09 08:00:00,bikes
Lyon,POINT (4.83 45.76),POINT (4.86 45.74),9999-12-31 00:00:00,bikes
";
    let id = server.upload(&home.write("trips.csv", csv)).await;
    assert_eq!(server.ended(&id).await["rowsIngested"], 3);
    let query = "{ weeklyAverage { average calendarWeeks weeks { trips week __typename } } }";
    let answer = server.ask(query, json!({})).await;
    let average = &answer["weeklyAverage"];
    let weeks = average["weeks"].as_array().unwrap();
    assert_eq!(average["calendarWeeks"], weeks.len());
    assert_eq!(weeks.len(), 416_316);
    let last = json!({ "trips": 1, "week": "9999-12-27", "__typename": "WeekCount" });
    assert_eq!(weeks.last(), Some(&last));
    assert_eq!(weeks[1]["week"], "2021-03-08");
    let trips: i64 = weeks
        .iter()
        .map(|week| week["trips"].as_i64().unwrap())
        .sum();
    assert_eq!(trips, 3);

    let query = "{ a: weeklyAverage { weeks { week } } b: weeklyAverage { weeks { week } } }";
    let answer = server.answer(query, json!({})).await;
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "TOO_COMPLEX");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("`fromWeek`") && message.contains("`toWeek`"),
        "{message}"
    );
    assert_eq!(error["path"][1], "weeks");
    let query = r#"{ a: weeklyAverage(toWeek: "2021-12-31") { average weeks { week } }
                     b: weeklyAverage { weeks { week } } }"#;
    let answer = server.ask(query, json!({})).await;
    assert_eq!(answer["a"]["weeks"].as_array().unwrap().len(), 44);
}

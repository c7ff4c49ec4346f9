//! `extensions.cost`, over HTTP and WebSocket.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::{Home, Serving};

use reqwest::Client;
use serde_json::{Value, json};

const ALL: &str = "{ weeklyAverage { totalTrips } }";
const BOX: &str = "{ weeklyAverage(bbox: { west: 14.3, south: 49.9, east: 14.6, north: 50.2 }, \
                   timeRanges: [{ from: \"07:00\", to: \"09:00\" }]) { totalTrips } }";

async fn answer(server: &Serving, query: &str, extensions: Value) -> Value {
    let body = json!({ "query": query, "extensions": extensions });
    let request = Client::new().post(server.url("/graphql")).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["errors"], Value::Null, "{answer}");
    answer
}

/// The bytes of a question, and whether it was admitted as a costly one.
async fn cost(server: &Serving, query: &str) -> (u64, bool) {
    let answer = answer(server, query, json!({ "cost": true })).await;
    let cost = &answer["extensions"]["cost"];
    (
        cost["bytes"].as_u64().unwrap(),
        cost["costly"].as_bool().unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_told_what_they_cost() {
    let home = Home::new();
    let file = home.generate("trips.csv", 60_000, 8);
    let ran = home.run(&["ingest", file.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let server = home.serve();

    // Only those that ask.
    for extensions in [json!(null), json!({}), json!({ "cost": false })] {
        let answer = answer(&server, ALL, extensions).await;
        assert_eq!(answer["extensions"], Value::Null, "{answer}");
    }
    // From histograms; from patches, which is costly; and from the cache.
    let (cheap, costly) = cost(
        &server,
        "{ weeklyAverage(region: \"Prague\") { totalTrips } }",
    )
    .await;
    assert!(cheap > 0 && !costly, "{cheap}");
    let (dear, costly) = cost(&server, BOX).await;
    assert!(dear > 4 * cheap && costly, "{dear}");
    let (again, costly) = cost(&server, BOX).await;
    assert!(again < dear / 4 && !costly, "{again}");
    // Fields add up.
    let both = "{ a: weeklyAverage(tripEnd: DESTINATION, timeRanges: [{ from: \"01:00\", to: \"02:00\" }]) \
                { average } b: trips(filter: { region: \"Turin\" }, first: 1) { totalCount } }";
    let (sum, costly) = cost(&server, both).await;
    let (one, _) = cost(
        &server,
        "{ trips(filter: { region: \"Turin\" }, first: 1) { totalCount } }",
    )
    .await;
    assert!(sum > one && costly, "{sum}, {one}");
    // What reads nothing costs nothing.
    assert_eq!(cost(&server, "{ __typename }").await, (0, false));

    // In a URL.
    let mut url = reqwest::Url::parse(&server.url("/graphql")).unwrap();
    url.query_pairs_mut()
        .extend_pairs([("query", ALL), ("extensions", r#"{"cost":true}"#)]);
    let answer: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert!(answer["extensions"]["cost"]["bytes"].is_u64(), "{answer}");
}

/// Trips all over the world are in thousands of places, but not in as many statements.
#[tokio::test(flavor = "multi_thread")]
async fn questions_take_few_statements() {
    let home = Home::new();
    let ran = home.run(&[
        "generate",
        "--rows",
        "60000",
        "--shape",
        "world",
        "--output",
        "trips.csv",
    ]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    let server = home.serve();
    let bbox = "bbox: { west: -170, south: -60, east: 170, north: 70 }";
    let hours = "timeRanges: [{ from: \"07:00\", to: \"09:00\" }]";
    for (question, most) in [
        ("groupedTrips { totalCount }".to_owned(), 40),
        ("groupedTrips(resolution: 9) { totalCount }".to_owned(), 80),
        (
            format!("groupedTrips(filter: {{ {bbox} }}) {{ totalCount }}"),
            80,
        ),
        (
            format!("groupedTrips(filter: {{ {bbox}, tripEnd: EITHER }}) {{ totalCount }}"),
            160,
        ),
        (format!("weeklyAverage({bbox}) {{ average }}"), 40),
        (format!("weeklyAverage({bbox}, {hours}) {{ average }}"), 40),
        (format!("trips(filter: {{ {bbox} }}) {{ totalCount }}"), 40),
        ("tripProfile { cells { trips } }".to_owned(), 40),
        ("regions { name }".to_owned(), 4),
    ] {
        let query = format!("{{ {question} }}");
        let answer = answer(&server, &query, json!({ "cost": true })).await;
        let statements = answer["extensions"]["cost"]["statements"].as_u64();
        assert!(
            (1..=most).contains(&statements.unwrap()),
            "{question}: {answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn matrices_read_no_more_than_they_need() {
    let home = Home::new();
    let file = home.generate("trips.csv", 60_000, 9);
    let ran = home.run(&["ingest", file.to_str().unwrap()]);
    assert!(ran.succeeded(), "{ran:?}");
    let zones = json!({ "type": "FeatureCollection", "features": [{ "type": "Feature",
        "geometry": { "type": "Polygon", "coordinates": [[[14.0, 49.5], [15.0, 49.5], [15.0, 50.5],
        [14.0, 50.5], [14.0, 49.5]]] } }] });
    let zones = home.write("zones.geojson", &zones.to_string());
    let ran = home.run(&["zones", "import", zones.to_str().unwrap(), "--set", "parts"]);
    assert!(ran.succeeded(), "{ran:?}");
    let server = home.serve();
    let matrix = |bbox: &str, end: &str| {
        format!(
            "{{ odMatrix(zoneSet: \"parts\", filter: {{ {bbox} tripEnd: {end} }}) {{ totalCount \
             nodes {{ trips origin {{ id }} destination {{ id }} }} }} }}"
        )
    };
    // The area of all trips, and no area.
    let world = matrix(
        "bbox: { west: -180, south: -90, east: 180, north: 90 },",
        "ORIGIN",
    );
    let all = matrix("", "ORIGIN");
    let of_world = answer(&server, &world, json!({ "cost": true })).await;
    let of_all = answer(&server, &all, json!({ "cost": true })).await;
    assert_eq!(of_all["data"], of_world["data"]);
    let bytes = |answer: &Value| answer["extensions"]["cost"]["bytes"].as_u64().unwrap();
    let (scan, cells) = (bytes(&of_world), bytes(&of_all));
    assert!(cells < scan * 2 / 3, "{cells} of {scan}");

    let small = "bbox: { west: 14.42, south: 50.08, east: 14.425, north: 50.083 },";
    for end in ["DESTINATION", "EITHER"] {
        let (some, _) = cost(&server, &matrix(small, end)).await;
        assert!(some < scan / 2, "{end}: {some} of {scan}");
    }
}

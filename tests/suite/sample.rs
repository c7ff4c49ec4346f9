//! Known answers over the API of the real server: of a few trips written by hand, and of
//! `examples/trips.csv`, counted by a plain reading of the file.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program;

use std::path::{Path, PathBuf};

use program::{Home, Serving};
use serde_json::{Value, json};

/// Two alike in Prague (a week with none between them), one the other way, and one in Turin.
const BY_HAND: &str = "region,origin_coord,destination_coord,datetime,datasource
Prague,POINT (14.4101 50.0101),POINT (14.4901 50.0901),2018-05-07 08:10:00,cheap_mobile
Prague,POINT (14.4102 50.0102),POINT (14.4902 50.0902),2018-05-21 08:50:00,funny_car
Prague,POINT (14.4901 50.0901),POINT (14.6101 50.2101),2018-05-22 08:50:00.25,funny_car
Turin,POINT (7.6728 44.9957),POINT (7.7203 45.0678),2018-05-27 23:59:59,baba_car
";
const BOX: &str = "{ west: 14.3, south: 50.0, east: 14.5, north: 50.1 }";

async fn serving(home: &Home, file: &Path) -> Serving {
    let server = home.serve();
    let id = server.upload(file).await;
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsRejected"], 0);
    server
}

async fn ask(server: &Serving, query: &str) -> Value {
    server.ask(query, json!({})).await
}

/// Trips, calendar weeks and active weeks of a box by one kind of trip end.
async fn in_box(server: &Serving, end: &str) -> [u64; 3] {
    let query = format!(
        "{{ weeklyAverage(bbox: {BOX}, tripEnd: {end}, fromWeek: \"2018-05-01\", toWeek: \"2018-05-31\") \
         {{ totalTrips calendarWeeks activeWeeks weeks {{ trips }} }} }}"
    );
    let answer = ask(server, &query).await;
    let answer = &answer["weeklyAverage"];
    let weeks = answer["weeks"].as_array().unwrap();
    let sum: u64 = weeks
        .iter()
        .map(|week| week["trips"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, answer["totalTrips"]);
    ["totalTrips", "calendarWeeks", "activeWeeks"].map(|name| answer[name].as_u64().unwrap())
}

/// Every trip is a member of exactly one group, and each group has the members it says.
async fn groups_hold_every_trip(server: &Serving, resolution: u8, minutes: u16) -> u64 {
    let query = format!(
        "{{ groupedTrips(resolution: {resolution}, timeBucketMinutes: {minutes}, first: 100) {{ totalCount nodes {{ trips \
         members(first: 100) {{ totalCount nodes {{ line }} }} }} }} }}"
    );
    let answer = ask(server, &query).await;
    let groups = &answer["groupedTrips"];
    let nodes = groups["nodes"].as_array().unwrap();
    assert_eq!(groups["totalCount"], nodes.len());
    let mut lines = Vec::new();
    for group in nodes {
        let members = group["members"]["nodes"].as_array().unwrap();
        assert_eq!(group["trips"], members.len());
        assert_eq!(group["trips"], group["members"]["totalCount"]);
        lines.extend(members.iter().map(|trip| trip["line"].as_u64().unwrap()));
    }
    lines.sort_unstable();
    let count = lines.len() as u64;
    assert_eq!(lines, (2..count + 2).collect::<Vec<_>>());
    count
}

#[tokio::test]
async fn trips_made_by_hand() {
    let home = Home::new();
    let server = serving(&home, &home.write("by-hand.csv", BY_HAND)).await;
    let answer = ask(
        &server,
        "{ weeklyAverage(region: \"Prague\") { average averageOfActiveWeeks totalTrips calendarWeeks activeWeeks firstWeek lastWeek
             weeks { week trips } } }",
    )
    .await;
    assert_eq!(
        answer["weeklyAverage"],
        json!({
            "average": 1.0, "averageOfActiveWeeks": 1.5, "totalTrips": 3, "calendarWeeks": 3, "activeWeeks": 2,
            "firstWeek": "2018-05-07", "lastWeek": "2018-05-21",
            "weeks": [
                { "week": "2018-05-07", "trips": 1 },
                { "week": "2018-05-14", "trips": 0 },
                { "week": "2018-05-21", "trips": 2 },
            ],
        })
    );
    assert_eq!(in_box(&server, "ORIGIN").await, [3, 5, 2]);
    assert_eq!(in_box(&server, "DESTINATION").await, [2, 5, 2]);
    assert_eq!(in_box(&server, "BOTH").await, [2, 5, 2]);
    assert_eq!(in_box(&server, "EITHER").await, [3, 5, 2]);

    let answer = ask(
        &server,
        "{ regions { name trips latestDatasource { name lastDepartedAt } } datasource(name: \"cheap_mobile\") { regions { name trips } } }",
    )
    .await;
    assert_eq!(
        answer,
        json!({
            "regions": [
                { "name": "Prague", "trips": 3, "latestDatasource": { "name": "funny_car", "lastDepartedAt": "2018-05-22T08:50:00.250" } },
                { "name": "Turin", "trips": 1, "latestDatasource": { "name": "baba_car", "lastDepartedAt": "2018-05-27T23:59:59" } },
            ],
            "datasource": { "regions": [{ "name": "Prague", "trips": 1 }] },
        })
    );

    let answer = ask(
        &server,
        "{ groupedTrips(minTrips: 2) { totalCount nodes { trips startTime endTime
             members { nodes { line datasource departedAt origin { lon lat } destination { lon lat } ingestion { source } } } } } }",
    )
    .await;
    let trip =
        |line: u64, datasource: &str, time: &str, origin: [f64; 2], destination: [f64; 2]| {
            json!({
                "line": line, "datasource": datasource, "departedAt": time,
                "origin": { "lon": origin[0], "lat": origin[1] },
                "destination": { "lon": destination[0], "lat": destination[1] },
                "ingestion": { "source": "by-hand.csv" },
            })
        };
    assert_eq!(
        answer["groupedTrips"],
        json!({ "totalCount": 1, "nodes": [{
            "trips": 2, "startTime": "08:00", "endTime": "09:00",
            "members": { "nodes": [
                trip(2, "cheap_mobile", "2018-05-07T08:10:00", [14.4101, 50.0101], [14.4901, 50.0901]),
                trip(3, "funny_car", "2018-05-21T08:50:00", [14.4102, 50.0102], [14.4902, 50.0902]),
            ] },
        }] })
    );
    assert_eq!(groups_hold_every_trip(&server, 7, 60).await, 4);
    assert_eq!(groups_hold_every_trip(&server, 9, 30).await, 4);
}

/// The file of the tutorial: 2,000 generated trips in Prague, Turin and Hamburg.
fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/trips.csv")
}

#[tokio::test]
async fn the_example() {
    let home = Home::new();
    let server = serving(&home, &example()).await;
    let answer = ask(
        &server,
        "{ ingestions { totalCount nodes { source rowsRead rowsIngested rowsRejected percent } } }",
    )
    .await;
    assert_eq!(
        answer["ingestions"],
        json!({ "totalCount": 1, "nodes": [
            { "source": "trips.csv", "rowsRead": 2000, "rowsIngested": 2000, "rowsRejected": 0, "percent": 100.0 },
        ] })
    );

    for (region, trips) in [("Prague", 722), ("Turin", 717), ("Hamburg", 561)] {
        let query = format!(
            "{{ weeklyAverage(region: \"{region}\") {{ average totalTrips calendarWeeks activeWeeks firstWeek lastWeek }} }}"
        );
        let answer = ask(&server, &query).await;
        assert_eq!(
            answer["weeklyAverage"],
            json!({
                "average": f64::from(trips) / 104.0, "totalTrips": trips, "calendarWeeks": 104, "activeWeeks": 104,
                "firstWeek": "2017-01-02", "lastWeek": "2018-12-24",
            })
        );
    }
    assert_eq!(in_box(&server, "ORIGIN").await, [14, 5, 4]);
    assert_eq!(in_box(&server, "DESTINATION").await, [15, 5, 5]);
    assert_eq!(in_box(&server, "BOTH").await, [7, 5, 4]);
    assert_eq!(in_box(&server, "EITHER").await, [22, 5, 5]);

    let answer = ask(
        &server,
        "{ regions { name trips latestDatasource { name } } datasource(name: \"cheap_mobile\") { trips regions { name trips } } }",
    )
    .await;
    assert_eq!(
        answer,
        json!({
            "regions": [
                { "name": "Prague", "trips": 722, "latestDatasource": { "name": "cheap_mobile" } },
                { "name": "Turin", "trips": 717, "latestDatasource": { "name": "pt_search_app" } },
                { "name": "Hamburg", "trips": 561, "latestDatasource": { "name": "baba_car" } },
            ],
            "datasource": { "trips": 694, "regions": [
                { "name": "Turin", "trips": 254 },
                { "name": "Prague", "trips": 249 },
                { "name": "Hamburg", "trips": 191 },
            ] },
        })
    );
}

#[tokio::test]
async fn groups_of_a_hundred_trips() {
    let home = Home::new();
    let text = std::fs::read_to_string(example()).unwrap();
    let hundred: Vec<_> = text.lines().take(1 + 100).collect();
    let file = home.write("hundred.csv", &hundred.join("\n"));
    let server = serving(&home, &file).await;
    // From street corners to the whole world, from half an hour to a day.
    for (resolution, minutes) in [(9, 30), (7, 60), (4, 240), (0, 1440)] {
        assert_eq!(
            groups_hold_every_trip(&server, resolution, minutes).await,
            100
        );
    }
}

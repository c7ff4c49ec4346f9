//! Files as programs and people write them: each row of them is a trip, rejected, or no row at all,
//! and never another trip.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;

use program::{Home, Serving};
use serde_json::{Value, json};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource";
const POINTS: &str = "POINT (4.83 45.76),POINT (4.86 45.74)";

/// A row of a day in March 2021.
fn row(region: &str, day: u32, datasource: &str) -> String {
    format!("{region},{POINTS},2021-03-{day:02} 08:00:00,{datasource}")
}

fn file(rows: &[String]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

/// Uploads a file of that name; its ingestion when it has ended, with its rejected rows.
async fn ingested(home: &Home, server: &Serving, name: &str, text: &str) -> Value {
    let id = server.upload(&home.write(name, text)).await;
    server.ended(&id).await;
    let query = "query ($id: ID!) { ingestion(id: $id) { state rowsRead rowsIngested rowsRejected \
                 error { code message } rejectedRows { nodes { line column reason } } } }";
    server.ask(query, json!({ "id": id })).await["ingestion"].take()
}

/// Lines of the rejected rows.
fn rejected(ingestion: &Value) -> Vec<u64> {
    let nodes = ingestion["rejectedRows"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|row| row["line"].as_u64().unwrap())
        .collect()
}

/// Names of all regions or datasources, in their order.
async fn names(server: &Serving, kind: &str) -> Vec<String> {
    let answer = server
        .ask(&format!("{{ {kind} {{ name }} }}"), json!({}))
        .await;
    let mut names: Vec<_> = answer[kind]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Asserts how many rows become trips, and which lines are rejected.
async fn assert_read(
    home: &Home,
    server: &Serving,
    text: &str,
    trips: u64,
    lines: &[u64],
) -> Value {
    let before = server.trips().await;
    let ingestion = ingested(home, server, "trips.csv", text).await;
    assert_eq!(ingestion["state"], "SUCCEEDED", "{ingestion}\n{text}");
    assert_eq!(ingestion["rowsIngested"], trips, "{ingestion}\n{text}");
    assert_eq!(
        ingestion["rowsRejected"],
        lines.len(),
        "{ingestion}\n{text}"
    );
    assert_eq!(ingestion["rowsRead"], trips + lines.len() as u64);
    assert_eq!(rejected(&ingestion), lines, "{text}");
    let after = server.trips().await;
    assert_eq!(u64::try_from(after - before).unwrap(), trips);
    ingestion
}

#[tokio::test]
async fn rows_of_another_shape_are_rejected() {
    let home = Home::new();
    let server = home.serve();
    let address = HEADER.replace("datasource", "address,datasource");
    let text = [
        address,
        row("Lyon", 1, "1 Main St,bikes"),
        row("Lyon", 2, "2 Main St, Lyon,bikes"),
        row("Lyon", 3, "3 Main St, 69001, Lyon,bikes"),
        row("Lyon", 4, "bikes"),
    ];
    let ingestion = assert_read(&home, &server, &text.join("\n"), 1, &[3, 4, 5]).await;
    let first = &ingestion["rejectedRows"]["nodes"][0];
    assert_eq!(first["column"], Value::Null);
    let reason = first["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("the row has 7 fields, the header has 6"),
        "{reason}"
    );

    let text = file(&[row("Lyon", 1, "bikes"), row("Washington, D.C.", 1, "bikes")]);
    assert_read(&home, &server, &text, 1, &[3]).await;
    let text = file(&[row("Lyon", 1, "bikes,"), row("Lyon", 2, "bikes,,")]);
    assert_read(&home, &server, &text, 2, &[]).await;
    assert_eq!(names(&server, "regions").await, ["Lyon"]);
    assert_eq!(names(&server, "datasources").await, ["bikes"]);
}

#[tokio::test]
async fn stray_quotes_neither_join_nor_swallow_rows() {
    let home = Home::new();
    let server = home.serve();
    let (open, good) = ("\"fleet 20", "bikes");
    let rows = |datasources: &[&str]| {
        let rows: Vec<_> = (1..)
            .zip(datasources)
            .map(|(day, name)| row("Lyon", day, name))
            .collect();
        file(&rows)
    };
    let two = rows(&[open, good, good, "\"fleet 22", good]);
    assert_read(&home, &server, &two, 3, &[2, 5]).await;
    let one = rows(&[open, good, good, good]);
    assert_read(&home, &server, &one, 3, &[2]).await;
    let escaped = rows(&[
        "\"Ann\\\"s cab, north\"",
        "\"Ann\\\"s cab, south\"",
        "\"\\\"Ann\\\"\"",
        good,
    ]);
    let ingestion = assert_read(&home, &server, &escaped, 1, &[2, 3, 4]).await;
    for row in ingestion["rejectedRows"]["nodes"].as_array().unwrap() {
        let reason = row["reason"].as_str().unwrap();
        assert!(reason.contains("text follows a closing quote"), "{reason}");
    }
    assert_eq!(names(&server, "datasources").await, ["bikes"]);

    let legal = rows(&[
        " \"bikes, blue\"",
        "\t\"bikes\" ",
        "\"line\nbreak\"",
        "\"a \"\"b\"\"\"",
    ]);
    assert_read(&home, &server, &legal, 4, &[]).await;
    assert_eq!(
        names(&server, "datasources").await,
        ["a \"b\"", "bikes", "bikes, blue", "line\nbreak"]
    );
}

#[tokio::test]
async fn line_ends_and_first_lines_in_many_hands() {
    let home = Home::new();
    let server = home.serve();
    let rows = [
        row("Lyon", 1, "bikes"),
        row("Lyon", 2, "bikes"),
        row("Lyon", 3, "bikes"),
    ];
    let text = file(&rows);
    assert_read(&home, &server, &text.replace('\n', "\r"), 3, &[]).await;
    let mixed = format!("{HEADER}\r\n{}\n{}\r\n{}", rows[0], rows[1], rows[2]);
    assert_read(&home, &server, &mixed, 3, &[]).await;
    let joined = format!(
        "{HEADER}\n{}\n{}\r{}\n{}",
        rows[0], rows[1], rows[2], rows[0]
    );
    assert_read(&home, &server, &joined, 2, &[3]).await;

    let blanks = format!("{text},,,,\n,,,,\n\"\",\n").replace('\n', "\r\n");
    assert_read(&home, &server, &blanks, 3, &[]).await;
    let declared = format!("sep=;\n{}", text.replace(',', ";"));
    assert_read(&home, &server, &declared, 3, &[]).await;
    let declared = declared.replace('\n', "\r\n");
    assert_read(&home, &server, &declared, 3, &[]).await;

    let spaced = text.replace('\n', "\"\n\"").replace(',', "\", \"");
    let spaced = format!("\"{}", spaced.strip_suffix('"').unwrap());
    assert_read(&home, &server, &spaced, 3, &[]).await;
    let marks = format!("\u{feff}\u{feff}{text}\u{feff}{}", rows[0]);
    assert_read(&home, &server, &marks, 4, &[]).await;
    assert_eq!(names(&server, "regions").await, ["Lyon"]);

    let joined = format!("{text}\u{feff}{text}");
    let ingestion = assert_read(&home, &server, &joined, 6, &[5]).await;
    let reason = &ingestion["rejectedRows"]["nodes"][0]["reason"];
    assert_eq!(reason, "the row is a header, not a trip");
}

#[tokio::test]
async fn names_are_the_same_however_they_are_spelled() {
    let home = Home::new();
    let server = home.serve();
    let spellings = [
        "Zürich",
        "Zu\u{308}rich",
        "\u{feff}Zürich",
        "\u{a0}Zu\u{308}rich\u{200b}",
    ];
    let rows = spellings.map(|name| row(name, 1, &format!("mobil {name}")));
    assert_read(&home, &server, &file(&rows), 4, &[]).await;
    assert_eq!(names(&server, "regions").await, ["Zürich"]);
    let datasources = names(&server, "datasources").await;
    assert_eq!(
        datasources,
        ["mobil Zürich", "mobil \u{a0}Zürich", "mobil \u{feff}Zürich"],
        "inside a name nothing is dropped"
    );

    let query = "query ($region: String!, $datasource: String!) {
        region(name: $region) { name trips }
        datasource(name: $datasource) { name trips }
        weeklyAverage(region: $region, datasource: $datasource) { totalTrips }
        groupedTrips(filter: { region: $region, datasource: $datasource }) { nodes { trips } }
    }";
    for name in spellings {
        for datasource in [" mobil Zürich\u{feff}", "mobil Zu\u{308}rich"] {
            let variables = json!({ "region": name, "datasource": datasource });
            let answer = server.ask(query, variables).await;
            assert_eq!(answer["region"], json!({ "name": "Zürich", "trips": 4 }));
            assert_eq!(
                answer["datasource"],
                json!({ "name": "mobil Zürich", "trips": 2 })
            );
            assert_eq!(answer["weeklyAverage"]["totalTrips"], 2);
            assert_eq!(answer["groupedTrips"]["nodes"][0]["trips"], 2);
        }
    }
}

#[tokio::test]
async fn times_without_seconds_and_with_the_name_of_utc_are_read() {
    let home = Home::new();
    let server = home.serve();
    let times = [
        "2021-03-01T08:00Z",
        "2021-03-01T08:00",
        "2021-03-01 08:00",
        "2021-03-01 08:00:00 UTC",
        "2021-03-01 08:00:00.123456 UTC",
    ];
    let rows = times.map(|time| format!("Lyon,{POINTS},{time},bikes"));
    assert_read(&home, &server, &file(&rows), 5, &[]).await;
    let answer = server
        .ask(
            "{ region(name: \"Lyon\") { firstDepartedAt lastDepartedAt } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["region"],
        json!({ "firstDepartedAt": "2021-03-01T08:00:00", "lastDepartedAt": "2021-03-01T08:00:00.123456" })
    );
}

/// Whether there is nothing in it that a terminal acts on or does not show.
fn is_printable(text: &str) -> bool {
    let hidden =
        |c: char| c.is_control() && c != '\n' || "\u{feff}\u{200b}\u{a0}\u{202e}".contains(c);
    !text.contains(hidden)
}

#[cfg(unix)]
#[test]
fn control_characters_of_files_and_their_names_reach_no_terminal() {
    let home = Home::new();
    let regions = [
        "Ly\u{1b}[31mon\u{1b}[0m",
        "\u{1b}[2JParis",
        "\"Nice\nCity\"",
        "\"Lille\rPARIS\"",
        "Metz\u{7}",
        "a\u{202e}.neuoR",
        "b\u{9b}2J\u{7f}c\u{a0}d\u{200b}e",
    ];
    let mut rows: Vec<_> = regions.iter().map(|name| row(name, 1, "a\tb")).collect();
    rows.push(
        row("Lyon", 1, "bikes").replace("POINT (4.83", "\u{feff}POIN\u{200b}T\u{1b}[2J (4.83"),
    );
    let name = "tri\u{1b}[2Jps\n\r\u{9b}.csv";
    home.write(name, &file(&rows));
    let ran = home.run(&["ingest", name, "--log", "info"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        is_printable(&ran.stdout) && is_printable(&ran.stderr),
        "{ran:?}"
    );
    assert!(
        ran.stdout
            .starts_with("tri<U+001B>[2Jps<U+000A><U+000D><U+009B>.csv: 7 trips"),
        "{ran:?}"
    );
    assert!(
        ran.stdout.contains("found POIN<U+200B>T<U+001B>[2J"),
        "{ran:?}"
    );

    let ran = home.run(&["ingest", name]);
    assert!(
        is_printable(&ran.stdout) && is_printable(&ran.stderr),
        "{ran:?}"
    );
    let missing = home.run(&["ingest", "no\u{1b}[2J\u{200b}.csv"]);
    assert!(is_printable(&missing.stderr), "{missing:?}");
    assert!(
        missing.stderr.contains("no<U+001B>[2J<U+200B>.csv"),
        "{missing:?}"
    );

    let report = home.run(&["report"]);
    assert!(is_printable(&report.stdout), "{report:?}");
    for shown in [
        "Ly<U+001B>[31mon<U+001B>[0m",
        "Nice<U+000A>City",
        "Metz<U+0007>",
        "a<U+202E>.neuoR",
        "a<U+0009>b",
    ] {
        assert!(report.stdout.contains(shown), "{shown}: {report:?}");
    }
    let report = home.run(&["report", "--json"]);
    assert!(is_printable(&report.stdout), "{report:?}");
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let names: Vec<_> = report["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| &region["name"])
        .collect();
    assert!(
        names.contains(&&json!("b\u{9b}2J\u{7f}c\u{a0}d\u{200b}e")),
        "{names:?}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn an_odd_file_goes_on_at_the_same_record() {
    let home = Home::new();
    // Rows on one line and on two, a blank one, and two that are rejected.
    let rows = [
        row("Lyon", 1, "bikes"),
        row("\"Ly\non\"", 2, "bikes"),
        ",,,,".to_owned(),
        row("Lyon", 3, "\"fleet 20"),
        row("Lyon", 4, "\"fleet\" 22"),
        row("Lyon", 5, "bikes"),
    ];
    let times: u64 = 60_000;
    let rows = format!("{}\n", rows.join("\n")).repeat(usize::try_from(times).unwrap());
    let text =
        format!("sep=;\n{}", format!("{HEADER}\n{rows}").replace(',', ";")).replace('\n', "\r");
    let server = home.serve();
    let id = server.upload(&home.write("trips.csv", &text)).await;
    home.until("SELECT EXISTS (SELECT 1 FROM trip_patch)").await;
    server.process.terminate();
    let unfinished = "SELECT COUNT(*) FROM ingestion WHERE state IN ('QUEUED', 'RUNNING')";
    assert_eq!(home.number(unfinished).await, 1);

    let server = home.serve();
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], 3 * times);
    assert_eq!(ended["rowsRejected"], 2 * times);
    let lines = "SELECT COUNT(DISTINCT line) FROM visible_trip WHERE (line - 3) % 7 IN (0, 1, 6)";
    home.until(&format!("SELECT ({lines}) = {}", 3 * times))
        .await;
}

//! What `ingest` takes: files, folders, patterns, pipes and standard input, few or many.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;
use crate::suite::support::web::{Site, response};

use std::fs;
use std::io::Write;
use std::process::Stdio;

use program::{Home, Ran};
use serde_json::Value;

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";

/// A file of one trip, unlike those of other numbers.
pub(super) fn trip(number: u32) -> String {
    format!(
        "{HEADER}Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00.{number:06},phone\n"
    )
}

/// The names of the ingestions that succeeded, oldest first, and the trips in the answers.
pub(super) fn ingested(home: &Home) -> (Vec<String>, u64) {
    let report = home.run(&["report", "--json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let trips = report["weeklyAverages"][0]["totalTrips"].as_u64().unwrap();
    let rows = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = home.sql().await;
        let sources = "SELECT source FROM ingestion WHERE state = 'SUCCEEDED' ORDER BY id";
        let rows = database.rows(sources).await;
        database.close().await;
        rows
    });
    let name = |row: &sea_orm::QueryResult| row.try_get_by_index(0).unwrap();
    (rows.iter().map(name).collect(), trips)
}

#[test]
fn a_folder_and_a_pattern_are_their_files_in_natural_order() {
    let home = Home::new();
    fs::create_dir_all(home.path("trips/2020")).unwrap();
    for (number, name) in [
        (1, "day-10.csv"),
        (2, "day-2.csv"),
        (3, ".hidden.csv"),
        (4, "day-1"),
    ] {
        home.write(&format!("trips/{name}"), &trip(number));
    }
    home.write("trips/2020/day-3.csv", &trip(5));
    home.write("trips/2020/[x].csv", &trip(6));
    let ran = home.run(&["ingest", "trips"]);
    assert!(ran.succeeded(), "{ran:?}");
    let names = ["day-1", "day-2.csv", "day-10.csv"].map(str::to_owned);
    assert_eq!(ingested(&home), (names.to_vec(), 3));

    // A pattern never matches hidden files; a name that looks like one is a name first.
    let ran = home.run(&["ingest", "trips/**/day-?.csv", "trips/2020/[x].csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let (names, trips) = ingested(&home);
    assert_eq!(names[3..], ["day-3.csv", "[x].csv"]);
    assert_eq!(trips, 5);

    fs::create_dir_all(home.path("empty/2020")).unwrap();
    for (source, reason) in [
        ("empty", "the folder empty has no files"),
        ("nothing-*.csv", "no file matches nothing-*.csv"),
        ("trips/[", "not a pattern"),
        ("missing.csv", "cannot read missing.csv"),
    ] {
        let ran = home.run(&["ingest", "trips/day-1", source]);
        assert_eq!(ran.code, Some(1), "{source}");
        assert!(ran.stderr.contains(reason), "{source}: {}", ran.stderr);
    }
}

#[test]
fn standard_input_is_a_file() {
    let home = Home::new();
    let mut ingest = home
        .command(&["ingest", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = ingest.stdin.take().unwrap();
    input.write_all(trip(1).as_bytes()).unwrap();
    drop(input);
    let output = ingest.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(ingested(&home), (vec!["stdin".to_owned()], 1));
    assert!(home.spooled().is_empty());
    let ran = home.run(&["ingest", "-", "-"]);
    assert!(ran.stderr.contains("named twice"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_a_file_that_is_read_once() {
    let home = Home::new();
    let pipe = home.path("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let writer = std::thread::spawn(move || fs::write(pipe, trip(1)).unwrap());
    let ran = home.run(&["ingest", "pipe.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    writer.join().unwrap();
    assert_eq!(ingested(&home), (vec!["pipe.csv".to_owned()], 1));

    // While nobody writes, the command can be interrupted.
    let ingest = home.start(&["ingest", "pipe.csv"]);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let (status, log) = ingest.interrupt();
    assert_eq!(status.code(), Some(130), "{log}");
}

#[test]
fn a_file_on_the_web_is_downloaded() {
    let home = Home::new();
    let site = Site::new(|path| match path {
        "/data/trips%202021.csv?key=secret" => response("200 OK", &trip(1)),
        "/broken.csv" => {
            response("200 OK", &trip(2)).replace("content-length: ", "content-length: 9")
        }
        _ => response("404 Not Found", ""),
    });
    let get = |path: &str| home.run(&["ingest", &site.url(path)]);
    let ran = get("/data/trips%202021.csv?key=secret");
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(ingested(&home), (vec!["trips 2021.csv".to_owned()], 1));
    let ran = get("/missing.csv?key=secret");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .contains("cannot read missing.csv: the server answers 404"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("secret"), "{ran:?}");
    // A connection that breaks leaves no trips.
    let ran = get("/broken.csv");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("cannot read broken.csv"), "{ran:?}");
    assert_eq!(ingested(&home).1, 1);
    assert!(home.spooled().is_empty());
}

/// The totals of a command, in the order of the table's columns.
fn totals(ran: &Ran) -> Vec<String> {
    let mut rows = ran.stdout.lines().filter(|line| line.contains('│'));
    let row = rows.next_back().unwrap_or_else(|| panic!("{ran:?}"));
    row.split(['│', '┆'])
        .map(|cell| cell.trim().to_owned())
        .filter(|cell| !cell.is_empty())
        .collect()
}

#[test]
fn many_files_are_one_command() {
    let home = Home::new();
    fs::create_dir(home.path("many")).unwrap();
    for number in 0..60 {
        home.write(&format!("many/{number}.csv"), &trip(number));
    }
    home.write("many/copy.csv", &trip(7));
    home.write("many/rejected.csv", &format!("{}bad\n", trip(100)));
    let ran = home.run(&["ingest", "many"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(totals(&ran), ["62", "61", "1", "0", "61", "1"]);
    assert!(ran.stdout.lines().count() < 10, "{}", ran.stdout);
    assert_eq!(ingested(&home).1, 61);

    home.write("many/columns.csv", "region,datetime\nPrague,2018\n");
    home.write("many/empty.csv", "");
    home.write("many/new.csv", &trip(200));
    let ran = home.run(&["ingest", "many"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(totals(&ran), ["65", "1", "62", "2", "1", "0"]);
    let (_, failed) = ran.stdout.split_once("failed:\n").unwrap();
    let failed: Vec<_> = failed.lines().collect();
    assert_eq!(failed.len(), 2, "{failed:?}");
    assert!(failed[0].contains("columns.csv: ") && failed[0].contains("(MISSING_COLUMNS)"));
    assert!(failed[1].contains("empty.csv: ") && failed[1].contains("(EMPTY_FILE)"));
}

/// What an inspection shows of each file: its name, its datasource, its trips or why there are none.
fn inspected(ran: &Ran) -> Vec<(String, String, String)> {
    let all: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    let shown = |file: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let trips = &file["rowsIngested"];
        (
            text(&file["file"]),
            text(&file["format"]["datasourceName"]),
            match &file["error"]["message"] {
                Value::String(message) => message.clone(),
                _ => trips.to_string(),
            },
        )
    };
    all.as_array().unwrap().iter().map(shown).collect()
}

/// `inspect` takes what `ingest` takes, and calls it the same.
#[test]
fn all_sources_are_inspected_as_they_are_ingested() {
    let (home, text) = (
        Home::new(),
        trip(1).replace(",datasource", "").replace(",phone", ""),
    );
    let (url, body) = ("/data/may%202021.csv?key=secret", text.clone());
    let site = Site::new(move |path| match path {
        "/data/may%202021.csv?key=secret" => response("200 OK", &body),
        _ => response("404 Not Found", ""),
    });
    fs::create_dir(home.path("trips")).unwrap();
    home.write("trips/day-10.csv", &text);
    home.write("trips/day-9.csv", &text);
    let found = |arguments: &[&str]| {
        let mut command = home.command(&[&["inspect", "--json"], arguments].concat());
        inspected(&Ran::of(&mut command))
    };
    let row = |name: &str, datasource: &str, said: &str| {
        (name.to_owned(), datasource.to_owned(), said.to_owned())
    };
    let days = [
        row("trips/day-9.csv", "day-9", "1"),
        row("trips/day-10.csv", "day-10", "1"),
    ];
    assert_eq!(found(&["trips"]), days);
    assert_eq!(found(&["trips/*.csv"]), days);
    assert_eq!(
        found(&[&site.url(url)]),
        [row("may 2021.csv", "may 2021", "1")]
    );
    // One that cannot be read does not keep the others from being shown.
    let mixed = found(&[
        "none-*.csv",
        &site.url("/x.csv"),
        "trips/day-9.csv",
        "missing.csv",
    ]);
    assert_eq!(
        mixed[0],
        row("none-*.csv", "", "no file matches none-*.csv")
    );
    assert_eq!(
        mixed[1],
        row("x.csv", "", "the server answers 404 Not Found")
    );
    assert_eq!(mixed[2], days[0]);
    assert!(
        mixed[3].2.starts_with("cannot read missing.csv: "),
        "{mixed:?}"
    );

    let mut inspect = home
        .command(&["inspect", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    inspect
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = inspect.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found[0]["format"]["datasourceName"], "stdin");
    #[cfg(unix)]
    {
        let pipe = home.path("pipe.csv");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let writer = std::thread::spawn(move || fs::write(pipe, text).unwrap());
        let ran = home.run(&["inspect", "--json", "pipe.csv"]);
        assert_eq!(inspected(&ran), [row("pipe.csv", "pipe", "1")]);
        writer.join().unwrap();
    }
    assert!(!home.path("data").exists());
}

/// The same bytes with other options are no second ingestion, and that is said.
#[test]
fn a_duplicate_with_another_format_is_not_read_again() {
    let home = Home::new();
    let text = trip(1).replace("region,", "").replace("Lyon,", "");
    home.write("jan.csv", &text);
    home.write("feb.csv", &text.replace("2021-03", "2021-02"));
    assert!(home.run(&["ingest", "jan.csv"]).succeeded());
    let region = ["--region", "Lyon"];
    let ran = home.run(&[&["ingest", "jan.csv"], &region[..]].concat());
    assert!(ran.succeeded(), "{ran:?}");
    let said = "jan.csv: duplicate of ingestion 1 (jan.csv), which was given another format and is \
                not read again; use --replaces 1 to read it in this one";
    assert!(ran.stdout.contains(said), "{ran:?}");
    let ran = home.run(&[&["ingest", "jan.csv", "feb.csv"], &region[..]].concat());
    let listed = "use --replaces ID for a file:\n  jan.csv: duplicate of ingestion 1\n";
    assert!(ran.stdout.contains(listed), "{ran:?}");
    let replaces = ["ingest", "jan.csv", "--region", "Lyon", "--replaces", "1"];
    let ran = home.run(&replaces);
    assert!(
        ran.stdout.contains("ingestion 3 replaces ingestion 1"),
        "{ran:?}"
    );
    assert_eq!(ingested(&home).1, 2);
    // The same again is a duplicate of what has replaced it.
    for arguments in [&replaces[..], &replaces[..4]] {
        let ran = home.run(arguments);
        let said = "duplicate of ingestion 3 (jan.csv); use --allow-duplicate";
        assert!(ran.stdout.contains(said), "{ran:?}");
    }
}

#[tokio::test]
async fn clients_are_told_that_a_duplicate_was_given_another_format() {
    let home = Home::new();
    let server = home.serve();
    let query = "mutation ($file: Upload!, $format: TripFormat) { ingestTrips(file: $file, \
                 format: $format) { duplicate formatDiffers ingestion { id } } }";
    let file = home.write("jan.csv", &trip(1));
    for (format, duplicate, differs) in [
        (Value::Null, false, false),
        (Value::Null, true, false),
        (serde_json::json!({ "regionName": "Nice" }), true, true),
    ] {
        let payload = &server.upload_with(query, &file, &format).await["data"]["ingestTrips"];
        assert_eq!(payload["duplicate"], duplicate, "{payload}");
        assert_eq!(payload["formatDiffers"], differs, "{payload}");
        assert_eq!(payload["ingestion"]["id"], "1");
    }
    home.write("jan.csv", &trip(1));
    let ran = home.run(&[
        "ingest",
        "--server",
        &server.url(""),
        "jan.csv",
        "--region",
        "Nice",
    ]);
    assert!(ran.stdout.contains("use --replaces 1"), "{ran:?}");
}

//! The command line, as somebody at a terminal or in a script meets it.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program;
use super::support::database::on_postgres;
use super::support::snapshot::{assert_snapshot, redact};

use std::fmt::Write as _;
use std::process::Stdio;

use program::{Home, Ran, Serving};
use serde_json::{Value, json};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";
const TRIPS: &str = "region,origin_coord,destination_coord,datetime,datasource
Prague,POINT (14.41 50.01),POINT (14.49 50.09),2018-05-07 08:10:00,cheap_mobile
Prague,POINT (14.41 50.01),POINT (14.49 50.09),2018-05-21 08:50:00,funny_car
Turin,POINT (7.6728 44.9957),POINT (7.7203 45.0678),2018-05-27 23:59:59,baba_car
";

/// Commands and what they print, as at a terminal.
struct Session<'a> {
    home: &'a Home,
    text: String,
}

impl<'a> Session<'a> {
    fn new(home: &'a Home) -> Self {
        Self {
            home,
            text: String::new(),
        }
    }

    fn run(&mut self, arguments: &[&str]) {
        let ran = self.home.run(arguments);
        let command = arguments.join(" ");
        write!(
            self.text,
            "$ tripgraph {command}\n{}{}",
            ran.stdout, ran.stderr
        )
        .unwrap();
        if !ran.succeeded() {
            writeln!(self.text, "[exit status {}]", ran.code.unwrap()).unwrap();
        }
        self.text.push('\n');
    }
}

/// The number of trips in the answers of a data directory without a server.
fn trips(home: &Home) -> u64 {
    let ran = home.run(&["report", "--json"]);
    assert!(ran.succeeded(), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    report["weeklyAverages"][0]["totalTrips"].as_u64().unwrap()
}

#[test]
fn generate_is_repeatable() {
    let home = Home::new();
    let generate = |seed: &str, shape: &str| {
        let ran = home.run(&[
            "generate", "--rows", "1000", "--seed", seed, "--shape", shape,
        ]);
        assert!(ran.succeeded(), "{ran:?}");
        assert!(ran.stdout.starts_with(HEADER), "{}", &ran.stdout[..100]);
        assert_eq!(ran.stdout.lines().count(), 1_001);
        ran.stdout
    };
    let first = generate("7", "cities");
    assert_eq!(first, generate("7", "cities"));
    assert_ne!(first, generate("8", "cities"));
    assert_ne!(first, generate("7", "world"));
    let file = home.generate("trips.csv", 1_000, 7);
    assert_eq!(first, std::fs::read_to_string(file).unwrap());
}

#[cfg(unix)]
#[test]
fn nobody_minds_a_reader_that_has_seen_enough() {
    let home = Home::new();
    let mut generate = home
        .command(&["generate", "--rows", "1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(generate.stdout.take());
    let output = generate.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// A row that is rejected: its latitude is none.
const BAD: &str = "Prague,POINT (14.41 95),POINT (14.49 50.09),2018-05-07 08:10:00,x\n";

#[test]
fn ingest_reports_each_file() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    home.write("copy.csv", TRIPS);
    home.write(
        "mixed.csv",
        &format!(
            "{TRIPS}{BAD}Prague,POINT (14.41 50.01),POINT (14.49 50.09),yesterday,x\n\
             Prague,POINT (14.41 50.01),2018-05-07 08:10:00,x\n"
        ),
    );
    home.write("many.csv", &format!("{TRIPS}{}", BAD.repeat(7)));
    home.write("columns.csv", "region,datetime\nPrague,2018\n");
    let mut session = Session::new(&home);
    session.run(&["ingest", "trips.csv"]);
    session.run(&["ingest", "copy.csv"]);
    session.run(&["ingest", "--allow-duplicate", "copy.csv"]);
    session.run(&[
        "ingest",
        "mixed.csv",
        "columns.csv",
        "many.csv",
        "mixed.csv",
    ]);
    // The name is known, the bytes are not.
    home.write("trips.csv", &format!("{TRIPS}\n"));
    session.run(&["ingest", "trips.csv"]);
    home.write("limited.csv", &format!("{TRIPS}{BAD}{BAD}"));
    session.run(&["ingest", "--max-rejected-rows", "1", "limited.csv"]);
    assert_eq!(trips(&home), 15);
    // A failed ingestion does not stand in the way of the same bytes.
    session.run(&["ingest", "--max-rejected-rows", "2", "limited.csv"]);
    assert_eq!(trips(&home), 18);
    let report = redact(&session.text, " trips in ", "seconds", " s (");
    assert_snapshot("ingest", &redact(&report, " s (", "rate", " rows/s)"));
    assert!(home.run(&["verify"]).succeeded());
}

#[test]
fn ingest_logs_on_standard_error() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(ran.succeeded() && ran.stderr.is_empty(), "{ran:?}");
    let mut ingest = home.command(&["ingest", "trips.csv", "--log", "info"]);
    let ran = Ran::of(ingest.env("TRIPGRAPH_ALLOW_DUPLICATE", "1"));
    assert!(ran.stdout.ends_with("ingestion 2\n"), "{ran:?}");
    assert!(ran.stderr.contains("ingestion started"), "{ran:?}");
    assert!(!ran.stderr.contains(['\x1b', '\r']), "{ran:?}");
}

#[test]
fn ingest_begins_nothing_if_a_file_is_missing() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    for wrong in ["nowhere.csv", "*.gz"] {
        let ran = home.run(&["ingest", "trips.csv", wrong]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert_eq!(ran.stdout, "");
        assert!(!home.path("data").exists());
    }
}

#[test]
fn report_prints_tables_and_json() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    let mut session = Session::new(&home);
    session.run(&["report"]);
    session.run(&["report", "--json", "--groups", "1"]);
    session.run(&["report", "--bbox", "7,44,8,46"]);
    for wrong in ["7,44,8", "7,46,8,44", "7,44,8,91"] {
        session.run(&["report", "--bbox", wrong]);
    }
    assert_snapshot("report", &session.text);
}

#[test]
fn nothing_to_read_is_an_error_and_makes_nothing() {
    let home = Home::new();
    for command in ["report", "verify"] {
        let ran = home.run(&[command]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(!home.path("data").exists());
    }
}

#[tokio::test]
async fn verify_reports_what_differs() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    let mut session = Session::new(&home);
    session.run(&["verify"]);
    let miscounted = "UPDATE ingestion SET rows_ingested = rows_ingested - 1";
    home.sql().await.execute(miscounted).await;
    session.run(&["verify"]);
    assert_snapshot("verify", &session.text);
}

#[tokio::test]
async fn verify_finds_what_was_tampered_with() {
    let home = Home::new();
    home.generate("trips.csv", 2_000, 1);
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    assert!(home.run(&["verify"]).succeeded());

    let database = home.sql().await;
    for sql in [
        "UPDATE trip_patch SET checksum = checksum + 1 WHERE cell = (SELECT MAX(cell) FROM trip_patch)",
        "UPDATE trip_summary SET trips = trips + 1 WHERE (region_id, datasource_id) IN \
         (SELECT region_id, datasource_id FROM trip_summary LIMIT 1)",
        "UPDATE trip_total SET trips = trips + 1",
        "DELETE FROM trip_patch WHERE cell = (SELECT MIN(cell) FROM trip_patch)",
        "DELETE FROM flow_histogram WHERE origin_cell = (SELECT MIN(origin_cell) FROM flow_histogram)",
        "UPDATE weekly_histogram SET iso_year = iso_year + 10",
        "UPDATE ingestion SET rows_ingested = rows_ingested - 1",
    ] {
        database.save().await;
        database.execute(sql).await;
        let ran = home.run(&["verify"]);
        assert_eq!(ran.code, Some(1), "{sql}: {ran:?}");
        assert!(!ran.stdout.contains(" 0 differ"), "{sql}: {ran:?}");
        assert!(ran.stdout.lines().count() > 1, "{sql}: {ran:?}");
        database.restore().await;
        assert!(home.run(&["verify"]).succeeded());
    }
}

/// What was laid out in another way would be misread.
#[tokio::test]
async fn what_another_version_made_is_refused() {
    let home = Home::new();
    home.generate("trips.csv", 2_000, 1);
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    let other = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2099', 0)";
    home.sql().await.execute(other).await;
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(!ran.succeeded(), "{ran:?}");
    assert!(ran.stderr.contains("ingest the files again"), "{ran:?}");
}

#[test]
fn schema_is_the_committed_one() {
    let home = Home::new();
    let ran = home.run(&["schema"]);
    assert!(ran.succeeded(), "{ran:?}");
    let committed = include_str!("../../schema.graphql");
    assert!(
        ran.stdout == committed,
        "schema.graphql is out of date: cargo run -- schema > schema.graphql"
    );
    assert!(!home.path("data").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn serve_answers_until_it_is_asked_to_end() {
    let home = Home::new();
    let server = home.serve();
    let id = server.upload(&home.write("trips.csv", TRIPS)).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    assert_eq!(server.trips().await, 3);
    for path in ["/health/live", "/health/ready", "/graphiql"] {
        let answer = reqwest::get(server.url(path)).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }

    // Commands that only read work beside it, and it does the work of those that write.
    assert_eq!(trips(&home), 3);
    assert!(home.run(&["verify"]).succeeded());
    if !on_postgres() {
        let ran = home.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let reason = "another tripgraph uses the database";
        assert!(ran.stderr.contains(reason), "{ran:?}");
    }
    let more = home.write("more.csv", &format!("{TRIPS}\n"));
    let ran = home.run(&["ingest", "more.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.starts_with("more.csv: 3 trips in "), "{ran:?}");
    let handed_over = if on_postgres() {
        "a running server"
    } else {
        "sending the files to the server at http://127.0.0.1:"
    };
    assert!(ran.stderr.contains(handed_over), "{ran:?}");
    assert_eq!(server.process.log().matches("ingestion started").count(), 2);
    assert_eq!(server.trips().await, 6);
    assert!(more.exists() && home.spooled().is_empty());
    let trips = server.trips().await;
    let other = Home::new().run(&["serve", "--listen", &server.address]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(
        other
            .stderr
            .contains(&format!("cannot listen on {}", server.address)),
        "{other:?}"
    );

    let (status, log) = server.process.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("shutting down"), "{log}");
    assert!(!log.contains('\x1b'), "{log}");
    // Closed in order: everything is in the one file.
    assert!(!home.path("data/tripgraph.db-wal").exists());

    let again = home.serve();
    assert_eq!(again.trips().await, trips);
    let (status, log) = again.process.interrupt();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn the_program_alone_serves_and_takes_variables() {
    let home = Home::new();
    let mut command = home.command(&[]);
    command.envs([
        ("TRIPGRAPH_LISTEN", "127.0.0.1:0"),
        (
            "TRIPGRAPH_TOKENS",
            "ann:read:0123456789-secret,bob:write:9876543210-secret",
        ),
        ("TRIPGRAPH_MAX_UPLOAD_BYTES", "1000"),
        ("TRIPGRAPH_LOG_FORMAT", "json"),
        ("DATABASE_URL", ""),
    ]);
    let server = Serving::start(command);
    assert!(home.database.exists());
    let query = json!({ "query": "{ weeklyAverage { totalTrips } }" });
    let answer = server.answer("{ __typename }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let answer = reqwest::Client::new()
        .post(server.url("/graphql"))
        .bearer_auth("0123456789-secret")
        .json(&query);
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["weeklyAverage"]["totalTrips"], 0);
    let log = server.process.log();
    assert!(
        log.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok()),
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn serve_is_not_open_to_everybody_by_mistake() {
    let home = Home::new();
    let serve = || home.command(&["serve", "--listen", "0.0.0.0:0"]);
    for empty in [false, true] {
        let mut command = serve();
        if empty {
            command.envs([("TRIPGRAPH_TOKENS", ""), ("TRIPGRAPH_ALLOW_ANONYMOUS", "0")]);
        }
        let ran = Ran::of(&mut command);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("--token"), "{ran:?}");
        assert!(ran.stderr.contains("--allow-anonymous"), "{ran:?}");
    }
    let mut command = serve();
    Serving::start({
        command.env("TRIPGRAPH_ALLOW_ANONYMOUS", "true");
        command
    });
    let mut command = serve();
    Serving::start({
        command.arg("--token=ann:write:s3cret-0123456789");
        command
    });
    let ran = Ran::of(serve().arg("--token=ann:s3cret"));
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("name:scope:secret"), "{ran:?}");
}

#[test]
fn the_database_is_the_option_the_variable_or_the_common_variable() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    let url = |name: &str| format!("sqlite://{}", home.path(name).display());
    let ingest = |option: Option<&str>, variable: &str, common: &str| {
        let mut command = home.command(&["ingest", "trips.csv"]);
        command
            .env_remove("TRIPGRAPH_DATABASE_URL")
            .args(option.map(|name| format!("--database-url={}", url(name))))
            .env("DATABASE_URL", url(common));
        if !variable.is_empty() {
            command.env("TRIPGRAPH_DATABASE_URL", url(variable));
        }
        let ran = Ran::of(&mut command);
        assert!(ran.succeeded(), "{ran:?}");
    };
    ingest(Some("1.db"), "2.db", "3.db");
    assert!(home.path("1.db").exists() && !home.path("2.db").exists());
    ingest(None, "2.db", "3.db");
    assert!(home.path("2.db").exists() && !home.path("3.db").exists());
    ingest(None, "", "3.db");
    assert!(home.path("3.db").exists());
    assert!(!home.path("data/tripgraph.db").exists());
    let ran = Ran::of(
        home.command(&["verify"])
            .env_remove("TRIPGRAPH_DATABASE_URL")
            .env("DATABASE_URL", url("3.db")),
    );
    assert!(ran.stdout.starts_with("3 trips read"), "{ran:?}");
}

#[tokio::test]
async fn citus_is_told_where_it_is_missing() {
    let home = Home::new();
    home.write("trips.csv", TRIPS);
    let ran = home.run(&["ingest", "--citus", "trips.csv"]);
    if home.database.exists() && home.sql().await.is_distributed().await {
        assert!(ran.succeeded(), "{ran:?}");
        return;
    }
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let reason = if on_postgres() {
        "error: cannot create the extension citus in the database: "
    } else {
        "error: --citus needs a PostgreSQL database"
    };
    assert!(ran.stderr.starts_with(reason), "{ran:?}");
}

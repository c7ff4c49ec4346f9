//! What the program says when something is wrong, and where it says it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::suite::support::snapshot::assert_snapshot;

/// The program in this folder, in an environment of its own.
fn program(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tripgraph"));
    command.args(arguments).current_dir(dir).env_clear();
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    program(dir, arguments).output().unwrap()
}

fn errors(dir: &Path, arguments: &[&str]) -> String {
    let output = run(dir, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";

#[test]
fn a_password_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    for (url, shown) in [
        ("mysql://ann:s3cret@db.example/trips", "mysql://…"),
        // Nobody listens there.
        (
            "postgres://ann:s3cret@127.0.0.1:1/trips?sslmode=disable",
            "postgres://127.0.0.1:1/trips: error communicating with database: Connection refused",
        ),
    ] {
        let text = errors(dir.path(), &["report", "--database-url", url]);
        assert!(text.contains(shown) && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn an_origin_is_refused_in_words() {
    let dir = tempfile::tempdir().unwrap();
    for option in [
        "--cors-origin=*",
        "--cors-origin=app.example",
        "--cors-origin=https://app.example/map",
        "--public-url=trips.example",
        "--public-url=https://example.com/trips/",
    ] {
        let text = errors(dir.path(), &["serve", option]);
        let (name, value) = option.split_once('=').unwrap();
        for part in [name, value, "https://trips.example", "without a path"] {
            assert!(text.contains(part), "{option}: {text}");
        }
    }
    let text = errors(dir.path(), &["serve", "--min-trips=0"]);
    assert!(text.contains("--min-trips"), "{text}");
}

#[test]
fn a_bad_token_is_not_repeated() {
    const GOOD: &str = "ann:read:0123456789abcdef";
    let dir = tempfile::tempdir().unwrap();
    for (bad, what) in [
        ("hunter2-hunter2-hunter2", "name:scope:secret"),
        ("ann:hunter2-hunter2-hunter2", "name:scope:secret"),
        (":read:hunter2-hunter2-hunter2", "name:scope:secret"),
        (
            "hunter2:hunter2-hunter2:hunter2",
            "`aggregate`, `read` or `write`",
        ),
        ("ann:write:hunter2 hunter2 hunter2", "visible ASCII"),
        ("ann:write:hunter2", "at least 16 characters"),
    ] {
        let list = format!("{GOOD},{bad}");
        let option = format!("--token={list}");
        let runs = [
            run(dir.path(), &[&option]),
            run(dir.path(), &["serve", "--token", GOOD, "--token", bad]),
            program(dir.path(), &[])
                .env("TRIPGRAPH_TOKENS", &list)
                .output()
                .unwrap(),
        ];
        for run in runs {
            let text = String::from_utf8(run.stderr).unwrap();
            assert_eq!(run.status.code(), Some(2), "{text}");
            assert!(text.contains("token 2") && text.contains(what), "{text}");
            assert!(
                !text.contains("hunter2") && !text.contains("0123456789"),
                "{text}"
            );
        }
    }
}

#[test]
fn each_command_has_its_help() {
    let dir = tempfile::tempdir().unwrap();
    let help = |arguments: &[&str]| {
        let output = run(dir.path(), arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let overview = help(&["--help"]);
    let (_, commands) = overview.split_once("Commands:\n").unwrap();
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        if command != "help" {
            assert_snapshot(&format!("help-{command}"), &help(&[command, "--help"]));
        }
    }
    assert_snapshot("help", &overview);
}

#[test]
fn the_help_shows_no_value_of_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    for help in [&["--help"][..], &["serve", "--help"], &["ingest", "--help"]] {
        let mut command = program(dir.path(), help);
        for name in [
            "TRIPGRAPH_TOKENS",
            "TRIPGRAPH_DATABASE_URL",
            "TRIPGRAPH_BASE_MAP_URL",
            "TRIPGRAPH_BASE_MAP_ATTRIBUTION",
            "TRIPGRAPH_DATA_DIR",
        ] {
            command.env(name, "hunter2");
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("TRIPGRAPH_DATABASE_URL"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn an_address_of_tiles_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let text = errors(
        dir.path(),
        &["--base-map-url", "https://tiles.example/?key=hunter2"],
    );
    assert!(text.contains("--base-map-url"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_cause_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("no.db"), "this is no database at all").unwrap();
    let text = errors(dir.path(), &["report", "--database-url", "sqlite://no.db"]);
    assert_eq!(text.matches("file is not a database").count(), 1, "{text}");
}

#[test]
fn each_mistake_has_its_message() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("trips.csv"), HEADER).unwrap();
    std::fs::create_dir(dir.path().join("empty")).unwrap();
    let mut text = String::new();
    for arguments in [
        &["serf"][..],
        &["--data-dir", "trips", "ingest", "trips.csv"],
        &["--listen", "localhost:8000"],
        &["--listen", "0.0.0.0:8000"],
        &["--token", "ann"],
        &["--allowed-host", "http://example.com"],
        &["--base-map-url", "tiles.example"],
        &["--base-map-url", "https://tiles.example/{z}/{x}"],
        &["--lease-seconds", "1"],
        &["--query-timeout-seconds", "0"],
        &["--log-format", "xml"],
        &["ingest", "nowhere.csv", "--log", "tripgraph=loud"],
        &["--citus"],
        &["ingest"],
        &["ingest", "nowhere.csv"],
        &["ingest", "trips.csv", "empty"],
        &["ingest", "trips.csv", "--max-rejected-rows", "few"],
        &[
            "ingest",
            "trips.csv",
            "--database-url",
            "mysql://localhost/trips",
        ],
        &["report"],
        &["report", "--groups", "-1"],
        &["verify"],
        &["generate"],
        &["generate", "--rows", "1", "--shape", "flat"],
        &["generate", "--rows", "1", "--output", "no/such/folder.csv"],
    ] {
        let output = run(dir.path(), arguments);
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let (command, status) = (arguments.join(" "), output.status.code().unwrap());
        let message = String::from_utf8(output.stderr).unwrap();
        writeln!(
            text,
            "$ tripgraph {command}\n{message}[exit status {status}]\n"
        )
        .unwrap();
    }
    assert_snapshot("errors-command-line", &text);
}

#[test]
fn log_lines_in_a_file_have_no_colours() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file) = (dir.path(), dir.path().join("head.csv"));
    std::fs::write(&file, HEADER).unwrap();
    let output = run(folder, &["ingest", "head.csv", "--log", "info"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("ingestion ended"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_first_start_logs_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_tripgraph"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(dir.path())
        .env_clear()
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(lines.count(), 0);
    let (_, message) = line
        .split_once("listening: GraphiQL is at http://127.0.0.1:")
        .unwrap();
    let (_, facts) = message.split_once("/graphiql ").unwrap();
    assert_eq!(
        facts,
        "trips=0 database=./data/tripgraph.db data_dir=./data"
    );
}

#[test]
fn a_port_that_is_taken_is_named_with_another() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap();
    let text = errors(dir.path(), &["serve", "--listen", &taken.to_string()]);
    let next = taken.port().checked_add(1).unwrap_or(0);
    assert_eq!(
        text,
        format!(
            "error: cannot listen on {taken}: another program uses this port. Stop it, or choose \
             another port, such as --listen 127.0.0.1:{next}\n"
        )
    );
    assert!(!dir.path().join("data").exists());
}

//! What the program says when something is wrong, and where it says it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tripgraph"))
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .output()
        .unwrap()
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
    for (place, shown) in [
        ("mysql://ann:s3cret@db.example/trips", "mysql://…"),
        // Nobody listens there.
        (
            "postgres://ann:s3cret@127.0.0.1:1/trips?sslmode=disable",
            "postgres://127.0.0.1:1/trips: error communicating with database: Connection refused",
        ),
    ] {
        let text = errors(dir.path(), &["report", "--database-url", place]);
        assert!(text.contains(shown) && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_cause_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("no.db"), "this is no database at all").unwrap();
    let text = errors(dir.path(), &["report", "--database-url", "sqlite://no.db"]);
    assert_eq!(text.matches("file is not a database").count(), 1, "{text}");
}

#[test]
fn a_wrong_address_shows_a_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let text = errors(dir.path(), &["--listen", "localhost:8000"]);
    assert!(text.contains("127.0.0.1:8000"), "{text}");
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

//! What was acknowledged is what is published: a file whose bytes change before they are read to
//! their end fails, and the same bytes may come again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use crate::suite::program::{Home, Serving};

const SOME: u32 = 150_000;
const FEW: u32 = 2_000;

const HAS_TRIPS: &str = "SELECT EXISTS (SELECT 1 FROM trip_patch)";
const CHECKPOINT: &str = "SELECT rows_read FROM ingestion WHERE id = 1";

/// Another digit in the longitude of the first row after a place. Still a row.
fn flip_after(bytes: &mut [u8], place: usize) {
    let start = b"POINT (";
    let found = bytes[place..]
        .windows(start.len())
        .position(|at| at == start);
    bytes[place + found.unwrap() + start.len()] ^= 1;
}

type Damage = fn(&mut Vec<u8>);

/// What a broken disk, or somebody, makes of a file.
const DAMAGES: [(&str, Damage); 6] = [
    ("a digit of the first row", |bytes| flip_after(bytes, 0)),
    ("a digit of the last row", |bytes| {
        let place = bytes.len() - 200;
        flip_after(bytes, place);
    }),
    ("a name in the header", |bytes| bytes[0] ^= 1),
    ("the second half is lost", |bytes| {
        bytes.truncate(bytes.len() / 2);
    }),
    ("everything is lost", Vec::clear),
    ("a row more", |bytes| {
        let end = bytes.len() - 1;
        let last = bytes[..end]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .unwrap();
        bytes.extend_from_within(last + 1..);
    }),
];

fn damage(file: &Path, damage: Damage) {
    let mut bytes = std::fs::read(file).unwrap();
    damage(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

/// The files in the spool, smallest first.
fn spooled(home: &Home) -> Vec<PathBuf> {
    let mut files = home.spooled();
    files.sort_by_key(|file| file.metadata().unwrap().len());
    files
}

/// An ingestion fails because its upload was damaged, and says what to do.
async fn is_damaged(server: &Serving, id: &str, how: &str) {
    let ended = server.ended(id).await;
    assert_eq!(ended["state"], "FAILED", "{how}: {ended}");
    assert_eq!(ended["error"]["code"], "FILE_DAMAGED", "{how}: {ended}");
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("upload it again"), "{message}");
}

/// The same bytes are no duplicate of what was damaged.
async fn comes_again(server: &Serving, file: &Path, rows: u32, trips: u32) {
    assert_eq!(server.trips().await, i64::from(trips - rows));
    let id = server.upload(file).await;
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], rows);
    assert_eq!(server.trips().await, i64::from(trips));
}

#[tokio::test]
async fn a_file_that_was_damaged_while_it_waited_fails() {
    let home = Home::new();
    let first = home.generate("first.csv", SOME, 1);
    let files: Vec<_> = (2..)
        .zip(DAMAGES)
        .map(|(seed, _)| home.generate(&format!("{seed}.csv"), FEW + seed, seed))
        .collect();
    let server = home.serve();
    let running = server.upload(&first).await;
    let mut ids = Vec::new();
    for file in &files {
        ids.push(server.upload(file).await);
    }
    for ((name, change), file) in DAMAGES.into_iter().zip(&files) {
        let sent = std::fs::read(file).unwrap();
        let same = |path: &PathBuf| std::fs::read(path).unwrap() == sent;
        damage(&home.spooled().into_iter().find(same).expect(name), change);
    }
    for ((name, _), id) in DAMAGES.iter().zip(&ids) {
        is_damaged(&server, id, name).await;
    }
    assert_eq!(server.ended(&running).await["state"], "SUCCEEDED");
    comes_again(&server, &files[1], FEW + 3, SOME + FEW + 3).await;
    drop(server);
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
}

#[tokio::test]
async fn a_file_that_was_damaged_while_the_server_was_down_fails() {
    let home = Home::new();
    let file = home.generate("1.csv", SOME, 1);
    for (index, (name, change)) in (1..).zip(DAMAGES) {
        let server = home.serve();
        let id = server.upload(&file).await;
        assert_eq!(id, index.to_string(), "{name}");
        server.process.kill();
        damage(&spooled(&home)[0], change);
        let server = home.serve();
        is_damaged(&server, &id, name).await;
        assert_eq!(server.trips().await, 0);
    }
    let server = home.serve();
    comes_again(&server, &file, SOME, SOME).await;
}

/// Uploads a file of some rows and ends the server when it is read in part, with a checkpoint.
async fn stopped_in_the_middle(home: &Home) {
    let file = home.generate("1.csv", SOME, 1);
    let server = home.serve();
    server.upload(&file).await;
    home.until(HAS_TRIPS).await;
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    let read = home.number(CHECKPOINT).await;
    assert!(read > 0 && read < i64::from(SOME), "{read} rows");
}

#[tokio::test]
async fn a_file_that_was_damaged_after_its_checkpoint_fails() {
    // What was read already, and what was not.
    for (name, change) in [DAMAGES[0], DAMAGES[1], DAMAGES[3]] {
        let home = Home::new();
        stopped_in_the_middle(&home).await;
        damage(&spooled(&home)[0], change);
        let server = home.serve();
        is_damaged(&server, "1", name).await;
        assert_eq!(server.trips().await, 0);
    }
}

#[tokio::test]
async fn a_file_that_is_as_it_was_goes_on_from_its_checkpoint() {
    let home = Home::new();
    stopped_in_the_middle(&home).await;
    let server = home.serve();
    let ended = server.ended("1").await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(server.trips().await, i64::from(SOME));
}

/// What was read before the checkpoint is in the database already, whatever the file is later.
#[tokio::test]
async fn a_file_that_was_damaged_only_while_it_was_read_fails() {
    let home = Home::new();
    let first = home.generate("first.csv", SOME, 1);
    let second = home.generate("second.csv", SOME, 2);
    let server = home.serve();
    server.upload(&first).await;
    server.upload(&second).await;
    let sent = std::fs::read(&second).unwrap();
    let upload = home
        .spooled()
        .into_iter()
        .find(|path| std::fs::read(path).unwrap() == sent)
        .unwrap();
    damage(&upload, |bytes| flip_after(bytes, 0));
    home.until("SELECT EXISTS (SELECT 1 FROM trip_patch WHERE segment_id = 2)")
        .await;
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    let read = "SELECT rows_read FROM ingestion WHERE id = 2";
    assert!(home.number(read).await > 0);
    std::fs::write(&upload, sent).unwrap();

    let server = home.serve();
    is_damaged(&server, "2", "restored").await;
    comes_again(&server, &second, SOME, 2 * SOME).await;
}

#[tokio::test]
async fn a_file_that_is_read_in_place_and_changes_fails() {
    let home = Home::new();
    home.generate("1.csv", SOME, 1);
    let second = home.generate("2.csv", FEW, 2);
    let ingest = home.start(&["ingest", "1.csv", "2.csv"]);
    home.until(HAS_TRIPS).await;
    damage(&second, |bytes| flip_after(bytes, 0));
    let (status, log) = ingest.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    let changed = "SELECT COUNT(*) FROM ingestion WHERE id = 2 AND error_code = 'FILE_CHANGED'";
    assert_eq!(home.number(changed).await, 1);
    let ran = home.run(&["ingest", "2.csv"]);
    assert!(ran.stdout.contains("2.csv: 2,000 trips"), "{ran:?}");
}

//! A folder that a server watches: what appears in it is ingested, and put away.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use program::{Home, Serving};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";
const TRIP: &str = "Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,phone\n";

fn watching(home: &Home) -> Serving {
    Serving::start(home.command(&["serve", "--listen", "127.0.0.1:0", "--watch", "inbox"]))
}

#[tokio::test]
async fn files_of_the_folder_are_read_as_the_options_say() {
    let home = Home::new();
    fs::create_dir(home.path("inbox")).unwrap();
    // Neither a region nor columns that are recognised.
    let text =
        "from;to;when;datasource\nPOINT (4.83 45.76);POINT (4.86 45.74);01.03.2021 08:00;x\n";
    home.write("inbox/a.csv", text);
    let listen = ["serve", "--listen", "127.0.0.1:0", "--watch", "inbox"];
    let format = [
        ["--origin", "from"],
        ["--destination", "to"],
        ["--time", "when"],
        ["--time-format", "%d.%m.%Y %H:%M"],
        ["--delimiter", ";"],
        ["--region", "Lyon"],
    ];
    let server = Serving::start(home.command(&[&listen[..], &format.concat()].concat()));
    appears(&home, "inbox/done/a.csv").await;
    let answer = server
        .answer("{ regions { name } }", serde_json::json!({}))
        .await;
    assert_eq!(answer["data"]["regions"][0]["name"], "Lyon", "{answer}");
    drop(server);
    let ran = home.run(&["serve", "--listen", "127.0.0.1:0", "--time-zone", "Nowhere"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("Nowhere"), "{ran:?}");
}

/// Waits until a file is there.
async fn appears(home: &Home, name: &str) {
    let start = Instant::now();
    while !home.path(name).exists() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {name}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn files_are_ingested_when_they_stop_growing() {
    let home = Home::new();
    fs::create_dir(home.path("inbox")).unwrap();
    home.write("inbox/before.csv", &format!("{HEADER}{TRIP}"));
    let server = watching(&home);
    appears(&home, "inbox/done/before.csv").await;

    // One that grows for longer than a file must be still.
    let mut file = File::create(home.path("inbox/grows.csv")).unwrap();
    file.write_all(HEADER.as_bytes()).unwrap();
    for _ in 0..10 {
        file.write_all(TRIP.as_bytes()).unwrap();
        file.sync_all().unwrap();
        assert!(
            home.path("inbox/grows.csv").exists(),
            "taken while it grows"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    drop(file);
    home.write("inbox/unfinished.csv.part", "region");
    home.write("inbox/.hidden", "region");
    home.write("inbox/bad.csv", "region,datetime\nLyon,2021\n");
    appears(&home, "inbox/failed/bad.csv").await;
    let reason = fs::read_to_string(home.path("inbox/failed/bad.csv.error.txt")).unwrap();
    assert!(reason.contains("the header has no column"), "{reason}");
    assert!(reason.contains("(MISSING_COLUMNS); ingestion "), "{reason}");
    appears(&home, "inbox/done/grows.csv").await;
    assert_eq!(server.trips().await, 11);

    // The same bytes are done already; a name that is taken is not written over.
    home.write("inbox/before.csv", &format!("{HEADER}{TRIP}"));
    appears(&home, "inbox/done/1-before.csv").await;
    home.write("inbox/before.csv", &format!("{HEADER}{TRIP}{TRIP}"));
    appears(&home, "inbox/done/4-before.csv").await;
    assert_eq!(server.trips().await, 13);
    let mut left: Vec<_> = fs::read_dir(home.path("inbox"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, [".hidden", "done", "failed", "unfinished.csv.part"]);
}

#[tokio::test]
async fn a_file_is_queued_once_whatever_happens_to_the_server() {
    let home = Home::new();
    fs::create_dir(home.path("inbox")).unwrap();
    let file = home.generate("trips.csv", 150_000, 11);
    fs::rename(file, home.path("inbox/trips.csv")).unwrap();
    let server = watching(&home);
    home.until("SELECT COUNT(*) FROM ingestion").await;
    server.process.kill();
    let server = watching(&home);
    appears(&home, "inbox/done/trips.csv").await;
    assert_eq!(server.trips().await, 150_000);
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 1);

    // Killed after it has ended, before it was moved.
    drop(server);
    fs::rename(
        home.path("inbox/done/trips.csv"),
        home.path("inbox/trips.csv"),
    )
    .unwrap();
    let server = watching(&home);
    appears(&home, "inbox/done/trips.csv").await;
    assert_eq!(server.trips().await, 150_000);
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 1);
}

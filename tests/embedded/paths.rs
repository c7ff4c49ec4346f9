//! A path is bytes: nothing in it means anything.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use crate::suite::program::{Home, Ran, Serving};

const NAMES: [&[u8]; 9] = [
    b"x%41",
    b"a b%20c",
    b"q?mode=memory",
    b"h#ash",
    b"file:x",
    b":memory:",
    b"'quoted\"",
    "é".as_bytes(),
    b"\xff\xfe%41 ?",
];

/// A command in a data directory of that name.
fn command(home: &Home, name: &OsStr, arguments: &[&OsStr]) -> Command {
    let mut command = home.command(&[]);
    command
        .args(arguments)
        .env_remove("TRIPGRAPH_DATA_DIR")
        .arg("--data-dir")
        .arg(name);
    command
}

/// The names in a folder, but for what begins so.
fn entries(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().as_bytes().to_vec());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[tokio::test]
async fn data_directories_and_files_may_have_any_name() {
    for name in NAMES {
        let name = OsStr::from_bytes(name);
        let home = Home::new();
        let trips = home.generate("trips.csv", 200, 1);
        let files = home.path("files");
        std::fs::create_dir_all(files.join(name)).unwrap();
        let file = files.join(name).join(name);
        std::fs::rename(trips, &file).unwrap();

        let ingested = Ran::of(&mut command(
            &home,
            name,
            &["ingest".as_ref(), file.as_ref()],
        ));
        assert!(ingested.succeeded(), "{}: {ingested:?}", name.display());
        let verified = Ran::of(&mut command(&home, name, &["verify".as_ref()]));
        assert!(verified.succeeded(), "{}: {verified:?}", name.display());
        assert!(verified.stdout.starts_with("200 trips"), "{verified:?}");

        let listen = ["serve", "--listen", "127.0.0.1:0"].map(OsStr::new);
        let server = Serving::start(command(&home, name, &listen));
        let more = home.generate("more.csv", 100, 2);
        let id = server.upload(&more).await;
        assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
        assert_eq!(server.trips().await, 300);
        drop(server);

        // Where it should be, and nowhere else.
        assert!(home.path("").join(name).join("tripgraph.db").exists());
        let mut expected = vec![
            name.as_bytes().to_vec(),
            b"files".to_vec(),
            b"more.csv".to_vec(),
        ];
        expected.sort();
        assert_eq!(entries(&home.path("")), expected, "{}", name.display());
    }
}

/// The file is looked for by another process than the one that put it in the queue.
#[tokio::test]
async fn a_file_of_any_name_is_found_again() {
    let name = OsStr::from_bytes(b"\xff%20.csv");
    let home = Home::new();
    let file = home.path("").join(name);
    std::fs::rename(home.generate("trips.csv", 40_000, 1), &file).unwrap();
    let data = home.path("data");
    let mut ingest = command(&home, data.as_ref(), &["ingest".as_ref(), file.as_ref()]);
    let mut ingest = ingest.spawn().unwrap();
    home.until("SELECT COUNT(*) FROM ingestion").await;
    ingest.kill().unwrap();
    ingest.wait().unwrap();

    let server = home.serve();
    assert_eq!(server.ended("1").await["state"], "SUCCEEDED");
    assert_eq!(server.trips().await, 40_000);
    assert!(file.exists());
}

/// In a URL it is as RFC 3986 has it.
#[test]
fn the_path_of_a_url_is_percent_decoded() {
    let home = Home::new();
    home.generate("trips.csv", 100, 1);
    let url = ["--database-url", "sqlite://a%20b%25%3F.db"];
    let ingested = home.run(&["ingest", "trips.csv", url[0], url[1]]);
    assert!(ingested.succeeded(), "{ingested:?}");
    assert!(home.path("a b%?.db").exists());
}

//! Compressed files and archives: their trips are those of the files that were packed, whatever
//! happens on the way, and what cannot be unpacked is said.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use program::{Home, Serving};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";
/// Several batches.
const MANY: u32 = 300_000;

fn row(region: &str, second: u32) -> String {
    format!("{region},POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:{second:02},phone\n")
}

/// A file of rows of one region.
fn table(region: &str, rows: u32) -> String {
    let rows: String = (0..rows).map(|second| row(region, second % 60)).collect();
    format!("{HEADER}{rows}")
}

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // As the program zstd does: without, damage is not always noticed.
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive of these files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Writes a file into the folder of a test.
fn write(home: &Home, name: &str, bytes: &[u8]) -> PathBuf {
    let path = home.path(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Uploads bytes as a file of that name; its ingestion when it has ended.
async fn ingested(home: &Home, server: &Serving, name: &str, bytes: &[u8]) -> Value {
    let id = server.upload(&write(home, name, bytes)).await;
    server.ended(&id).await;
    let query = "query ($id: ID!) { ingestion(id: $id) { state bytesTotal bytesRead contentHash \
                 rowsRead rowsIngested rowsRejected error { code message } \
                 rejectedRows { nodes { line column reason } } } }";
    server.ask(query, json!({ "id": id })).await["ingestion"].take()
}

/// The code and the message of an ingestion that failed.
fn failure(ingestion: &Value) -> (&str, &str) {
    assert_eq!(ingestion["state"], "FAILED", "{ingestion}");
    let error = &ingestion["error"];
    (
        error["code"].as_str().unwrap(),
        error["message"].as_str().unwrap(),
    )
}

#[tokio::test]
async fn compressed_files_are_known_by_their_content() {
    let home = Home::new();
    let server = home.serve();
    let (first, second) = (table("Lyon", 40), row("Nice", 1).repeat(2));
    let halves = first.split_at(first.len() / 2);
    let skippable = [
        &[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2][..],
        &zstd(&first),
    ];
    let files = [
        ("a.csv.gz", gzip(&first)),
        // The name says something else.
        ("b.csv", gzip(first.clone() + &second)),
        (
            "c.gz",
            [gzip(halves.0), gzip(halves.1), gzip(&second)].concat(),
        ),
        ("d.csv.zst", zstd(&first)),
        ("e.txt", [zstd(&first), zstd(&second)].concat()),
        ("f.zst", skippable.concat()),
        ("g", zipped(&[("trips.csv", first.as_bytes())])),
        // As copies from tapes are padded.
        ("h.gz", [gzip(&first), vec![0; 300_000]].concat()),
    ];
    for (name, bytes) in files {
        let rows = if ["b.csv", "c.gz", "e.txt"].contains(&name) {
            42
        } else {
            40
        };
        let ended = ingested(&home, &server, name, &bytes).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{name}: {ended}");
        assert_eq!(ended["rowsIngested"], rows, "{name}");
        // What is hashed and counted is what was sent.
        assert_eq!(ended["bytesTotal"], bytes.len(), "{name}");
        assert_eq!(ended["bytesRead"], bytes.len(), "{name}");
        let hash = blake3::hash(&bytes).to_hex();
        assert_eq!(ended["contentHash"], hash.as_str(), "{name}");
    }
    assert_eq!(server.trips().await, 5 * 40 + 3 * 42);
    // The same bytes again, and the same trips in other bytes.
    let again = server.try_upload(&home.path("a.csv.gz")).await;
    assert_eq!(again["data"]["ingestTrips"]["duplicate"], true);
    assert!(home.run(&["verify"]).succeeded());
}

#[tokio::test]
async fn broken_streams_fail_and_leave_no_trips() {
    let home = Home::new();
    let server = home.serve();
    // Random enough that half of the stream is half of the rows.
    let file = fs::read(home.generate("trips.csv", 60_000, 3)).unwrap();
    let member = zipped(&[("trips.csv", &file)]);
    let damaged = |mut bytes: Vec<u8>| {
        let middle = bytes.len() / 2;
        for byte in &mut bytes[middle..middle + 40] {
            *byte ^= 0x55;
        }
        bytes
    };
    let half = |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec();
    let (truncated, corrupt) = ("COMPRESSED_DATA_TRUNCATED", "COMPRESSED_DATA_CORRUPT");
    let mut long = zstd::Encoder::new(Vec::new(), 1).unwrap();
    long.window_log(28).unwrap();
    long.include_contentsize(false).unwrap();
    long.write_all(&file).unwrap();
    let cases = [
        ("half.gz", half(gzip(&file)), truncated),
        ("half.zst", half(zstd(&file)), truncated),
        ("half.zip", half(member.clone()), truncated),
        ("damaged.gz", damaged(gzip(&file)), corrupt),
        ("damaged.zst", damaged(zstd(&file)), corrupt),
        ("damaged.zip", damaged(member), corrupt),
        (
            "tail.gz",
            [gzip(&file), b"neither a header nor zeros".to_vec()].concat(),
            corrupt,
        ),
        (
            "short-tail.gz",
            [gzip(&file), b"x".to_vec()].concat(),
            corrupt,
        ),
        (
            "long.zst",
            long.finish().unwrap(),
            "COMPRESSION_NOT_SUPPORTED",
        ),
        (
            "trips.csv.xz",
            b"\xfd7zXZ\0\0\x04".to_vec(),
            "COMPRESSION_NOT_SUPPORTED",
        ),
    ];
    for (name, bytes, code) in cases {
        let ended = ingested(&home, &server, name, &bytes).await;
        let (found, message) = failure(&ended);
        assert!(
            // A flipped byte may end a stream early.
            found == code || name.starts_with("damaged") && found == truncated,
            "{name}: {found}: {message}"
        );
    }
    assert_eq!(server.trips().await, 0);
    // The cause is in the file, not in the server.
    assert!(
        !server.process.log().contains("ERROR"),
        "{}",
        server.process.log()
    );
}

#[tokio::test]
async fn bombs_are_stopped() {
    let home = Home::new();
    let server = home.serve();
    // Blank lines: no row limit stops them.
    let lines = HEADER.to_owned() + &"\n".repeat(8 << 20);
    let files = [
        ("bomb.gz", gzip(&lines)),
        ("bomb.zst", zstd(&lines)),
        ("bomb.zip", zipped(&[("trips.csv", lines.as_bytes())])),
    ];
    for (name, bytes) in files {
        assert!(bytes.len() < 1 << 20);
        let ended = ingested(&home, &server, name, &bytes).await;
        let (code, message) = failure(&ended);
        assert_eq!(code, "DECOMPRESSED_TOO_LARGE", "{name}: {message}");
    }
}

#[tokio::test]
async fn an_archive_is_one_ingestion_of_its_tables() {
    let home = Home::new();
    let server = home.serve();
    let may = table("Lyon", 3).replace(HEADER, &format!("{HEADER}bad\n"));
    // Other columns, another delimiter, and no line feed at the end.
    let june = "sep=;\n\
                datetime;datasource;region;origin_coord;destination_coord\n\
                2021-06-01 08:00:00;phone;Nice;POINT (4.83 45.76);POINT (4.86 45.74)\n\
                worse";
    let archive = zipped(&[
        ("2021/may.csv", may.as_bytes()),
        ("__MACOSX/2021/._may.csv", b"\0\x05\x16\x07"),
        ("2021/.DS_Store", b"\0\0\0\x01Bud1"),
        ("README.txt", b"About the data"),
        ("2021/june.tsv", june.replace(';', "\t").as_bytes()),
        ("2021/july.csv", table("Lyon", 2).as_bytes()),
        ("map.png", b"\x89PNG\r\n"),
    ]);
    let ended = ingested(&home, &server, "2021.zip", &archive).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], 6);
    assert_eq!(ended["bytesRead"], archive.len());
    let rejected = ended["rejectedRows"]["nodes"].as_array().unwrap();
    let [bad, worse] = &rejected[..] else {
        panic!("{ended}")
    };
    // Lines go on from table to table.
    assert_eq!((&bad["line"], &worse["line"]), (&json!(2), &json!(9)));
    let reason = |row: &Value| row["reason"].as_str().unwrap().to_owned();
    assert!(reason(bad).ends_with("(line 2 of 2021/may.csv)"), "{bad}");
    assert!(
        reason(worse).ends_with("(line 4 of 2021/june.tsv)"),
        "{worse}"
    );
    let query = "{ groupedTrips(resolution: 5, timeBucketMinutes: 1440) { nodes { trips \
                 members { nodes { region line } } } } }";
    let groups = server.ask(query, json!({})).await;
    let mut lines: Vec<_> = groups["groupedTrips"]["nodes"][0]["members"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trip| trip["line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, [3, 4, 5, 8, 10, 11]);
    assert!(home.run(&["verify"]).succeeded());
}

#[tokio::test]
async fn archives_that_cannot_be_read_say_why() {
    let home = Home::new();
    let server = home.serve();
    let may = table("Lyon", 3);
    let mut encrypted = zipped(&[("secret.csv", may.as_bytes())]);
    // Bit 0 of the flags, in the file's header and in the directory.
    encrypted[6] |= 1;
    let directory = encrypted
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    encrypted[directory + 8] |= 1;
    // The method of the file: in its header, and in the directory.
    let with_method = |method: u8| {
        let mut archive = zipped(&[("trips.csv", may.as_bytes())]);
        let directory = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02");
        archive[8] = method;
        archive[directory.unwrap() + 10] = method;
        archive
    };
    let tar = [
        &b"trips.csv"[..],
        &[0; 248],
        b"ustar\x0000",
        &[0; 247],
        may.as_bytes(),
    ]
    .concat();
    let workbook = [
        ("[Content_Types].xml", &b"<Types/>"[..]),
        ("xl/workbook.xml", b"<workbook/>"),
    ];
    let others = [("a.pdf", &b"%PDF"[..]), ("b.png", b"\x89PNG")];
    let second = [
        ("may.csv", may.as_bytes()),
        ("june.csv", b"region,datetime\nLyon,2021\n"),
    ];
    let cases = [
        (
            "empty.zip",
            zipped(&[]),
            "ARCHIVE_WITHOUT_TABLE",
            "no table",
        ),
        (
            "others.zip",
            zipped(&others),
            "ARCHIVE_WITHOUT_TABLE",
            "2 other files",
        ),
        (
            "encrypted.zip",
            encrypted,
            "ARCHIVE_ENCRYPTED",
            "secret.csv",
        ),
        (
            "trips.xlsx",
            zipped(&workbook),
            "SPREADSHEET",
            "save it as CSV",
        ),
        (
            "bzip2.zip",
            with_method(12),
            "COMPRESSION_NOT_SUPPORTED",
            "trips.csv in the archive is compressed in a way that is not supported",
        ),
        (
            "lzma.zip",
            with_method(14),
            "COMPRESSION_NOT_SUPPORTED",
            "extract the archive",
        ),
        (
            "trips.tar.gz",
            gzip(&tar),
            "NOT_TEXT",
            "the file is a tar archive: extract it",
        ),
        (
            "parquet.zip",
            zipped(&[("trips.parquet", b"PAR1\x15\x04")]),
            "NOT_TEXT",
            "the file is Parquet inside a compressed file or an archive: extract it",
        ),
        (
            "second.zip",
            zipped(&second),
            "MISSING_COLUMNS",
            "june.csv in the archive",
        ),
    ];
    for (name, bytes, code, words) in cases {
        let ended = ingested(&home, &server, name, &bytes).await;
        let (found, message) = failure(&ended);
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    }
    assert_eq!(server.trips().await, 0);
}

/// Kills a server twice in the middle of a compressed file: every row comes through once.
#[cfg(unix)]
async fn killed_in_the_middle(name: &str, pack: impl Fn(&[u8]) -> Vec<u8>) {
    let home = Home::new();
    let file = fs::read(home.generate("trips.csv", MANY, 5)).unwrap();
    let packed = write(&home, name, &pack(&file));
    let server = home.serve();
    let id = server.upload(&packed).await;
    home.until("SELECT COUNT(*) FROM ingestion WHERE batches > 0")
        .await;
    assert_eq!(server.trips().await, 0, "seen before its end");
    server.process.kill();
    let before = home.number("SELECT rows_read FROM ingestion").await;
    let more = format!("SELECT COUNT(*) FROM ingestion WHERE rows_read > {before}");
    let server = home.serve();
    home.until(&more).await;
    server.process.kill();
    let server = home.serve();
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], MANY);
    assert_eq!(server.trips().await, i64::from(MANY));
    drop(server);
    // The trips are those of the plain file, line by line.
    let plain = Home::new();
    write(&plain, "trips.csv", &file);
    assert!(plain.run(&["ingest", "trips.csv"]).succeeded());
    let report = |home: &Home| home.run(&["report", "--json"]).stdout;
    assert_eq!(report(&home), report(&plain));
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_gzip_file_goes_on_where_it_was_killed() {
    killed_in_the_middle("trips.csv.gz", |bytes| gzip(bytes)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_zstandard_file_goes_on_where_it_was_killed() {
    killed_in_the_middle("trips.csv.zst", |bytes| zstd(bytes)).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_archive_goes_on_where_it_was_killed() {
    killed_in_the_middle("trips.zip", |bytes| {
        // Three tables, each with the header.
        let text = str::from_utf8(bytes).unwrap();
        let (header, rows) = text.split_once('\n').unwrap();
        let rows: Vec<_> = rows.split_inclusive('\n').collect();
        let tables: Vec<_> = rows
            .chunks(rows.len() / 3 + 1)
            .map(|rows| format!("{header}\n{}", rows.concat()))
            .collect();
        let names = ["a.csv", "b.csv", "c.csv"];
        let files: Vec<_> = names
            .into_iter()
            .zip(tables.iter().map(String::as_bytes))
            .collect();
        zipped(&files)
    })
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_compressed_file_that_changes_in_between_is_seen() {
    let home = Home::new();
    let file = fs::read(home.generate("trips.csv", MANY, 7)).unwrap();
    let packed = gzip(&file);
    write(&home, "trips.csv.gz", &packed);
    let ingest = home.start(&["ingest", "trips.csv.gz"]);
    home.until("SELECT COUNT(*) FROM ingestion WHERE batches > 0")
        .await;
    ingest.kill();
    // Another stream of the same size: its comment differs.
    let mut other = packed;
    other[4] ^= 1;
    write(&home, "trips.csv.gz", &other);
    let server = home.serve();
    let ended = server.ended("1").await;
    assert_eq!(failure(&ended).0, "FILE_CHANGED");
    assert_eq!(server.trips().await, 0);
}

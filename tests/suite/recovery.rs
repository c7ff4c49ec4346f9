//! What is acknowledged is not lost: the real program is killed, ended and interrupted in the
//! middle of its work, and goes on where it is started again, each row counted exactly once.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{program, support};

use std::path::Path;
use std::time::{Duration, Instant};

use program::{Home, Serving};
use serde_json::{Value, json};
use support::random::Random;
use tripgraph::model::{PatchBytes, PatchDepth, TripEnd};

/// Several batches.
const MANY: u32 = 300_000;
const SOME: u32 = 150_000;
const FEW: u32 = 2_000;

const HAS_TRIPS: &str = "SELECT EXISTS (SELECT 1 FROM trip_patch)";
const RUNNING: &str = "SELECT COUNT(*) FROM ingestion WHERE state = 'RUNNING'";
const QUEUED: &str = "SELECT COUNT(*) FROM ingestion WHERE state = 'QUEUED'";

/// Rows of ingestions that are not in the answers, of any table.
const LEFT_OVER: &str = "SELECT (SELECT COUNT(*) FROM ingestion WHERE has_rows AND state <> 'SUCCEEDED') \
     + (SELECT COUNT(*) FROM trip WHERE ingestion_id NOT IN (SELECT id FROM ingestion WHERE state = 'SUCCEEDED')) \
     + (SELECT COUNT(*) FROM trip_patch WHERE segment_id NOT IN (SELECT id FROM segment WHERE state = 'LIVE')) \
     + (SELECT COUNT(*) FROM segment WHERE state <> 'LIVE') \
     + (SELECT COUNT(*) FROM trip_summary WHERE ingestion_id NOT IN (SELECT id FROM ingestion WHERE state = 'SUCCEEDED'))";

/// Waits until nothing of what is not in the answers is left, on disk or in the spool.
async fn tidy(home: &Home) {
    let start = Instant::now();
    while home.number(LEFT_OVER).await != 0 || !home.spooled().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "left over: {:?}",
            home.spooled()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every ingestion comes to its end with all its rows, and nothing is counted twice.
async fn all_come_through(home: &Home, ids: &[String], rows: &[u32]) {
    let server = home.serve();
    let mut ends = Vec::new();
    for (id, rows) in ids.iter().zip(rows) {
        let ended = server.ended(id).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
        assert_eq!(ended["rowsRead"], *rows);
        assert_eq!(ended["rowsIngested"], *rows);
        ends.push(ended["finishedAt"].as_str().unwrap().to_owned());
    }
    assert!(ends.is_sorted(), "out of order: {ends:?}");
    let total: u32 = rows.iter().sum();
    assert_eq!(server.trips().await, i64::from(total));
    tidy(home).await;
    // The rows for people follow.
    home.until(&format!("SELECT COUNT(*) = {total} FROM visible_trip"))
        .await;
    assert_eq!(
        home.number("SELECT COUNT(*) FROM trip").await,
        i64::from(total)
    );
}

/// Every summary agrees with the trips themselves.
fn verified(home: &Home) {
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains(", 0 differ"), "{ran:?}");
}

/// Starts a server and uploads files of these many rows.
async fn uploaded(home: &Home, rows: &[u32]) -> (Serving, Vec<String>) {
    let files: Vec<_> = (1..)
        .zip(rows)
        .map(|(seed, &rows)| home.generate(&format!("{seed}.csv"), rows, seed))
        .collect();
    let server = home.serve();
    let mut ids = Vec::new();
    for file in files {
        ids.push(server.upload(&file).await);
    }
    (server, ids)
}

#[tokio::test]
async fn killed_as_soon_as_the_uploads_are_answered() {
    let home = Home::new();
    let rows = [SOME, FEW];
    let (server, ids) = uploaded(&home, &rows).await;
    server.process.kill();
    assert_eq!(home.number(QUEUED).await + home.number(RUNNING).await, 2);
    assert_eq!(home.spooled().len(), 2);
    all_come_through(&home, &ids, &rows).await;
    verified(&home);
}

#[tokio::test]
async fn killed_in_the_middle_and_again() {
    let home = Home::new();
    let (server, ids) = uploaded(&home, &[MANY]).await;
    home.until(HAS_TRIPS).await;
    assert_eq!(server.trips().await, 0, "seen before its end");
    server.process.kill();
    assert_eq!(home.number(RUNNING).await, 1);
    assert_eq!(home.number(HAS_TRIPS).await, 1);

    // The second time it has come further.
    let server = home.serve();
    home.until("SELECT rows_ingested > 150000 FROM ingestion")
        .await;
    server.process.kill();
    assert_eq!(home.number(RUNNING).await, 1);
    all_come_through(&home, &ids, &[MANY]).await;
    verified(&home);
}

#[tokio::test]
async fn killed_between_two_ingestions() {
    let home = Home::new();
    let rows = [FEW, SOME, FEW];
    let (server, ids) = uploaded(&home, &rows).await;
    server.ended(&ids[0]).await;
    home.until(RUNNING).await;
    server.process.kill();
    assert_eq!(home.number(QUEUED).await, 1);
    all_come_through(&home, &ids, &rows).await;
    verified(&home);
}

/// Groups of small files are published, their rows for SQL written, and their segments merged, while
/// the server is killed again and again.
#[tokio::test]
async fn killed_among_many_small_files() {
    const FILES: u32 = 60;
    const ROWS: u32 = 40;
    let home = Home::new();
    let files: Vec<_> = (0..FILES)
        .map(|seed| home.generate(&format!("{seed}.csv"), ROWS, seed))
        .collect();
    let mut random = Random::new(8);
    let mut uploads = files.iter();
    for _ in 0..8 {
        let server = home.serve();
        for file in uploads.by_ref().take(10) {
            server.upload(file).await;
        }
        tokio::time::sleep(Duration::from_millis(random.below(250) as u64)).await;
        server.process.kill();
        verified(&home);
    }
    let server = home.serve();
    let published = "SELECT COUNT(*) FROM ingestion WHERE state = 'SUCCEEDED'";
    home.until(&format!("SELECT ({published}) = {FILES}")).await;
    let settled = "SELECT COUNT(*) <= 12 FROM segment WHERE sql_complete";
    home.until(settled).await;
    tidy(&home).await;
    assert_eq!(server.trips().await, i64::from(FILES * ROWS));
    home.until(&format!(
        "SELECT COUNT(*) = {} FROM visible_trip",
        FILES * ROWS
    ))
    .await;
    verified(&home);
}

#[tokio::test]
async fn killed_while_an_upload_comes_in() {
    let home = Home::new();
    let (server, ids) = uploaded(&home, &[FEW]).await;
    server.ended(&ids[0]).await;
    // A body that never comes to its end.
    let body = reqwest::Body::wrap_stream(futures::stream::unfold(0, |sent| async move {
        if sent > 3 {
            futures::future::pending::<()>().await;
        }
        let part = match sent {
            0 => {
                "--b\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\
                  \"mutation ($f: Upload!) { ingestTrips(file: $f) { duplicate } }\",\"variables\":{\"f\":null}}\r\n\
                  --b\r\ncontent-disposition: form-data; name=\"map\"\r\n\r\n{\"0\":[\"variables.f\"]}\r\n\
                  --b\r\ncontent-disposition: form-data; name=\"0\"; filename=\"half.csv\"\r\n\r\nregion,"
            }
            _ => "origin_coord",
        };
        Some((Ok::<_, std::io::Error>(part), sent + 1))
    }));
    let upload = reqwest::Client::new()
        .post(server.url("/graphql"))
        .header("content-type", "multipart/form-data; boundary=b")
        .body(body)
        .send();
    let upload = tokio::spawn(upload);
    let start = Instant::now();
    while home.spooled().is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "nothing is spooled"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.process.kill();
    upload.await.unwrap().unwrap_err();
    assert_eq!(home.spooled().len(), 1);
    all_come_through(&home, &ids, &[FEW]).await;
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 1);
}

#[tokio::test]
async fn asked_to_end_in_the_middle() {
    let home = Home::new();
    let rows = [SOME, FEW];
    let (server, ids) = uploaded(&home, &rows).await;
    home.until(HAS_TRIPS).await;
    let (status, log) = server.process.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("continues later"), "{log}");
    assert_eq!(home.number(QUEUED).await, 2);
    // The batch in hand is finished: what was read need not be read again.
    let done = home
        .number("SELECT rows_read FROM ingestion WHERE id = 1")
        .await;
    assert!(done > 0);
    let database = home.sql().await;
    let packed = "SELECT keys FROM trip_patch WHERE trip_end = 0";
    let packed: usize = database
        .rows(packed)
        .await
        .iter()
        .map(|row| {
            let keys: Vec<u8> = row.try_get_by_index(0).unwrap();
            let patch = PatchBytes::new([&keys, &[], &[], &[]], PatchDepth::Keys);
            let parts = patch.parts(TripEnd::Origin);
            parts.map(|part| part.unwrap().rows().len()).sum::<usize>()
        })
        .sum();
    database.close().await;
    assert_eq!(i64::try_from(packed).unwrap(), done);
    all_come_through(&home, &ids, &rows).await;
    verified(&home);
}

#[tokio::test]
async fn uploads_are_answered_while_one_runs_and_come_through_in_order() {
    let home = Home::new();
    let rows = [SOME, FEW, FEW + 1];
    let (server, ids) = uploaded(&home, &rows).await;
    assert_eq!(server.ingestion(&ids[0]).await["state"], "RUNNING");
    assert_eq!(server.ingestion(&ids[1]).await["state"], "QUEUED");
    assert_eq!(server.ingestion(&ids[2]).await["state"], "QUEUED");
    server.ended(&ids[2]).await;
    drop(server);
    all_come_through(&home, &ids, &rows).await;
}

#[tokio::test]
async fn an_upload_that_is_gone_is_told() {
    let home = Home::new();
    let (server, ids) = uploaded(&home, &[SOME, FEW]).await;
    home.until(HAS_TRIPS).await;
    server.process.kill();
    // That of the ingestion that ran: the larger one.
    let mut files = home.spooled();
    files.sort_by_key(|file| file.metadata().unwrap().len());
    std::fs::remove_file(files.pop().unwrap()).unwrap();

    let server = home.serve();
    let ended = server.ended(&ids[0]).await;
    assert_eq!(ended["state"], "FAILED", "{ended}");
    assert_eq!(ended["error"]["code"], "FILE_MISSING", "{ended}");
    assert!(
        ended["rowsIngested"].as_u64().unwrap() < SOME.into(),
        "{ended}"
    );
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("cannot open "), "{message}");
    assert!(
        !message.contains(home.path("").to_str().unwrap()),
        "{message}"
    );
    assert_eq!(server.ended(&ids[1]).await["state"], "SUCCEEDED");
    assert_eq!(server.trips().await, i64::from(FEW));
    tidy(&home).await;
    drop(server);
    verified(&home);
}

async fn cancel(server: &Serving, id: &str) -> Value {
    let query = "mutation ($id: ID!) { cancelIngestion(id: $id) { state rowsIngested } }";
    server.answer(query, json!({ "id": id })).await
}

#[tokio::test]
async fn what_is_cancelled_leaves_nothing() {
    let home = Home::new();
    let (server, ids) = uploaded(&home, &[MANY, FEW, FEW + 1]).await;
    let queued = cancel(&server, &ids[1]).await;
    assert_eq!(
        queued["data"]["cancelIngestion"]["state"], "CANCELLED",
        "{queued}"
    );
    home.until(HAS_TRIPS).await;
    let start = Instant::now();
    let running = cancel(&server, &ids[0]).await;
    assert_eq!(
        running["data"]["cancelIngestion"]["state"], "CANCELLED",
        "{running}"
    );
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );

    let last = server.ended(&ids[2]).await;
    assert_eq!(last["state"], "SUCCEEDED", "{last}");
    assert_eq!(server.trips().await, i64::from(FEW + 1));
    tidy(&home).await;
    let again = cancel(&server, &ids[0]).await;
    assert_eq!(
        again["errors"][0]["extensions"]["code"], "CONFLICT",
        "{again}"
    );
    // The same bytes may come again.
    let id = server.upload(&home.path("2.csv")).await;
    assert_ne!(id, ids[1]);
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    drop(server);
    verified(&home);
}

#[tokio::test]
async fn killed_while_removed_trips_are_deleted() {
    let home = Home::new();
    let (server, ids) = uploaded(&home, &[SOME, FEW]).await;
    server.ended(&ids[1]).await;
    let query = "mutation ($id: ID!) { removeIngestion(id: $id) { state } }";
    let removed = server.ask(query, json!({ "id": ids[0] })).await;
    assert_eq!(removed["removeIngestion"]["state"], "REMOVED");
    server.process.kill();

    let server = home.serve();
    assert_eq!(server.trips().await, i64::from(FEW));
    assert_eq!(server.ingestion(&ids[0]).await["state"], "REMOVED");
    tidy(&home).await;
    drop(server);
    verified(&home);
}

/// Interrupts `tripgraph ingest 1.csv 2.csv` in the middle of the first.
async fn interrupted_ingest(home: &Home) {
    home.generate("1.csv", SOME, 1);
    home.generate("2.csv", FEW, 2);
    let ingest = home.start(&["ingest", "1.csv", "2.csv"]);
    home.until(HAS_TRIPS).await;
    let (status, log) = ingest.interrupt();
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(log.contains("resume at the next"), "{log}");
    assert_eq!(home.number(QUEUED).await, 2);
    assert_eq!(home.number("SELECT COUNT(*) FROM trip_summary").await, 0);
}

#[tokio::test]
async fn an_interrupted_ingest_goes_on_at_the_next_ingest() {
    let home = Home::new();
    interrupted_ingest(&home).await;
    let ran = home.run(&["ingest", "1.csv", "2.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains("1.csv: 150,000 trips"), "{ran:?}");
    assert!(ran.stdout.contains("2.csv: 2,000 trips"), "{ran:?}");
    all_come_through(&home, &["1".to_owned(), "2".to_owned()], &[SOME, FEW]).await;
    // They are read where they lie, and left there.
    assert!(home.path("1.csv").exists() && home.path("2.csv").exists());
}

#[tokio::test]
async fn an_interrupted_ingest_goes_on_at_the_next_serve() {
    let home = Home::new();
    interrupted_ingest(&home).await;
    all_come_through(&home, &["1".to_owned(), "2".to_owned()], &[SOME, FEW]).await;
}

#[tokio::test]
async fn an_interrupted_ingest_does_not_go_on_with_other_bytes() {
    let home = Home::new();
    interrupted_ingest(&home).await;
    append(&home.path("1.csv"), "\n");
    std::fs::remove_file(home.path("2.csv")).unwrap();
    let server = home.serve();
    for id in ["1", "2"] {
        let ended = server.ended(id).await;
        assert_eq!(ended["state"], "FAILED", "{ended}");
        assert_eq!(ended["error"]["code"], "FILE_CHANGED", "{ended}");
    }
    assert_eq!(server.trips().await, 0);
    tidy(&home).await;
    assert!(home.path("1.csv").exists());
}

fn append(file: &Path, text: &str) {
    use std::io::Write;
    let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_server_whose_worker_row_has_gone_goes_on() {
    let home = Home::new();
    let server = home.serve();
    let file = home.generate("trips.csv", 200, 1);
    let sql = home.sql().await;
    assert_eq!(sql.execute("DELETE FROM worker").await, 1);
    let id = server.upload(&file).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    assert_eq!(sql.number("SELECT COUNT(*) FROM worker").await, 1);
    sql.close().await;
}

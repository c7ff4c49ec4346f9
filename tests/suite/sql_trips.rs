//! The table `trip`, for people who ask with SQL: filled behind everything else, an ingestion's rows
//! all at once to those who look, each of them once whatever happens.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::{program, support};

use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use program::{Home, Serving};
use support::Server;
use support::backend::{Backend, ROLE, TestDatabase};
use support::data::{HEADER, Shape};
use support::database::{Sql, on_postgres};
use support::random::Random;
use support::reference::Reference;
use tripgraph::analytics::verify;
use tripgraph::ingest::{Role, SqlTrips};
use tripgraph::model::IngestionId;
use tripgraph::store::{SegmentId, SqlBlock, Store};

/// Several blocks.
const MANY: u32 = 200_000;
const FEW: u32 = 2_000;
const TIMEOUT: Duration = Duration::from_mins(1);

/// An ingestion has rows, but not all.
const FILLING: &str = "SELECT COUNT(*) FROM segment WHERE sql_rows > 0 AND NOT sql_complete";

fn file(rows: usize, seed: u64) -> String {
    Shape::new(rows).file(&mut Random::new(seed))
}

/// A backend that does not fill the table by itself.
async fn unfilled() -> Backend {
    let role = Role {
        sql_trips: SqlTrips::Off,
        ..ROLE
    };
    Backend::start_as(TestDatabase::new(), role).await
}

/// The next rows, so many at most; `None` where no ingestion lacks any.
async fn next_block(store: &Store, most: usize) -> Option<SqlBlock> {
    let backlog = store.sql_backlog(&[]).await.unwrap()?;
    let patches = store.sql_patches(&backlog).await.unwrap();
    Some(patches.unpack(most).unwrap())
}

/// Writes the next rows. Returns whether an ingestion lacked any.
async fn step(store: &Store, most: usize) -> bool {
    let Some(block) = next_block(store, most).await else {
        return false;
    };
    assert!(store.write_sql_block(&block).await.unwrap());
    true
}

async fn verified(store: &Store) {
    let verification = verify(store).await.unwrap();
    assert_eq!(verification.differing, 0, "{verification:#?}");
}

async fn count(sql: &Sql, table: &str, id: IngestionId) -> u64 {
    let query = format!("SELECT COUNT(*) FROM {table} WHERE ingestion_id = {id}");
    sql.number(&query).await.cast_unsigned()
}

/// The segment of an ingestion.
async fn segment(sql: &Sql, id: IngestionId) -> SegmentId {
    let query = format!("SELECT segment_id FROM ingestion WHERE id = {id}");
    sql.number(&query).await
}

/// Waits until no ingestion lacks rows.
async fn filled(sql: &Sql) {
    let start = Instant::now();
    let lacking = "SELECT COUNT(*) FROM segment WHERE state = 'LIVE' AND NOT sql_complete";
    while sql.number(lacking).await > 0 {
        assert!(start.elapsed() < TIMEOUT, "the table is not filled");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_rows_of_an_ingestion_appear_all_at_once() {
    let backend = unfilled().await;
    let sql = backend.sql().await;
    let first = backend.ingest(&file(300, 1)).await;
    while step(&backend.store, 65_536).await {}
    let second = backend.ingest(&file(3_000, 2)).await;
    let mut steps = 0;
    loop {
        let visible = count(&sql, "visible_trip", second.id).await;
        let rows = count(&sql, "trip", second.id).await;
        assert_eq!(
            count(&sql, "visible_trip", first.id).await,
            first.rows_ingested
        );
        verified(&backend.store).await;
        if visible > 0 {
            assert_eq!(
                (visible, rows),
                (second.rows_ingested, second.rows_ingested)
            );
            break;
        }
        let missing = backend.store.sql_rows_missing().await.unwrap();
        assert_eq!(missing, second.rows_ingested - rows);
        assert!(step(&backend.store, 700).await);
        steps += 1;
    }
    assert!(steps >= 5, "{steps}");
    assert!(!step(&backend.store, 700).await);
    assert_eq!(backend.store.sql_rows_missing().await.unwrap(), 0);
}

#[tokio::test]
async fn rows_are_those_of_the_file() {
    let backend = Backend::start().await;
    let csv = file(3_000, 3);
    let id = backend.ingest(&csv).await.id;
    let mut reference = Reference::default();
    reference.add(id, &csv);
    let sql = backend.sql().await;
    filled(&sql).await;
    let rows = sql
        .rows(
            "SELECT line, region, datasource, origin_lon, origin_lat, destination_lon, \
             destination_lat, CAST(departed_at AS TEXT), CAST(arrived_at AS TEXT), ingestion_id \
             FROM visible_trip ORDER BY line",
        )
        .await;
    assert_eq!(rows.len(), reference.trips.len());
    for (row, trip) in rows.iter().zip(&reference.trips) {
        let degrees = |index| row.try_get_by_index::<f64>(index).unwrap();
        let text = |index| row.try_get_by_index::<String>(index).unwrap();
        let number = |index| row.try_get_by_index::<i64>(index).unwrap();
        let departed_at = NaiveDateTime::parse_from_str(&text(7), "%Y-%m-%d %H:%M:%S%.f");
        assert_eq!(number(0).cast_unsigned(), trip.line);
        assert_eq!(
            (text(1), text(2)),
            (trip.region.clone(), trip.datasource.clone())
        );
        assert_eq!((degrees(3), degrees(4)), trip.origin);
        assert_eq!((degrees(5), degrees(6)), trip.destination);
        assert_eq!(departed_at.unwrap(), trip.time);
        assert_eq!(row.try_get_by_index::<Option<String>>(8).unwrap(), None);
        assert_eq!(number(9), id);
    }
    verified(&backend.store).await;
}

#[tokio::test]
async fn arrivals_are_written_where_there_are_any() {
    let backend = Backend::start().await;
    let trip = "Prague,POINT (14.4 50.1),POINT (14.5 50),1969-12-31 23:00:00,funny_car";
    let arrivals = ["1969-12-31 23:59:59.5", "", "1970-01-01 00:10:00"];
    let rows: Vec<_> = arrivals
        .iter()
        .map(|arrival| format!("{trip},{arrival}\n"))
        .collect();
    let header = HEADER.trim_end();
    backend
        .ingest(&format!("{header},arrived_at\n{}", rows.concat()))
        .await;
    let sql = backend.sql().await;
    filled(&sql).await;
    let rows = sql
        .rows("SELECT CAST(arrived_at AS TEXT) FROM visible_trip ORDER BY line")
        .await;
    let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
    let stored = rows.iter().map(|row| {
        let text: Option<String> = row.try_get_by_index(0).unwrap();
        text.and_then(|text| time(&text))
    });
    assert_eq!(stored.collect::<Vec<_>>(), arrivals.map(time));
    verified(&backend.store).await;
}

#[tokio::test]
async fn a_block_is_written_once() {
    let backend = unfilled().await;
    let ingested = backend.ingest(&file(1_000, 5)).await;
    let sql = backend.sql().await;
    loop {
        // Another program reads the same, and is slower. Or it is the same one, whose first commit
        // had no answer.
        let block = next_block(&backend.store, 300).await.unwrap();
        let again = next_block(&backend.store, 200).await.unwrap();
        assert!(backend.store.write_sql_block(&block).await.unwrap());
        for late in [&block, &again] {
            assert!(!backend.store.write_sql_block(late).await.unwrap());
        }
        if block.completes {
            break;
        }
    }
    assert_eq!(
        count(&sql, "trip", ingested.id).await,
        ingested.rows_ingested
    );
    verified(&backend.store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_fill_one_table() {
    let backend = unfilled().await;
    for seed in 0..3 {
        backend.ingest(&file(1_000, seed)).await;
    }
    let fills = (1..4).map(|number| {
        let store = backend.store.clone();
        tokio::spawn(async move {
            while let Some(block) = next_block(&store, number * 50).await {
                store.write_sql_block(&block).await.unwrap();
            }
        })
    });
    for fill in futures::future::join_all(fills).await {
        fill.unwrap();
    }
    verified(&backend.store).await;
    let sql = backend.sql().await;
    let lines = "SELECT COUNT(*) FROM (SELECT DISTINCT ingestion_id, line FROM visible_trip) AS t";
    let trips = "SELECT CAST(SUM(rows_ingested) AS BIGINT) FROM ingestion";
    assert_eq!(sql.number(lines).await, sql.number(trips).await);
}

#[tokio::test]
async fn removal_takes_the_rows_out() {
    let backend = unfilled().await;
    let sql = backend.sql().await;
    let mut ids = Vec::new();
    for seed in 0..3 {
        ids.push(backend.ingest(&file(1_000, seed)).await);
    }
    let [kept, half, whole] = &ids[..] else {
        unreachable!()
    };
    // The rows of the three lie between each other.
    for round in 0..3 {
        for (number, ingested) in ids.iter().enumerate() {
            let own = segment(&sql, ingested.id).await;
            let mut except = Vec::new();
            for other in &ids {
                except.push(segment(&sql, other.id).await);
            }
            except.retain(|segment| *segment != own);
            let most = if round == 2 && number != 1 {
                10_000
            } else {
                100
            };
            // On a cluster, a block without rows shows those that were written before.
            let shows = most == 10_000 && sql.is_distributed().await;
            for _ in 0..=usize::from(shows) {
                let backlog = backend.store.sql_backlog(&except).await.unwrap().unwrap();
                let patches = backend.store.sql_patches(&backlog).await.unwrap();
                let block = patches.unpack(most).unwrap();
                assert!(backend.store.write_sql_block(&block).await.unwrap());
            }
        }
    }
    assert_eq!(
        count(&sql, "visible_trip", whole.id).await,
        whole.rows_ingested
    );
    verified(&backend.store).await;
    let late = next_block(&backend.store, 100).await.unwrap();
    assert_eq!(late.segment, segment(&sql, half.id).await);
    for removed in [half, whole] {
        backend.ingestions.remove(removed.id).await.unwrap();
        assert_eq!(count(&sql, "visible_trip", removed.id).await, 0);
        backend.purged(removed.id).await;
    }
    // It was read before the removal.
    assert!(!backend.store.write_sql_block(&late).await.unwrap());
    let trips = "SELECT COUNT(*) FROM trip";
    assert_eq!(sql.number(trips).await.cast_unsigned(), kept.rows_ingested);
    let segments = "SELECT COUNT(*) FROM segment";
    assert_eq!(sql.number(segments).await, 1);
    assert_eq!(
        count(&sql, "visible_trip", kept.id).await,
        kept.rows_ingested
    );
    assert!(!step(&backend.store, 100).await);
    verified(&backend.store).await;
}

#[tokio::test]
async fn verify_finds_rows_that_are_not_as_in_the_patches() {
    let backend = Backend::start().await;
    let ingested = backend.ingest(&file(500, 6)).await;
    let sql = backend.sql().await;
    filled(&sql).await;
    sql.save().await;
    let (id, line) = (ingested.id, "line = (SELECT MAX(line) FROM saved_trip)");
    for change in [
        format!("DELETE FROM trip WHERE {line}"),
        format!("INSERT INTO trip SELECT * FROM saved_trip WHERE {line}"),
        format!("UPDATE trip SET origin_lon = -origin_lon / 2 + 1e-9 WHERE {line}"),
        format!("UPDATE trip SET destination_lat = 91 WHERE {line}"),
        format!("UPDATE trip SET departed_at = departed_at + 1 WHERE {line}"),
        format!("UPDATE trip SET arrived_at = departed_at WHERE {line}"),
        format!("UPDATE trip SET datasource_id = datasource_id + 1 WHERE {line}"),
        format!("UPDATE trip SET ingestion_id = {} WHERE {line}", id + 1),
        "UPDATE segment SET sql_complete = false WHERE sql_rows < 0".to_owned(),
    ] {
        let touched = sql.execute(&change).await;
        let verification = verify(&backend.store).await.unwrap();
        assert_eq!(verification.differing > 0, touched > 0, "{change}");
        sql.execute("DELETE FROM trip").await;
        sql.execute("INSERT INTO trip SELECT * FROM saved_trip")
            .await;
        verified(&backend.store).await;
    }
}

#[tokio::test]
async fn a_broken_patch_holds_up_only_its_own_ingestion() {
    let backend = unfilled().await;
    let (broken, sound) = (
        backend.ingest(&file(200, 7)).await,
        backend.ingest(&file(200, 8)).await,
    );
    let sql = backend.sql().await;
    let id = broken.id;
    sql.execute(&format!(
        "UPDATE trip_patch SET checksum = checksum + 1 \
         WHERE segment_id = (SELECT segment_id FROM ingestion WHERE id = {id})"
    ))
    .await;
    let backend = Backend::start_in(backend.stop().await).await;
    let start = Instant::now();
    while count(&sql, "visible_trip", sound.id).await == 0 {
        assert!(
            start.elapsed() < TIMEOUT,
            "the sound ingestion is not filled"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(count(&sql, "trip", broken.id).await, 0);
    backend.stop().await;
}

#[tokio::test]
async fn a_server_fills_the_table_and_says_how_far() {
    let server = Server::start().await;
    let ingested = server.backend.ingest(&file(2_000, 9)).await;
    let sql = server.backend.sql().await;
    filled(&sql).await;
    let written = format!(
        "tripgraph_sql_rows_written_total {}",
        ingested.rows_ingested
    );
    let start = Instant::now();
    loop {
        let page = reqwest::get(server.url("/metrics")).await.unwrap();
        let page = page.text().await.unwrap();
        if page.contains(&written) && page.contains("tripgraph_sql_rows_missing 0") {
            break;
        }
        assert!(start.elapsed() < TIMEOUT, "{page}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn ingest_ends_when_the_table_is_filled() {
    let home = Home::new();
    home.generate("trips.csv", FEW, 1);
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let visible = "SELECT COUNT(*) FROM visible_trip";
    assert_eq!(home.number(visible).await, i64::from(FEW));
}

#[tokio::test]
async fn off_leaves_the_rows_out_and_on_fills_what_is_missing() {
    let home = Home::new();
    home.generate("trips.csv", FEW, 2);
    let ran = home.run(&["ingest", "--sql-trips", "off", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(home.number("SELECT COUNT(*) FROM trip").await, 0);
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
    let mut off = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    off.env("TRIPGRAPH_SQL_TRIPS", "off");
    let server = Serving::start(off);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.trips().await, i64::from(FEW));
    server.process.kill();
    assert_eq!(home.number("SELECT COUNT(*) FROM trip").await, 0);
    let _server = home.serve();
    home.until(&format!("SELECT COUNT(*) = {FEW} FROM visible_trip"))
        .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_server_goes_on_where_it_was() {
    let home = Home::new();
    let path = home.generate("trips.csv", MANY, 3);
    let server = home.serve();
    let id = server.upload(&path).await;
    server.ended(&id).await;
    home.until(FILLING).await;
    server.process.kill();
    let rows = home.number("SELECT COUNT(*) FROM trip").await;
    assert!(0 < rows && rows < i64::from(MANY), "{rows}");
    assert_eq!(home.number("SELECT sql_rows FROM segment").await, rows);
    assert_eq!(home.number("SELECT COUNT(*) FROM visible_trip").await, 0);
    all_there(&home).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupted_ingest_leaves_the_rest_for_later() {
    let home = Home::new();
    home.generate("trips.csv", MANY, 4);
    let ingest = home.start(&["ingest", "trips.csv"]);
    home.until(FILLING).await;
    let (status, log) = ingest.interrupt();
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(log.contains("interrupted"), "{log}");
    assert_eq!(home.number("SELECT COUNT(*) FROM visible_trip").await, 0);
    all_there(&home).await;
}

/// Starts a server, and waits until all rows are there, each once.
async fn all_there(home: &Home) {
    let _server = home.serve();
    home.until(&format!("SELECT COUNT(*) = {MANY} FROM visible_trip"))
        .await;
    for lines in ["line", "DISTINCT line"] {
        let count = format!("SELECT COUNT({lines}) FROM trip");
        assert_eq!(home.number(&count).await, i64::from(MANY));
    }
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
}

#[tokio::test]
async fn two_programs_fill_one_table() {
    if !on_postgres() {
        return;
    }
    let home = Home::new();
    let path = home.generate("trips.csv", MANY, 5);
    let server = home.serve();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(home.path("other"));
    let other = Serving::start(command);
    let id = server.upload(&path).await;
    server.ended(&id).await;
    home.until(FILLING).await;
    // One of the two goes away in the middle.
    server.process.kill();
    all_there(&home).await;
    drop(other);
}

//! Several programs on one database: each ingestion is one's alone, all see it, and who fails or is
//! cut off neither loses nor doubles anything.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use futures::StreamExt;
use rustix::process::Signal;
use serde_json::json;
use tripgraph::analytics::{summaries, verify};
use tripgraph::graphql::ApiError;
use tripgraph::ingest::{Ingestions, Role, Spool};
use tripgraph::model::{Ingestion, IngestionPhase, IngestionState};
use tripgraph::store::{Access, Claim, LoadBlock, SegmentClaim, SegmentWriter, Store};

use crate::suite::program::{Home, Serving};
use crate::suite::support::backend::{Backend, ROLE, TestDatabase};
use crate::suite::support::data::Shape;
use crate::suite::support::proxy::Proxy;
use crate::suite::support::random::Random;

const MANY: u32 = 300_000;
/// Two blocks.
const SOME: u32 = 100_000;
const FEW: u32 = 2_000;
const TIMEOUT: Duration = Duration::from_mins(1);

/// A second server beside that of a home: with the same data directory, or one of its own.
fn beside(home: &Home, data: &str) -> Serving {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(home.path(data));
    Serving::start(command)
}

fn file(rows: usize, seed: u64) -> String {
    Shape::new(rows).file(&mut Random::new(seed))
}

async fn verified(store: &Store) -> u64 {
    let verification = verify(store).await.unwrap();
    assert_eq!(verification.differing, 0, "{verification:#?}");
    verification.trips
}

fn is_verified(home: &Home, trips: u32) {
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
    let text = ran.stdout.replace(',', "");
    assert!(text.starts_with(&format!("{trips} trips read")), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_start_at_once_on_an_empty_database() {
    let place = TestDatabase::new();
    let starts = (0..4).map(|_| {
        let url = place.database.url().to_owned();
        tokio::spawn(async move { Store::open(&url, Access::Write).await })
    });
    for start in futures::future::join_all(starts).await {
        let store = start.unwrap().unwrap();
        assert!(summaries(&store).await.unwrap().regions(None).is_empty());
        store.close().await.unwrap();
    }
}

/// Two engines on one database; with one spool, or two.
async fn two(shared: bool) -> (Backend, Peer) {
    let backend = Backend::start().await;
    let spool = if shared { "spool" } else { "other" };
    let peer = Peer::of(&backend, spool).await;
    (backend, peer)
}

/// A second backend on the same database.
struct Peer {
    store: Store,
    ingestions: Ingestions,
}

impl Peer {
    async fn of(backend: &Backend, spool: &str) -> Self {
        Self::at(backend.url(), backend, spool).await
    }

    async fn at(url: &str, backend: &Backend, spool: &str) -> Self {
        let store = Store::open(url, Access::Write).await.unwrap();
        let spool = Spool::open(backend.dir().join(spool), store.program())
            .await
            .unwrap();
        let role = Role {
            lease: Duration::from_secs(2),
            ..ROLE
        };
        let ingestions = Ingestions::start(store.clone(), spool, role).await.unwrap();
        Self { store, ingestions }
    }

    /// The states of an ingestion, to the final one.
    async fn states(&self, id: i64) -> Vec<Ingestion> {
        let states = self.ingestions.watch(id).await.unwrap().unwrap();
        tokio::time::timeout(TIMEOUT, states.collect())
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_elsewhere_is_followed() {
    let (backend, peer) = two(false).await;
    let mut updates = peer.ingestions.updates();
    let id = backend.enqueue(&file(150_000, 1), None).await;
    let states = peer.states(id).await;
    assert!(
        states.iter().any(|at| at.state == IngestionState::Running
            && at.rows_read > 0
            && at.rows_read < 150_000
            && at.rows_per_second.is_some()),
        "no progress: {states:#?}"
    );
    assert!(states.is_sorted_by_key(|at| at.rows_read), "{states:#?}");
    assert!(
        states
            .iter()
            .any(|at| at.phase == Some(IngestionPhase::Publishing)),
        "no publishing: {states:#?}"
    );
    assert!(
        states.iter().map(Ingestion::percent).is_sorted(),
        "{states:#?}"
    );
    let last = states.last().unwrap();
    assert_eq!(last.state, IngestionState::Succeeded);
    assert_eq!(*last, backend.ended(id).await);
    // The same for whoever watches all of them.
    let ended = async {
        loop {
            let at = updates.next().await.unwrap();
            if at.id == id && at.state.is_final() {
                return at;
            }
        }
    };
    assert_eq!(tokio::time::timeout(TIMEOUT, ended).await.unwrap(), *last);
    // And from its removal they learn, too.
    backend.ingestions.remove(id).await.unwrap();
    let removed = tokio::time::timeout(TIMEOUT, updates.next()).await.unwrap();
    assert_eq!(removed.unwrap().state, IngestionState::Removed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_elsewhere_is_cancelled() {
    let (backend, peer) = two(false).await;
    let id = backend.enqueue(&file(150_000, 2), None).await;
    backend
        .until(id, |at| at.state == IngestionState::Running)
        .await;
    let cancelled = peer.ingestions.cancel(id).await.unwrap();
    assert_eq!(cancelled.state, IngestionState::Cancelled);
    assert_eq!(backend.ended(id).await.state, IngestionState::Cancelled);
    backend.purged(id).await;
    // Its worker is free for the next.
    let next = backend.ingest(&file(500, 3)).await;
    assert_eq!(verified(&peer.store).await, next.rows_ingested);
    let start = Instant::now();
    while backend.spooled() > 0 {
        assert!(start.elapsed() < TIMEOUT, "an upload is left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_ingestion_is_claimed_by_one() {
    let (backend, peer) = two(true).await;
    let mut rows = 0;
    let mut ids = Vec::new();
    for seed in 0..12 {
        ids.push(backend.enqueue(&file(1_000, seed), None).await);
    }
    for id in ids {
        let ended = backend.ended(id).await;
        assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
        rows += ended.rows_ingested;
    }
    let sql = backend.sql().await;
    let claimed = "SELECT COUNT(*) FROM ingestion WHERE claims = 1";
    assert_eq!(sql.number(claimed).await, 12);
    assert_eq!(verified(&peer.store).await, rows);
}

/// What two publish at the same time touches the same histograms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_publish_the_same_places_at_once() {
    let (backend, peer) = two(false).await;
    let mut rows = 0;
    for round in 0..6 {
        let here = backend.enqueue(&file(2_000, round), None).await;
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(file(2_000, 100 + round))]);
        let upload = peer.ingestions.spool().receive("b.csv", bytes, u64::MAX);
        let there = peer
            .ingestions
            .enqueue(
                upload.await.unwrap(),
                &tripgraph::ingest::IngestOptions::default(),
            )
            .await
            .unwrap();
        for id in [here, there.ingestion.id] {
            let ended = backend.ended(id).await;
            assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
            rows += ended.rows_ingested;
        }
        // While one takes trips out, others bring some.
        if round == 3 {
            rows -= peer.ingestions.remove(here).await.unwrap().rows_ingested;
        }
    }
    assert_eq!(verified(&backend.store).await, rows);
}

#[tokio::test]
async fn the_same_bytes_are_the_same_everywhere() {
    let (backend, peer) = two(false).await;
    let csv = file(500, 9);
    let upload = async |ingestions: &Ingestions| {
        let bytes = futures::stream::iter([Ok::<_, std::io::Error>(csv.clone())]);
        let upload = ingestions.spool().receive("a.csv", bytes, u64::MAX);
        let options = tripgraph::ingest::IngestOptions::default();
        ingestions
            .enqueue(upload.await.unwrap(), &options)
            .await
            .unwrap()
    };
    let (one, other) = tokio::join!(upload(&backend.ingestions), upload(&peer.ingestions));
    assert!(one.duplicate != other.duplicate);
    assert_eq!(one.ingestion.id, other.ingestion.id);
}

#[tokio::test]
async fn who_is_killed_is_replaced_by_who_has_the_same_spool() {
    let home = Home::new();
    let first = home.serve();
    let id = first.upload(&home.generate("trips.csv", MANY, 5)).await;
    home.until("SELECT COUNT(*) > 0 FROM trip_patch").await;
    // With a spool of its own it can't help.
    let stranger = beside(&home, "elsewhere");
    let second = beside(&home, "data");
    first.process.kill();
    let ended = second.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(ended["rowsIngested"], MANY);
    assert_eq!(stranger.trips().await, i64::from(MANY));
    assert!(second.process.log().contains("ingestion started"));
    assert!(!stranger.process.log().contains("ingestion started"));
    assert_eq!(home.number("SELECT claims FROM ingestion").await, 2);
    is_verified(&home, MANY);
    assert!(home.spooled().is_empty());
}

#[tokio::test]
async fn who_ends_in_order_hands_over_at_once() {
    let home = Home::new();
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TRIPGRAPH_LEASE_SECONDS", "600");
    let first = Serving::start(command);
    let id = first.upload(&home.generate("trips.csv", MANY, 6)).await;
    home.until("SELECT COUNT(*) > 0 FROM trip_patch").await;
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("TRIPGRAPH_LEASE_SECONDS", "600");
    let second = Serving::start(command);
    let (status, log) = first.process.terminate();
    assert!(status.success(), "{log}");
    let ended = second.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    is_verified(&home, MANY);
}

/// A program that sleeps through its lease, and wakes up while another does its work.
#[tokio::test]
async fn who_was_thought_dead_writes_nothing_more() {
    let home = Home::new();
    let first = home.serve();
    let id = first.upload(&home.generate("trips.csv", MANY, 7)).await;
    home.until("SELECT COUNT(*) > 0 FROM trip_patch").await;
    first.process.signal(Signal::STOP);
    let second = beside(&home, "data");
    home.until("SELECT claims = 2 FROM ingestion").await;
    first.process.signal(Signal::CONT);
    let ended = second.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    // It is of use again.
    let next = home.generate("next.csv", FEW, 8);
    second.process.kill();
    let id = first.upload(&next).await;
    assert_eq!(first.ended(&id).await["state"], "SUCCEEDED");
    is_verified(&home, MANY + FEW);
}

/// Frozen at whatever it does, most of all in the middle of a `COPY`, which holds its ingestion.
#[tokio::test]
async fn who_is_frozen_is_replaced() {
    let in_copy = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND query LIKE 'COPY %' AND state = 'active' AND wait_event = 'ClientRead'";
    for round in 0..3_u64 {
        let home = Home::new();
        let first = home.serve();
        let sql = home.sql().await;
        let id = first.upload(&home.generate("trips.csv", SOME, 20)).await;
        if round < 2 {
            home.until("SELECT COUNT(*) > 0 FROM trip_patch").await;
            let start = Instant::now();
            loop {
                first.process.signal(Signal::STOP);
                // What was under way has come to rest.
                tokio::time::sleep(Duration::from_millis(20)).await;
                if sql.number(in_copy).await > 0 {
                    break;
                }
                first.process.signal(Signal::CONT);
                assert!(start.elapsed() < TIMEOUT, "never in a COPY");
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
        } else {
            let moment = Random::new(round).between(0.0, 1.5);
            tokio::time::sleep(Duration::from_secs_f64(moment)).await;
            first.process.signal(Signal::STOP);
        }
        let frozen = Instant::now();
        let second = beside(&home, "data");
        home.until("SELECT claims = 2 OR state = 'SUCCEEDED' FROM ingestion")
            .await;
        assert!(frozen.elapsed() < Duration::from_secs(20), "round {round}");
        let ended = second.ended(&id).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
        assert_eq!(second.trips().await, i64::from(SOME));

        first.process.signal(Signal::CONT);
        home.until("SELECT COUNT(*) = 2 FROM worker").await;
        // It is of use again.
        let next = home.generate("next.csv", FEW, 21);
        second.process.kill();
        let id = first.upload(&next).await;
        assert_eq!(first.ended(&id).await["state"], "SUCCEEDED");
        is_verified(&home, SOME + FEW);
    }
}

/// Who takes over ends the sessions of the one that is gone, and waits for nobody's locks.
#[tokio::test]
async fn who_takes_over_waits_for_no_lock() {
    let backend = Backend::start().await;
    let sql = backend.sql().await;
    let insert = "INSERT INTO worker (id, name, spool, serves, lease_seconds, heartbeat_at) \
                  VALUES ('gone', 'elsewhere:1', 'other', true, 2, now() - INTERVAL '1 hour')";
    sql.execute(insert).await;
    for (name, is_replaced) in [("somebody", false), ("tripgraph/gone", true)] {
        let locked = backend.sql().await;
        locked
            .execute(&format!("SET application_name = '{name}'"))
            .await;
        locked
            .execute("BEGIN; SELECT 1 FROM worker WHERE id = 'gone' FOR UPDATE")
            .await;
        let start = Instant::now();
        let replaced = backend.store.expire_workers().await.unwrap();
        // Its heartbeat may have done so before.
        let gone = "SELECT COUNT(*) = 0 FROM worker WHERE id = 'gone'";
        assert_eq!(sql.number(gone).await == 1, is_replaced, "{name}");
        assert!(is_replaced || !replaced, "{name}");
        assert!(start.elapsed() < Duration::from_secs(3), "{name}");
        let ended = format!(
            "SELECT COUNT(*) = 0 FROM pg_stat_activity WHERE application_name = '{name}' \
             AND datname = current_database()"
        );
        // A session that is terminated releases its locks before it leaves the list.
        let timeout = Duration::from_secs(if is_replaced { 10 } else { 0 });
        while sql.number(&ended).await == 0 && start.elapsed() < timeout {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(sql.number(&ended).await == 1, is_replaced, "{name}");
    }
}

/// The planner learns of what came in, without waiting for autovacuum.
#[tokio::test]
async fn tables_are_analysed_after_they_were_filled() {
    let backend = Backend::start().await;
    backend.ingest(&file(30_000, 22)).await;
    let sql = backend.sql().await;
    let analysed = "SELECT COUNT(*) FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL \
                    AND relname IN ('trip', 'trip_patch', 'weekly_histogram', 'flow_histogram', \
                                    'trip_summary')";
    let start = Instant::now();
    while sql.number(analysed).await < 5 {
        assert!(start.elapsed() < TIMEOUT, "not analysed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cut_off_from_the_database_goes_on_when_it_is_back() {
    let backend = Backend::start().await;
    let mut proxy = Proxy::to(backend.url()).await;
    let peer = Peer::at(proxy.url(), &backend, "other").await;
    let csv = file(200_000, 10);
    let bytes = futures::stream::iter([Ok::<_, std::io::Error>(csv)]);
    let upload = peer.ingestions.spool().receive("a.csv", bytes, u64::MAX);
    let options = tripgraph::ingest::IngestOptions::default();
    let id = peer
        .ingestions
        .enqueue(upload.await.unwrap(), &options)
        .await
        .unwrap()
        .ingestion
        .id;
    let sql = backend.sql().await;
    for hangs_up in [false, true] {
        let start = Instant::now();
        while sql.number("SELECT COUNT(*) FROM trip_patch").await == 0 {
            assert!(start.elapsed() < TIMEOUT, "nothing is written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if hangs_up {
            proxy.hang_up().await;
        } else {
            proxy.cut().await;
        }
        let error = summaries(&peer.store).await.unwrap_err();
        assert!(error.is_unavailable(), "{error:?}");
        assert_eq!(ApiError::from(error).code().name(), "UNAVAILABLE");
        // What loads has connections of its own.
        let claim = Claim {
            ingestion: id,
            number: 1,
        };
        let block = LoadBlock::default();
        let claim = SegmentClaim {
            segment: 1,
            by: SegmentWriter::Ingestion(claim),
        };
        let error = peer.store.load(claim, &block).await.unwrap_err();
        assert!(error.is_unavailable(), "{error:?}");
        // Longer than its lease.
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.mend().await;
        peer.store.ping().await.unwrap();
    }
    let last = peer.states(id).await.pop().unwrap();
    assert_eq!(last.state, IngestionState::Succeeded, "{last:?}");
    assert!(sql.number("SELECT claims FROM ingestion").await > 1);
    assert_eq!(verified(&backend.store).await, last.rows_ingested);
}

#[tokio::test]
async fn a_command_without_a_server_of_its_spool_does_the_work() {
    let home = Home::new();
    let server = beside(&home, "elsewhere");
    home.generate("1.csv", FEW, 1);
    home.generate("2.csv", FEW, 2);
    let ran = home.run(&["ingest", "1.csv", "2.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.contains("2.csv: 2,000 trips in "), "{ran:?}");
    assert!(!ran.stderr.contains("a running server"), "{ran:?}");
    assert!(!server.process.log().contains("ingestion started"));
    assert_eq!(server.trips().await, i64::from(2 * FEW));
    let query = "{ ingestions { nodes { source state } } }";
    let all = server.ask(query, json!({})).await;
    assert_eq!(
        all["ingestions"]["nodes"],
        json!([
            { "source": "2.csv", "state": "SUCCEEDED" },
            { "source": "1.csv", "state": "SUCCEEDED" },
        ])
    );
}

/// A command that has handed its file over does the work itself where the server dies.
#[tokio::test]
async fn a_command_takes_over_from_a_server_that_dies() {
    let home = Home::new();
    let server = home.serve();
    home.generate("trips.csv", MANY, 1);
    let command = home.start(&["ingest", "trips.csv", "--log", "info"]);
    home.until("SELECT COUNT(*) > 0 FROM trip_patch").await;
    assert!(server.process.log().contains("ingestion started"));
    server.process.kill();
    let (status, log) = command.wait();
    assert!(status.success(), "{log}");
    assert!(log.contains("ingestion started"), "{log}");
    is_verified(&home, MANY);
}

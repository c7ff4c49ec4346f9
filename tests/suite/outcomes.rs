//! Changes whose outcome the program can't see: the connection breaks when the `COMMIT` was carried
//! out and before its answer comes. Nothing is lost, done twice, or told otherwise than it is. And
//! what is tried again while the database is away is not tried all the time.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::suite::program::{Home, Serving};
use crate::suite::support::proxy::Proxy;

const MANY: u32 = 100_000;
const FEW: u32 = 2_000;
const HAS_TRIPS: &str = "SELECT EXISTS (SELECT 1 FROM trip_patch)";

/// A server that reaches its database by a way that can be cut. It gives no sign of life during a
/// test, which would be one more commit.
async fn serve(home: &Home) -> (Proxy, Serving) {
    let proxy = Proxy::to(home.database.url()).await;
    let server = serve_by(home, &proxy);
    (proxy, server)
}

fn serve_by(home: &Home, proxy: &Proxy) -> Serving {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("TRIPGRAPH_DATABASE_URL", proxy.url())
        .env("TRIPGRAPH_LEASE_SECONDS", "600");
    Serving::start(command)
}

async fn change(server: &Serving, mutation: &str, id: &str) -> Value {
    let query = format!("mutation ($id: ID!) {{ {mutation}(id: $id) {{ state }} }}");
    let mut answer = server.ask(&query, json!({ "id": id })).await;
    answer[mutation]["state"].take()
}

/// Nothing of what is not in the answers is left, and every summary is right.
async fn is_tidy(home: &Home, trips: u32) {
    let start = Instant::now();
    let left = "SELECT (SELECT COUNT(*) FROM ingestion WHERE has_rows AND state <> 'SUCCEEDED') \
                + (SELECT COUNT(*) FROM ingestion WHERE state IN ('QUEUED', 'RUNNING'))";
    while home.number(left).await != 0 || !home.spooled().is_empty() {
        let late = start.elapsed() > Duration::from_secs(30);
        assert!(!late, "left over: {:?}", home.spooled());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
    let text = ran.stdout.replace(',', "");
    assert!(text.starts_with(&format!("{trips} trips read")), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_acknowledged_once() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    let file = home.generate("trips.csv", FEW, 1);
    proxy.lose_commit("trips.csv", false);
    let id = server.upload(&file).await;
    assert!(proxy.has_lost());
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    let again = server.try_upload(&file).await;
    let again = &again["data"]["ingestTrips"];
    assert_eq!(again["duplicate"], true, "{again}");
    assert_eq!(again["ingestion"]["id"], id.as_str());
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 1);
    is_tidy(&home, FEW).await;
}

/// Where the outcome can't be learned in time, the client is told so, and the file is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_may_wait_is_kept() {
    let home = Home::new();
    let (mut proxy, server) = serve(&home).await;
    let file = home.generate("trips.csv", FEW, 2);
    proxy.lose_commit("trips.csv", true);
    let answer = server.try_upload(&file).await;
    assert!(proxy.has_lost());
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("may have been made"), "{message}");
    assert_eq!(home.spooled().len(), 1);
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 1);

    proxy.mend().await;
    let again = server.try_upload(&file).await;
    let again = &again["data"]["ingestTrips"];
    assert_eq!(again["duplicate"], true, "{again}");
    let id = again["ingestion"]["id"].as_str().unwrap();
    let ended = server.ended(id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    is_tidy(&home, FEW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_is_ingested() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    proxy.lose_commit("UPDATE \"ingestion\" SET", false);
    let id = server.upload(&home.generate("trips.csv", FEW, 3)).await;
    let ended = server.ended(&id).await;
    assert!(proxy.has_lost());
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(home.number("SELECT claims FROM ingestion").await, 2);
    is_tidy(&home, FEW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_is_published_once() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    let id = server.upload(&home.generate("trips.csv", MANY, 4)).await;
    home.until(HAS_TRIPS).await;
    proxy.lose_commit("SUCCEEDED", false);
    let ended = server.ended(&id).await;
    assert!(proxy.has_lost());
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    assert_eq!(home.number("SELECT claims FROM ingestion").await, 1);
    assert_eq!(home.number("SELECT number FROM edition").await, 1);
    is_tidy(&home, MANY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_is_told_so() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    let id = server.upload(&home.generate("trips.csv", FEW, 5)).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    proxy.lose_commit("REMOVED", false);
    assert_eq!(change(&server, "removeIngestion", &id).await, "REMOVED");
    assert!(proxy.has_lost());
    assert_eq!(server.trips().await, 0);
    is_tidy(&home, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cancelled_is_told_so() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    let id = server.upload(&home.generate("trips.csv", MANY, 6)).await;
    home.until(HAS_TRIPS).await;
    proxy.lose_commit("CANCELLED", false);
    assert_eq!(change(&server, "cancelIngestion", &id).await, "CANCELLED");
    assert!(proxy.has_lost());
    is_tidy(&home, 0).await;
    // Its worker is free.
    let id = server.upload(&home.generate("next.csv", FEW, 7)).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    is_tidy(&home, FEW).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_failed_is_told_so() {
    let home = Home::new();
    let (proxy, server) = serve(&home).await;
    proxy.lose_commit("NO_ROWS", false);
    let header = "region,origin_coord,destination_coord,datetime,datasource\n";
    let id = server.upload(&home.write("empty.csv", header)).await;
    let ended = server.ended(&id).await;
    assert!(proxy.has_lost());
    assert_eq!(ended["error"]["code"], "NO_ROWS", "{ended}");
    is_tidy(&home, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_registered_starts() {
    let home = Home::new();
    home.generate("trips.csv", FEW, 8);
    assert!(home.run(&["ingest", "trips.csv"]).succeeded());
    let proxy = Proxy::to(home.database.url()).await;
    proxy.lose_commit("INSERT INTO worker", false);
    let server = serve_by(&home, &proxy);
    assert!(proxy.has_lost());
    assert_eq!(home.number("SELECT COUNT(*) FROM worker").await, 1);
    assert_eq!(server.trips().await, i64::from(FEW));
}

/// The database answers, but nothing can be loaded: as on Citus, where a node is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_loaded_is_not_tried_all_the_time() {
    let home = Home::new();
    if home.sql().await.is_distributed().await {
        // Citus has no triggers on its tables; `tests/cluster/faults.py` stops a node instead.
        return;
    }
    let file = home.generate("trips.csv", FEW, 9);
    // News of each other's work do not make them faster.
    let servers = [home.serve(), home.serve()];
    let sql = home.sql().await;
    for (code, message) in [
        ("08006", "connection to the remote node failed"),
        // Citus gives no code of its own to this one.
        (
            "XX000",
            "failure on connection marked as essential: node-1:5432",
        ),
    ] {
        let refuse = format!(
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{code}'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON trip_patch EXECUTE FUNCTION refuse()"
        );
        sql.execute(&refuse).await;
        let id = servers[0].upload(&file).await;
        tokio::time::sleep(Duration::from_secs(8)).await;
        let claims = format!("SELECT claims FROM ingestion WHERE id = {id}");
        let claims = sql.number(&claims).await;
        assert!((2..=16).contains(&claims), "{claims} claims");
        sql.execute("DROP TRIGGER refuse ON trip_patch").await;
        let ended = servers[1].ended(&id).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{code}: {ended}");
        assert_eq!(change(&servers[1], "removeIngestion", &id).await, "REMOVED");
    }
    is_tidy(&home, 0).await;
}

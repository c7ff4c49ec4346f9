//! Read replicas: with hot standbys that follow a primary by streaming replication, every answer is
//! the primary's, whatever becomes of the standbys.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::suite::program::{Home, Serving};
use crate::suite::support::postgres::{Throwaway, start_primary};
use crate::suite::support::standby::Standby;

const FEW: u32 = 3_000;
const TIMEOUT: Duration = Duration::from_mins(1);

/// Every kind of question, with filters and areas of several sizes.
const QUESTIONS: &str = "{
    all: weeklyAverage { totalTrips average weeks { week trips } }
    city: weeklyAverage(area: { bbox: { west: 14.3, south: 50.0, east: 14.6, north: 50.2 } }) { totalTrips average }
    small: weeklyAverage(area: { bbox: { west: 14.42, south: 50.07, east: 14.44, north: 50.09 } }) { totalTrips average }
    groups: groupedTrips(first: 20) { totalCount nodes { id trips } }
    regions { name trips }
}";

/// A primary, the folder of a program that uses it, and a second server that asks the primary alone.
struct Cluster {
    home: Home,
    primary: Throwaway,
    programs: PathBuf,
}

impl Cluster {
    fn start() -> Option<Self> {
        let (primary, programs) = start_primary()?;
        Some(Self {
            home: Home::new(),
            primary,
            programs,
        })
    }

    async fn standby(&self, settings: &[&str]) -> Standby {
        Standby::of(&self.primary, self.programs.clone(), settings).await
    }

    fn serve(&self, replicas: &[&Standby]) -> Serving {
        let options = ["serve", "--listen", "127.0.0.1:0", "--cache-bytes", "0"];
        let mut command = self.home.command(&options);
        command.env("TRIPGRAPH_DATABASE_URL", self.primary.url());
        let urls: Vec<_> = replicas.iter().map(|replica| replica.url()).collect();
        command.env("TRIPGRAPH_READ_URLS", urls.join(","));
        Serving::start(command)
    }

    async fn ingest(&self, server: &Serving, seed: u32) {
        let file = self.home.generate("trips.csv", FEW, seed);
        let id = server.upload(&file).await;
        assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    }

    async fn run(&self, sql: &str) {
        let mut connection = PgConnection::connect(self.primary.url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    }
}

/// The samples of a metric that have a label, or all of them.
async fn samples(server: &Serving, name: &str, label: &str) -> Vec<String> {
    let page = reqwest::get(server.url("/metrics")).await.unwrap();
    let page = page.text().await.unwrap();
    let lines = page
        .lines()
        .filter(|line| line.starts_with(name) && line.contains(label));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().to_owned())
        .collect()
}

/// A counter, summed over the replicas.
async fn count(server: &Serving, name: &str, label: &str) -> u64 {
    let samples = samples(server, name, label).await;
    assert!(!samples.is_empty(), "{name}");
    samples
        .iter()
        .map(|text| text.parse::<u64>().unwrap())
        .sum()
}

async fn asked(server: &Serving) -> u64 {
    count(server, "tripgraph_replica_questions_total", "").await
}

async fn fell_back(server: &Serving, reason: &str) -> u64 {
    let label = format!("reason=\"{reason}\"");
    count(server, "tripgraph_replica_fallbacks_total", &label).await
}

/// States of the replicas; the server is ready in any case.
async fn states(server: &Serving) -> Vec<String> {
    let ready = reqwest::get(server.url("/health/ready")).await.unwrap();
    assert_eq!(ready.status(), 200);
    let body: Value = ready.json().await.unwrap();
    let replicas = body["replicas"].as_array().unwrap();
    let states = replicas.iter().map(|replica| &replica["state"]);
    states
        .map(|state| state.as_str().unwrap().to_owned())
        .collect()
}

async fn until_states(server: &Serving, wanted: &[&str]) {
    let start = Instant::now();
    loop {
        let now = states(server).await;
        if now == wanted {
            return;
        }
        assert!(start.elapsed() < TIMEOUT, "{now:?}, not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks until a replica has answered; every answer must be the primary's.
async fn until_asked(server: &Serving, plain: &Serving) {
    let before = asked(server).await;
    let start = Instant::now();
    while asked(server).await < before + 5 {
        assert!(start.elapsed() < TIMEOUT, "no replica is asked");
        are_equal(server, plain).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Compares answers of a server with replicas and one without.
async fn are_equal(server: &Serving, plain: &Serving) {
    let expected = plain.ask(QUESTIONS, json!({})).await;
    assert_eq!(server.ask(QUESTIONS, json!({})).await, expected);
}

#[tokio::test]
async fn answers_are_those_of_the_primary_whatever_becomes_of_replicas() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let mut first = cluster.standby(&[]).await;
    let second = cluster.standby(&[]).await;
    let server = cluster.serve(&[&first, &second]);
    let plain = cluster.serve(&[]);

    // What has succeeded is in the next answer, whether or not a replica has it.
    for seed in 1..=5 {
        cluster.ingest(&server, seed).await;
        assert_eq!(server.trips().await, i64::from(seed * FEW));
    }
    until_states(&server, &["current", "current"]).await;
    until_asked(&server, &plain).await;

    // One lags: the other is asked.
    first.run("SELECT pg_wal_replay_pause()").await;
    cluster.ingest(&plain, 6).await;
    assert_eq!(server.trips().await, i64::from(6 * FEW));
    until_states(&server, &["behind", "current"]).await;
    until_asked(&server, &plain).await;
    let lagging = format!(":{}", first.port());
    let lags = samples(&server, "tripgraph_replica_lag_seconds", &lagging).await;
    assert!(lags[0].parse::<f64>().unwrap() > 0.0, "{lags:?}");

    // Both do: the primary is.
    second.run("SELECT pg_wal_replay_pause()").await;
    cluster.ingest(&plain, 7).await;
    let before = asked(&server).await;
    assert_eq!(server.trips().await, i64::from(7 * FEW));
    are_equal(&server, &plain).await;
    until_states(&server, &["behind", "behind"]).await;
    assert_eq!(asked(&server).await, before);
    assert!(fell_back(&server, "behind").await > 0);

    for standby in [&first, &second] {
        standby.run("SELECT pg_wal_replay_resume()").await;
    }
    until_states(&server, &["current", "current"]).await;
    until_asked(&server, &plain).await;

    // A removal is in the next answer, too.
    let removed = "mutation { removeIngestion(id: \"7\") { state } }";
    plain.ask(removed, json!({})).await;
    assert_eq!(server.trips().await, i64::from(6 * FEW));

    // One is stopped in the midst of questions, and comes back.
    until_asked(&server, &plain).await;
    first.stop();
    for _ in 0..5 {
        are_equal(&server, &plain).await;
    }
    until_states(&server, &["away", "current"]).await;
    first.start().await;
    until_states(&server, &["current", "current"]).await;
    until_asked(&server, &plain).await;

    // One is promoted and gets publications of its own, as many as the primary; it must not be asked.
    first.stop();
    second.run("SELECT pg_promote()").await;
    let other = "DELETE FROM weekly_histogram; DELETE FROM trip_total; \
                 UPDATE edition SET number = number + 1, layout = layout + 1, fingerprint = 1";
    second.run(other).await;
    cluster.ingest(&plain, 8).await;
    let before = asked(&server).await;
    for _ in 0..5 {
        assert_eq!(server.trips().await, i64::from(7 * FEW));
        are_equal(&server, &plain).await;
    }
    until_states(&server, &["away", "promoted"]).await;
    assert_eq!(asked(&server).await, before);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_cancels_or_never_answers_the_primary_does() {
    use rustix::process::Signal;

    let Some(cluster) = Cluster::start() else {
        return;
    };
    // Replay waits for no question.
    let standby = cluster.standby(&["max_standby_streaming_delay=0"]).await;
    let server = cluster.serve(&[&standby]);
    let plain = cluster.serve(&[]);
    cluster.ingest(&server, 1).await;
    until_states(&server, &["current"]).await;
    until_asked(&server, &plain).await;

    let start = Instant::now();
    while fell_back(&server, "cancelled").await == 0 {
        assert!(start.elapsed() < TIMEOUT, "nothing is cancelled");
        // Replaying such a lock cancels whatever reads the table.
        let lock = async {
            for _ in 0..10 {
                let sql = "BEGIN; LOCK TABLE weekly_histogram, trip_patch; COMMIT";
                cluster.run(sql).await;
            }
        };
        let ask = async {
            for _ in 0..5 {
                tokio::join!(
                    are_equal(&server, &plain),
                    are_equal(&server, &plain),
                    are_equal(&server, &plain)
                );
            }
        };
        tokio::join!(lock, ask);
    }

    // Frozen, it accepts connections and answers nothing.
    until_states(&server, &["current"]).await;
    until_asked(&server, &plain).await;
    standby.signal(Signal::STOP);
    let start = Instant::now();
    are_equal(&server, &plain).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    until_states(&server, &["away"]).await;
    standby.signal(Signal::CONT);
    until_states(&server, &["current"]).await;
    until_asked(&server, &plain).await;
}

#[tokio::test]
async fn only_a_single_postgresql_has_replicas() {
    let home = Home::new();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--read-url"];
    let mut command = home.command(&serve);
    command.arg("postgres://ann:hunter2@db/trips");
    command.env("TRIPGRAPH_DATABASE_URL", "sqlite://trips.db");
    let ran = crate::suite::program::Ran::of(&mut command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("--read-url"), "{ran:?}");
    let mut command = home.command(&serve);
    command.arg("mysql://ann:hunter2@db/trips");
    let ran = crate::suite::program::Ran::of(&mut command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    // A cluster has none, whatever the URL is.
    let is_refused = |text| ran.stderr.contains(text);
    assert!(
        is_refused("mysql://") || is_refused("without Citus"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("hunter2"), "{ran:?}");
}

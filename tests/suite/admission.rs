//! Costly questions: they wait for each other, and nobody else waits for them.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::{Home, Serving};
use super::support::database::on_postgres;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// Enough for a question of all of them to be costly.
const ROWS: u32 = 100_000;
/// Nothing that is waited for may take longer.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A server with trips that keeps no answers, and does nothing in the background.
async fn server(home: &Home, query_timeout_seconds: &str) -> Serving {
    let file = home.generate("trips.csv", ROWS, 1);
    let serving = Serving::start(home.command(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--cache-bytes",
        "0",
        "--query-timeout-seconds",
        query_timeout_seconds,
        "--sql-trips",
        "off",
    ]));
    let id = serving.upload(&file).await;
    assert_eq!(serving.ended(&id).await["state"], "SUCCEEDED");
    serving
}

/// A request of so many costly fields, none of them like those of another number.
fn costly(number: usize, fields: usize) -> String {
    let globe = "{ west: -180, south: -90, east: 180, north: 90 }";
    let fields = (0..fields).map(|field| {
        let smallest = 1 + 100 * number + field;
        format!(
            "f{field}: groupedTrips(filter: {{ bbox: {globe}, tripEnd: BOTH }}, resolution: 9, \
             minTrips: {smallest}, first: 1) {{ totalCount }} "
        )
    });
    format!("{{ {} }}", fields.collect::<String>())
}

const CHEAP: &str = "{ weeklyAverage(region: \"Nowhere\") { totalTrips } regions { name trips } }";

/// Sends a query from a connection of its own, which is closed where the task is aborted.
fn send(serving: &Serving, query: String) -> JoinHandle<Value> {
    let url = serving.url("/graphql");
    tokio::spawn(async move {
        let client = reqwest::Client::new();
        let request = client.post(url).json(&json!({ "query": query }));
        request.send().await.unwrap().json().await.unwrap()
    })
}

/// A figure of costly questions, as a monitoring system reads it.
async fn figure(serving: &Serving, name: &str) -> u64 {
    let page = reqwest::get(serving.url("/metrics")).await.unwrap();
    let page = page.text().await.unwrap();
    let name = format!("tripgraph_{name}{{cost=\"costly\"}} ");
    let line = page.lines().find_map(|line| line.strip_prefix(&name));
    let figure = line.unwrap_or_else(|| panic!("no {name} in {page}"));
    figure.parse().unwrap()
}

async fn running(serving: &Serving) -> u64 {
    figure(serving, "questions_running").await
}

async fn waiting(serving: &Serving) -> u64 {
    figure(serving, "questions_waiting").await
}

/// Costly questions that have had their turn.
async fn begun(serving: &Serving) -> u64 {
    figure(serving, "question_wait_seconds_count").await
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < TIMEOUT, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until all permits are taken and others wait for them.
async fn until_busy(serving: &Serving) {
    until("costly questions run and wait", async || {
        running(serving).await > 0 && waiting(serving).await > 0
    })
    .await;
}

/// Waits until no costly question runs or waits.
async fn until_idle(serving: &Serving) {
    until("no costly question runs", async || {
        running(serving).await == 0 && waiting(serving).await == 0
    })
    .await;
}

/// More costly requests than there are connections: a cheap question and an upload come in between,
/// before even half of those that were there first are answered.
#[tokio::test]
async fn cheap_questions_and_uploads_overtake_costly_ones() {
    let home = Home::new();
    let serving = server(&home, "600").await;
    let more = home.write(
        "more.csv",
        "region,origin_coord,destination_coord,datetime,datasource\n\
         Prague,POINT (14.41 50.01),POINT (14.49 50.09),2018-05-07 08:10:00,cheap_mobile\n",
    );
    let requests: Vec<_> = (0..24)
        .map(|number| send(&serving, costly(number, 6)))
        .collect();
    until_busy(&serving).await;
    for _ in 0..3 {
        let cheap = serving.ask(CHEAP, Value::Null).await;
        assert_eq!(cheap["weeklyAverage"]["totalTrips"], 0);
    }
    serving.upload(&more).await;
    let before = requests
        .iter()
        .filter(|request| request.is_finished())
        .count();
    assert!(before < 12, "{before} costly requests were answered first");
    for request in requests {
        request.abort();
    }
    until_idle(&serving).await;
    assert_eq!(figure(&serving, "questions_refused_total").await, 0);
}

/// Clients that go away take what they asked for with them: what waits is not begun, what runs is
/// stopped.
#[tokio::test]
async fn a_client_that_goes_away_frees_its_turn() {
    let home = Home::new();
    let serving = server(&home, "600").await;
    let requests = [0, 1, 2, 3].map(|number| send(&serving, costly(number, 90)));
    until_busy(&serving).await;
    for request in &requests {
        request.abort();
    }
    until_idle(&serving).await;
    let begun = begun(&serving).await;
    assert!(begun < 4 * 90, "all of {begun} questions were answered");
    assert_eq!(serving.trips().await, i64::from(ROWS));
}

#[tokio::test]
async fn a_time_out_stops_the_work() {
    let home = Home::new();
    let serving = server(&home, "1").await;
    let requests = [0, 1, 2, 3].map(|number| send(&serving, costly(number, 90)));
    for request in requests {
        let answer = request.await.unwrap();
        let error = &answer["errors"][0];
        let code = error["extensions"]["code"].as_str().unwrap();
        // Those that did not get their turn in time are told so.
        assert!(["TIMEOUT", "UNAVAILABLE"].contains(&code), "{answer}");
        if code == "UNAVAILABLE" {
            let message = error["message"].as_str().unwrap();
            assert!(message.contains("waiting for their turn"), "{message}");
        }
    }
    until_idle(&serving).await;
    let begun = begun(&serving).await;
    assert!(begun < 4 * 90, "all of {begun} questions were answered");
}

/// The first of several that ask the same goes away: the others are answered, and nothing is done
/// twice.
#[tokio::test]
async fn identical_questions_outlive_the_first_that_asked() {
    let home = Home::new();
    let serving = server(&home, "600").await;
    let right = serving.ask(&costly(0, 1), Value::Null).await;
    // More fields in flight than there are permits.
    let holders = [1, 2, 3, 4].map(|number| send(&serving, costly(number, 90)));
    until("the holders hold all permits", async || {
        running(&serving).await + waiting(&serving).await == 8
    })
    .await;
    let first = send(&serving, costly(0, 1));
    until("it waits, too", async || {
        running(&serving).await + waiting(&serving).await == 9
    })
    .await;
    let others = [(); 3].map(|()| send(&serving, costly(0, 1)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    first.abort();
    tokio::time::sleep(Duration::from_millis(200)).await;
    for holder in holders {
        holder.abort();
    }
    for other in others {
        assert_eq!(other.await.unwrap()["data"], right);
    }
    until_idle(&serving).await;
}

/// A statement that the database is busy with is stopped, too, when nobody waits for it. Here it
/// waits for a lock that is not given back.
#[tokio::test]
async fn a_statement_is_stopped_with_its_question() {
    let home = Home::new();
    let serving = server(&home, "600").await;
    if !on_postgres() {
        // No statement of SQLite's can be held up from outside: see `store/sqlite/interrupt.rs`.
        return;
    }
    let (locks, observer) = (home.sql().await, home.sql().await);
    // Which reads patches, too.
    until("patches are joined", async || {
        let others = "SELECT COUNT(*) FROM segment WHERE NOT joined";
        observer.number(others).await == 0
    })
    .await;
    locks.execute("BEGIN").await;
    locks.execute("LOCK TABLE trip_patch").await;
    let blocked = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                AND datname = current_database() AND query LIKE '%trip_patch%'";
    let request = send(&serving, costly(0, 1));
    until("the statement waits for the lock", async || {
        observer.number(blocked).await > 0
    })
    .await;
    request.abort();
    until("the statement is stopped", async || {
        observer.number(blocked).await == 0
    })
    .await;
    locks.execute("ROLLBACK").await;
    locks.close().await;
    observer.close().await;
    serving.ask(&costly(0, 1), Value::Null).await;
}

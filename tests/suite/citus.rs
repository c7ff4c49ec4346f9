//! What the program asks of Citus, told by a stand-in: the catalogue and functions that it uses, as
//! they are documented, in an ordinary database. That the tables are spread, and answers are the
//! same, only a real cluster shows: the whole suite runs on one, too.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;

use crate::suite::program::Home;

/// <https://docs.citusdata.com/en/stable/develop/api_metadata.html> and `api_udf.html`.
const STAND_IN: &str = "
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (99999, 'citus', 10, 'public'::regnamespace, false, '13.2-1');
    CREATE TABLE pg_dist_node (nodename text, nodeport integer, isactive boolean,
        noderole text, shouldhaveshards boolean, answers boolean);
    CREATE TABLE pg_dist_partition (logicalrelid regclass);
    CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql
        AS 'INSERT INTO pg_dist_partition VALUES ($1)';
    CREATE TABLE prepared (gid text);
    CREATE FUNCTION create_distributed_table(regclass, text, shard_count integer)
        RETURNS void LANGUAGE sql
        AS 'INSERT INTO pg_dist_partition VALUES ($1)';
    CREATE FUNCTION run_command_on_workers(text)
        RETURNS TABLE (nodename text, nodeport integer, success boolean, result text)
        LANGUAGE sql AS 'SELECT nodename, nodeport, answers, CASE WHEN $1 LIKE ''%pg_prepared_xacts%''
            THEN (SELECT coalesce(string_agg(gid, '' ''), '''') FROM prepared) END FROM pg_dist_node'";

const SPREAD: &str = "SELECT COUNT(*) FROM pg_dist_partition";

#[tokio::test]
async fn nodes_are_registered_first_and_all_of_them_are_asked() {
    let home = Home::new();
    home.generate("trips.csv", 2_000, 1);
    let sql = home.sql().await;
    if sql.is_distributed().await {
        let server = home.serve();
        let ready = reqwest::get(server.url("/health/ready")).await.unwrap();
        assert_eq!(ready.status(), 200);
        return;
    }
    sql.execute(STAND_IN).await;

    let ran = home.run(&["ingest", "--citus", "trips.csv"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for text in ["no node", "citus_set_coordinator_host", "citus_add_node"] {
        assert!(ran.stderr.contains(text), "{ran:?}");
    }
    // A coordinator by itself takes no shards.
    let coordinator = "INSERT INTO pg_dist_node VALUES ('one', 5432, true, 'primary', false, true)";
    sql.execute(coordinator).await;
    assert_eq!(home.run(&["ingest", "--citus", "trips.csv"]).code, Some(1));
    // Who does not ask for Citus gets on without.
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(sql.number(SPREAD).await, 0);

    let worker = "INSERT INTO pg_dist_node VALUES ('two', 5432, true, 'primary', true, true)";
    sql.execute(worker).await;
    let server = home.serve();
    assert_eq!(sql.number(SPREAD).await, 6);
    for answers in [true, false, true] {
        let answering =
            format!("UPDATE pg_dist_node SET answers = {answers} WHERE nodename = 'two'");
        sql.execute(&answering).await;
        let ready = reqwest::get(server.url("/health/ready")).await.unwrap();
        assert_eq!(ready.status(), if answers { 200 } else { 503 });
        let body: Value = ready.json().await.unwrap();
        let reason = body["reason"].as_str().unwrap_or_default();
        assert_eq!(reason.contains("not all nodes"), !answers, "{body}");
    }
    assert!(server.process.log().contains("two:5432"));

    // A publication is not seen as long as a node has not committed its part.
    assert_eq!(server.trips().await, 2_000);
    sql.execute("INSERT INTO prepared VALUES ('citus_0_1_2_3')")
        .await;
    let file = home.generate("more.csv", 3_000, 2);
    let id = server.upload(&file).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    let settled = "SELECT settled FROM edition";
    assert_eq!(sql.number(settled).await, 0);
    let query = "{ weeklyAverage { totalTrips } }";
    let refused = server.answer(query, Value::Null).await;
    let code = &refused["errors"][0]["extensions"]["code"];
    assert_eq!(code, "UNAVAILABLE", "{refused}");
    assert_eq!(sql.number(settled).await, 0);
    // What is prepared later is no part of it.
    let later = "UPDATE prepared SET gid = 'citus_0_1_3_3'";
    let (answer, _) = tokio::join!(server.answer(query, Value::Null), async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        sql.execute(later).await
    });
    let trips = &answer["data"]["weeklyAverage"]["totalTrips"];
    assert_eq!(trips, 5_000, "{answer}");
    // SQL gave the first file its places, and the program the second one.
    let places = "SELECT COUNT(*) FROM (SELECT 1 FROM weekly_histogram GROUP BY cell \
                  HAVING COUNT(DISTINCT place) > 1) AS unlike";
    assert_eq!(sql.number(places).await, 0);
}

/// The nodes of a cluster have no common snapshot.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_read_two_states_is_repeated() {
    let home = Home::new();
    home.generate("trips.csv", 2_000, 1);
    let (publisher, observer) = (home.sql().await, home.sql().await);
    if !observer.is_distributed().await {
        observer.execute(STAND_IN).await;
        let node = "INSERT INTO pg_dist_node VALUES ('one', 5432, true, 'primary', true, true)";
        observer.execute(node).await;
    }
    let ran = home.run(&["ingest", "--sql-trips", "off", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    let server = home.serve();
    assert_eq!(server.trips().await, 2_000);

    // The query has read the histograms, and waits for the patches.
    publisher.execute("BEGIN").await;
    publisher.execute("LOCK TABLE trip_patch").await;
    let query = "{ weeklyAverage(bbox: { west: -180, south: -90, east: 180, north: 90 }) \
                 { totalTrips } }";
    let (answer, ()) = tokio::join!(server.answer(query, Value::Null), async {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
                       AND datname = current_database() AND query LIKE '%trip_patch%'";
        while observer.number(waiting).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        for sql in [
            "DELETE FROM weekly_histogram",
            "DELETE FROM trip_patch",
            "UPDATE edition SET number = number + 1, layout = layout + 1",
            "COMMIT",
        ] {
            publisher.execute(sql).await;
        }
    });
    let trips = &answer["data"]["weeklyAverage"]["totalTrips"];
    assert_eq!(trips, 0, "{answer}");
}

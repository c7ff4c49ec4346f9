//! What is no error, but may not be what the sender wanted, is said: at once, for good, everywhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use serde_json::{Value, json};

use super::program::{Home, Serving};

const SOME: u32 = 150_000;
const FEW: u32 = 2_000;

/// The warnings of an ingestion.
async fn warnings(server: &Serving, id: &str) -> Vec<Value> {
    let query = "query ($id: ID!) { ingestion(id: $id) { warnings { code message rows } } }";
    let answer = server.ask(query, json!({ "id": id })).await;
    answer["ingestion"]["warnings"].as_array().unwrap().clone()
}

/// The one warning of an ingestion: that of a file of the same name. Its message.
async fn same_name(server: &Serving, id: &str) -> String {
    let warnings = warnings(server, id).await;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0]["code"], "SAME_NAME");
    assert_eq!(warnings[0]["rows"], 0);
    warnings[0]["message"].as_str().unwrap().to_owned()
}

async fn ingest(server: &Serving, file: &Path) -> String {
    let id = server.upload(file).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    id
}

async fn ask(server: &Serving, mutation: &str, id: &str) {
    let query = format!("mutation ($id: ID!) {{ {mutation}(id: $id) {{ state }} }}");
    server.ask(&query, json!({ "id": id })).await;
}

#[tokio::test]
async fn a_file_that_was_corrected_does_not_count_twice_without_a_word() {
    let home = Home::new();
    let server = home.serve();
    let first = ingest(&server, &home.generate("trips.csv", FEW, 1)).await;
    assert_eq!(warnings(&server, &first).await, Vec::<Value>::new());

    let text = std::fs::read_to_string(home.path("trips.csv")).unwrap();
    let file = home.write("trips.csv", &text.replacen("2017", "2018", 1));
    let second = server.upload(&file).await;
    let said = same_name(&server, &second).await;
    assert!(said.starts_with("ingestion 1, of the same name"), "{said}");
    assert!(said.contains("still in the answers"), "{said}");
    assert!(
        said.contains(r#"mutation { removeIngestion(id: "1") { state } }"#),
        "{said}"
    );
    assert!(
        said.ends_with("as `replaces` of ingestTrips, or with ingest --replaces"),
        "{said}"
    );
    server.ended(&second).await;
    assert_eq!(same_name(&server, &second).await, said);

    // Another name, and the same bytes, are no reason to warn.
    let other = home.generate("other.csv", FEW + 1, 2);
    assert!(
        warnings(&server, &ingest(&server, &other).await)
            .await
            .is_empty()
    );

    server.process.kill();
    let server = home.serve();
    assert_eq!(same_name(&server, &second).await, said);
    let third = home.write("trips.csv", &text.replacen("2017", "2019", 1));
    let third = ingest(&server, &third).await;
    let said = same_name(&server, &third).await;
    assert!(said.starts_with("ingestions 2, 1, of the same"), "{said}");

    // What is not in the answers is not named.
    ask(&server, "removeIngestion", &first).await;
    ask(&server, "removeIngestion", &third).await;
    let fourth = home.write("trips.csv", &text.replacen("2017", "2020", 1));
    let said = same_name(&server, &ingest(&server, &fourth).await).await;
    assert!(said.starts_with("ingestion 2, of the same"), "{said}");
}

#[tokio::test]
async fn files_that_wait_are_known_by_their_names_too() {
    let home = Home::new();
    let server = home.serve();
    let running = server.upload(&home.generate("first.csv", SOME, 1)).await;
    let mut ids = Vec::new();
    for seed in 2..5 {
        ids.push(server.upload(&home.generate("trips.csv", FEW, seed)).await);
    }
    let said = same_name(&server, &ids[1]).await;
    assert!(
        said.contains("is still on the way into the answers"),
        "{said}"
    );
    assert!(said.contains(r#"cancelIngestion(id: "2")"#), "{said}");

    // What is true at the end is said then.
    ask(&server, "cancelIngestion", &ids[0]).await;
    for id in &ids[1..] {
        assert_eq!(server.ended(id).await["state"], "SUCCEEDED");
    }
    assert_eq!(server.ended(&running).await["state"], "SUCCEEDED");
    assert!(warnings(&server, &ids[0]).await.is_empty());
    assert!(warnings(&server, &ids[1]).await.is_empty());
    let said = same_name(&server, &ids[2]).await;
    assert!(said.starts_with("ingestion 3, of the same"), "{said}");
    assert!(said.contains("is still in the answers"), "{said}");
}

#[test]
fn ingest_prints_warnings() {
    let home = Home::new();
    home.generate("trips.csv", FEW, 1);
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(
        ran.succeeded() && !ran.stdout.contains("warning"),
        "{ran:?}"
    );
    home.generate("trips.csv", FEW, 2);
    let ran = home.run(&["ingest", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        ran.stdout.contains("\n  warning: ingestion 1, of the same"),
        "{ran:?}"
    );
    let ran = home.run(&["ingest", "trips.csv", "--allow-duplicate"]);
    assert!(
        ran.stdout.contains("warning: ingestion 1, of the same"),
        "{ran:?}"
    );
}

//! A program that may open no more files says so, and loses nothing that was acknowledged.

use std::time::Duration;

use reqwest::Client;
use reqwest::multipart::{Form, Part};
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::suite::program::{Home, Serving};

fn limit(server: &Serving, files: u64) {
    let limit = Rlimit {
        current: Some(files),
        maximum: Some(1 << 10),
    };
    prlimit(Some(server.process.pid()), Resource::Nofile, limit).unwrap();
}

async fn upload(client: &Client, server: &Serving, csv: Vec<u8>) -> Value {
    let query = "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }";
    let operations = json!({ "query": query, "variables": { "file": null } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{ "0": ["variables.file"] }"#)
        .part("0", Part::bytes(csv).file_name("trips.csv"));
    let request = client.post(server.url("/graphql")).multipart(form);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_lack_of_descriptors_is_unavailability() {
    let home = Home::new();
    let read = |name: &str, rows, seed| std::fs::read(home.generate(name, rows, seed)).unwrap();
    let (long, waits) = (read("long.csv", 70_000, 1), read("waits.csv", 300, 2));
    let refused = read("refused.csv", 200, 3);
    let server = home.serve();
    // One connection, which stays open.
    let client = Client::builder().pool_max_idle_per_host(1).build().unwrap();
    for file in [long, waits] {
        let answer = upload(&client, &server, file).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
    }
    limit(&server, 1);
    for _ in 0..3 {
        let answer = upload(&client, &server, refused.clone()).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("too many files open"), "{answer}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    limit(&server, 1 << 10);
    for (id, rows) in [("1", 70_000), ("2", 300)] {
        let ended = server.ended(id).await;
        assert_eq!(ended["state"], "SUCCEEDED", "{id}: {ended}");
        assert_eq!(ended["rowsIngested"], rows);
    }
    let answer = upload(&client, &server, refused).await;
    assert_eq!(answer["errors"], Value::Null, "{answer}");
}

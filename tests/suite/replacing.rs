//! A file that replaces another: in one moment its trips are in every answer and those of the other
//! in none; and where it fails, nothing changes.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::removal::{Stored, answers, random_files, verified, with_files};
use super::{program, support};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use program::{Home, Serving};
use serde_json::{Value, json};
use support::backend::Backend;
use support::data::{BROKEN, Shape};
use support::random::Random;
use support::reference::Reference;
use tripgraph::analytics::weekly_average;
use tripgraph::ingest::{Enqueued, IngestError, IngestOptions};
use tripgraph::model::{IngestionId, IngestionState, Selection};

/// Sends a file in the place of an ingestion.
async fn replace(
    backend: &Backend,
    csv: &str,
    options: IngestOptions,
) -> Result<Enqueued, IngestError> {
    let bytes = futures::stream::iter([Ok::<_, std::io::Error>(csv.as_bytes().to_vec())]);
    let spool = backend.ingestions.spool();
    let upload = spool.receive("trips.csv", bytes, u64::MAX).await.unwrap();
    backend.ingestions.enqueue(upload, &options).await
}

fn replaces(id: IngestionId) -> IngestOptions {
    IngestOptions {
        replaces: Some(id),
        ..IngestOptions::default()
    }
}

/// Why an ingestion cannot be replaced.
async fn refused(backend: &Backend, csv: &str, id: IngestionId) -> String {
    match replace(backend, csv, replaces(id)).await {
        Err(IngestError::Conflict(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_a_database_with_only_the_new_file() {
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut files = random_files(&mut random);
        let all: Vec<_> = (0..files.len()).collect();
        let (backend, mut ids) = with_files(&files, &all).await;
        if seed % 2 == 1 {
            // Of a merged segment.
            while backend.store.sql_rows_missing().await.unwrap() > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            backend.ingestions.compact().await.unwrap();
        }
        let replaced = *ids.keys().nth(random.below(ids.len())).unwrap();
        // Some rows are those of the old file.
        let old = &files[ids[&replaced]];
        let fresh = Shape::new(1 + random.below(250)).file(&mut random);
        let kept: String = old
            .lines()
            .skip(1)
            .step_by(2)
            .collect::<Vec<_>>()
            .join("\n");
        let new = format!("{fresh}{kept}\n");

        let options = IngestOptions {
            allow_duplicate: true,
            ..replaces(replaced)
        };
        let enqueued = replace(&backend, &new, options).await.unwrap();
        let id = enqueued.ingestion.id;
        let ended = backend.ended(id).await;
        assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
        assert_eq!(ended.replaces, Some(replaced));
        let old = backend.ingestions.get(replaced).await.unwrap().unwrap();
        assert_eq!(old.state, IngestionState::Removed);

        ids.remove(&replaced);
        files.push(new);
        ids.insert(id, files.len() - 1);
        let kept: Vec<_> = ids.values().copied().collect();
        let (fresh, fresh_ids) = with_files(&files, &kept).await;
        let mut reference = Reference::default();
        for (&id, &index) in &fresh_ids {
            reference.add(id, &files[index]);
        }
        let expected = answers(&fresh, &fresh_ids).await;
        for _ in 0..2 {
            assert_eq!(Stored::of(&backend).await, Stored::of(&fresh).await);
            assert_eq!(answers(&backend, &ids).await, expected);
            verified(&backend, reference.trips.len()).await;
            backend.purged(replaced).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_that_fails_or_is_cancelled_changes_nothing() {
    let files = random_files(&mut Random::new(5));
    let all: Vec<_> = (0..files.len()).collect();
    let (backend, ids) = with_files(&files, &all).await;
    let before = Stored::of(&backend).await;
    let (&replaced, _) = ids.first_key_value().unwrap();
    let large = Shape::new(140_000).file(&mut Random::new(9));
    let strict = IngestOptions {
        max_rejected_rows: Some(0),
        ..replaces(replaced)
    };
    let failing = format!("{large}{BROKEN}\n");
    let failing = replace(&backend, &failing, strict).await.unwrap();
    let failed = backend.ended(failing.ingestion.id).await;
    assert_eq!(failed.state, IngestionState::Failed);
    assert_eq!(Stored::of(&backend).await, before);

    // It may be tried again.
    let running = replace(&backend, &large, replaces(replaced)).await.unwrap();
    let id = running.ingestion.id;
    let reason = refused(&backend, &files[1], replaced).await;
    assert!(reason.contains("the same bytes"), "{reason}");
    let small = Shape::new(20).file(&mut Random::new(3));
    let reason = refused(&backend, &small, replaced).await;
    let expected = format!("is being replaced by ingestion {id}");
    assert!(reason.contains(&expected), "{reason}");
    let reason = refused(&backend, &small, id).await;
    assert!(
        reason.contains("replace it when it has succeeded"),
        "{reason}"
    );
    // The request may have been sent again because its answer was lost.
    let again = replace(&backend, &large, replaces(replaced)).await.unwrap();
    assert!(again.duplicate && again.ingestion.id == id);
    let cancelled = backend.ingestions.cancel(id).await.unwrap();
    assert_eq!(cancelled.state, IngestionState::Cancelled);
    backend.purged(id).await;
    assert_eq!(Stored::of(&backend).await, before);
    let reason = refused(&backend, &small, id).await;
    assert!(reason.contains("is CANCELLED"), "{reason}");

    let new = replace(&backend, &small, replaces(replaced)).await.unwrap();
    let new = backend.ended(new.ingestion.id).await;
    assert_eq!(new.state, IngestionState::Succeeded, "{new:?}");
    let reason = refused(&backend, "region\n", replaced).await;
    let expected = format!("was replaced by ingestion {} already", new.id);
    assert!(reason.contains(&expected), "{reason}");
    let again = replace(&backend, &small, replaces(replaced)).await.unwrap();
    assert!(again.duplicate && again.ingestion.id == new.id);
    // The same bytes, read in another way.
    let mut otherwise = replaces(new.id);
    otherwise.format.region_name = Some("Elsewhere".to_owned());
    let other = replace(&backend, &small, otherwise).await.unwrap();
    assert!(!other.duplicate);
    let other = backend.ended(other.ingestion.id).await;
    assert_eq!(other.rows_ingested, new.rows_ingested);
    // What is removed while the new file waits stays so.
    let next = replace(&backend, &large, replaces(other.id)).await.unwrap();
    backend.ingestions.remove(other.id).await.unwrap();
    let next = backend.ended(next.ingestion.id).await;
    assert_eq!(next.state, IngestionState::Succeeded, "{next:?}");
    backend.ingestions.remove(next.id).await.unwrap();
    let reason = refused(&backend, &small, next.id).await;
    assert!(reason.contains("nothing to replace"), "{reason}");
    assert!(matches!(
        replace(&backend, &small, replaces(999)).await,
        Err(IngestError::NotFound(999))
    ));
    assert_eq!(backend.spooled(), 0, "refused files are deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_see_the_old_trips_or_the_new_ones() {
    let mut random = Random::new(11);
    let backend = Arc::new(Backend::start().await);
    let (old, new) = (
        Shape::new(3_000).file(&mut random),
        Shape::new(70_000).file(&mut random),
    );
    let other = backend.ingest(&Shape::new(40).file(&mut random)).await;
    let first = backend.ingest(&old).await;
    let done = Arc::new(AtomicBool::new(false));
    let asking = tokio::spawn({
        let (backend, done) = (Arc::clone(&backend), Arc::clone(&done));
        async move {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let everything = Selection::default();
                let average = weekly_average(&backend.store, &everything, None, None);
                seen.push(average.await.unwrap().total_trips());
            }
            seen
        }
    });
    let second = replace(&backend, &new, replaces(first.id)).await.unwrap();
    let second = backend.ended(second.ingestion.id).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    done.store(true, Ordering::Relaxed);
    let mut seen = asking.await.unwrap();
    let [before, after] = [&first, &second].map(|ended| other.rows_ingested + ended.rows_ingested);
    assert!(seen.is_sorted(), "{before} {after}");
    seen.dedup();
    assert_eq!(seen, [before, after]);
}

/// Sends a file over the wire; the answer, as it is.
async fn send(server: &Serving, file: &std::path::Path, replaced: &str) -> Value {
    let query = "mutation ($file: Upload!, $replaces: ID) { ingestTrips(file: $file, \
                 replaces: $replaces) { duplicate ingestion { id replaces { id state } } } }";
    let variables = json!({ "file": null, "replaces": replaced });
    let operations = json!({ "query": query, "variables": variables });
    let bytes = reqwest::multipart::Part::bytes(std::fs::read(file).unwrap());
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let form = reqwest::multipart::Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{ "0": ["variables.file"] }"#)
        .part("0", bytes.file_name(name));
    let request = reqwest::Client::new()
        .post(server.url("/graphql"))
        .multipart(form);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn over_the_wire() {
    let home = Home::new();
    let server = home.serve();
    let first = server.upload(&home.generate("trips.csv", 500, 1)).await;
    server.ended(&first).await;
    let answer = send(&server, &home.generate("trips.csv", 700, 2), &first).await;
    let second = &answer["data"]["ingestTrips"]["ingestion"];
    assert_eq!(second["replaces"]["id"], first.as_str(), "{answer}");
    let second = second["id"].as_str().unwrap();
    assert_eq!(server.ended(second).await["state"], "SUCCEEDED");
    assert_eq!(server.trips().await, 700);
    let query = "query ($id: ID!) { ingestion(id: $id) { replaces { id state replaces { id } } \
                 warnings { code } } }";
    let answer = server.ask(query, json!({ "id": second })).await;
    assert_eq!(
        answer["ingestion"],
        json!({
            "replaces": { "id": first, "state": "REMOVED", "replaces": null },
            "warnings": [],
        })
    );
    for (replaced, code, reason) in [
        ("77", "NOT_FOUND", "there is no ingestion 77"),
        ("x", "NOT_FOUND", "there is no ingestion x"),
        (
            first.as_str(),
            "CONFLICT",
            "replaced by ingestion 2 already",
        ),
    ] {
        let answer = send(&server, &home.generate("other.csv", 10, 3), replaced).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{answer}");
        assert!(
            error["message"].as_str().unwrap().contains(reason),
            "{answer}"
        );
    }
    assert!(home.spooled().is_empty());

    // From the command line: through the server, and without one.
    let url = server.url("");
    home.generate("trips.csv", 900, 4);
    let ran = home.run(&[
        "ingest",
        "--server",
        &url,
        "--replaces",
        second,
        "trips.csv",
    ]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        ran.stdout.contains("ingestion 3 replaces ingestion 2\n"),
        "{ran:?}"
    );
    assert!(!ran.stdout.contains("warning"), "{ran:?}");
    assert_eq!(server.trips().await, 900);
    drop(server);
    home.generate("trips.csv", 300, 5);
    let ran = home.run(&["ingest", "--replaces", "3", "trips.csv"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert!(
        ran.stdout.contains("ingestion 4 replaces ingestion 3\n"),
        "{ran:?}"
    );
    let ran = home.run(&["ingest", "--replaces", "3", "other.csv"]);
    assert!(!ran.succeeded(), "{ran:?}");
    assert!(ran.stderr.contains("replaced by ingestion 4"), "{ran:?}");
    let ran = home.run(&["ingest", "--replaces", "4", "trips.csv", "other.csv"]);
    assert!(!ran.succeeded(), "{ran:?}");
    assert!(ran.stderr.contains("--replaces takes one file"), "{ran:?}");
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
    assert_eq!(home.serve().trips().await, 300);
}

#[cfg(unix)]
#[tokio::test]
async fn killed_at_any_moment_the_old_or_the_new_trips_are_there() {
    let mut random = Random::new(13);
    let home = Home::new();
    let mut server = home.serve();
    let mut there = server.upload(&home.generate("trips.csv", 2_000, 0)).await;
    server.ended(&there).await;
    for round in 1..6 {
        let file = home.generate("trips.csv", 60_000, round);
        let answer = send(&server, &file, &there).await;
        let id = answer["data"]["ingestTrips"]["ingestion"]["id"].as_str();
        let id = id.unwrap_or_else(|| panic!("{answer}")).to_owned();
        let wait = 100 + random.below(1_500) as u64;
        tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
        server.process.kill();
        let ran = home.run(&["verify"]);
        assert!(ran.succeeded(), "{ran:?}");
        let visible = "SELECT COUNT(*) FROM ingestion WHERE state = 'SUCCEEDED'";
        assert_eq!(home.number(visible).await, 1);
        server = home.serve();
        assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
        assert_eq!(server.ingestion(&there).await["state"], "REMOVED");
        assert_eq!(server.trips().await, 60_000);
        there = id;
    }
    drop(server);
    let ran = home.run(&["verify"]);
    assert!(ran.succeeded(), "{ran:?}");
}

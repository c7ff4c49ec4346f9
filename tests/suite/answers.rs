//! Answers that are kept for the next who asks the same, and answers that several connections read.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use support::backend::Backend;
use support::reference::{Reference, ReferenceAverage};
use tripgraph::analytics::{Answers, similar_trips, weekly_average};
use tripgraph::generate;
use tripgraph::geo::{BoundingBox, CellRange, Resolution};
use tripgraph::model::{
    Area, BucketMinutes, PatchDepth, Selection, Similarity, TripEnd, TripEndRule,
};
use tripgraph::store::StoredPatch;

const SIMILARITY: Similarity = Similarity {
    resolution: Resolution::FLOW,
    bucket: BucketMinutes::HOUR,
};

/// Trips in three cities.
fn file(rows: u64, seed: u64) -> String {
    let mut csv = Vec::new();
    generate::write(&mut csv, generate::Shape::Cities, rows, seed).unwrap();
    String::from_utf8(csv).unwrap()
}

fn in_prague(ends: TripEndRule) -> Selection {
    let bbox = BoundingBox::new(14.38, 50.04, 14.52, 50.11).unwrap();
    Selection {
        area: Some(Area {
            place: bbox.into(),
            ends,
        }),
        ..Selection::default()
    }
}

/// Both questions, answered by what may have kept answers, and anew.
async fn hold(backend: &Backend, answers: &Answers) -> u64 {
    let selection = in_prague(TripEndRule::Origin);
    let kept = answers
        .weekly_average(&selection, None, None)
        .await
        .unwrap();
    let fresh = weekly_average(&backend.store, &selection, None, None);
    assert_eq!(*kept, fresh.await.unwrap());
    let all = Selection::default();
    let page = answers.similar_trips(&all, SIMILARITY, 1, 5, None);
    let fresh = similar_trips(&backend.store, &all, SIMILARITY, 1, 5, None);
    assert_eq!(*page.await.unwrap(), fresh.await.unwrap());
    kept.total_trips()
}

#[tokio::test]
async fn what_is_published_or_removed_is_in_the_next_answer() {
    let backend = Backend::start().await;
    let answers = Answers::new(backend.store.clone(), 1 << 20);
    assert_eq!(hold(&backend, &answers).await, 0);
    backend.ingest(&file(2_000, 1)).await;
    let one = hold(&backend, &answers).await;
    assert!(one > 0);
    let second = backend.ingest(&file(2_000, 2)).await;
    assert!(hold(&backend, &answers).await > one);
    backend.ingestions.remove(second.id).await.unwrap();
    assert_eq!(hold(&backend, &answers).await, one);
}

#[tokio::test]
async fn the_same_question_is_answered_once() {
    let backend = Backend::start().await;
    backend.ingest(&file(500, 1)).await;
    let (kept, anew) = (1 << 20, 0);
    for (bytes, same) in [(kept, true), (anew, false)] {
        let answers = Answers::new(backend.store.clone(), bytes);
        let selection = in_prague(TripEndRule::Origin);
        let ask = || answers.weekly_average(&selection, None, None);
        let (first, again) = (ask().await.unwrap(), ask().await.unwrap());
        assert_eq!(Arc::ptr_eq(&first, &again), same);
        let other = in_prague(TripEndRule::Destination);
        let other = answers.weekly_average(&other, None, None).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
        let filtered = Selection {
            region: Some("Turin".to_owned()),
            ..selection.clone()
        };
        let filtered = answers.weekly_average(&filtered, None, None).await.unwrap();
        assert_eq!(filtered.total_trips(), 0);
    }
}

/// Many ask the same, more than there are connections, and some go away before they have an answer,
/// among them those whose answer others wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_gets_one_though_others_go_away() {
    let backend = Backend::start().await;
    backend.ingest(&file(3_000, 1)).await;
    let selection = in_prague(TripEndRule::Both);
    let right = weekly_average(&backend.store, &selection, None, None);
    let right = right.await.unwrap();
    for round in 0..12 {
        let answers = Answers::new(backend.store.clone(), 0);
        let asked = (0..40).map(|_| {
            let (answers, selection) = (answers.clone(), selection.clone());
            tokio::spawn(async move { answers.weekly_average(&selection, None, None).await })
        });
        let asked: Vec<_> = asked.collect();
        tokio::time::sleep(Duration::from_millis(round)).await;
        let leave = |index: usize| index.is_multiple_of(3);
        for (index, task) in asked.iter().enumerate() {
            if leave(index) {
                task.abort();
            }
        }
        for (index, task) in asked.into_iter().enumerate() {
            match tokio::time::timeout(Duration::from_mins(1), task)
                .await
                .unwrap()
            {
                Ok(answer) => assert_eq!(*answer.unwrap(), right),
                Err(gone) => assert!(gone.is_cancelled() && leave(index)),
            }
        }
    }
}

/// Questions that are given up while their transaction begins: the connection they leave is not in
/// it any more, though what comes next is a statement without a transaction of its own.
#[tokio::test]
async fn who_goes_away_at_the_beginning_leaves_no_transaction() {
    let backend = Backend::start().await;
    for microseconds in (0..2_000).step_by(5) {
        let begun = (0..8).map(|_| backend.store.snapshot());
        let patience = Duration::from_micros(microseconds);
        drop(tokio::time::timeout(patience, join_all(begun)).await);
        // Until the connections are back.
        tokio::time::sleep(Duration::from_millis(2)).await;
        let reads = (0..8).map(|_| backend.store.unfinished());
        let unfinished = try_join_all(reads).await.unwrap().concat();
        assert!(unfinished.is_empty());
        let again = (0..8).map(|_| backend.store.snapshot());
        for snapshot in try_join_all(again).await.unwrap() {
            snapshot.close().await;
        }
    }
}

/// A file that is begun while a question is answered: the connections that help see its patches, the
/// question's own snapshot does not know of it.
#[tokio::test]
async fn what_is_only_begun_meanwhile_is_not_seen() {
    let backend = Backend::start().await;
    for seed in 1..=24 {
        backend.ingest(&file(9_000, seed)).await;
    }
    let snapshot = backend.store.snapshot().await.unwrap();
    let leaves = CellRange::all(Resolution::LEAF);
    let cells = snapshot.occupied_between(TripEnd::Origin, &[leaves]).await;
    let ranges: Vec<_> = cells
        .unwrap()
        .into_iter()
        .map(|cell| CellRange {
            first: cell,
            last: cell,
        })
        .collect();

    let sql = backend.sql().await;
    let begun = "INSERT INTO segment (id, state) VALUES (1000, 'WRITING')";
    sql.execute(begun).await;
    let place = sql.place().await;
    let patches = format!(
        "INSERT INTO trip_patch SELECT trip_end, cell, 1000, batch, checksum, keys, \
         points, others, rest{place} FROM trip_patch WHERE segment_id = 1"
    );
    sql.execute(&patches).await;
    let stored = "SELECT COUNT(*) FROM trip_patch WHERE trip_end = 0 AND segment_id < 1000 \
                  AND (cell >> 52) & 15 = 9";
    let stored = sql.number(stored).await;
    assert!(
        stored > 3_000,
        "{stored} patches are too few to call for help"
    );
    sql.close().await;

    let mut read = 0;
    let visit = |_: StoredPatch<'_>| {
        read += 1;
        Ok(())
    };
    let patches = snapshot.patches(TripEnd::Origin, &ranges, PatchDepth::Points, visit);
    patches.await.unwrap();
    assert_eq!(read, stored);
}

/// Many files over one another: many patches of each cell, which is what calls for helpers; and
/// more questions at once than there are helpers for.
#[tokio::test]
async fn many_patches_are_read_by_several_connections() {
    let backend = Backend::start().await;
    let mut reference = Reference::default();
    for seed in 1..=24 {
        let csv = file(9_000, seed);
        let ingestion = backend.ingest(&csv).await;
        reference.add(ingestion.id, &csv);
    }
    let questions = [
        TripEndRule::Origin,
        TripEndRule::Destination,
        TripEndRule::Both,
        TripEndRule::Either,
    ]
    .map(in_prague);
    let ask = async |selection: &Selection| {
        let answer = weekly_average(&backend.store, selection, None, None);
        let expected = reference.weekly_average(selection, None, None);
        assert!(expected.total > 1_000);
        assert_eq!(ReferenceAverage::from(&answer.await.unwrap()), expected);
    };
    let asked = questions.iter().cycle().take(12).map(ask);
    futures::future::join_all(asked).await;
}

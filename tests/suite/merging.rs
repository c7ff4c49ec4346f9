//! Merged segments answer as those that they were made of, whatever happens meanwhile.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::removal::{Stored, answers, random_files, verified, with_files};
use super::support;

use std::time::{Duration, Instant};

use support::backend::{Backend, ROLE, TestDatabase};
use support::data::Shape;
use support::random::Random;
use support::reference::Reference;
use tripgraph::analytics::verify;
use tripgraph::ingest::{Compacted, IngestOptions, Role, SqlTrips};
use tripgraph::model::{FinishedHistograms, IngestionState};
use tripgraph::store::{Merge, Worker};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Waits until the rows for SQL are written: segments are merged after that.
async fn filled(backend: &Backend) {
    let start = Instant::now();
    // On a cluster, they are complete only a moment after the last row.
    let complete = async || {
        let mergeable = backend.store.mergeable(0..=u64::MAX).await.unwrap().len() as u64;
        backend.store.sql_rows_missing().await.unwrap() == 0
            && mergeable == backend.store.live_segments().await.unwrap()
    };
    while !complete().await {
        assert!(start.elapsed() < TIMEOUT, "the table is not filled");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Merges everything into one segment.
async fn compact(backend: &Backend) {
    filled(backend).await;
    backend.ingestions.compact().await.unwrap();
    assert_eq!(backend.store.live_segments().await.unwrap(), 1);
}

/// One file with the rows of several.
fn joined(files: &[String]) -> String {
    let (header, _) = files[0].split_once('\n').unwrap();
    let mut all = format!("{header}\n");
    for file in files {
        all.push_str(file.split_once('\n').unwrap().1);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merged_segments_are_as_those_of_one_file() {
    for seed in 0..6 {
        let files = random_files(&mut Random::new(seed));
        let all: Vec<_> = (0..files.len()).collect();
        let (backend, ids) = with_files(&files, &all).await;
        let before = answers(&backend, &ids).await;
        let mut reference = Reference::default();
        for (&id, &index) in &ids {
            reference.add(id, &files[index]);
        }
        let trips = reference.trips.len();

        let merged = {
            filled(&backend).await;
            backend.ingestions.compact().await.unwrap()
        };
        assert_eq!((merged.merges, merged.segments), (1, files.len() as u64));
        assert_eq!(merged.trips, trips as u64);
        assert_eq!(backend.store.live_segments().await.unwrap(), 1);
        assert_eq!(answers(&backend, &ids).await, before);
        verified(&backend, trips).await;
        let (one, _) = with_files(&[joined(&files)], &[0]).await;
        assert_eq!(Stored::of(&backend).await, Stored::of(&one).await);
        let sql = backend.sql().await;
        for table in ["segment", "visible_trip"] {
            let rows = sql.number(&format!("SELECT COUNT(*) FROM {table}")).await;
            let expected = if table == "segment" { 1 } else { trips };
            assert_eq!(usize::try_from(rows).unwrap(), expected, "{table}");
        }
        sql.close().await;
        // There is nothing more to merge, and the next start finds all in order.
        assert_eq!(backend.ingestions.compact().await.unwrap().merges, 0);
        let backend = Backend::start_in(backend.stop().await).await;
        assert_eq!(answers(&backend, &ids).await, before);
    }
}

/// Segments that are too large to be packed anew: the patches of each cell are joined.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn larger_segments_are_merged_by_joining_their_patches() {
    let mut random = Random::new(11);
    let mut file = |rows| {
        let shape = Shape {
            places: 40,
            ..Shape::new(rows)
        };
        shape.file(&mut random)
    };
    // A test build packs no more than 16,384 trips anew.
    let files = [file(11_000), file(200), file(12_000), file(13_000)];
    let (backend, mut ids) = with_files(&files, &[0, 1, 2, 3]).await;
    let before = answers(&backend, &ids).await;
    let stored = Stored::of(&backend).await;
    filled(&backend).await;
    // Nothing is begun by a program that stops.
    backend.ingestions.stop().await;
    let merged = backend.ingestions.compact().await.unwrap();
    assert_eq!(merged.merges, 0);
    let backend = Backend::start_in(backend.stop().await).await;
    let merged = backend.ingestions.compact().await.unwrap();
    assert_eq!((merged.merges, merged.segments), (1, 3));
    // The small file is alone.
    assert_eq!(backend.store.live_segments().await.unwrap(), 2);
    assert_eq!(answers(&backend, &ids).await, before);
    assert_eq!(Stored::of(&backend).await, stored);
    let sql = backend.sql().await;
    let apart = "SELECT COUNT(*) FROM (SELECT 1 FROM trip_patch \
                 GROUP BY trip_end, cell, segment_id HAVING COUNT(*) > 1) AS apart";
    assert_eq!(sql.number(apart).await, 0);
    let rows = sql.number("SELECT COUNT(*) FROM visible_trip").await;
    sql.close().await;
    verified(&backend, usize::try_from(rows).unwrap()).await;
    // There is nothing more to merge.
    assert_eq!(
        backend.ingestions.compact().await.unwrap(),
        Compacted::default()
    );

    let mut order: Vec<_> = ids.keys().copied().collect();
    random.shuffle(&mut order);
    for id in order {
        backend.ingestions.remove(id).await.unwrap();
        backend.purged(id).await;
        ids.remove(&id);
        let kept: Vec<_> = ids.values().copied().collect();
        let (fresh, fresh_ids) = with_files(&files, &kept).await;
        let trips = usize::try_from(verify(&fresh.store).await.unwrap().trips).unwrap();
        assert_eq!(
            answers(&backend, &ids).await,
            answers(&fresh, &fresh_ids).await
        );
        assert_eq!(Stored::of(&backend).await, Stored::of(&fresh).await);
        verified(&backend, trips).await;
    }
    let sql = backend.sql().await;
    let left = "SELECT (SELECT COUNT(*) FROM trip_patch) + (SELECT COUNT(*) FROM trip) + \
                (SELECT COUNT(*) FROM segment)";
    assert_eq!(sql.number(left).await, 0);
    sql.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ingestion_of_a_merged_segment_is_removed() {
    for seed in 20..25 {
        let mut random = Random::new(seed);
        let files = random_files(&mut random);
        let all: Vec<_> = (0..files.len()).collect();
        let (backend, mut ids) = with_files(&files, &all).await;
        compact(&backend).await;
        let mut order: Vec<_> = ids.iter().map(|(&id, &index)| (id, index)).collect();
        random.shuffle(&mut order);
        // The last one leaves nothing.
        for (round, &(id, index)) in order.iter().enumerate() {
            backend.ingestions.remove(id).await.unwrap();
            ids.remove(&id);
            let kept: Vec<_> = ids.values().copied().collect();
            let (fresh, fresh_ids) = with_files(&files, &kept).await;
            let trips = verify(&fresh.store).await.unwrap().trips;
            let trips = usize::try_from(trips).unwrap();
            assert_eq!(
                answers(&backend, &ids).await,
                answers(&fresh, &fresh_ids).await
            );
            verified(&backend, trips).await;
            backend.purged(id).await;
            verified(&backend, trips).await;
            if round == 1 {
                // What is left is merged with what comes again.
                let again = backend.ingest(&files[index]).await;
                compact(&backend).await;
                backend.ingestions.remove(again.id).await.unwrap();
                verified(&backend, trips).await;
            }
        }
        assert_eq!(verify(&backend.store).await.unwrap().trips, 0);
        let sql = backend.sql().await;
        let left = "SELECT (SELECT COUNT(*) FROM trip_patch) + (SELECT COUNT(*) FROM segment) + \
                    (SELECT COUNT(*) FROM weekly_histogram) + (SELECT COUNT(*) FROM flow_histogram)";
        assert_eq!(sql.number(left).await, 0);
        sql.close().await;
    }
}

/// The cursor of the rows for SQL stays right where trips before and behind it go.
#[tokio::test]
async fn rows_for_sql_follow_a_merged_segment() {
    for written in [0, 1, 2, 5, 9] {
        let role = Role {
            sql_trips: SqlTrips::Off,
            ..ROLE
        };
        let backend = Backend::start_as(TestDatabase::new(), role).await;
        let mut ids = Vec::new();
        for seed in 0..3 {
            let shape = Shape {
                places: 3,
                ..Shape::new(200)
            };
            ids.push(backend.ingest(&shape.file(&mut Random::new(seed))).await);
        }
        backend.ingestions.compact().await.unwrap();
        let step = async || {
            let Some(backlog) = backend.store.sql_backlog(&[]).await.unwrap() else {
                return false;
            };
            let patches = backend.store.sql_patches(&backlog).await.unwrap();
            let block = patches.unpack(37).unwrap();
            assert!(backend.store.write_sql_block(&block).await.unwrap());
            true
        };
        for _ in 0..written {
            assert!(step().await);
            verify_all(&backend).await;
        }
        // Nothing is merged while its rows are written.
        if written > 0 {
            assert_eq!(backend.store.mergeable(0..=u64::MAX).await.unwrap(), []);
        }
        backend.ingestions.remove(ids[1].id).await.unwrap();
        backend.purged(ids[1].id).await;
        verify_all(&backend).await;
        while step().await {
            verify_all(&backend).await;
        }
        let kept = ids[0].rows_ingested + ids[2].rows_ingested;
        let sql = backend.sql().await;
        for table in ["trip", "visible_trip"] {
            let rows = sql.number(&format!("SELECT COUNT(*) FROM {table}")).await;
            assert_eq!(rows.cast_unsigned(), kept, "{table}");
        }
        sql.close().await;
    }
}

async fn verify_all(backend: &Backend) {
    let verification = verify(&backend.store).await.unwrap();
    assert_eq!(verification.differing, 0, "{verification:#?}");
}

/// A merge that was made of what is no more is given up.
#[tokio::test]
async fn a_merge_of_what_has_changed_meanwhile_does_nothing() {
    let files = random_files(&mut Random::new(3));
    let (backend, ids) = with_files(&files, &[0, 1, 2, 3]).await;
    filled(&backend).await;
    let worker = Worker {
        name: "test".to_owned(),
        spool: String::new(),
        serves: false,
        lease: Duration::from_secs(15),
    };
    let stale = Merge {
        target: backend.store.begin_merge(&worker).await.unwrap().unwrap(),
        sources: backend.store.mergeable(0..=u64::MAX).await.unwrap(),
        before: FinishedHistograms::default(),
        after: FinishedHistograms::default(),
    };
    let &removed = ids.keys().next().unwrap();
    backend.ingestions.remove(removed).await.unwrap();
    assert!(!backend.store.finish_merge(&stale).await.unwrap());
    compact(&backend).await;
    let kept = Merge {
        sources: backend.store.mergeable(0..=u64::MAX).await.unwrap(),
        ..stale
    };
    let &removed = ids.keys().nth(1).unwrap();
    backend.ingestions.remove(removed).await.unwrap();
    assert!(!backend.store.finish_merge(&kept).await.unwrap());
    backend.store.abandon_merge(kept.target).await.unwrap();
    backend.store.purge_segments().await.unwrap();
    verify_all(&backend).await;
    assert_eq!(backend.store.live_segments().await.unwrap(), 1);
}

/// `compact` waits for the merge of another program, and then merges what is left.
#[tokio::test]
async fn a_merge_of_another_program_is_waited_for() {
    let files = random_files(&mut Random::new(4));
    let (backend, ids) = with_files(&files, &[0, 1, 2]).await;
    filled(&backend).await;
    let before = answers(&backend, &ids).await;
    let sql = backend.sql().await;
    sql.execute(
        "INSERT INTO worker (id, name, spool, serves, lease_seconds) \
         VALUES ('another', 'another', '', TRUE, 60)",
    )
    .await;
    sql.execute("INSERT INTO segment (state, worker_id) VALUES ('MERGING', 'another')")
        .await;
    let mut compacting = Box::pin(backend.ingestions.compact());
    let early = tokio::time::timeout(Duration::from_millis(200), &mut compacting).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(backend.store.live_segments().await.unwrap(), 3);
    sql.execute("DELETE FROM segment WHERE worker_id = 'another'")
        .await;
    let merged = compacting.await.unwrap();
    assert_eq!((merged.merges, merged.segments), (1, 3));
    assert_eq!(answers(&backend, &ids).await, before);
    sql.close().await;
}

/// Questions, removals and further files at the same time as merges in the background.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_hold_while_segments_are_merged() {
    let backend = Backend::start_as(TestDatabase::new(), Role::SERVER).await;
    let mut random = Random::new(7);
    let (mut reference, mut ids) = (Reference::default(), Vec::new());
    for round in 0..30 {
        let file = Shape::new(1 + random.below(60)).file(&mut random);
        let id = backend.ingest(&file).await.id;
        reference.add(id, &file);
        ids.push(id);
        if round % 5 == 4 {
            let gone = ids.remove(random.below(ids.len()));
            backend.ingestions.remove(gone).await.unwrap();
            reference.trips.retain(|trip| trip.ingestion != gone);
        }
        verified(&backend, reference.trips.len()).await;
    }
    // Small ones do not stay.
    let start = Instant::now();
    while backend.store.live_segments().await.unwrap() > 8 {
        assert!(start.elapsed() < TIMEOUT, "too many segments");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    verified(&backend, reference.trips.len()).await;
}

/// Small files that wait are ingested together, and each ends as it would alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_in_a_group_end_each_in_its_own_way() {
    let backend = Backend::start().await;
    let mut random = Random::new(5);
    // Long enough for the others to gather behind it.
    let first = Shape::new(60_000).file(&mut random);
    let first_id = backend.enqueue(&first, None).await;
    let (mut reference, mut good, mut bad) = (Reference::default(), Vec::new(), Vec::new());
    let mut cancelled = Vec::new();
    for number in 0..40 {
        let file = Shape::new(1 + random.below(80)).file(&mut random);
        match number % 8 {
            3 => {
                let header = file.lines().next().unwrap();
                let broken = format!("{header}\n{}", "x,y,z,t,d\n".repeat(3));
                bad.push((backend.enqueue(&broken, None).await, "NO_GOOD_ROW", 3));
            }
            4 => {
                let some = format!("{file}x,y,z,t,d\nx,y,z,t,d\n");
                let id = backend.enqueue(&some, Some(1)).await;
                bad.push((id, "TOO_MANY_REJECTED_ROWS", 2));
            }
            5 => bad.push((
                backend.enqueue("no,trips\n1,2\n", None).await,
                "MISSING_COLUMNS",
                0,
            )),
            6 => cancelled.push(backend.enqueue(&file, None).await),
            _ => {
                let some = format!("{file}x,y,z,t,d\n");
                let id = backend.enqueue(&some, None).await;
                reference.add(id, &file);
                good.push(id);
            }
        }
    }
    let mut ends = Vec::new();
    for &id in &cancelled {
        // Some may have ended by now.
        ends.push(backend.ingestions.cancel(id).await.is_ok());
    }
    reference.add(first_id, &first);
    assert_eq!(
        backend.ended(first_id).await.state,
        IngestionState::Succeeded
    );
    for id in good {
        let ended = backend.ended(id).await;
        assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
        let trips = reference.trips.iter().filter(|trip| trip.ingestion == id);
        assert_eq!(ended.rows_ingested, trips.count() as u64);
        // The last row of each, at least.
        assert!(ended.rows_rejected >= 1, "{ended:?}");
        let kept = backend.ingestions.rejected_rows(id, 100, None).await;
        assert_eq!(kept.unwrap().items.len() as u64, ended.rows_rejected);
    }
    for (id, code, rejected) in bad {
        let ended = backend.ended(id).await;
        assert_eq!(ended.state, IngestionState::Failed);
        assert_eq!(ended.failure.unwrap().code, code);
        let kept = backend
            .ingestions
            .rejected_rows(id, 10, None)
            .await
            .unwrap();
        assert_eq!(kept.items.len(), rejected, "{code}");
    }
    let mut trips = reference.trips.len();
    for (&id, was_cancelled) in cancelled.iter().zip(ends) {
        let ended = backend.ended(id).await;
        let expected = if was_cancelled {
            IngestionState::Cancelled
        } else {
            IngestionState::Succeeded
        };
        assert_eq!(ended.state, expected);
        if !was_cancelled {
            trips += usize::try_from(ended.rows_ingested).unwrap();
        }
    }
    verified(&backend, trips).await;
    let segments = backend.store.live_segments().await.unwrap();
    assert!(segments < 10, "{segments} segments: there was no group");
    // A group of which nothing came leaves no segment that would hold up the merges of others.
    let sql = backend.sql().await;
    let begun = "SELECT COUNT(*) FROM segment WHERE state = 'MERGING'";
    assert_eq!(sql.number(begun).await, 0);
    sql.close().await;
    // Nothing of it is purged later, nor left.
    let backend = Backend::start_in(backend.stop().await).await;
    verified(&backend, trips).await;
    assert_eq!(backend.spooled(), 0);
}

/// Files that are put in the queue in one transaction are what they are one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_queued_together_end_each_in_its_own_way() {
    let backend = Backend::start().await;
    let mut random = Random::new(6);
    let mut reference = Reference::default();
    let files: Vec<_> = (0..3)
        .map(|_| Shape::new(1 + random.below(80)).file(&mut random))
        .collect();
    let send = async |files: &[&String], options: &IngestOptions| {
        let mut uploads = Vec::new();
        for file in files {
            let bytes = futures::stream::iter([Ok::<_, std::io::Error>(file.as_bytes().to_vec())]);
            let spool = backend.ingestions.spool();
            uploads.push(spool.receive("a.csv", bytes, u64::MAX).await.unwrap());
        }
        let enqueued = backend.ingestions.enqueue_all(uploads, options).await;
        enqueued.unwrap()
    };
    let options = IngestOptions::default();
    let [a, b, c] = [&files[0], &files[1], &files[2]];
    let enqueued = send(&[a, b, a, c, b], &options).await;
    let enqueued: Vec<_> = enqueued.into_iter().map(Result::unwrap).collect();
    let duplicates: Vec<_> = enqueued.iter().map(|file| file.duplicate).collect();
    assert_eq!(duplicates, [false, false, true, false, true]);
    let ids: Vec<_> = enqueued.iter().map(|file| file.ingestion.id).collect();
    assert_eq!((ids[2], ids[4]), (ids[0], ids[1]));
    assert!(ids[0] < ids[1] && ids[1] < ids[3], "{ids:?}");
    for (file, &id) in [(a, &ids[0]), (b, &ids[1]), (c, &ids[3])] {
        let ended = backend.ended(id).await;
        assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
        reference.add(id, file);
    }
    verified(&backend, reference.trips.len()).await;
    // Nothing of what is refused, or was there already, stays in the spool.
    let gone = IngestOptions {
        replaces: Some(ids[3] + 100),
        ..options
    };
    let other = Shape::new(5).file(&mut random);
    for refused in send(&[&other, &other], &gone).await {
        refused.unwrap_err();
    }
    let start = Instant::now();
    while backend.spooled() > 0 {
        assert!(start.elapsed() < TIMEOUT, "uploads stay in the spool");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    verified(&backend, reference.trips.len()).await;
}

//! Joined patches answer as those that they were made of, whatever happens meanwhile.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::removal::{Stored, answers, verified};
use super::support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use support::backend::{Backend, ROLE, TestDatabase};
use support::data::Shape;
use support::random::Random;
use tripgraph::ingest::{Compacted, Role, SqlTrips};
use tripgraph::model::FinishedHistograms;
use tripgraph::store::{JoinCursor, Joined, LiveSegment, Removal, Removed};

const WITHOUT_SQL: Role = Role {
    sql_trips: SqlTrips::Off,
    ..ROLE
};

/// Cells of a segment that have more than one row.
const APART: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM trip_patch \
                     GROUP BY trip_end, cell, segment_id HAVING COUNT(*) > 1) AS apart";

async fn number(backend: &Backend, query: &str) -> i64 {
    let sql = backend.sql().await;
    let number = sql.number(query).await;
    sql.close().await;
    number
}

async fn joinable(backend: &Backend) -> Option<LiveSegment> {
    backend.store.joinable(0, false, &[]).await.unwrap()
}

/// Joins the first patches of a segment.
async fn join_first(backend: &Backend, segment: LiveSegment) -> Joined {
    backend
        .store
        .join(segment, JoinCursor::START)
        .await
        .unwrap()
}

/// A file of several batches.
fn large_file() -> String {
    let shape = Shape {
        places: 40,
        ..Shape::new(140_000)
    };
    shape.file(&mut Random::new(1))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joined_patches_are_as_before_and_one_a_cell() {
    let backend = Backend::start_as(TestDatabase::new(), WITHOUT_SQL).await;
    let id = backend.ingest(&large_file()).await.id;
    let ids = BTreeMap::from([(id, 0)]);
    let (before, stored) = (answers(&backend, &ids).await, Stored::of(&backend).await);
    let trips = number(&backend, "SELECT trips FROM segment").await;
    let trips = usize::try_from(trips).unwrap();
    assert!(number(&backend, APART).await > 100);

    // Of two programs, one is late.
    let segment = joinable(&backend).await.unwrap();
    let Joined::Done { fewer, next, .. } = join_first(&backend, segment).await else {
        panic!("nothing has changed");
    };
    assert!(fewer > 0 && next.is_some());
    let late = backend.store.join(segment, next.unwrap()).await.unwrap();
    assert_eq!(late, Joined::Changed);
    assert_eq!(answers(&backend, &ids).await, before);
    verified(&backend, trips).await;

    // The program ends in between, and the next one goes on.
    let backend = Backend::start_as(backend.stop().await, WITHOUT_SQL).await;
    let compacted = backend.ingestions.compact().await.unwrap();
    assert!(compacted.patches_joined > 0 && compacted.merges == 0);
    assert_eq!(number(&backend, APART).await, 0);
    assert_eq!(answers(&backend, &ids).await, before);
    assert_eq!(Stored::of(&backend).await, stored);
    verified(&backend, trips).await;
    assert_eq!(joinable(&backend).await, None);
    assert_eq!(
        backend.ingestions.compact().await.unwrap(),
        Compacted::default()
    );

    // The rows for SQL are made of joined patches, too.
    let backend = Backend::start_as(backend.stop().await, ROLE).await;
    let start = Instant::now();
    while backend.store.sql_rows_missing().await.unwrap() > 0 {
        assert!(start.elapsed() < Duration::from_mins(2), "rows are missing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = "SELECT COUNT(DISTINCT line) FROM visible_trip";
    assert_eq!(
        usize::try_from(number(&backend, rows).await).unwrap(),
        trips
    );
    verified(&backend, trips).await;
    backend.ingestions.remove(id).await.unwrap();
    backend.purged(id).await;
    verified(&backend, 0).await;
    assert_eq!(number(&backend, "SELECT COUNT(*) FROM trip_patch").await, 0);
}

/// The cursor of rows for SQL is the batch and cell of a patch.
#[tokio::test]
async fn nothing_is_joined_while_rows_for_sql_are_written() {
    let backend = Backend::start_as(TestDatabase::new(), WITHOUT_SQL).await;
    backend
        .ingest(&Shape::new(300).file(&mut Random::new(2)))
        .await;
    assert!(joinable(&backend).await.is_some());
    let complete = backend.store.joinable(0, true, &[]).await.unwrap();
    assert_eq!(complete, None);
    loop {
        let Some(backlog) = backend.store.sql_backlog(&[]).await.unwrap() else {
            break;
        };
        let patches = backend.store.sql_patches(&backlog).await.unwrap();
        let block = patches.unpack(200).unwrap();
        assert!(backend.store.write_sql_block(&block).await.unwrap());
        if !block.completes {
            assert_eq!(joinable(&backend).await, None);
        }
    }
    assert!(joinable(&backend).await.unwrap().sql_complete);
}

/// A removal writes the patches of a merged segment without the trips that go, as it has read them.
#[tokio::test]
async fn a_removal_that_was_made_before_a_join_does_nothing() {
    let mut random = Random::new(3);
    let backend = Backend::start_as(TestDatabase::new(), WITHOUT_SQL).await;
    let first = backend.ingest(&Shape::new(200).file(&mut random)).await.id;
    backend.ingest(&Shape::new(300).file(&mut random)).await;
    assert_eq!(backend.ingestions.compact().await.unwrap().merges, 1);
    // A merged segment is joined already.
    assert_eq!(joinable(&backend).await, None);
    let segment = backend.store.mergeable(0..=u64::MAX).await.unwrap()[0];
    let snapshot = backend.store.snapshot().await.unwrap();
    let source = snapshot.removal_source(first).await.unwrap().unwrap();
    drop(snapshot);
    assert!(source.is_merged);
    // Nothing is to be joined, but that is written.
    let Joined::Done { next, .. } = join_first(&backend, segment).await else {
        panic!("nothing has changed");
    };
    let done = backend.store.join(segment, next.unwrap()).await.unwrap();
    assert!(matches!(done, Joined::Done { next: None, .. }));
    let late = Removal {
        source,
        histograms: FinishedHistograms::default(),
        patches: Vec::new(),
    };
    let removed = backend.store.remove(first, &late).await.unwrap();
    assert_eq!(removed, Removed::Moved);
    verified(&backend, 500).await;
    backend.ingestions.remove(first).await.unwrap();
    verified(&backend, 300).await;
}

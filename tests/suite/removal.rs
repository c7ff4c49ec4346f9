//! What is removed, cancelled or failed leaves nothing: the database is as if it had never come.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::QueryResult;
use support::data::{BROKEN, HEADER, REGIONS, Shape};
use support::database::{Sql, on_postgres};
use support::engine::Engine;
use support::random::Random;
use support::twin::{Twin, TwinAverage};
use tripgraph::analytics::{group_members, similar_trips, verify, weekly_average};
use tripgraph::geo::{BoundingBox, CellRange, Resolution};
use tripgraph::ingest::IngestError;
use tripgraph::model::{
    Area, BucketMinutes, End, Histograms, IngestionId, IngestionState, KeyFilter, PairSummary,
    Selection, Similarity, TripEnds, TripGroup, split_counter_key,
};

/// Counters of one histogram: trips by datasource and week.
type Counts = BTreeMap<(String, u8), u64>;

/// Everything that is stored of visible trips, under names instead of numbers: those are given in
/// the order of arrival, and removed files had some too.
#[derive(Debug, PartialEq, Default)]
struct Stored {
    weekly: BTreeMap<(End, u64, String, i32), Counts>,
    flows: BTreeMap<(u64, u64, String, String), [u64; 48]>,
    pairs: Vec<PairSummary>,
}

impl Stored {
    async fn of(engine: &Engine) -> Self {
        let names = async |table: &'static str| -> BTreeMap<u32, String> {
            let sql = engine.sql().await;
            let rows = sql.rows(&format!("SELECT id, name FROM {table}")).await;
            sql.close().await;
            let value = |row: &QueryResult| -> (u32, String) {
                let id: i32 = row.try_get_by_index(0).unwrap();
                (id.cast_unsigned(), row.try_get_by_index(1).unwrap())
            };
            rows.iter().map(value).collect()
        };
        let (regions, datasources) = (names("region").await, names("datasource").await);
        let counts = |counters: tripgraph::model::Entries<'_>| -> Counts {
            let counts: Counts = counters
                .map(|entry| {
                    let (key, trips) = entry.unwrap();
                    let (datasource, low) = split_counter_key(key);
                    assert!(trips > 0, "a counter of nothing is stored");
                    ((datasources[&datasource].clone(), low), trips)
                })
                .collect();
            assert!(!counts.is_empty(), "a histogram of nothing is stored");
            counts
        };
        let mut stored = Self::default();
        let snapshot = engine.store.snapshot().await.unwrap();
        snapshot
            .all_weekly(|key, counters| {
                let region = regions[&key.region].clone();
                let key = (key.end, key.cell, region, key.iso_year);
                stored.weekly.insert(key, counts(counters));
                Ok(())
            })
            .await
            .unwrap();
        snapshot
            .flows(
                CellRange::all(Resolution::FLOW),
                &KeyFilter::default(),
                |origin, end, day| {
                    let region = regions[&end.region].clone();
                    let datasource = datasources[&end.datasource].clone();
                    let day = day.unpack();
                    assert!(!day.is_empty(), "a flow of nothing is stored");
                    let key = (origin, end.destination, region, datasource);
                    stored.flows.insert(key, *day.half_hours());
                    Ok(())
                },
            )
            .await
            .unwrap();
        stored.pairs = snapshot.pair_summaries().await.unwrap();
        stored
    }
}

/// Answers of every kind that a database gives; `files` are the places of its files by ingestion.
async fn answers(engine: &Engine, files: &BTreeMap<IngestionId, usize>) -> Vec<String> {
    let mut answers = Vec::new();
    for selection in selections() {
        let average = weekly_average(&engine.store, &selection, None, None)
            .await
            .unwrap();
        answers.push(format!("{selection:?}: {:?}", TwinAverage::from(&average)));
        for (resolution, minutes) in [(5, 360), (9, 1440)] {
            let similarity = Similarity {
                resolution: Resolution::new(resolution).unwrap(),
                bucket: BucketMinutes::new(minutes).unwrap(),
            };
            let page = similar_trips(&engine.store, &selection, similarity, 1, 10_000, None)
                .await
                .unwrap();
            answers.push(format!("{selection:?}: {page:?}"));
            if let Some(group) = page.items.first() {
                let trips = members(engine, &selection, similarity, group, files).await;
                answers.push(format!("{group:?}: {trips:?}"));
            }
        }
    }
    answers
}

/// The members of a group by file and line.
async fn members(
    engine: &Engine,
    selection: &Selection,
    similarity: Similarity,
    group: &TripGroup,
    files: &BTreeMap<IngestionId, usize>,
) -> Vec<(usize, u64)> {
    let page = group_members(&engine.store, selection, similarity, group, 10_000, None)
        .await
        .unwrap();
    let trips = page.items.iter();
    trips
        .map(|trip| (files[&trip.ingestion_id], trip.line))
        .collect()
}

/// Everything, places of several sizes, names.
fn selections() -> Vec<Selection> {
    let mut selections = vec![Selection::default()];
    for (index, (region, lon, lat)) in REGIONS.into_iter().enumerate() {
        let size = [0.02, 0.1, 3.0][index % 3];
        let ends = [TripEnds::Origin, TripEnds::Either, TripEnds::Both][index % 3];
        let bbox = BoundingBox::new(
            (lon - size).max(-180.0),
            (lat - size).max(-90.0),
            (lon + size).min(180.0),
            (lat + size).min(90.0),
        );
        selections.push(Selection {
            area: Some(Area {
                bbox: bbox.unwrap(),
                ends,
            }),
            ..Selection::default()
        });
        selections.push(Selection {
            region: Some(region.to_owned()),
            ..Selection::default()
        });
    }
    selections
}

/// Random files: some share rows with others, one is a copy, each has a region of its own.
fn random_files(random: &mut Random) -> Vec<String> {
    let mut files: Vec<String> = (0..4)
        .map(|number| {
            let shape = Shape {
                places: [3, 50][random.below(2)],
                ..Shape::new(1 + random.below(250))
            };
            let own = format!("Region {number},POINT (1 2),POINT (3 4),2020-05-05 05:05:05,own");
            format!("{}{own} {number}\n", shape.file(random))
        })
        .collect();
    let shared: String = files[0]
        .lines()
        .skip(1)
        .filter(|_| random.once_in(2))
        .flat_map(|line| [line, "\n"])
        .collect();
    files[1].push_str(&shared);
    files.push(files[random.below(4)].clone());
    files
}

/// An engine into which some of the files were ingested, in their order.
async fn with_files(files: &[String], kept: &[usize]) -> (Engine, BTreeMap<IngestionId, usize>) {
    let engine = Engine::start().await;
    let mut ids = BTreeMap::new();
    for &index in kept {
        ids.insert(engine.ingest(&files[index]).await.id, index);
    }
    (engine, ids)
}

async fn verified(engine: &Engine, trips: usize) {
    let findings = verify(&engine.store).await.unwrap();
    assert_eq!(findings.differing, 0, "{findings:#?}");
    assert_eq!(findings.trips, trips as u64);
}

/// Rows of a table that stand for an ingestion's trips.
async fn rows(engine: &Engine, table: &str) -> i64 {
    let sql = engine.sql().await;
    let rows = sql.number(&format!("SELECT COUNT(*) FROM {table}")).await;
    sql.close().await;
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_remains_is_as_if_the_removed_had_never_come() {
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let files = random_files(&mut random);
        let all: Vec<_> = (0..files.len()).collect();
        let (engine, ids) = with_files(&files, &all).await;

        let mut order: Vec<_> = ids.iter().map(|(&id, &index)| (id, index)).collect();
        random.shuffle(&mut order);
        let removals = if seed == 0 {
            order.len()
        } else {
            1 + random.below(order.len() - 1)
        };
        let (removed, remaining) = order.split_at(removals);
        for &(id, _) in removed {
            let after = engine.ingestions.remove(id).await.unwrap();
            assert_eq!(after.state, IngestionState::Removed);
            assert!(matches!(
                engine.ingestions.remove(id).await,
                Err(IngestError::Conflict(_))
            ));
        }
        let mut kept: Vec<_> = remaining.iter().map(|&(_, index)| index).collect();
        kept.sort_unstable();
        let (fresh, fresh_ids) = with_files(&files, &kept).await;
        let mut twin = Twin::default();
        for (&id, &index) in &fresh_ids {
            twin.add(id, &files[index]);
        }

        // While the rows of the removed may still lie there, and after they were purged.
        let expected = answers(&fresh, &fresh_ids).await;
        for _ in 0..2 {
            assert_eq!(Stored::of(&engine).await, Stored::of(&fresh).await);
            assert_eq!(answers(&engine, &ids).await, expected);
            verified(&engine, twin.trips.len()).await;
            for &(id, _) in removed {
                engine.purged(id).await;
            }
        }
        verified(&fresh, twin.trips.len()).await;
        assert_eq!(rows(&engine, "trip").await, rows(&fresh, "trip").await);
        assert_eq!(
            rows(&engine, "trip_patch").await,
            rows(&fresh, "trip_patch").await
        );

        // And all of it comes again.
        for &(_, index) in removed {
            let again = engine.ingest(&files[index]).await;
            twin.add(again.id, &files[index]);
        }
        verified(&engine, twin.trips.len()).await;
    }
}

/// As after a crash between the removal and the purge of what it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_removed_but_not_purged_is_not_seen() {
    let files = random_files(&mut Random::new(31));
    let all: Vec<_> = (0..files.len()).collect();
    let (engine, ids) = with_files(&files, &all).await;
    let (fresh, fresh_ids) = with_files(&files, &[0, 2, 4]).await;
    let removed = || ids.iter().filter(|(_, index)| [1, 3].contains(*index));
    for (&id, _) in removed() {
        let mut histograms = Histograms::new();
        let snapshot = engine.store.snapshot().await.unwrap();
        snapshot
            .patches_of(id, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.points, patch.rest)?)
            })
            .await
            .unwrap();
        drop(snapshot);
        let removed = engine.store.retire(id, &histograms.finish()).await;
        assert!(removed.unwrap().is_some());
    }
    let expected = answers(&fresh, &fresh_ids).await;
    let stored = Stored::of(&fresh).await;
    let trips = rows(&fresh, "trip").await;
    assert_ne!(rows(&engine, "trip").await, trips);
    assert_eq!(Stored::of(&engine).await, stored);
    assert_eq!(answers(&engine, &ids).await, expected);
    verified(&engine, usize::try_from(trips).unwrap()).await;

    // The next start purges.
    let engine = Engine::start_in(engine.stop().await).await;
    assert_eq!(rows(&engine, "trip").await, trips);
    for (&id, _) in removed() {
        engine.purged(id).await;
    }
    assert_eq!(Stored::of(&engine).await, stored);
    assert_eq!(answers(&engine, &ids).await, expected);
}

/// Rows enough for two blocks, so that some are written before the end.
fn large_file() -> String {
    let shape = Shape {
        places: 50,
        ..Shape::new(140_000)
    };
    shape.file(&mut Random::new(99))
}

/// While it lasts, nobody else can write trips to the database.
struct Held(Sql);

impl Held {
    /// Lets the others write, a moment after they were asked for something else.
    async fn let_go(self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.0.execute("ROLLBACK").await;
        self.0.close().await;
    }
}

/// Holds a large ingestion that runs after it has written some trips, but not all.
async fn held_after_a_block(engine: &Engine, trips_before: i64) -> Held {
    let sql = engine.sql().await;
    loop {
        if on_postgres() {
            sql.execute("BEGIN").await;
            sql.execute("LOCK TABLE trip IN SHARE ROW EXCLUSIVE MODE")
                .await;
        } else {
            sql.execute("BEGIN IMMEDIATE").await;
        }
        if sql.number("SELECT COUNT(*) FROM trip").await > trips_before {
            return Held(sql);
        }
        sql.execute("ROLLBACK").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_or_fails_leaves_nothing() {
    let mut random = Random::new(21);
    let small = Shape::new(200).file(&mut random);
    let (engine, _) = with_files(std::slice::from_ref(&small), &[0]).await;
    let before = Stored::of(&engine).await;
    let trips = rows(&engine, "trip").await;
    let large = large_file();

    // One runs, one waits behind it.
    let running = engine.enqueue(&large, None).await;
    let waiting = engine.enqueue(&small, None).await;
    assert!(matches!(
        engine.ingestions.remove(running).await,
        Err(IngestError::Conflict(_))
    ));
    assert!(matches!(
        engine.ingestions.remove(waiting).await,
        Err(IngestError::Conflict(_))
    ));
    let cancelled = engine.ingestions.cancel(waiting).await.unwrap();
    assert_eq!(cancelled.state, IngestionState::Cancelled);
    // Its rows are there, and nobody sees them.
    let held = held_after_a_block(&engine, trips).await;
    assert_eq!(Stored::of(&engine).await, before);
    verified(&engine, usize::try_from(trips).unwrap()).await;
    let (cancelled, ()) = tokio::join!(engine.ingestions.cancel(running), held.let_go());
    assert_eq!(cancelled.unwrap().state, IngestionState::Cancelled);

    // The last row of many can't be read, and none such was allowed.
    let good: String = large
        .lines()
        .filter(|&line| line != BROKEN)
        .flat_map(|line| [line, "\n"])
        .collect();
    let failing = engine.enqueue(&format!("{good}{BROKEN}\n"), Some(0)).await;
    let failed = engine.ended(failing).await;
    assert_eq!(failed.state, IngestionState::Failed, "{failed:?}");
    assert_eq!(failed.failure.unwrap().code, "TOO_MANY_REJECTED_ROWS");
    assert_eq!(failed.rows_rejected, 1);
    assert!(failed.rows_ingested > 130_000);
    let no_rows = engine.enqueue(HEADER, None).await;
    let ended = engine.ended(no_rows).await;
    assert_eq!(ended.state, IngestionState::Failed);

    for id in [running, waiting, failing, no_rows] {
        engine.purged(id).await;
        assert!(matches!(
            engine.ingestions.remove(id).await,
            Err(IngestError::Conflict(_))
        ));
        assert!(matches!(
            engine.ingestions.cancel(id).await,
            Err(IngestError::Conflict(_))
        ));
    }
    assert_eq!(rows(&engine, "trip").await, trips);
    assert_eq!(Stored::of(&engine).await, before);
    verified(&engine, usize::try_from(trips).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_counted_once() {
    let engine = Engine::start().await;
    let large = large_file();
    let id = engine.enqueue(&large, None).await;
    let held = held_after_a_block(&engine, 0).await;
    tokio::join!(engine.ingestions.stop(), held.let_go());
    assert_eq!(engine.store.unfinished().await.unwrap().len(), 1);
    assert!(rows(&engine, "trip").await > 0);

    let engine = Engine::start_in(engine.stop().await).await;
    let ended = engine.ended(id).await;
    assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
    let mut twin = Twin::default();
    twin.add(id, &large);
    assert_eq!(ended.rows_ingested, twin.trips.len() as u64);
    let rejected = large.lines().filter(|&line| line == BROKEN).count();
    assert_eq!(ended.rows_rejected, rejected as u64);
    verified(&engine, twin.trips.len()).await;
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let engine = Engine::start().await;
    for id in [0, -1, 1, i64::MAX] {
        assert!(matches!(
            engine.ingestions.remove(id).await,
            Err(IngestError::NotFound(missing)) if missing == id
        ));
        assert!(matches!(
            engine.ingestions.cancel(id).await,
            Err(IngestError::NotFound(missing)) if missing == id
        ));
        assert!(engine.ingestions.watch(id).await.unwrap().is_none());
    }
}

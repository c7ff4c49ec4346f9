//! What is removed, cancelled or failed leaves nothing: the database is as if it had never come.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::QueryResult;
use support::backend::Backend;
use support::data::{BROKEN, HEADER, REGIONS, Shape};
use support::database::{Sql, on_postgres};
use support::random::Random;
use support::reference::{Reference, ReferenceAverage};
use tripgraph::analytics::{group_members, similar_trips, verify, weekly_average};
use tripgraph::geo::{BoundingBox, CellRange, Resolution};
use tripgraph::ingest::IngestError;
use tripgraph::model::{
    Area, BucketMinutes, Histograms, IngestionId, IngestionState, KeyFilter, PairSummary,
    PatchDepth, Selection, Similarity, TripEnd, TripEndRule, TripGroup, split_counter_key,
};
use tripgraph::store::{Removal, Removed};

/// Counters of one histogram: trips by datasource and week.
type Counts = BTreeMap<(String, u8), u64>;

/// Everything that is stored of visible trips, under names instead of numbers: those are given in
/// the order of arrival, and removed files had some too.
#[derive(Debug, PartialEq, Default)]
pub(super) struct Stored {
    weekly: BTreeMap<(TripEnd, u64, String, i32), Counts>,
    flows: BTreeMap<(u64, u64, String, String), [u64; 48]>,
    pairs: Vec<PairSummary>,
}

impl Stored {
    pub(super) async fn of(backend: &Backend) -> Self {
        let names = async |table: &'static str| -> BTreeMap<u32, String> {
            let sql = backend.sql().await;
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
        let snapshot = backend.store.snapshot().await.unwrap();
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
        let names = |pair: &PairSummary| (pair.region.clone(), pair.datasource.clone());
        stored.pairs.sort_by_key(names);
        stored
    }
}

/// Answers of every kind that a database gives; `files` are the places of its files by ingestion.
pub(super) async fn answers(
    backend: &Backend,
    files: &BTreeMap<IngestionId, usize>,
) -> Vec<String> {
    let mut answers = Vec::new();
    for selection in selections() {
        let average = weekly_average(&backend.store, &selection, None, None)
            .await
            .unwrap();
        answers.push(format!(
            "{selection:?}: {:?}",
            ReferenceAverage::from(&average)
        ));
        for (resolution, minutes) in [(5, 360), (9, 1440)] {
            let similarity = Similarity {
                resolution: Resolution::new(resolution).unwrap(),
                bucket: BucketMinutes::new(minutes).unwrap(),
            };
            let page = similar_trips(&backend.store, &selection, similarity, 1, 10_000, None)
                .await
                .unwrap();
            answers.push(format!("{selection:?}: {page:?}"));
            if let Some(group) = page.items.first() {
                let trips = members(backend, &selection, similarity, group, files).await;
                answers.push(format!("{group:?}: {trips:?}"));
            }
        }
    }
    answers
}

/// The members of a group by file and line.
async fn members(
    backend: &Backend,
    selection: &Selection,
    similarity: Similarity,
    group: &TripGroup,
    files: &BTreeMap<IngestionId, usize>,
) -> Vec<(usize, u64)> {
    let page = group_members(&backend.store, selection, similarity, group, 10_000, None)
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
        let ends = [TripEndRule::Origin, TripEndRule::Either, TripEndRule::Both][index % 3];
        let bbox = BoundingBox::new(
            (lon - size).max(-180.0),
            (lat - size).max(-90.0),
            (lon + size).min(180.0),
            (lat + size).min(90.0),
        );
        selections.push(Selection {
            area: Some(Area {
                place: bbox.unwrap().into(),
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
pub(super) fn random_files(random: &mut Random) -> Vec<String> {
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

/// A backend into which some of the files were ingested, in their order.
pub(super) async fn with_files(
    files: &[String],
    kept: &[usize],
) -> (Backend, BTreeMap<IngestionId, usize>) {
    let backend = Backend::start().await;
    let mut ids = BTreeMap::new();
    for &index in kept {
        ids.insert(backend.ingest(&files[index]).await.id, index);
    }
    (backend, ids)
}

pub(super) async fn verified(backend: &Backend, trips: usize) {
    let verification = verify(&backend.store).await.unwrap();
    assert_eq!(verification.differing, 0, "{verification:#?}");
    assert_eq!(verification.trips, trips as u64);
}

/// Number of patches, whether they are in the answers or not.
async fn patches(backend: &Backend) -> i64 {
    let sql = backend.sql().await;
    let patches = sql.number("SELECT COUNT(*) FROM trip_patch").await;
    sql.close().await;
    patches
}

/// Number of trips in the answers.
async fn trips(backend: &Backend) -> usize {
    let trips = verify(&backend.store).await.unwrap().trips;
    usize::try_from(trips).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_remains_is_as_if_the_removed_had_never_come() {
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let files = random_files(&mut random);
        let all: Vec<_> = (0..files.len()).collect();
        let (backend, ids) = with_files(&files, &all).await;

        let mut order: Vec<_> = ids.iter().map(|(&id, &index)| (id, index)).collect();
        random.shuffle(&mut order);
        let removals = if seed == 0 {
            order.len()
        } else {
            1 + random.below(order.len() - 1)
        };
        let (removed, remaining) = order.split_at(removals);
        for &(id, _) in removed {
            let after = backend.ingestions.remove(id).await.unwrap();
            assert_eq!(after.state, IngestionState::Removed);
            assert!(matches!(
                backend.ingestions.remove(id).await,
                Err(IngestError::Conflict(_))
            ));
        }
        let mut kept: Vec<_> = remaining.iter().map(|&(_, index)| index).collect();
        kept.sort_unstable();
        let (fresh, fresh_ids) = with_files(&files, &kept).await;
        let mut reference = Reference::default();
        for (&id, &index) in &fresh_ids {
            reference.add(id, &files[index]);
        }

        // While the rows of the removed may still lie there, and after they were purged.
        let expected = answers(&fresh, &fresh_ids).await;
        for _ in 0..2 {
            assert_eq!(Stored::of(&backend).await, Stored::of(&fresh).await);
            assert_eq!(answers(&backend, &ids).await, expected);
            verified(&backend, reference.trips.len()).await;
            for &(id, _) in removed {
                backend.purged(id).await;
            }
        }
        verified(&fresh, reference.trips.len()).await;
        assert_eq!(patches(&backend).await, patches(&fresh).await);

        // And all of it comes again.
        for &(_, index) in removed {
            let again = backend.ingest(&files[index]).await;
            reference.add(again.id, &files[index]);
        }
        verified(&backend, reference.trips.len()).await;
    }
}

/// As after a crash between the removal and the purge of what it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_removed_but_not_purged_is_not_seen() {
    let files = random_files(&mut Random::new(31));
    let all: Vec<_> = (0..files.len()).collect();
    let (backend, ids) = with_files(&files, &all).await;
    let (fresh, fresh_ids) = with_files(&files, &[0, 2, 4]).await;
    let removed = || ids.iter().filter(|(_, index)| [1, 3].contains(*index));
    for (&id, _) in removed() {
        let mut histograms = Histograms::new();
        let snapshot = backend.store.snapshot().await.unwrap();
        let source = snapshot.removal_source(id).await.unwrap().unwrap();
        snapshot
            .patches_of(source.segment, PatchDepth::Keys, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.bytes)?)
            })
            .await
            .unwrap();
        drop(snapshot);
        let removal = Removal {
            source,
            histograms: histograms.finish(),
            patches: Vec::new(),
        };
        let removed = backend.store.remove(id, &removal).await.unwrap();
        assert!(matches!(removed, Removed::Done(_)));
    }
    let expected = answers(&fresh, &fresh_ids).await;
    let stored = Stored::of(&fresh).await;
    let remaining = patches(&fresh).await;
    assert_ne!(patches(&backend).await, remaining);
    assert_eq!(Stored::of(&backend).await, stored);
    assert_eq!(answers(&backend, &ids).await, expected);
    verified(&backend, trips(&fresh).await).await;

    // The next start purges.
    let backend = Backend::start_in(backend.stop().await).await;
    assert_eq!(patches(&backend).await, remaining);
    for (&id, _) in removed() {
        backend.purged(id).await;
    }
    assert_eq!(Stored::of(&backend).await, stored);
    assert_eq!(answers(&backend, &ids).await, expected);
}

/// Rows enough for several batches, so that some are written before the end.
fn large_file() -> String {
    let shape = Shape {
        places: 50,
        ..Shape::new(140_000)
    };
    shape.file(&mut Random::new(99))
}

/// While it lasts, nobody else can write patches to the database.
struct Held(Sql);

impl Held {
    /// Lets the others write, a moment after they were asked for something else.
    async fn let_go(self) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.0.execute("ROLLBACK").await;
        self.0.close().await;
    }
}

/// Holds a large ingestion that runs after it has written some patches, but not all.
async fn held_after_a_block(backend: &Backend, patches_before: i64) -> Held {
    let sql = backend.sql().await;
    loop {
        if on_postgres() {
            sql.execute("BEGIN").await;
            sql.execute("LOCK TABLE trip_patch IN SHARE ROW EXCLUSIVE MODE")
                .await;
        } else {
            sql.execute("BEGIN IMMEDIATE").await;
        }
        if sql.number("SELECT COUNT(*) FROM trip_patch").await > patches_before {
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
    let (backend, _) = with_files(std::slice::from_ref(&small), &[0]).await;
    let before = Stored::of(&backend).await;
    let (trips_before, patches_before) = (trips(&backend).await, patches(&backend).await);
    let large = large_file();

    // One runs, one waits behind it.
    let running = backend.enqueue(&large, None).await;
    let waiting = backend.enqueue(&small, None).await;
    assert!(matches!(
        backend.ingestions.remove(running).await,
        Err(IngestError::Conflict(_))
    ));
    assert!(matches!(
        backend.ingestions.remove(waiting).await,
        Err(IngestError::Conflict(_))
    ));
    let cancelled = backend.ingestions.cancel(waiting).await.unwrap();
    assert_eq!(cancelled.state, IngestionState::Cancelled);
    // Its rows are there, and nobody sees them.
    let held = held_after_a_block(&backend, patches_before).await;
    assert_eq!(Stored::of(&backend).await, before);
    verified(&backend, trips_before).await;
    let (cancelled, ()) = tokio::join!(backend.ingestions.cancel(running), held.let_go());
    assert_eq!(cancelled.unwrap().state, IngestionState::Cancelled);

    // The last row of many can't be read, and none such was allowed.
    let good: String = large
        .lines()
        .filter(|&line| line != BROKEN)
        .flat_map(|line| [line, "\n"])
        .collect();
    let failing = backend.enqueue(&format!("{good}{BROKEN}\n"), Some(0)).await;
    let failed = backend.ended(failing).await;
    assert_eq!(failed.state, IngestionState::Failed, "{failed:?}");
    assert_eq!(failed.failure.unwrap().code, "TOO_MANY_REJECTED_ROWS");
    assert_eq!(failed.rows_rejected, 1);
    assert!(failed.rows_ingested > 130_000);
    let no_rows = backend.enqueue(HEADER, None).await;
    let ended = backend.ended(no_rows).await;
    assert_eq!(ended.state, IngestionState::Failed);

    for id in [running, waiting, failing, no_rows] {
        backend.purged(id).await;
        assert!(matches!(
            backend.ingestions.remove(id).await,
            Err(IngestError::Conflict(_))
        ));
        assert!(matches!(
            backend.ingestions.cancel(id).await,
            Err(IngestError::Conflict(_))
        ));
    }
    assert_eq!(patches(&backend).await, patches_before);
    assert_eq!(Stored::of(&backend).await, before);
    verified(&backend, trips_before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_interrupted_is_counted_once() {
    let backend = Backend::start().await;
    let large = large_file();
    let id = backend.enqueue(&large, None).await;
    let held = held_after_a_block(&backend, 0).await;
    tokio::join!(backend.ingestions.stop(), held.let_go());
    assert_eq!(backend.store.unfinished().await.unwrap().len(), 1);
    assert!(patches(&backend).await > 0);

    let backend = Backend::start_in(backend.stop().await).await;
    let ended = backend.ended(id).await;
    assert_eq!(ended.state, IngestionState::Succeeded, "{ended:?}");
    let mut reference = Reference::default();
    reference.add(id, &large);
    assert_eq!(ended.rows_ingested, reference.trips.len() as u64);
    let rejected = large.lines().filter(|&line| line == BROKEN).count();
    assert_eq!(ended.rows_rejected, rejected as u64);
    verified(&backend, reference.trips.len()).await;
}

#[tokio::test]
async fn what_there_is_not_is_not_found() {
    let backend = Backend::start().await;
    for id in [0, -1, 1, i64::MAX] {
        assert!(matches!(
            backend.ingestions.remove(id).await,
            Err(IngestError::NotFound(missing)) if missing == id
        ));
        assert!(matches!(
            backend.ingestions.cancel(id).await,
            Err(IngestError::NotFound(missing)) if missing == id
        ));
        assert!(backend.ingestions.watch(id).await.unwrap().is_none());
    }
}

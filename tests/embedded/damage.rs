//! Bits of the database's file that are not what was written: no answer changes without a word.

use std::path::Path;

use tripgraph::analytics::{group_members, similar_trips, summaries, verify, weekly_average};
use tripgraph::geo::{BoundingBox, Resolution};
use tripgraph::model::{Area, BucketMinutes, Selection, Similarity, TripEndRule};
use tripgraph::store::{Access, Store};

use crate::suite::support::backend::Backend;
use crate::suite::support::data::Shape;
use crate::suite::support::random::Random;

/// Damaged files that are asked.
const FILES: u64 = 100;
/// Where the answer to a question could not be given.
const REFUSED: &str = "refused";

/// Answers of every kind.
async fn answers(store: &Store) -> Vec<String> {
    let mut answers = Vec::new();
    let names = summaries(store).await;
    answers.push(names.map_or_else(
        |_| REFUSED.to_owned(),
        |names| {
            format!(
                "{:?} {:?}",
                names.regions(None),
                names.datasources(Some("Prague"))
            )
        },
    ));
    let area = |west, south, east, north, ends| Selection {
        area: Some(Area {
            place: BoundingBox::new(west, south, east, north).unwrap().into(),
            ends,
        }),
        ..Selection::default()
    };
    for selection in [
        Selection::default(),
        Selection {
            region: Some("Turin".to_owned()),
            datasource: Some("funny_car".to_owned()),
            ..Selection::default()
        },
        area(14.3, 50.0, 14.5, 50.2, TripEndRule::Origin),
        area(-180.0, -90.0, 20.0, 60.0, TripEndRule::Both),
    ] {
        let average = weekly_average(store, &selection, None, None).await;
        answers.push(average.map_or_else(|_| REFUSED.to_owned(), |average| format!("{average:?}")));
        for (resolution, minutes) in [(5, 360), (9, 60)] {
            let similarity = Similarity {
                resolution: Resolution::new(resolution).unwrap(),
                bucket: BucketMinutes::new(minutes).unwrap(),
            };
            let page = similar_trips(store, &selection, similarity, 1, 10_000, None).await;
            let Ok(page) = page else {
                answers.push(REFUSED.to_owned());
                continue;
            };
            answers.push(format!("{page:?}"));
            for group in page.items.iter().take(12) {
                let members = group_members(store, &selection, similarity, group, 100, None).await;
                answers.push(members.map_or_else(
                    |_| REFUSED.to_owned(),
                    |members| format!("{:?}", members.items),
                ));
            }
        }
    }
    answers
}

/// Whether a verification finds nothing, or says nothing.
async fn is_sound(store: &Store) -> bool {
    verify(store)
        .await
        .is_ok_and(|verification| verification.differing == 0)
}

async fn open(file: &Path) -> Option<Store> {
    Store::open(&format!("sqlite://{}", file.display()), Access::Read)
        .await
        .ok()
}

#[tokio::test]
async fn no_flipped_bit_changes_an_answer_that_verify_calls_sound() {
    let backend = Backend::start().await;
    let mut random = Random::new(5);
    for rows in [600, 200] {
        let shape = Shape {
            places: 5,
            ..Shape::new(rows)
        };
        backend.ingest(&shape.file(&mut random)).await;
    }
    let stopped = backend.stop().await;
    let file = stopped.dir.path().join("trips.db");
    let bytes = std::fs::read(&file).unwrap();
    let store = open(&file).await.unwrap();
    let right = answers(&store).await;
    assert!(!right.contains(&REFUSED.to_owned()));
    assert!(is_sound(&store).await);
    store.close().await.unwrap();

    let damaged = stopped.dir.path().join("damaged.db");
    let (mut changed, mut noticed) = (0, 0);
    for seed in 0..FILES {
        let mut random = Random::new(1_000 + seed);
        let mut bytes = bytes.clone();
        // Not where there is nothing but zeros: that is room for more.
        let at = loop {
            let at = random.below(bytes.len() - 8);
            if bytes[at..at + 8].iter().any(|&byte| byte != 0) {
                break at;
            }
        };
        bytes[at] ^= 1 << random.below(8);
        std::fs::write(&damaged, &bytes).unwrap();
        let Some(store) = open(&damaged).await else {
            continue;
        };
        let answers = answers(&store).await;
        if answers != right {
            changed += 1;
            let sound = is_sound(&store).await;
            let first = answers.iter().zip(&right).find(|(a, b)| a != b);
            assert!(!sound, "bit of byte {at}, seed {seed}: {first:.2000?}");
        } else if !is_sound(&store).await {
            noticed += 1;
        }
        store.close().await.unwrap();
    }
    // The test is worth something.
    assert!(changed > 5, "{changed} changed, {noticed} only noticed");
}

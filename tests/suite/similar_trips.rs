//! Groups of similar trips, and their members, against groups that are made the obvious way.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use std::collections::HashMap;

use chrono::NaiveDateTime;
use support::backend::Backend;
use support::data::{DATASOURCES, File, REGIONS, Shape};
use support::random::Random;
use support::reference::{Group, GroupKey, Reference};
use tripgraph::analytics::{group_members, similar_trips};
use tripgraph::geo::{BoundingBox, Resolution};
use tripgraph::model::{
    Area, BucketMinutes, IngestionId, Selection, Similarity, Trip, TripEndRule, TripGroup,
};

const ALL_ENDS: [TripEndRule; 4] = [
    TripEndRule::Origin,
    TripEndRule::Destination,
    TripEndRule::Both,
    TripEndRule::Either,
];

/// Every length of a bucket there is.
const BUCKETS: [u16; 10] = [30, 60, 90, 120, 180, 240, 360, 480, 720, 1440];

/// More than there ever are.
const ALL: u64 = 1_000_000;

struct Pair {
    backend: Backend,
    reference: Reference,
}

/// A question for groups.
#[derive(Debug, Clone, Default)]
struct Question {
    selection: Selection,
    resolution: u8,
    bucket: u16,
    min_trips: u64,
}

impl Question {
    fn similarity(&self) -> Similarity {
        Similarity {
            resolution: Resolution::new(self.resolution.into()).unwrap(),
            bucket: BucketMinutes::new(self.bucket.into()).unwrap(),
        }
    }
}

impl Pair {
    async fn of(files: &[String]) -> Self {
        let backend = Backend::start().await;
        let mut reference = Reference::default();
        for file in files {
            let ingestion = backend.ingest(file).await;
            reference.add(ingestion.id, file);
        }
        Self { backend, reference }
    }

    /// Many trips that are alike, some scattered ones, in several ingestions.
    async fn varied(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let files = [(1_200, 6), (500, 40), (300, 6), (50, 2)].map(|(rows, places)| {
            let shape = Shape {
                places,
                ..Shape::new(rows)
            };
            shape.file(&mut random)
        });
        Self::of(&files).await
    }

    fn expected<'a>(&'a self, question: &'a Question) -> Vec<Group<'a>> {
        self.reference.groups(
            &question.selection,
            question.resolution,
            question.bucket.into(),
            usize::try_from(question.min_trips).unwrap(),
        )
    }

    /// All groups, from pages of one size.
    async fn paged(&self, question: &Question, size: u64) -> Vec<TripGroup> {
        let mut groups: Vec<TripGroup> = Vec::new();
        let mut total = None;
        loop {
            let page = similar_trips(
                &self.backend.store,
                &question.selection,
                question.similarity(),
                question.min_trips,
                size,
                groups.last().copied(),
            )
            .await
            .unwrap();
            assert_eq!(*total.get_or_insert(page.total), page.total);
            let length = page.items.len() as u64;
            assert!(length == size || !page.has_next && length < size);
            groups.extend(page.items);
            if !page.has_next {
                assert_eq!(groups.len() as u64, page.total, "{question:?}");
                return groups;
            }
            assert!(groups.len() as u64 <= page.total, "{question:?}");
        }
    }

    /// The groups must be the reference's, in its order. Returns how many there are.
    async fn check(&self, question: &Question, size: u64) -> usize {
        let groups: Vec<_> = self
            .paged(question, size)
            .await
            .iter()
            .map(|group| (key(group), group.trips))
            .collect();
        let expected: Vec<_> = self
            .expected(question)
            .into_iter()
            .map(|(key, trips)| (key, trips.len() as u64))
            .collect();
        assert!(
            groups == expected,
            "{question:?} in pages of {size}: {} groups, expected {}; first difference {:?}",
            groups.len(),
            expected.len(),
            groups.iter().zip(&expected).find(|(a, b)| a != b)
        );
        groups.len()
    }

    /// The members of a group, from pages of one size.
    async fn members(&self, question: &Question, group: &TripGroup, size: u64) -> Vec<Trip> {
        let mut members: Vec<Trip> = Vec::new();
        loop {
            let after: Option<(IngestionId, u64)> =
                members.last().map(|trip| (trip.ingestion_id, trip.line));
            let page = group_members(
                &self.backend.store,
                &question.selection,
                question.similarity(),
                group,
                size,
                after,
            )
            .await
            .unwrap();
            assert_eq!(page.total, group.trips, "{question:?}");
            let length = page.items.len() as u64;
            assert!(length == size || !page.has_next && length < size);
            members.extend(page.items);
            assert!(members.len() as u64 <= page.total, "{question:?}");
            if !page.has_next {
                return members;
            }
        }
    }

    /// The members of some of the groups must be the reference's. Returns how many were compared.
    async fn check_members(&self, random: &mut Random, question: &Question) -> usize {
        let expected = self.expected(question);
        let mut compared = 0;
        let mut indices: Vec<_> = (0..expected.len()).collect();
        random.shuffle(&mut indices);
        // The largest, and any others.
        indices.truncate(2);
        if !expected.is_empty() {
            indices.push(0);
        }
        for index in indices {
            let (key, trips) = &expected[index];
            let group = TripGroup {
                origin: key.0.try_into().unwrap(),
                destination: key.1.try_into().unwrap(),
                bucket: key.2,
                trips: trips.len() as u64,
                trips_before: 0,
            };
            let size = 1 + random.below(trips.len() + 3) as u64;
            let size = size.max(trips.len() as u64 / 8);
            let members = self.members(question, &group, size).await;
            assert_eq!(members.len(), trips.len(), "{question:?} {group:?}");
            for (member, trip) in members.iter().zip(trips) {
                assert!(trip.is(member), "{question:?}: {member:?} is not {trip:?}");
            }
            compared += members.len();
        }
        compared
    }
}

fn key(group: &TripGroup) -> GroupKey {
    (group.origin.into(), group.destination.into(), group.bucket)
}

fn boxed(west: f64, south: f64, east: f64, north: f64) -> BoundingBox {
    BoundingBox::new(west, south, east, north).unwrap()
}

/// A box around a point, cut off at the edges of the map.
fn around((lon, lat): (f64, f64), size: f64) -> BoundingBox {
    boxed(
        (lon - size).max(-180.0),
        (lat - size).max(-90.0),
        (lon + size).min(180.0),
        (lat + size).min(90.0),
    )
}

/// A random filter: a box of any size, a region, a datasource.
fn filter(random: &mut Random, pair: &Pair, ends: TripEndRule) -> Selection {
    let trip = random.pick(&pair.reference.trips);
    let point = if random.once_in(2) {
        trip.origin
    } else {
        trip.destination
    };
    let bbox = match random.below(8) {
        // Across the antimeridian, the whole globe, exactly a trip's ends.
        0 => boxed(random.between(0.0, 179.9), -90.0, -170.0, 90.0),
        1 => boxed(-180.0, -90.0, 180.0, 90.0),
        2 => boxed(
            trip.origin.0,
            trip.origin.1.min(trip.destination.1),
            trip.destination.0,
            trip.origin.1.max(trip.destination.1),
        ),
        _ => around(point, random.scale(1e-4, 100.0)),
    };
    let mut choose = |names: &[&str]| random.once_in(3).then(|| (*random.pick(names)).to_owned());
    Selection {
        region: choose(&REGIONS.map(|region| region.0)),
        datasource: choose(&DATASOURCES),
        area: Some(Area {
            place: bbox.into(),
            ends,
        }),
        ..Selection::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_are_the_twins_at_every_resolution_and_length_of_bucket() {
    let pair = Pair::varied(1).await;
    let mut random = Random::new(1);
    for resolution in 0..=9 {
        for bucket in BUCKETS {
            let question = Question {
                resolution,
                bucket,
                min_trips: 1,
                selection: Selection::default(),
            };
            let groups = pair.check(&question, ALL).await;
            let pages_of = 1 + groups as u64 / (2 + random.below(4) as u64);
            let min_trips = 1 + random.below(6) as u64;
            pair.check(
                &Question {
                    min_trips,
                    ..question
                },
                pages_of,
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_a_selection_are_the_twins() {
    let pair = Pair::varied(2).await;
    let mut random = Random::new(2);
    let (mut groups, mut members) = (0, 0);
    for round in 0..60 {
        for ends in ALL_ENDS {
            let mut selection = filter(&mut random, &pair, ends);
            if round % 6 == 0 {
                selection.area = None;
            }
            let question = Question {
                selection,
                resolution: u8::try_from(round % 10).unwrap(),
                bucket: *random.pick(&BUCKETS),
                min_trips: 1 + random.below(3) as u64,
            };
            let found = pair.check(&question, ALL).await;
            pair.check(&question, 1 + found as u64 / 3).await;
            groups += found;
            members += pair.check_members(&mut random, &question).await;
        }
    }
    assert!(groups > 5_000, "{groups}");
    assert!(members > 1_000, "{members}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_of_a_group_are_the_rows_it_was_made_of() {
    let pair = Pair::varied(3).await;
    let mut random = Random::new(3);
    let mut members = 0;
    for resolution in 0..=9 {
        for bucket in [30, 60, 480, 1440] {
            let question = Question {
                resolution,
                bucket,
                min_trips: 2,
                selection: Selection::default(),
            };
            members += pair.check_members(&mut random, &question).await;
        }
    }
    assert!(members > 1_000, "{members}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_any_size_make_the_whole_list() {
    let pair = Pair::varied(4).await;
    for (resolution, bucket, min_trips) in [(7, 60, 4), (9, 240, 3), (0, 1440, 1), (4, 720, 2)] {
        let question = Question {
            resolution,
            bucket,
            min_trips,
            selection: Selection::default(),
        };
        let groups = pair.expected(&question).len() as u64;
        assert!(groups > 10, "{groups} of {question:?}");
        for size in [1, 2, 3, 7, groups - 1, groups, groups + 1] {
            // The list is read anew for each page: not thousands of times.
            if groups / size <= 120 {
                pair.check(&question, size).await;
            }
        }
    }
}

/// Groups of one size at one pair of places must still be told apart by their page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_of_one_size_come_in_the_order_of_their_keys() {
    let mut file = File::default();
    for hour in (0..24).rev() {
        for (origin, destination) in [
            ((14.4, 50.05), (14.5, 50.1)),
            ((14.5, 50.1), (14.4, 50.05)),
            ((14.4, 50.05), (14.4, 50.05)),
        ] {
            let time = format!("2021-03-04 {hour:02}:30:00");
            let time = NaiveDateTime::parse_from_str(&time, "%Y-%m-%d %H:%M:%S").unwrap();
            file.push("Prague", "funny_car", origin, destination, time);
        }
    }
    let pair = Pair::of(&[file.csv]).await;
    for resolution in [7, 9] {
        for bucket in [30, 60, 180, 1440] {
            let question = Question {
                resolution,
                bucket,
                min_trips: 1,
                selection: Selection::default(),
            };
            for size in [1, 2, 5, 72] {
                let groups = pair.check(&question, size).await;
                assert_eq!(groups, 72 / usize::from(bucket / 60).max(1));
            }
        }
    }
}

/// A group at a fine resolution is a part of one at each coarser resolution.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_nest() {
    let pair = Pair::varied(5).await;
    let boxes = [
        None,
        Some(Area {
            place: around((14.42, 50.08), 0.08).into(),
            ends: TripEndRule::Either,
        }),
    ];
    for area in boxes {
        let question = |resolution: u8, bucket| Question {
            resolution,
            bucket,
            min_trips: 1,
            selection: Selection {
                area: area.clone(),
                ..Selection::default()
            },
        };
        for (fine_bucket, coarse_bucket) in [(60, 60), (30, 90), (120, 720)] {
            let ratio = coarse_bucket / fine_bucket;
            for resolution in 1..=9 {
                let fine = pair.paged(&question(resolution, fine_bucket), ALL).await;
                let coarse = pair
                    .paged(&question(resolution - 1, coarse_bucket), ALL)
                    .await;
                let mut sums: HashMap<GroupKey, u64> = HashMap::new();
                for group in &fine {
                    let up = h3o::Resolution::try_from(resolution - 1).unwrap();
                    let parents = [group.origin, group.destination]
                        .map(|cell| u64::from(cell.parent(up).unwrap()));
                    let parent = (parents[0], parents[1], group.bucket / ratio);
                    *sums.entry(parent).or_default() += group.trips;
                }
                let coarse: HashMap<_, _> = coarse
                    .iter()
                    .map(|group| (key(group), group.trips))
                    .collect();
                assert!(!coarse.is_empty());
                assert_eq!(sums, coarse, "resolution {resolution}");
            }
        }
    }
}

#[tokio::test]
async fn what_has_no_trips_has_no_groups() {
    let empty = Pair::of(&[]).await;
    let full = Pair::varied(6).await;
    let named = |region: Option<&str>, datasource: Option<&str>| Selection {
        area: None,
        region: region.map(str::to_owned),
        datasource: datasource.map(str::to_owned),
        ..Selection::default()
    };
    for (pair, selection) in [
        (&empty, Selection::default()),
        (&empty, named(Some("Prague"), None)),
        (&full, named(Some("Atlantis"), None)),
        (&full, named(None, Some("no_car"))),
    ] {
        for resolution in [0, 7, 9] {
            let question = Question {
                resolution,
                bucket: 60,
                min_trips: 1,
                selection: selection.clone(),
            };
            assert_eq!(pair.check(&question, 20).await, 0);
            // A group of another selection has no members in this one.
            let any = full.expected(&Question {
                selection: Selection::default(),
                ..question.clone()
            })[0]
                .0;
            let group = TripGroup {
                origin: any.0.try_into().unwrap(),
                destination: any.1.try_into().unwrap(),
                bucket: any.2,
                trips: 0,
                trips_before: 0,
            };
            assert!(pair.members(&question, &group, 20).await.is_empty());
        }
    }
}

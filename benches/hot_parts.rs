//! Benchmarks of the hot parts, each alone: `cargo bench`.
//!
//! `bench/run.py` measures whole requests and ingestions.
#![allow(clippy::unwrap_used, missing_docs, reason = "benchmarks")]

use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use tripgraph::analytics::weekly_average;
use tripgraph::generate::{Shape, write};
use tripgraph::geo::{
    self, BoundingBox, Containment, LeafCells, containment, leaf_cell, refine, roots,
};
use tripgraph::ingest::parse::{RecordChunk, RecordReader};
use tripgraph::ingest::{IngestOptions, Ingestions, Role, Spool, SpooledFile};
use tripgraph::model::{
    Area, Counters, Patch, PatchTrip, Selection, TripEnd, TripEndRule, TripKey, Week,
};
use tripgraph::store::{Access, Store};

const ROWS: u64 = 50_000;

fn file(shape: Shape, rows: u64) -> Vec<u8> {
    let mut file = Vec::new();
    write(&mut file, shape, rows, 1).unwrap();
    file
}

/// A box of 47 km² over the middle of Prague, the same as in `bench/areas.py`.
fn area() -> geo::Area {
    BoundingBox::new(14.452, 50.029, 14.548, 50.091)
        .unwrap()
        .into()
}

/// The origins of the trips of a file, in the order of its rows.
fn origins(file: &[u8]) -> Vec<tripgraph::geo::Point> {
    let mut points = Vec::new();
    each_trip(file, |trip| points.push(trip.origin));
    points
}

fn each_trip(file: &[u8], mut visit: impl FnMut(tripgraph::ingest::parse::ParsedTrip<'_>)) {
    let mut reader = RecordReader::open(Cursor::new(file)).unwrap();
    let header = reader.header().clone();
    let mut chunk = RecordChunk::new();
    while reader.fill(&mut chunk, 4_096).unwrap() {
        for record in chunk.iter() {
            visit(header.parse(record).unwrap());
        }
    }
}

fn parse(c: &mut Criterion) {
    let file = file(Shape::Cities, ROWS);
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("rows", |b| {
        b.iter(|| each_trip(&file, |trip| drop(black_box(trip))));
    });
    group.finish();
}

fn geometry(c: &mut Criterion) {
    let [points, scattered] =
        [Shape::Cities, Shape::World].map(|shape| origins(&file(shape, ROWS)));
    let mut group = c.benchmark_group("geo");
    group.throughput(Throughput::Elements(ROWS));
    let mut cells = LeafCells::default();
    for (name, points) in [
        ("leaf cells", &points),
        ("leaf cells, scattered", &scattered),
    ] {
        group.bench_function(name, |b| {
            b.iter(|| {
                for &point in points {
                    black_box(cells.index(point));
                }
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    let bbox = area();
    group.bench_function("cover of 47 km²", |b| {
        b.iter(|| {
            let mut found: Vec<_> = roots()
                .map(|cell| (cell, containment(cell, &bbox)))
                .collect();
            let mut inside = 0;
            while !found.is_empty() {
                inside += found
                    .iter()
                    .filter(|(_, at)| *at == Containment::Inside)
                    .count();
                let edge = found.iter().filter(|(_, at)| *at == Containment::Edge);
                found = edge.flat_map(|&(cell, _)| refine(cell, &bbox)).collect();
            }
            inside
        });
    });
    group.finish();
}

fn counting(c: &mut Criterion) {
    let mut group = c.benchmark_group("model");
    let counters =
        |step: u32| Counters::from_sorted((0..250).map(|n| (n * step, u64::from(n) + 1)));
    let (some, others) = (counters(2), counters(3));
    group.throughput(Throughput::Elements(500));
    group.bench_function("adding counters", |b| b.iter(|| some.add(&others)));

    let cell = leaf_cell(tripgraph::geo::Point::new(14.5, 50.1).unwrap()).into();
    let trips: Vec<_> = (2..)
        .zip(origins(&file(Shape::Cities, ROWS)))
        .map(|(line, point)| PatchTrip {
            other_cell: cell,
            key: TripKey::new(Week::MAX, 1, 1),
            micros_of_week: 0,
            ingestion: 1,
            position: [point.lon(), point.lat()],
            other: [0.0; 2],
            line,
            arrived_at: None,
        })
        .collect();
    let (bbox, mut patch) = (area(), Patch::default());
    patch.add(TripEnd::Destination, &trips);
    group.throughput(Throughput::Elements(ROWS));
    group.bench_function("scan of a patch", |b| {
        b.iter(|| {
            let mut count = 0;
            for part in patch.bytes().parts(TripEnd::Destination) {
                let part = part.unwrap();
                for row in part.rows() {
                    let [lon, lat] = part.position(row).unwrap();
                    count += usize::from(bbox.contains(lon, lat));
                }
            }
            count
        });
    });
    group.bench_function("packing a patch", |b| {
        b.iter(|| {
            let mut patch = Patch::default();
            patch.add(TripEnd::Destination, &trips);
            patch
        });
    });
    group.finish();
}

/// The weekly average inside the process, without HTTP and GraphQL: from the database that
/// `TRIPGRAPH_BENCH_DATABASE_URL` names, or from a generated one.
fn answering(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = match std::env::var("TRIPGRAPH_BENCH_DATABASE_URL") {
        Ok(url) => runtime.block_on(Store::open(&url, Access::Read)).unwrap(),
        Err(_) => runtime.block_on(ingested(folder.path())),
    };
    let selection = Selection {
        area: Some(Area {
            place: area(),
            ends: TripEndRule::Origin,
        }),
        ..Selection::default()
    };
    c.bench_function("weekly_average/in process", |b| {
        b.iter(|| {
            let answer = weekly_average(&store, &selection, None, None);
            runtime.block_on(answer).unwrap()
        });
    });
    runtime.block_on(store.close()).unwrap();
}

async fn ingested(folder: &std::path::Path) -> Store {
    let path = folder.join("trips.csv");
    std::fs::write(&path, file(Shape::Cities, 300_000)).unwrap();
    let url = format!("sqlite://{}", folder.join("trips.db").display());
    let store = Store::open(&url, Access::Write).await.unwrap();
    let spool = Spool::open(folder.join("spool"), store.program())
        .await
        .unwrap();
    let ingestions = Ingestions::start(store.clone(), spool, Role::SERVER)
        .await
        .unwrap();
    let file = SpooledFile::in_place(&path).await.unwrap();
    let options = IngestOptions::default();
    let enqueued = ingestions.enqueue(file, &options).await.unwrap();
    let id = enqueued.ingestion.id;
    let mut states = ingestions.watch(id).await.unwrap().unwrap();
    while states.next().await.is_some() {}
    ingestions.stop().await;
    store
}

criterion_group!(benches, parse, geometry, counting, answering);
criterion_main!(benches);

use std::collections::{HashMap, HashSet};
use std::io::Cursor;

use super::*;
use crate::ingest::parse::{RecordChunk, RecordReader};

fn bytes(shape: Shape, rows: u64, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, shape, rows, seed).unwrap();
    bytes
}

/// FNV-1a hash, to pin the bytes of a file.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn weights_add_up() {
    assert_eq!(WEEKDAY_HOURS.iter().sum::<u16>(), 1_000);
    assert_eq!(WEEKEND_HOURS.iter().sum::<u16>(), 1_000);
    assert_eq!(WEEKDAYS.iter().sum::<u16>(), 1_000);
    assert_eq!(
        DATASOURCES.iter().map(|(weight, _)| weight).sum::<u16>(),
        1_000
    );
    assert_eq!(CITIES.iter().map(|city| city.weight).sum::<u16>(), 1_000);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for shape in [Shape::Cities, Shape::World] {
        let file = bytes(shape, 5_000, 7);
        assert_eq!(file, bytes(shape, 5_000, 7));
        assert_ne!(file, bytes(shape, 5_000, 8));
        assert!(
            bytes(shape, 6_000, 7).starts_with(&file),
            "more rows only add rows"
        );
    }
}

#[test]
fn the_bytes_never_change() {
    assert_eq!(
        fingerprint(&bytes(Shape::Cities, 10_000, 1)),
        8_094_611_120_488_959_942
    );
    assert_eq!(
        fingerprint(&bytes(Shape::World, 10_000, 1)),
        5_478_112_017_777_637_693
    );
}

#[test]
fn every_row_is_a_trip_where_and_when_it_should_be() {
    for shape in [Shape::Cities, Shape::World] {
        let file = bytes(shape, 50_000, 3);
        let mut reader = RecordReader::open(Cursor::new(&file)).unwrap();
        let header = reader.header().clone();
        let mut chunk = RecordChunk::new();
        let (mut rows, mut regions, mut datasources) = (0, HashMap::new(), HashSet::new());
        while reader.fill(&mut chunk, 4096).unwrap() {
            for record in chunk.iter() {
                let trip = header.parse(record).unwrap();
                rows += 1;
                *regions.entry(trip.region.into_owned()).or_insert(0u32) += 1;
                datasources.insert(trip.datasource.into_owned());
                let date = trip.departed_at.to_naive().date().to_string();
                assert!(("2017-01-02".."2018-12-31").contains(&date.as_str()));
                if shape == Shape::Cities {
                    assert!((7.5..14.7).contains(&trip.origin.lon()));
                    assert!((44.9..53.7).contains(&trip.destination.lat()));
                }
            }
        }
        assert_eq!(rows, 50_000);
        assert_eq!(datasources.len(), 5);
        assert_eq!(regions.len(), if shape == Shape::Cities { 3 } else { 60 });
    }
}

#[test]
fn no_rows_are_a_header() {
    assert_eq!(
        bytes(Shape::Cities, 0, 1),
        b"region,origin_coord,destination_coord,datetime,datasource\n"
    );
}

#[test]
fn coordinates_are_decimal_degrees() {
    assert_eq!(degrees(1_449_737_943_819_500), "14.497379438195");
    assert_eq!(degrees(5_000_136_875_782_316), "50.00136875782316");
    assert_eq!(degrees(767_283_791_328_688), "7.67283791328688");
    assert_eq!(degrees(-17_900_000_000_000_000), "-179.0");
    assert_eq!(degrees(-1), "-0.00000000000001");
    assert_eq!(degrees(0), "0.0");
}

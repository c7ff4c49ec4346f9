use chrono::Weekday;
use proptest::prelude::*;

use super::*;
use crate::geo::{CellRange, Point, Resolution, leaf_cell, parent};
use crate::model::{DayRange, KeyFilter, LocalTime, MAX_DIMENSION_ID, TripKey, Week, WeekTimes};

fn degrees() -> impl Strategy<Value = (f64, f64)> {
    // Anywhere, in one place, and around where meridian and equator cross.
    prop_oneof![
        (-180.0..=180.0, -90.0..=90.0),
        (14.420..14.424, 50.080..50.083),
        (-0.001..0.001, -0.001..0.001),
        Just((-0.0, 0.0)),
    ]
}

fn time() -> impl Strategy<Value = LocalTime> {
    let micros = LocalTime::MIN.micros()..=LocalTime::MAX.micros();
    prop_oneof![
        micros.prop_map(|micros| LocalTime::from_micros(micros).unwrap()),
        (1_520_000_000..1_530_000_000_i64)
            .prop_map(|seconds| LocalTime::from_micros(seconds * 1_000_000).unwrap()),
        Just(LocalTime::MIN),
        Just(LocalTime::MAX),
    ]
}

fn trip() -> impl Strategy<Value = PatchTrip> {
    let id = || 0..=MAX_DIMENSION_ID;
    let line = prop_oneof![any::<u64>(), 0..1_000_000_u64];
    (
        (degrees(), degrees(), id(), id()),
        (time(), proptest::option::of(time()), 1..4_i64, line),
    )
        .prop_map(
            |((here, there, region, datasource), (departed, arrived_at, ingestion, line))| {
                PatchTrip {
                    other_cell: leaf_cell(Point::new(there.0, there.1).unwrap()).into(),
                    key: TripKey::new(departed.week(), region, datasource),
                    micros_of_week: departed.micros_of_week(),
                    ingestion,
                    position: [here.0, here.1],
                    other: [there.0, there.1],
                    line,
                    arrived_at,
                }
            },
        )
}

/// What a patch of an end keeps, with the signs of zeros.
fn kept(end: TripEnd, trip: &PatchTrip) -> String {
    match end {
        TripEnd::Origin => format!("{trip:?}"),
        TripEnd::Destination => {
            let trip = PatchTrip {
                other: [0.0; 2],
                arrived_at: None,
                ..*trip
            };
            format!("{trip:?}")
        }
    }
}

proptest! {
    #[test]
    fn a_patch_gives_back_what_was_put_in(
        end in prop_oneof![Just(TripEnd::Origin), Just(TripEnd::Destination)],
        part in 1..60_usize,
        trips in proptest::collection::vec(trip(), 0..50),
    ) {
        let mut patch = Patch::default();
        for part in trips.chunks(part) {
            patch.add(end, part);
        }
        let mut read = Vec::new();
        for (part, packed) in trips.chunks(part).zip(patch.bytes().parts(end)) {
            let packed = packed.unwrap();
            let trips: Vec<_> = packed.trips().map(Result::unwrap).collect();
            prop_assert!(trips.is_sorted_by_key(|trip| trip.other_cell));
            for trip in part {
                prop_assert_eq!(trip.departed_at().unwrap().micros_of_week(), trip.micros_of_week);
            }
            read.extend(trips);
        }
        let sorted = |trips: &[PatchTrip]| {
            let mut trips: Vec<_> = trips.iter().map(|trip| kept(end, trip)).collect();
            trips.sort();
            trips
        };
        prop_assert_eq!(sorted(&read), sorted(&trips));
    }

    #[test]
    fn a_patch_is_read_as_far_as_asked(trips in proptest::collection::vec(trip(), 1..20)) {
        let mut patch = Patch::default();
        patch.add(TripEnd::Origin, &trips);
        for depth in PatchDepth::ALL {
            let mut groups = patch.groups().each_ref().map(Vec::as_slice);
            for (index, group) in groups.iter_mut().enumerate() {
                if index > depth as usize {
                    *group = &[];
                }
            }
            let mut parts = PatchBytes::new(groups, depth).parts(TripEnd::Origin);
            let part = parts.next().unwrap().unwrap();
            prop_assert!(parts.next().is_none());
            prop_assert_eq!(part.rows().len(), trips.len());
            prop_assert_eq!(part.position(0).is_some(), depth >= PatchDepth::Points);
            prop_assert_eq!(part.other(0).is_some(), depth >= PatchDepth::Others);
            prop_assert_eq!(part.line(0).is_some(), depth >= PatchDepth::Rest);
        }
    }

    #[test]
    fn trips_are_found_by_the_cells_of_their_other_ends(
        trips in proptest::collection::vec(trip(), 0..50),
        around in proptest::collection::vec((degrees(), 0..10), 0..8),
    ) {
        let mut patch = Patch::default();
        patch.add(TripEnd::Origin, &trips);
        let range = |((lon, lat), resolution)| {
            let resolution = Resolution::new(resolution).unwrap();
            let cell = parent(leaf_cell(Point::new(lon, lat).unwrap()), resolution);
            CellRange::descendants(cell, Resolution::LEAF)
        };
        let mut ranges: Vec<_> = around.into_iter().map(range).collect();
        ranges.sort_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
        let mut last = 0;
        ranges.retain(|range| range.first > last && { last = range.last; true });
        let within = |cell: u64| {
            ranges.iter().any(|range| (range.first..=range.last).contains(&cell))
        };
        let mut found = Vec::new();
        for part in patch.bytes().parts(TripEnd::Origin) {
            let part = part.unwrap();
            found.extend(part.rows_within(&ranges).flatten());
            let expected: Vec<_> = part
                .runs()
                .filter(|(cell, _)| within(*cell))
                .flat_map(|(_, rows)| rows)
                .collect();
            prop_assert_eq!(&found, &expected);
        }
        let expected = trips.iter().filter(|trip| within(trip.other_cell)).count();
        prop_assert_eq!(found.len(), expected);
    }

    #[test]
    fn a_filter_admits_the_trips_that_meet_all_its_conditions(
        mut trips in proptest::collection::vec(trip(), 1..50),
        of in proptest::collection::vec(any::<proptest::sample::Index>(), 5),
        conditions in proptest::collection::vec(any::<bool>(), 6),
        few in any::<bool>(),
    ) {
        if few {
            // Columns whose numbers are all equal, or nearly.
            let first = trips[0];
            for (index, trip) in trips.iter_mut().enumerate() {
                trip.key = first.key;
                trip.ingestion = first.ingestion + i64::from(index % 5 == 4);
                // No later, so that it is a time.
                trip.micros_of_week = trip.micros_of_week.min(first.micros_of_week);
            }
        }
        let like: Vec<_> = of.iter().map(|index| index.get(&trips)).collect();
        let week = |trip: &PatchTrip| Week::from_number(trip.key.week_number());
        let monday_morning = || {
            let morning = DayRange::parse("22:30", "12:00").unwrap();
            WeekTimes::new(&[Weekday::Mon, Weekday::Sun], &[morning])
        };
        let filter = KeyFilter {
            region: conditions[0].then(|| like[0].key.region()),
            datasource: conditions[1].then(|| like[1].key.datasource()),
            from_week: week(like[2]).filter(|_| conditions[2]),
            to_week: week(like[3]).filter(|_| conditions[3]),
            ingestion: conditions[4].then_some(like[4].ingestion),
            times: conditions[5].then(monday_morning),
        };
        let admits = |trip: &PatchTrip| {
            let week = trip.key.week_number();
            filter.region.is_none_or(|region| region == trip.key.region())
                && filter.datasource.is_none_or(|source| source == trip.key.datasource())
                && filter.from_week.is_none_or(|from| from.number() <= week)
                && filter.to_week.is_none_or(|to| week <= to.number())
                && filter.ingestion.is_none_or(|ingestion| ingestion == trip.ingestion)
                && filter.times.as_ref().is_none_or(|times| times.contains(trip.micros_of_week))
        };
        let mut patch = Patch::default();
        patch.add(TripEnd::Origin, &trips);
        let part = patch.bytes().parts(TripEnd::Origin).next().unwrap().unwrap();
        let rows = filter.of_part(&part);
        for (row, trip) in (0..).zip(part.trips()) {
            let trip = trip.unwrap();
            let admitted = rows.as_ref().is_some_and(|rows| rows.admits(row));
            prop_assert_eq!(admitted, admits(&trip));
            prop_assert!(admitted || rows.as_ref().is_none_or(|rows| !rows.admits_all()));
            prop_assert_eq!(part.week_number(row), trip.key.week_number());
            prop_assert!(part.only_week().is_none_or(|week| week == trip.key.week_number()));
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(
        trips in proptest::collection::vec(trip(), 1..10),
        flips in proptest::collection::vec((any::<u16>(), 0..8_u32), 1..4),
        end in prop_oneof![Just(TripEnd::Origin), Just(TripEnd::Destination)],
    ) {
        let mut patch = Patch::default();
        patch.add(end, &trips);
        let mut groups = patch.groups().clone();
        for (place, bit) in flips {
            let group = &mut groups[usize::from(place) % 4];
            if !group.is_empty() {
                let index = usize::from(place) / 4 % group.len();
                group[index] ^= 1 << bit;
            }
        }
        let bytes = PatchBytes::new(groups.each_ref().map(Vec::as_slice), PatchDepth::Rest);
        for part in bytes.parts(end).flatten() {
            for trip in part.trips().take(1_000) {
                let _ = trip;
            }
        }
    }
}

fn near(count: u64) -> Vec<PatchTrip> {
    let cell = |n: f64| leaf_cell(Point::new(14.5 + n * 0.01, 50.1).unwrap()).into();
    let trip = |n: u64| PatchTrip {
        other_cell: cell((n % 4) as f64),
        key: TripKey::new(Week::MAX, 1, 1 + u32::try_from(n % 4).unwrap()),
        micros_of_week: n * 3_600_000_000,
        ingestion: 7,
        position: [14.42 + n as f64 * 3e-5, 50.08 + n as f64 * 2e-5],
        other: [14.5, 50.1],
        line: 2 + n,
        arrived_at: None,
    };
    (0..count).map(trip).collect()
}

#[test]
fn trips_that_are_near_each_other_take_little_room() {
    let mut patch = Patch::default();
    patch.add(TripEnd::Origin, &near(100));
    let [keys, points, others, rest] = patch.groups().each_ref().map(Vec::len);
    // Seven bits of the hour and two of the datasource; the four cells once.
    assert!(keys < (100 * 9_usize).div_ceil(8) + 70, "{keys}");
    // 42 bits of longitude, 39 of latitude.
    assert!(points < 100 * 11 + 40, "{points}");
    assert_eq!(others, 2 + 2 * 10);
    // Seven bits of the line.
    assert!(rest < (100 * 7_usize).div_ceil(8) + 10, "{rest}");
}

#[test]
fn broken_bytes_are_an_error() {
    let packed = |end, trips: &[PatchTrip]| {
        let mut patch = Patch::default();
        patch.add(end, trips);
        patch.groups().clone()
    };
    let broken = |end, groups: &[Vec<u8>; 4]| {
        let groups = groups.each_ref().map(Vec::as_slice);
        let mut parts = PatchBytes::new(groups, PatchDepth::Rest).parts(end);
        let broken = parts.any(|part| part.is_err());
        assert!(!broken || parts.next().is_none());
        broken
    };
    let origins = packed(TripEnd::Origin, &near(2));
    assert!(!broken(TripEnd::Origin, &origins));
    // Groups of the other kind of end.
    assert!(broken(
        TripEnd::Origin,
        &packed(TripEnd::Destination, &near(2))
    ));
    // In each group: fewer trips, a part less or more, cut off, with more behind, another version.
    let fewer = packed(TripEnd::Origin, &near(1));
    for group in 0..4 {
        let with = |bytes: &[u8]| {
            let mut changed = origins.clone();
            changed[group] = bytes.to_vec();
            broken(TripEnd::Origin, &changed)
        };
        let bytes = origins[group].as_slice();
        assert!(!with(bytes));
        assert!(with(&fewer[group]));
        assert!(with(&[bytes, bytes].concat()));
        assert!(with(&[bytes, &[0]].concat()));
        for length in 0..bytes.len() {
            assert!(with(&bytes[..length]), "{group} {length}");
        }
        assert!(with(&[&[2], &bytes[1..]].concat()));
    }
}

/// Three trips, one with an arrival.
fn sample() -> Vec<PatchTrip> {
    let mut trips = near(3);
    let departed = trips[1].departed_at().unwrap().micros();
    trips[1].arrived_at = LocalTime::from_micros(departed + 540_000_000);
    trips
}

/// Bytes of every layout that was ever written are read.
#[test]
fn the_layout_is_fixed() {
    let lines: Vec<_> = include_str!("samples/1.txt").lines().collect();
    for (end, lines) in TripEnd::ALL.into_iter().zip(lines.chunks(4)) {
        let mut patch = Patch::default();
        patch.add(end, &sample());
        let hex = |bytes: &Vec<u8>| -> String {
            bytes
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        assert_eq!(patch.groups().each_ref().map(hex).as_slice(), lines);

        let byte = |line: &str, at| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
        let bytes = |line: &str| {
            (0..line.len())
                .step_by(2)
                .map(|at| byte(line, at))
                .collect()
        };
        let groups: Vec<Vec<u8>> = lines.iter().map(|line| bytes(line)).collect();
        let groups = std::array::from_fn(|index| groups[index].as_slice());
        let read = PatchBytes::new(groups, PatchDepth::Rest).parts(end);
        let mut read: Vec<_> = read
            .flat_map(|part| {
                part.unwrap()
                    .trips()
                    .map(Result::unwrap)
                    .collect::<Vec<_>>()
            })
            .collect();
        read.sort_by_key(|trip| trip.line);
        let kept =
            |trips: &[PatchTrip]| trips.iter().map(|trip| kept(end, trip)).collect::<Vec<_>>();
        assert_eq!(kept(&read), kept(&sample()));
    }
    assert_eq!(lines.len(), 8);
}

//! Properties of packed bytes that hold for any bytes.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: what was packed and cannot be read is a finding"
)]

use std::collections::BTreeMap;

use super::day_counts::{DayCounts, PackedDay};
use super::{
    Counters, FlowEnd, Flows, LocalTime, MAX_DIMENSION_ID, Patch, PatchBytes, PatchDepth,
    PatchTrip, TripEnd, TripKey,
};
use crate::geo::{CellRange, Point, leaf_cell};

/// Rows and runs that are looked at of a part: few bytes may stand for billions.
const ROWS: u32 = 500;

/// The halves of some bytes; the first byte says where they part.
fn halves(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&at, rest) = data.split_first()?;
    rest.split_at_checked(usize::from(at))
}

/// Bytes are refused, or are the only ones of their counters. Sums and differences are those of a map.
pub(crate) fn counters(data: &[u8]) {
    let Some((a, b)) = halves(data) else { return };
    let [a, b] = [a, b].map(|bytes| Counters::from_bytes(bytes.to_vec()));
    let (Ok(a), Ok(b)) = (a, b) else { return };
    let map = |counters: &Counters| counters.iter().collect::<BTreeMap<u32, u64>>();
    for counters in [&a, &b] {
        assert_eq!(Counters::from_sorted(map(counters)), *counters);
    }
    let mut sums = map(&a);
    for (key, count) in map(&b) {
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
    assert_eq!(map(&a.add(&b)), sums);
    assert_eq!(a.add(&b), b.add(&a));

    let mut left = map(&a);
    let fits = map(&b).into_iter().all(|(key, taken)| {
        let held = left.entry(key).or_default();
        let rest = held.checked_sub(taken);
        *held = rest.unwrap_or_default();
        rest.is_some()
    });
    left.retain(|_, count| *count > 0);
    assert_eq!(
        a.subtract(&b).ok().map(|left| map(&left)),
        fits.then_some(left)
    );
}

/// As [`counters`], for flows and the counts of a day.
pub(crate) fn flows(data: &[u8]) {
    if let Some((day, rest)) = PackedDay::split_first(data) {
        let counts = day.unpack();
        let packed = counts.to_bytes();
        assert!(packed.len() + rest.len() <= data.len());
        let (again, none) = PackedDay::split_first(&packed).unwrap();
        assert!(none.is_empty());
        assert_eq!(again.unpack(), counts);
    }
    let Some((a, b)) = halves(data) else { return };
    let read: Result<Vec<_>, _> = Flows::entries(a).collect();
    let whole = Flows::from_bytes(a);
    assert!(read.is_ok() || whole.is_err());
    let (Ok(a), Ok(b)) = (whole, Flows::from_bytes(b)) else {
        return;
    };
    let map = |flows: &Flows| {
        let bytes = flows.to_bytes();
        let flows = Flows::entries(&bytes).map(Result::unwrap);
        let days = flows.map(|(end, day)| (end, day.unpack()));
        days.collect::<BTreeMap<FlowEnd, DayCounts>>()
    };
    let mut sums = map(&a);
    let mut fits = true;
    for (end, day) in map(&b) {
        let held = sums.entry(end).or_default();
        for (half_hour, count) in (0..).zip(day.half_hours()) {
            let before = held.half_hours()[usize::from(half_hour)];
            fits &= before.checked_add(*count).is_some();
            held.add(half_hour, *count);
        }
    }
    let mut sum = a.clone();
    sum.add_all(&b);
    // Sums beyond 64 bits begin at 0 again, so that a flow may have lost all its trips.
    if fits {
        assert_eq!(map(&sum), sums);
        sum.subtract_all(&b).unwrap();
        assert_eq!(sum, a);
    }
}

/// Bytes are refused, or read without a panic, however deep; trips with an end in some cells are those
/// that a search through all finds, if the cells ascend as they must.
pub(crate) fn patch(data: &[u8]) {
    let Some((&[lengths @ .., end, depth, from, to], mut rest)) = data.split_first_chunk::<7>()
    else {
        return;
    };
    let end = [TripEnd::Origin, TripEnd::Destination][usize::from(end % 2)];
    let depth = PatchDepth::ALL[usize::from(depth % 4)];
    let mut groups = [&[][..]; 4];
    for (group, length) in groups.iter_mut().zip(lengths) {
        (*group, rest) = rest.split_at(usize::from(length).min(rest.len()));
    }
    groups[3] = rest;
    let patch = PatchBytes::new(groups, depth);
    for part in patch.parts(end).take(10) {
        let Ok(part) = part else { continue };
        for row in part.rows().take(ROWS as usize) {
            let _ = (part.key(row), part.half_hour(row), part.departed_at(row));
            let _ = (part.position(row), part.other(row), part.line(row));
            let _ = part.trip(row, 0);
        }
        let runs: Vec<_> = part.runs().take(ROWS as usize + 1).collect();
        if runs.len() > ROWS as usize {
            continue;
        }
        let cell = |number: u8| {
            let run = runs.get(usize::from(number) % runs.len().max(1));
            run.map_or(0, |(cell, _)| *cell)
        };
        let range = [CellRange {
            first: cell(from),
            last: cell(to),
        }];
        let found: Vec<_> = part.rows_within(&range).take(ROWS as usize).collect();
        let is_sorted = runs.is_sorted_by(|a, b| a.0 < b.0)
            && runs.iter().all(|(_, rows)| rows.start < rows.end);
        if is_sorted {
            let within = |cell: u64| (range[0].first..=range[0].last).contains(&cell);
            let hits = runs.iter().filter(|(cell, _)| within(*cell));
            let expected: Vec<u32> = hits.flat_map(|(_, rows)| rows.clone().take(3)).collect();
            for row in expected {
                assert!(found.iter().any(|rows| rows.contains(&row)), "{row}");
            }
        }
    }
}

/// Trips are read as they were packed.
pub(crate) fn packing(data: &[u8]) {
    let Some((&[end, part], bytes)) = data.split_first_chunk() else {
        return;
    };
    let end = [TripEnd::Origin, TripEnd::Destination][usize::from(end % 2)];
    let trips: Vec<_> = bytes.as_chunks().0.iter().filter_map(trip).collect();
    let parts = trips.chunks(1 + usize::from(part)).collect::<Vec<_>>();
    let mut patch = Patch::default();
    for trips in &parts {
        patch.add(end, trips);
    }
    let read: Vec<_> = patch.bytes().parts(end).map(Result::unwrap).collect();
    assert_eq!(read.len(), parts.len());
    for (part, trips) in read.iter().zip(&parts) {
        let text = |trip: &PatchTrip| {
            let kept = match end {
                TripEnd::Origin => *trip,
                TripEnd::Destination => PatchTrip {
                    other: [0.0; 2],
                    arrived_at: None,
                    ..*trip
                },
            };
            // Zeros have signs.
            format!("{kept:?}")
        };
        let mut expected: Vec<_> = trips.iter().map(text).collect();
        let mut found: Vec<_> = part.trips().map(|trip| text(&trip.unwrap())).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
    }
    let groups = patch.groups().each_ref().map(Vec::as_slice);
    for shorter in 0..groups[0].len() {
        let cut = [&groups[0][..shorter], groups[1], groups[2], groups[3]];
        let whole = PatchBytes::new(cut, PatchDepth::Rest).parts(end);
        let trips: Option<usize> = whole.map(|part| Some(part.ok()?.rows().len())).sum();
        assert!(trips.is_none(), "{shorter} of {} bytes", groups[0].len());
    }
}

/// A trip of some bytes.
fn trip(bytes: &[u8; 44]) -> Option<PatchTrip> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let degrees =
        |at: usize, most: f64| (f64::from(word(at)) / f64::from(u32::MAX) * 2.0 - 1.0) * most;
    let time = |at: usize| {
        let span = (LocalTime::MAX.micros() - LocalTime::MIN.micros()).cast_unsigned() + 1;
        LocalTime::from_micros(LocalTime::MIN.micros() + (long(at) % span).cast_signed())
    };
    let departed = time(16)?;
    let other = [degrees(8, 180.0), degrees(12, 90.0)];
    Some(PatchTrip {
        other_cell: leaf_cell(Point::new(other[0], other[1]).ok()?).into(),
        key: TripKey::new(
            departed.week(),
            word(32) & MAX_DIMENSION_ID,
            word(36) & MAX_DIMENSION_ID,
        ),
        micros_of_week: departed.micros_of_week(),
        ingestion: i64::from(bytes[40]),
        position: [degrees(0, 180.0), degrees(4, 90.0)],
        other,
        line: u64::from(bytes[41]) << (bytes[42] % 57),
        arrived_at: (bytes[43] % 2 == 1).then(|| time(24)).flatten(),
    })
}

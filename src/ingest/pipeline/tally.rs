//! The tally of an ingestion: trips and departures of each datasource in each region.

use std::collections::BTreeMap;

use crate::model::{CorruptPatch, LocalTime, PatchPart};
use crate::store::{TripRow, TripSummary};

/// Trips and departures by region and datasource.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pairs: BTreeMap<(u32, u32), Span>,
}

/// Trips of one region and datasource; times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    trips: u64,
    first: i64,
    last: i64,
    /// Modulo 2⁶⁴.
    sum: u64,
}

impl Span {
    /// One trip that departs then.
    const fn of(time: i64) -> Self {
        Self {
            trips: 1,
            first: time,
            last: time,
            sum: time.cast_unsigned(),
        }
    }

    fn joined(self, other: Self) -> Self {
        Self {
            trips: self.trips + other.trips,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            sum: self.sum.wrapping_add(other.sum),
        }
    }
}

impl Tally {
    /// Adds trips.
    pub(super) fn add(&mut self, trips: &[TripRow]) {
        let pair = |trip: &TripRow| (trip.region, trip.datasource);
        for trips in trips.chunk_by(|a, b| pair(a) == pair(b)) {
            let mut times = trips.iter().map(|trip| trip.departed_at.micros());
            let Some(first) = times.next() else { continue };
            let span = times.map(Span::of).fold(Span::of(first), Span::joined);
            self.add_span(pair(&trips[0]), span);
        }
    }

    /// Adds the trips of a part of a patch.
    pub(super) fn add_part(&mut self, part: &PatchPart<'_>) -> Result<(), CorruptPatch> {
        for row in part.rows() {
            let key = part.key(row);
            let departed_at = part.departed_at(row).ok_or(CorruptPatch)?;
            let span = Span::of(departed_at.micros());
            self.add_span((key.region(), key.datasource()), span);
        }
        Ok(())
    }

    /// Adds the tally of a chunk, whose regions and datasources are indexes into these numbers.
    pub(super) fn add_chunk(&mut self, chunk: &Self, regions: &[u32], datasources: &[u32]) {
        for (&(region, datasource), &span) in &chunk.pairs {
            let pair = (regions[region as usize], datasources[datasource as usize]);
            self.add_span(pair, span);
        }
    }

    fn add_span(&mut self, pair: (u32, u32), span: Span) {
        let held = self.pairs.entry(pair);
        held.and_modify(|held| *held = held.joined(span))
            .or_insert(span);
    }

    /// The summary of each region and datasource.
    pub(super) fn summaries(&self) -> Vec<TripSummary> {
        let time = |micros| {
            LocalTime::from_micros(micros)
                .unwrap_or(LocalTime::MIN)
                .to_naive()
        };
        self.pairs
            .iter()
            .map(|(&(region, datasource), span)| TripSummary {
                region,
                datasource,
                trips: span.trips,
                first_departed_at: time(span.first),
                last_departed_at: time(span.last),
                departures: span.sum,
            })
            .collect()
    }
}

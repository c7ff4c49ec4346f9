//! The tally of an ingestion: trips, departures and extent of each datasource in each region.

use std::collections::BTreeMap;

use crate::model::{CorruptPatch, Extent, LocalTime, PatchPart, Summary};
use crate::store::{TripRow, TripSummary};

/// Trips, departures and extent by region and datasource.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Tally {
    pairs: BTreeMap<(u32, u32), Span>,
}

/// Trips of one region and datasource; times are microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    trips: u64,
    first: i64,
    last: i64,
    /// Modulo 2⁶⁴.
    sum: u64,
    extent: Extent,
}

impl Span {
    /// One trip that departs then, between these ends.
    const fn of(time: i64, extent: Extent) -> Self {
        Self {
            trips: 1,
            first: time,
            last: time,
            sum: time.cast_unsigned(),
            extent,
        }
    }

    fn joined(self, other: Self) -> Self {
        Self {
            trips: self.trips + other.trips,
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            sum: self.sum.wrapping_add(other.sum),
            extent: self.extent.and(other.extent),
        }
    }
}

impl Tally {
    /// Adds trips.
    pub(super) fn add(&mut self, trips: &[TripRow]) {
        let pair = |trip: &TripRow| (trip.region, trip.datasource);
        for trips in trips.chunk_by(|a, b| pair(a) == pair(b)) {
            let span = |trip: &TripRow| {
                let ends = Extent::of(trip.origin).and(Extent::of(trip.destination));
                Span::of(trip.departed_at.micros(), ends)
            };
            if let Some(span) = trips.iter().map(span).reduce(Span::joined) {
                self.add_span(pair(&trips[0]), span);
            }
        }
    }

    /// Adds the trips of a part of a patch of origins that was read with both positions.
    pub(super) fn add_part(&mut self, part: &PatchPart<'_>) -> Result<(), CorruptPatch> {
        for row in part.rows() {
            let key = part.key(row);
            let departed_at = part.departed_at(row).ok_or(CorruptPatch)?;
            let ends = part
                .position(row)
                .zip(part.other(row))
                .ok_or(CorruptPatch)?;
            let ends = Extent::of_degrees(ends.0).and(Extent::of_degrees(ends.1));
            let span = Span::of(departed_at.micros(), ends);
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
                summary: Summary {
                    trips: span.trips,
                    first_departed_at: time(span.first),
                    last_departed_at: time(span.last),
                    extent: span.extent,
                },
                departures: span.sum,
            })
            .collect()
    }
}

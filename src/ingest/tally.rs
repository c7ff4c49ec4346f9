//! The tally of an ingestion: trips and departures of each datasource in each region.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use crate::ingest::parse::LocalTime;
use crate::store::{TripRow, TripSummary};

/// The trip summaries of the trips so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pairs: BTreeMap<(u32, u32), Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    trips: u64,
    first: i64,
    last: i64,
    sum: u64,
}

impl Tally {
    /// Continues with the summaries of an earlier run.
    pub(super) fn resumed(sums: &[TripSummary]) -> Self {
        let micros = |time: NaiveDateTime| time.and_utc().timestamp_micros();
        let span = |sum: &TripSummary| Span {
            trips: sum.trips,
            first: micros(sum.first_departed_at),
            last: micros(sum.last_departed_at),
            sum: sum.departures,
        };
        let pairs = sums
            .iter()
            .map(|sum| ((sum.region, sum.datasource), span(sum)));
        Self {
            pairs: pairs.collect(),
        }
    }

    /// Adds trips.
    pub(super) fn add(&mut self, trips: &[TripRow]) {
        for trip in trips {
            let time = trip.departed_at;
            let span = self
                .pairs
                .entry((trip.region, trip.datasource))
                .or_insert(Span {
                    trips: 0,
                    first: time,
                    last: time,
                    sum: 0,
                });
            span.trips += 1;
            span.first = span.first.min(time);
            span.last = span.last.max(time);
            span.sum = span.sum.wrapping_add(time.cast_unsigned());
        }
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

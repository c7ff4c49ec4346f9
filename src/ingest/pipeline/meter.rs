//! How far a run has come.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::model::TripEnd;
use crate::store::FinalCounts;

/// Shares of the time in which a file is read and stored, roughly: the stages work at the same time,
/// but what was read last is packed and stored after that.
const READING: f64 = 0.75;
const PACKING: f64 = 0.1;
const STORING: f64 = 1.0 - READING - PACKING;

/// How far the stages of a run have come. They set it, and the reporter reads it.
#[derive(Debug)]
pub(in crate::ingest) struct Meter {
    gauge: Mutex<Gauge>,
    publishing: Notify,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Gauge {
    /// What was read.
    pub(in crate::ingest) counts: FinalCounts,
    /// Trips of them whose origin is packed, and whose destination is.
    packed: [u64; 2],
    /// Trips of them whose patches of origins, and of destinations, are on their way to the
    /// database.
    stored: [u64; 2],
    /// Since when it is published, and the part that is; nothing before all trips are stored.
    pub(in crate::ingest) published: Option<(Instant, f64)>,
}

impl Meter {
    /// The meter of a run that goes on where these were read and stored.
    pub(super) fn new(counts: FinalCounts) -> Self {
        Self {
            gauge: Mutex::new(Gauge {
                counts,
                packed: [counts.rows_ingested; 2],
                stored: [counts.rows_ingested; 2],
                published: None,
            }),
            publishing: Notify::new(),
        }
    }

    /// So much was read.
    pub(super) fn read(&self, counts: FinalCounts) {
        self.lock().counts = counts;
    }

    /// So many more trips are packed by that end.
    pub(super) fn packed(&self, end: TripEnd, trips: u64) {
        self.lock().packed[end as usize] += trips;
    }

    /// Total number of trips whose patches of that end were sent to the writer.
    pub(super) fn stored(&self, end: TripEnd, trips: u64) {
        self.lock().stored[end as usize] = trips;
    }

    /// That part is published.
    pub(super) fn published(&self, part: f64) {
        let mut gauge = self.lock();
        let since = gauge.published.map_or_else(
            || {
                self.publishing.notify_one();
                Instant::now()
            },
            |(since, _)| since,
        );
        gauge.published = Some((since, part));
    }

    /// Waits until publishing begins; a second call waits forever.
    pub(in crate::ingest) async fn publishing_begins(&self) {
        self.publishing.notified().await;
    }

    /// How far the run has come.
    pub(in crate::ingest) fn gauge(&self) -> Gauge {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Gauge> {
        self.gauge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gauge {
    /// Trips whose patches of that end were sent to the writer.
    pub(super) const fn stored(&self, end: TripEnd) -> u64 {
        self.stored[end as usize]
    }

    /// Part of a file of this many bytes that is read and stored, from 0 to 1.
    pub(in crate::ingest) fn stored_part(&self, bytes_total: u64) -> f64 {
        let Self { counts, .. } = self;
        let part = |some: u64, all: u64| match all {
            0 => 1.0,
            _ => (some as f64 / all as f64).min(1.0),
        };
        let read = part(counts.bytes_read, bytes_total);
        let ends = 2 * counts.rows_ingested;
        let packed = part(self.packed.iter().sum(), ends);
        let stored = part(self.stored.iter().sum(), ends);
        read * (READING + PACKING * packed + STORING * stored)
    }
}

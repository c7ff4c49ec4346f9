//! Metrics of the rows, bytes and ingestions since the program's start.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::merging::Compacted;
use super::pipeline::Stages;
use super::progress::Progress;
use super::sql_trips::SqlTripsProgress;
use crate::model::{Ingestion, IngestionState};
use crate::store::FinalCounts;

/// Counters of the ingestions that this program runs, and gauges of all queued and running ones.
#[derive(Debug, Default)]
pub(super) struct IngestMetrics {
    rows_read: Counter,
    rows_rejected: Counter,
    bytes_read: Counter,
    stages: Family<StageLabel, Counter<f64, AtomicU64>>,
    ended: Family<StateLabel, Counter>,
    live: Family<StateLabel, Gauge>,
    segments_merged: Counter,
    trips_merged: Counter,
    patches_joined: Counter,
    sql_rows_written: Counter,
    sql_rows_missing: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabel {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

impl IngestMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "ingest_rows_read",
            "Rows read from files",
            self.rows_read.clone(),
        );
        registry.register(
            "ingest_rows_rejected",
            "Rows read from files and rejected",
            self.rows_rejected.clone(),
        );
        registry.register_with_unit(
            "ingest_read",
            "Bytes read from files",
            Unit::Bytes,
            self.bytes_read.clone(),
        );
        registry.register_with_unit(
            "ingest_stage",
            "Busy time of each stage of the ingestions",
            Unit::Seconds,
            self.stages.clone(),
        );
        registry.register(
            "ingestions_ended",
            "Ingestions that ended, by final state",
            self.ended.clone(),
        );
        registry.register(
            "ingestions",
            "Queued and running ingestions, by state",
            self.live.clone(),
        );
        registry.register(
            "segments_merged",
            "Segments of small ingestions that were merged into larger ones",
            self.segments_merged.clone(),
        );
        registry.register(
            "trips_merged",
            "Trips that were repacked by merging their segments",
            self.trips_merged.clone(),
        );
        registry.register(
            "patches_joined",
            "Patches of large ingestions that were joined to another patch of their cell",
            self.patches_joined.clone(),
        );
        registry.register(
            "sql_rows_written",
            "Rows written to the table trip, for SQL",
            self.sql_rows_written.clone(),
        );
        registry.register(
            "sql_rows_missing",
            "Trips in the answers that are not rows of the table trip yet",
            self.sql_rows_missing.clone(),
        );
    }

    /// Adds the rows and bytes read between two states of an ingestion.
    pub(super) fn advance(&self, before: FinalCounts, now: FinalCounts) {
        for (counter, now, before) in [
            (&self.rows_read, now.rows_read, before.rows_read),
            (&self.rows_rejected, now.rows_rejected, before.rows_rejected),
            (&self.bytes_read, now.bytes_read, before.bytes_read),
        ] {
            counter.inc_by(now.saturating_sub(before));
        }
    }

    /// Adds the busy time of a pipeline's stages.
    pub(super) fn work(&self, stages: &Stages) {
        for (stage, busy) in stages.by_name() {
            let counter = self.stages.get_or_create(&StageLabel { stage });
            counter.inc_by(busy.as_secs_f64());
        }
    }

    /// Counts an ingestion that has ended.
    pub(super) fn end(&self, ingestion: &Ingestion) {
        let state = ingestion.state.name();
        self.ended.get_or_create(&StateLabel { state }).inc();
    }

    /// Counts a merge.
    pub(super) fn merge(&self, merged: Compacted) {
        self.segments_merged.inc_by(merged.segments);
        self.trips_merged.inc_by(merged.trips);
    }

    /// Counts patches that were joined to others.
    pub(super) fn join(&self, patches: u64) {
        self.patches_joined.inc_by(patches);
    }

    /// Counts rows that were written for SQL.
    pub(super) fn sql_rows(&self, rows: u64) {
        self.sql_rows_written.inc_by(rows);
    }

    /// Sets the gauges to the current numbers.
    pub(super) fn observe(&self, progress: &Progress, sql_trips: SqlTripsProgress) {
        let missing = i64::try_from(sql_trips.missing).unwrap_or(i64::MAX);
        self.sql_rows_missing.set(missing);
        for state in [IngestionState::Queued, IngestionState::Running] {
            let label = StateLabel {
                state: state.name(),
            };
            let count = i64::try_from(progress.count(state)).unwrap_or(i64::MAX);
            self.live.get_or_create(&label).set(count);
        }
    }
}

//! What this program has ingested since its start, for a monitoring system.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::pipeline::Stages;
use super::progress::Progress;
use crate::model::{Ingestion, IngestionState};
use crate::store::FinalCounts;

/// Counters of the ingestions that this program runs, and gauges of those that it knows of.
#[derive(Debug, Default)]
pub(super) struct IngestMetrics {
    rows_read: Counter,
    rows_rejected: Counter,
    bytes_read: Counter,
    stages: Family<StageLabel, Counter<f64, AtomicU64>>,
    ended: Family<StateLabel, Counter>,
    live: Family<StateLabel, Gauge>,
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
            "Rows that were read from files",
            self.rows_read.clone(),
        );
        registry.register(
            "ingest_rows_rejected",
            "Rows of them that could not be understood",
            self.rows_rejected.clone(),
        );
        registry.register_with_unit(
            "ingest_read",
            "Bytes that were read from files",
            Unit::Bytes,
            self.bytes_read.clone(),
        );
        registry.register_with_unit(
            "ingest_stage",
            "Time that each stage of the ingestions was at work",
            Unit::Seconds,
            self.stages.clone(),
        );
        registry.register(
            "ingestions_ended",
            "Ingestions that came to an end, by the state they ended in",
            self.ended.clone(),
        );
        registry.register(
            "ingestions",
            "Ingestions that wait or run, by state",
            self.live.clone(),
        );
    }

    /// Counts what was read between two moments of an ingestion.
    pub(super) fn advance(&self, before: FinalCounts, now: FinalCounts) {
        for (counter, now, before) in [
            (&self.rows_read, now.rows_read, before.rows_read),
            (&self.rows_rejected, now.rows_rejected, before.rows_rejected),
            (&self.bytes_read, now.bytes_read, before.bytes_read),
        ] {
            counter.inc_by(now.saturating_sub(before));
        }
    }

    /// Counts the work of a pipeline.
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

    /// Sets the gauges to this moment.
    pub(super) fn observe(&self, progress: &Progress) {
        for state in [IngestionState::Queued, IngestionState::Running] {
            let label = StateLabel {
                state: state.name(),
            };
            let count = i64::try_from(progress.count(state)).unwrap_or(i64::MAX);
            self.live.get_or_create(&label).set(count);
        }
    }
}

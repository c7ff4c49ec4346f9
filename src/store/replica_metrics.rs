//! Metrics of read replicas.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Why a question was not answered by a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// It does not have the edition of the primary.
    Behind,
    /// It does not answer, or failed.
    Away,
    /// It has cancelled the question, to go on with its replay.
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReplicaLabels {
    replica: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FallbackLabels {
    replica: String,
    reason: &'static str,
}

/// Metrics of all replicas.
#[derive(Debug, Default)]
pub(super) struct ReplicasMetrics {
    current: Family<ReplicaLabels, Gauge>,
    lag: Family<ReplicaLabels, Gauge<f64, AtomicU64>>,
    questions: Family<ReplicaLabels, Counter>,
    fallbacks: Family<FallbackLabels, Counter>,
}

/// Metrics of one replica.
#[derive(Debug)]
pub(super) struct ReplicaMetrics {
    current: Gauge,
    lag: Gauge<f64, AtomicU64>,
    questions: Counter,
    behind: Counter,
    away: Counter,
    cancelled: Counter,
}

impl ReplicasMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "replica_current",
            "1 if the read replica answers and has the state of the primary, else 0",
            self.current.clone(),
        );
        registry.register_with_unit(
            "replica_lag",
            "Age of the last transaction that the read replica has replayed, 0 if it has replayed all",
            Unit::Seconds,
            self.lag.clone(),
        );
        registry.register(
            "replica_questions",
            "Queries sent to the read replica",
            self.questions.clone(),
        );
        registry.register(
            "replica_fallbacks",
            "Questions that the read replica could not answer, by reason",
            self.fallbacks.clone(),
        );
    }

    /// Metrics of the replica at an address.
    pub(super) fn of(&self, replica: &str) -> ReplicaMetrics {
        let label = ReplicaLabels {
            replica: replica.to_owned(),
        };
        let fallback = |reason| {
            let replica = replica.to_owned();
            self.fallbacks
                .get_or_create_owned(&FallbackLabels { replica, reason })
        };
        ReplicaMetrics {
            current: self.current.get_or_create_owned(&label),
            lag: self.lag.get_or_create_owned(&label),
            questions: self.questions.get_or_create_owned(&label),
            behind: fallback("behind"),
            away: fallback("away"),
            cancelled: fallback("cancelled"),
        }
    }
}

impl ReplicaMetrics {
    /// Records how far the replica has come; the lag stays as it was where that is unknown.
    pub(super) fn observe(&self, is_current: bool, lag_seconds: Option<f64>) {
        self.current.set(is_current.into());
        if let Some(lag) = lag_seconds {
            self.lag.set(lag);
        }
    }

    /// Counts a question that is asked there.
    pub(super) fn asked(&self) {
        self.questions.inc();
    }

    /// Counts a question that is asked elsewhere.
    pub(super) fn fell_back(&self, reason: Fallback) {
        match reason {
            Fallback::Behind => &self.behind,
            Fallback::Away => &self.away,
            Fallback::Cancelled => &self.cancelled,
        }
        .inc();
    }
}

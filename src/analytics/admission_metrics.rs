//! Metrics of questions that wait and run.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of the times that questions wait, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 5.0, 15.0, 30.0, 60.0];

/// Cost of a question so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cost {
    /// The question is within its budget.
    Cheap,
    /// The question has exceeded its budget.
    Costly,
    /// The answer is handed on row by row, for as long as the client takes.
    Export,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CostLabel {
    cost: &'static str,
}

impl Cost {
    const fn label(self) -> CostLabel {
        CostLabel {
            cost: match self {
                Cost::Cheap => "cheap",
                Cost::Costly => "costly",
                Cost::Export => "export",
            },
        }
    }
}

/// Metrics of questions, by their cost so far.
#[derive(Debug)]
pub(super) struct AdmissionMetrics {
    running: Family<CostLabel, Gauge>,
    waiting: Family<CostLabel, Gauge>,
    waited: Family<CostLabel, Histogram, fn() -> Histogram>,
    refused: Family<CostLabel, Counter>,
}

/// Metrics of one queue.
#[derive(Debug)]
pub(super) struct QueueMetrics {
    running: Gauge,
    waiting: Gauge,
    waited: Histogram,
    refused: Counter,
}

/// A question that a gauge counts until this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    gauge: Gauge,
    number: i64,
}

impl Counted {
    fn new(gauge: Gauge) -> Self {
        let number = gauge.inc() + 1;
        Self { gauge, number }
    }

    /// Value of the gauge when this was counted, itself included.
    pub(super) fn number(&self) -> usize {
        usize::try_from(self.number).unwrap_or(0)
    }

    /// Current value of the gauge.
    pub(super) fn now(&self) -> usize {
        usize::try_from(self.gauge.get()).unwrap_or(0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Default for AdmissionMetrics {
    fn default() -> Self {
        Self {
            running: Family::default(),
            waiting: Family::default(),
            waited: Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> _),
            refused: Family::default(),
        }
    }
}

impl AdmissionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "questions_running",
            "Questions that are running, by their cost so far",
            self.running.clone(),
        );
        registry.register(
            "questions_waiting",
            "Questions that wait for their turn, by their cost so far",
            self.waiting.clone(),
        );
        registry.register_with_unit(
            "question_wait",
            "Time that questions waited for their turn, by their cost so far",
            Unit::Seconds,
            self.waited.clone(),
        );
        registry.register(
            "questions_refused",
            "Questions that were refused because too many waited, or because they waited too long",
            self.refused.clone(),
        );
    }

    /// Metrics of the queue of questions of a cost.
    pub(super) fn of(&self, cost: Cost) -> QueueMetrics {
        let label = cost.label();
        QueueMetrics {
            running: self.running.get_or_create_owned(&label),
            waiting: self.waiting.get_or_create_owned(&label),
            waited: self.waited.get_or_create_owned(&label),
            refused: self.refused.get_or_create_owned(&label),
        }
    }
}

impl QueueMetrics {
    /// Counts a question that waits.
    pub(super) fn waiting(&self) -> Counted {
        Counted::new(self.waiting.clone())
    }

    /// Counts a question that runs.
    pub(super) fn running(&self) -> Counted {
        Counted::new(self.running.clone())
    }

    /// Records how long a question waited for its turn.
    pub(super) fn waited(&self, time: Duration) {
        self.waited.observe(time.as_secs_f64());
    }

    /// Counts a question that was refused.
    pub(super) fn refused(&self) {
        self.refused.inc();
    }
}

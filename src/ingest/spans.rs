//! The exported spans of ingestions. Their stages are not entered, so the thousands of statements that
//! write an ingestion have no spans; those that publish it have.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Span, trace_span};

use super::pipeline::PipelineError;
use crate::model::{Ingestion, IngestionId};
use crate::store::FinalCounts;
use crate::telemetry::SPANS;

/// The span of one run of an ingestion, and the root of its trace.
#[derive(Debug)]
pub(super) struct IngestionSpan(Span);

impl IngestionSpan {
    pub(super) fn begin(ingestion: &Ingestion) -> Self {
        Self(trace_span!(
            target: SPANS,
            parent: None,
            "ingestion",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "tripgraph.ingestion.id" = ingestion.id,
            "tripgraph.ingestion.source" = ingestion.source,
            "tripgraph.rows.read" = Empty,
            "tripgraph.rows.rejected" = Empty,
            "tripgraph.bytes.read" = Empty,
        ))
    }

    /// That of small files, which are ingested together.
    pub(super) fn of_group(ids: &[IngestionId]) -> Self {
        let span = trace_span!(
            target: SPANS,
            parent: None,
            "ingestion group",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "tripgraph.ingestion.ids" = Empty,
        );
        if !span.is_disabled() {
            let ids: Vec<_> = ids.iter().map(IngestionId::to_string).collect();
            span.record("tripgraph.ingestion.ids", ids.join(","));
        }
        Self(span)
    }

    /// Records how the run ended.
    pub(super) fn end(&self, counts: FinalCounts, error: Option<&PipelineError>) {
        for (name, count) in [
            ("tripgraph.rows.read", counts.rows_read),
            ("tripgraph.rows.rejected", counts.rows_rejected),
            ("tripgraph.bytes.read", counts.bytes_read),
        ] {
            self.0.record(name, i64::try_from(count).ok());
        }
        self.fail(error);
    }

    /// Records an error. That a run was stopped, to continue later or not, is none.
    pub(super) fn fail(&self, error: Option<&PipelineError>) {
        if let Some(error) = error.filter(|error| !error.is_stop()) {
            self.0.record("otel.status_code", "ERROR");
            if error.is_unavailable() {
                self.0.record("error.type", "UNAVAILABLE");
            } else {
                self.0.record("error.type", error.failure().code);
            }
        }
    }

    /// Begins a stage of the run. It ends when the span is dropped.
    pub(super) fn stage(&self, stage: Stage) -> Span {
        macro_rules! stage_span {
            ($name:literal) => {
                trace_span!(
                    target: SPANS,
                    parent: &self.0,
                    $name,
                    "tripgraph.busy.seconds" = Empty,
                )
            };
        }
        match stage {
            Stage::Read => stage_span!("read"),
            Stage::PackOrigins => stage_span!("pack origins"),
            Stage::PackDestinations => stage_span!("pack destinations"),
            Stage::Pack => stage_span!("pack"),
            Stage::Write => stage_span!("write"),
            Stage::Publish => stage_span!("publish"),
        }
    }
}

/// Stages of a run, as far as they have spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Splitting, parsing and collecting.
    Read,
    PackOrigins,
    PackDestinations,
    /// Packing both ends of the trips of small files.
    Pack,
    Write,
    Publish,
}

/// Records how long a stage was at work: stages run at the same time and wait for each other.
pub(super) fn busy(stage: &Span, time: Duration) {
    stage.record("tripgraph.busy.seconds", time.as_secs_f64());
}

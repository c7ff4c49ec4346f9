//! Spans of statements, from the events that sqlx makes of each when it has ended.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, SpanKind, TraceContextExt, Tracer};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, dispatcher};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::summary::summary;

/// Target of the events of statements.
pub(super) const STATEMENTS: &str = "sqlx::query";

/// Maximum length of a statement in a span, in bytes.
const MAX_TEXT: usize = 1 << 10;

/// Makes a span of each statement within an exported span. Statements of background work, of which there
/// are many, are in none.
#[derive(Debug)]
pub(super) struct Statements {
    tracer: SdkTracer,
    database: &'static str,
}

impl Statements {
    pub(super) fn new(tracer: SdkTracer, database: &'static str) -> Self {
        Self { tracer, database }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else {
            return;
        };
        let parent = dispatcher::get_default(|dispatch| get_otel_context(&span.id(), dispatch));
        let Some(parent) = parent.filter(|parent| parent.span().is_recording()) else {
            return;
        };
        let mut statement = Statement::default();
        event.record(&mut statement);
        let end = SystemTime::now();
        let start = end.checked_sub(statement.took).unwrap_or(end);
        let text = statement.text();
        let summary = summary(text);
        let attributes = vec![
            KeyValue::new("db.system.name", self.database),
            KeyValue::new("db.query.summary", summary.clone()),
            KeyValue::new("db.query.text", cut(text).to_owned()),
            KeyValue::new("db.response.returned_rows", statement.rows),
        ];
        self.tracer
            .span_builder(summary)
            .with_kind(SpanKind::Client)
            .with_start_time(start)
            .with_attributes(attributes)
            .start_with_context(&self.tracer, &parent)
            .end_with_timestamp(end);
    }
}

/// The fields of an event.
#[derive(Debug, Default)]
struct Statement {
    /// Its first words, or all of it.
    beginning: String,
    /// All of it if that is more.
    whole: String,
    took: Duration,
    rows: i64,
}

impl Statement {
    /// It has placeholders, not values.
    fn text(&self) -> &str {
        match self.whole.trim() {
            "" => &self.beginning,
            whole => whole,
        }
    }
}

impl Visit for Statement {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.beginning),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.took = Duration::try_from_secs_f64(value).unwrap_or_default();
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = i64::try_from(value).unwrap_or(i64::MAX);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

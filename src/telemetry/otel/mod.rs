//! Exporting to an OpenTelemetry collector, by OTLP over HTTP.

mod metrics;
mod open_metrics;
mod outage;
mod resource;
mod statements;
mod summary;
mod traces;
mod transport;

use axum::http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use reqwest::Client;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub(super) use self::metrics::ExportedMetrics;
use self::traces::Traces;
use super::log::OtherLayers;
use super::settings::Settings;

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
pub(super) enum OtelError {
    #[error("{0}")]
    Client(#[from] reqwest::Error),
    #[error("{0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Exporters that run.
#[derive(Debug)]
pub(super) struct Otel {
    traces: Option<Traces>,
    /// The client that sends metrics, if any are sent.
    metrics: Option<Client>,
}

impl Otel {
    /// Starts the exporters; needs the runtime of tokio.
    pub(super) fn start(
        settings: Settings,
        client: impl FnOnce() -> reqwest::Result<Client>,
    ) -> Result<Self, OtelError> {
        let client = client()?;
        let traces = settings.traces.then(|| Traces::start(client.clone()));
        Ok(Self {
            traces: traces.transpose()?,
            metrics: settings.metrics.then_some(client),
        })
    }

    /// Sends the metrics that `text` returns in the `OpenMetrics` format, if they are wanted.
    pub(super) fn export_metrics<T>(
        &self,
        text: impl Fn() -> T + Send + 'static,
    ) -> Option<ExportedMetrics>
    where
        T: Future<Output = Option<String>> + Send + 'static,
    {
        let client = self.metrics.clone()?;
        Some(ExportedMetrics::start(client, text))
    }

    /// The layers that turn spans, and statements on a database of that name, into traces.
    pub(super) fn layers(&self, database: &'static str) -> Option<OtherLayers> {
        self.traces.as_ref().map(|traces| traces.layers(database))
    }
}

/// The span that the header `traceparent` names.
pub(super) fn parent(headers: &HeaderMap) -> Option<Context> {
    let context = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &HeaderExtractor(headers));
    context.span().span_context().is_valid().then_some(context)
}

/// The id of the trace that a span belongs to.
pub(super) fn trace_id(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let context = span.span_context();
    context.is_sampled().then(|| context.trace_id().to_string())
}

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Client;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;

use super::OtelError;
use super::resource::resource;
use super::statements::{STATEMENTS, Statements};
use super::transport::Transport;
use crate::telemetry::SPANS;
use crate::telemetry::log::OtherLayers;

/// Maximum time to send the last spans when the program ends.
const FLUSH: Duration = Duration::from_secs(3);

/// Spans on their way to the collector. A thread of the SDK sends them in batches; its queue is bounded,
/// and spans that find it full are dropped.
#[derive(Debug)]
pub(super) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    pub(super) fn start(client: Client) -> Result<Self, OtelError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Transport::new(client, "TRACES"))
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_batch_exporter(exporter)
            .build();
        Ok(Self { provider })
    }

    /// The layers that make spans of those of [`SPANS`], and of the statements within them.
    pub(super) fn layers(&self, database: &'static str) -> OtherLayers {
        let tracer = self.provider.tracer("tripgraph");
        let spans = Targets::new().with_target(SPANS, LevelFilter::TRACE);
        let statements = spans.clone().with_target(STATEMENTS, LevelFilter::DEBUG);
        let layer = OpenTelemetryLayer::new(tracer.clone())
            .with_context_activation(false)
            .with_level(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let statements = Statements::new(tracer, database).with_filter(statements);
        layer.with_filter(spans).and_then(statements).boxed()
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // The transport has said what went wrong.
        let _ = self.provider.shutdown_with_timeout(FLUSH);
    }
}

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Client;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;

use super::OtelError;
use super::statements::Statements;
use super::transport::Transport;
use crate::telemetry::log::OtherLayers;
use crate::telemetry::{SPANS, STATEMENTS};

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

/// What the spans come from: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`, or else this program.
fn resource() -> Resource {
    let given = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let attributes = std::env::var("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let is_named = given("OTEL_SERVICE_NAME")
        || attributes
            .split(',')
            .any(|entry| entry.trim_start().starts_with("service.name="));
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let mut resource = Resource::builder_empty().with_attribute(version);
    if !is_named {
        resource = resource.with_service_name("tripgraph");
    }
    let own = resource.build();
    let mut detected = Resource::builder();
    for (key, value) in own.iter() {
        detected =
            detected.with_attribute(opentelemetry::KeyValue::new(key.clone(), value.clone()));
    }
    detected.build()
}

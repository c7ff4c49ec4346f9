use std::time::{Duration, SystemTime};

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_http::{Bytes, HttpClient, Request};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use prost::Message;
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::open_metrics::{Period, metrics};
use super::resource::resource;
use super::transport::Transport;

/// The default of the specification.
const INTERVAL: Duration = Duration::from_mins(1);

/// Maximum time to send the last metrics when the program ends.
const FLUSH: Duration = Duration::from_secs(3);

/// Metrics that are sent to the collector at an interval.
#[derive(Debug)]
pub(in crate::telemetry) struct ExportedMetrics {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl ExportedMetrics {
    /// Sends what `text` returns, in the `OpenMetrics` format. Needs the runtime of tokio.
    pub(super) fn start<T>(client: Client, text: impl Fn() -> T + Send + 'static) -> Self
    where
        T: Future<Output = Option<String>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let target = Target::of_environment(client);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(interval());
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut is_last = false;
            while !is_last {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stopped.cancelled() => is_last = true,
                }
                if let Some(text) = text().await {
                    target.send(&text).await;
                }
            }
        });
        Self { stop, task }
    }

    /// Sends the last values, and ends.
    pub(in crate::telemetry) async fn finish(self) {
        self.stop.cancel();
        // The transport has said what went wrong.
        let _ = timeout(FLUSH, self.task).await;
    }
}

fn interval() -> Duration {
    let milliseconds = std::env::var("OTEL_METRIC_EXPORT_INTERVAL").ok();
    let milliseconds = milliseconds.and_then(|text| text.trim().parse().ok());
    let interval = milliseconds.filter(|milliseconds| *milliseconds > 0);
    interval.map_or(INTERVAL, Duration::from_millis)
}

/// Where metrics go.
#[derive(Debug)]
struct Target {
    transport: Transport,
    url: String,
    headers: HeaderMap,
    resource: Resource,
    start: u64,
}

impl Target {
    fn of_environment(client: Client) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT").unwrap_or_else(|| {
            let base = variable("OTEL_EXPORTER_OTLP_ENDPOINT").unwrap_or_default();
            format!("{}/v1/metrics", base.trim().trim_end_matches('/'))
        });
        let headers = variable("OTEL_EXPORTER_OTLP_METRICS_HEADERS")
            .or_else(|| variable("OTEL_EXPORTER_OTLP_HEADERS"))
            .unwrap_or_default();
        Self {
            transport: Transport::new(client, "METRICS"),
            url,
            headers: self::headers(&headers),
            resource: Resource {
                attributes: ResourceAttributesWithSchema::from(&resource()).attributes.0,
                ..Resource::default()
            },
            start: nanoseconds(SystemTime::now()),
        }
    }

    async fn send(&self, text: &str) {
        let period = Period {
            start: self.start,
            end: nanoseconds(SystemTime::now()),
        };
        let request = ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(InstrumentationScope {
                        name: "tripgraph".to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    metrics: metrics(text, period),
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        };
        let body = Bytes::from(request.encode_to_vec());
        let request = Request::post(&self.url).body(body);
        match request {
            Ok(mut request) => {
                request.headers_mut().extend(self.headers.clone());
                let kind = HeaderValue::from_static("application/x-protobuf");
                request.headers_mut().insert(CONTENT_TYPE, kind);
                // The transport says what went wrong.
                let _ = self.transport.send_bytes(request).await;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot send metrics to the OpenTelemetry collector");
            }
        }
    }
}

/// Headers in the notation of the variables: `name=value,name=value`, with percent-encoded values.
fn headers(text: &str) -> HeaderMap {
    let pairs = text.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        // A name in a form is decoded alike, but for these.
        let form = value.trim().replace('+', "%2B");
        let form = form.replace('=', "%3D").replace('&', "%26");
        let (value, _) = form_urlencoded::parse(form.as_bytes()).next()?;
        let name: HeaderName = name.trim().parse().ok()?;
        Some((name, value.parse().ok()?))
    });
    pairs.collect()
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_decoded() {
        let headers = headers("authorization=Bearer%20a+b==, x-key = 1,broken");
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["authorization"], "Bearer a+b==");
        assert_eq!(headers["x-key"], "1");
    }
}

//! A stand-in for an OpenTelemetry collector: it keeps what it is sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// Nothing that is waited for may take longer.
const TIMEOUT: Duration = Duration::from_mins(1);

/// What a collector was sent.
#[derive(Debug, Clone, Default)]
pub struct Received {
    pub spans: Vec<Span>,
    pub metrics: Vec<Metric>,
    /// Attributes of the latest resource of spans.
    pub resource: HashMap<String, String>,
    /// Headers of the latest request.
    pub headers: HeaderMap,
}

impl Received {
    /// The spans of that name.
    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name == name).collect()
    }

    /// The spans below a span.
    pub fn below(&self, parent: &Span) -> Vec<&Span> {
        let is_below = |span: &&Span| span.parent_span_id == parent.span_id;
        self.spans.iter().filter(is_below).collect()
    }
}

pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    /// Starts it on a thread of its own, since tests wait for programs without letting others run.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Received::default()));
        let (traces, metrics) = (Arc::clone(&received), Arc::clone(&received));
        let router = Router::new()
            .route(
                "/v1/traces",
                post(async move |headers: HeaderMap, body: Bytes| {
                    let request = ExportTraceServiceRequest::decode(body).unwrap();
                    let mut received = traces.lock().unwrap();
                    received.headers = headers;
                    for group in request.resource_spans {
                        received.resource = attributes(&group.resource.unwrap().attributes);
                        let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
                        received.spans.extend(spans);
                    }
                    StatusCode::OK
                }),
            )
            .route(
                "/v1/metrics",
                post(async move |body: Bytes| {
                    let request = ExportMetricsServiceRequest::decode(body).unwrap();
                    let mut received = metrics.lock().unwrap();
                    for group in request.resource_metrics {
                        received.metrics = group
                            .scope_metrics
                            .into_iter()
                            .flat_map(|scope| scope.metrics)
                            .collect();
                    }
                    StatusCode::OK
                }),
            );
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { address, received }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn received(&self) -> Received {
        self.received.lock().unwrap().clone()
    }

    /// Waits until it has been sent what is expected.
    pub fn until(&self, what: &str, is_there: impl Fn(&Received) -> bool) -> Received {
        let start = Instant::now();
        loop {
            let received = self.received();
            if is_there(&received) {
                return received;
            }
            let names: Vec<_> = received.spans.iter().map(|span| &span.name).collect();
            assert!(start.elapsed() < TIMEOUT, "no {what} in {names:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for a number of spans of that name.
    pub fn spans(&self, name: &str, count: usize) -> Received {
        self.until(name, |received| received.named(name).len() >= count)
    }
}

/// Attributes by name, as text.
pub fn attributes(attributes: &[KeyValue]) -> HashMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        Value::DoubleValue(number) => Some(number.to_string()),
        Value::BoolValue(value) => Some(value.to_string()),
        _ => None,
    };
    let pairs = attributes
        .iter()
        .filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?)));
    pairs.collect()
}

use std::fmt;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::process_metrics::ProcessMetrics;
use crate::analytics::Answers;
use crate::graphql::Code;
use crate::ingest::Ingestions;
use crate::store::Store;

/// Upper bounds of the histogram's buckets of request durations, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// The registry of all metrics, and the metrics of requests.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    websockets: Gauge,
    event_streams: Gauge,
    errors: Family<ErrorLabels, Counter>,
}

/// Labels of a request. Every value comes from a closed list, because each set of labels occupies
/// memory as long as the server runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    /// The matched route, not the path of the request.
    path: String,
    status: u16,
}

/// Label of an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    code: &'static str,
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

impl Metrics {
    pub(super) fn new(ingestions: &Ingestions, answers: &Answers, store: &Store) -> Self {
        let mut all = Registry::default();
        all.register_collector(Box::new(ProcessMetrics));
        let registry = all.sub_registry_with_prefix("tripgraph");
        let requests = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> _);
        registry.register_with_unit(
            "http_request_duration",
            "Time from the headers of a request to the headers of its response",
            Unit::Seconds,
            requests.clone(),
        );
        let websockets = Gauge::default();
        registry.register("websockets", "Open WebSockets", websockets.clone());
        let event_streams = Gauge::default();
        registry.register(
            "event_streams",
            "Open streams of Server-Sent Events",
            event_streams.clone(),
        );
        let errors = Family::<ErrorLabels, Counter>::default();
        registry.register(
            "graphql_errors",
            "Errors in the results of operations, by code",
            errors.clone(),
        );
        // A rate can be computed from the first error on only if there was a zero before.
        for code in Code::ALL {
            drop(errors.get_or_create(&ErrorLabels { code: code.name() }));
        }
        ingestions.register_metrics(registry);
        answers.register_metrics(registry);
        store.register_metrics(registry);
        Self {
            registry: all,
            requests,
            websockets,
            event_streams,
            errors,
        }
    }

    /// Counts an open WebSocket until the guard is dropped.
    pub(super) fn websocket(&self) -> Open {
        Open::new(&self.websockets)
    }

    /// Counts an open event stream until the guard is dropped.
    pub(super) fn event_stream(&self) -> Open {
        Open::new(&self.event_streams)
    }

    /// Counts an error of an operation.
    pub(super) fn graphql_error(&self, code: Option<Code>) {
        let code = code.map_or("other", Code::name);
        self.errors.get_or_create(&ErrorLabels { code }).inc();
    }

    /// Records a request. `path` is the route that it matched.
    pub(super) fn request(&self, method: &Method, path: String, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: method_label(method),
            path,
            status,
        };
        self.requests
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// All metrics in the `OpenMetrics` text format.
    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Guard of an open WebSocket or event stream.
#[derive(Debug)]
pub(super) struct Open(Gauge);

impl Open {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

//! `/metrics`: counters for Prometheus, in its text format.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::AppState;
use super::graphql::caller;
use super::reply::Format;
use crate::analytics::Answers;
use crate::ingest::Ingestions;

/// Upper bounds of the times that answers take, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

/// What is counted of requests, and all else there is to tell.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    websockets: Gauge,
}

/// Every value comes from a closed list, whatever clients send: each set of labels is kept for as
/// long as the server runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    /// A route, not the path of the request.
    path: String,
    status: u16,
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
    pub(super) fn new(ingestions: &Ingestions, answers: &Answers) -> Self {
        let mut registry = Registry::with_prefix("tripgraph");
        let requests = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> _);
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's headers to its answer's",
            Unit::Seconds,
            requests.clone(),
        );
        let websockets = Gauge::default();
        registry.register("websockets", "WebSockets that are open", websockets.clone());
        ingestions.register_metrics(&mut registry);
        answers.register_metrics(&mut registry);
        Self {
            registry,
            requests,
            websockets,
        }
    }

    /// Counts a WebSocket as long as what is returned is held.
    pub(super) fn websocket(&self) -> Open {
        self.websockets.inc();
        Open(self.websockets.clone())
    }

    fn text(&self) -> Result<String, fmt::Error> {
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

/// An open WebSocket.
#[derive(Debug)]
pub(super) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// All counters; to be read with a token, where there are any.
pub(super) async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    if let Err(error) = caller(&state, &headers) {
        return Format::accepted(&headers).refuse(error);
    }
    state.ingestions().observe_metrics();
    match state.metrics().text() {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics can't be written out");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Measures the requests that pass.
pub(super) async fn measure(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("other", MatchedPath::as_str).to_owned();
    let method = method_label(request.method());
    let response = next.run(request).await;
    let labels = RequestLabels {
        method,
        path,
        status: response.status().as_u16(),
    };
    let seconds = began.elapsed().as_secs_f64();
    let metrics: &Arc<Metrics> = state.metrics();
    metrics.requests.get_or_create(&labels).observe(seconds);
    response
}

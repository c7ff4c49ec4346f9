//! `/metrics`: metrics in the `OpenMetrics` text format, for Prometheus.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::reply::Format;
use super::{AppState, Scope};

/// Answers with all metrics. Needs a token if the server has tokens.
pub(super) async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let caller = state.caller(&headers);
    if let Err(error) = caller.and_then(|caller| caller.require(Scope::Read, "/metrics")) {
        return Format::accepted(&headers).refuse(error);
    }
    match state.metrics_text().await {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot encode the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Measures the duration of requests.
pub(super) async fn measure(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    state
        .metrics()
        .request(&method, path, status, began.elapsed());
    response
}

use std::time::Duration;

use axum::Router;
use axum::http::header::X_CONTENT_TYPE_OPTIONS;
use axum::http::{HeaderValue, Request, StatusCode};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use super::{
    AppState, console, cors, export, graphql, health, hosts, inspect, monitoring, operations,
    rejected, request_id,
};
use crate::graphql::RequestId;

/// The routes of the server.
pub fn router(state: AppState) -> Router {
    let logged = Router::new()
        .route("/", get(async || Redirect::to("/graphiql")))
        .merge(cors::allow(
            graphql::router()
                .merge(export::router())
                .merge(rejected::router())
                .merge(inspect::router()),
            state.settings(),
        ))
        .merge(console::router())
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(())
                .on_response(response)
                .on_failure(()),
        );
    Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(monitoring::page))
        .merge(logged)
        .fallback(async || (StatusCode::NOT_FOUND, "not found\n"))
        .layer(from_fn_with_state(state.clone(), hosts::check))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(from_fn_with_state(state.clone(), monitoring::measure))
        .layer(from_fn(request_id::identify))
        .with_state(state)
}

/// Logs only the path: the query string may contain data that must not be logged.
fn span<B>(request: &Request<B>) -> Span {
    let RequestId(id) = request_id::of(request.extensions());
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id,
    )
}

fn response(response: &Response, latency: Duration, _: &Span) {
    let status = response.status().as_u16();
    let latency_ms = operations::milliseconds(latency);
    if response.status().is_server_error() {
        tracing::error!(status, latency_ms, "answered");
    } else {
        tracing::info!(status, latency_ms, "answered");
    }
}

use std::sync::Arc;
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

use super::metrics::{self, Metrics};
use super::{HttpSettings, Shutdown, console, graphql, health, hosts, request_id};
use crate::graphql::{Limits, RequestId, Schema, Services, schema};
use crate::ingest::Ingestions;
use crate::store::Store;

/// State that the handlers share.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    schema: Schema,
    services: Services,
    settings: HttpSettings,
    shutdown: Shutdown,
    metrics: Arc<Metrics>,
}

impl AppState {
    /// Builds the schema and the metrics from the services.
    #[must_use]
    pub fn new(services: Services, settings: HttpSettings, shutdown: Shutdown) -> Self {
        let schema = schema(services.clone());
        let metrics = Arc::new(Metrics::new(&services.ingestions, &services.answers));
        Self(Arc::new(Inner {
            schema,
            services,
            settings,
            shutdown,
            metrics,
        }))
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.0.schema
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.services.limits
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.services.store
    }

    pub(super) fn ingestions(&self) -> &Ingestions {
        &self.0.services.ingestions
    }

    pub(super) fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    pub(super) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }
}

/// The routes of the server.
pub fn router(state: AppState) -> Router {
    let logged = Router::new()
        .route("/", get(async || Redirect::to("/graphiql")))
        .merge(graphql::router())
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
        .route("/metrics", get(metrics::page))
        .merge(logged)
        .fallback(async || (StatusCode::NOT_FOUND, "not found\n"))
        .layer(from_fn_with_state(state.clone(), hosts::check))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(from_fn_with_state(state.clone(), metrics::measure))
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
    if response.status().is_server_error() {
        tracing::error!(status, ?latency, "answered");
    } else {
        tracing::info!(status, ?latency, "answered");
    }
}

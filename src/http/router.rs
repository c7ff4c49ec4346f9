use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::http::{HeaderName, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId as RequestIdHeader, SetRequestIdLayer,
};
use tower_http::trace::TraceLayer;
use tracing::Span;

use super::metrics::{self, Metrics};
use super::{HttpSettings, Shutdown, console, graphql, health};
use crate::graphql::{Limits, RequestId, Schema, Services, schema};
use crate::ingest::Ingestions;
use crate::store::Store;

/// What the handlers share.
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
    /// Over these services.
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

/// Every path of the server.
pub fn router(state: AppState) -> Router {
    let name = HeaderName::from_static("x-request-id");
    let logged = Router::new()
        .route("/", get(async || Redirect::to("/graphiql")))
        .route("/graphql", get(graphql::get).post(graphql::post))
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
        .layer(from_fn_with_state(state.clone(), metrics::measure))
        .layer(PropagateRequestIdLayer::new(name.clone()))
        .layer(SetRequestIdLayer::new(name, MakeRequestUuid))
        .with_state(state)
}

/// The id of a request, as the log and the answer's `x-request-id` have it.
pub(super) fn request_id(parts: &Parts) -> RequestId {
    RequestId(id(&parts.extensions).to_owned())
}

fn id(extensions: &axum::http::Extensions) -> &str {
    let header = extensions.get::<RequestIdHeader>();
    header
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default()
}

/// The path alone: a query may hold what does not belong in a log.
fn span<B>(request: &Request<B>) -> Span {
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id = id(request.extensions()),
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

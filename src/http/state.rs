use std::fmt;
use std::sync::Arc;

use axum::http::HeaderMap;

use super::auth::{Caller, unauthenticated};
use super::metrics::Metrics;
use super::{HttpSettings, Shutdown};
use crate::analytics::{Answers, ZoneSets};
use crate::graphql::{ApiError, Limits, Schema, Services, schema};
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
        let (ingestions, answers) = (&services.ingestions, &services.answers);
        let metrics = Arc::new(Metrics::new(ingestions, answers, &services.store));
        Self(Arc::new(Inner {
            schema,
            services,
            settings,
            shutdown,
            metrics,
        }))
    }

    /// All metrics in the `OpenMetrics` text format, with the values of now.
    pub async fn metrics_text(&self) -> Result<String, fmt::Error> {
        self.ingestions().observe_metrics();
        self.store().observe_replicas().await;
        self.metrics().text()
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

    pub(super) fn zones(&self) -> &ZoneSets {
        &self.0.services.zones
    }

    pub(super) fn answers(&self) -> &Answers {
        &self.0.services.answers
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

    /// The client that sent the request; an error if it needs a token and sent none.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let caller = self.settings().tokens.of_headers(headers)?;
        caller.ok_or_else(|| unauthenticated("a token is needed: Authorization: Bearer …"))
    }
}

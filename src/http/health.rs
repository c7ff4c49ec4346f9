use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::AppState;
use crate::store::ReplicaStatus;

/// Maximum duration of each readiness check.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a path is a health check; load balancers may request these under any host name.
pub(super) fn is_health(path: &str) -> bool {
    matches!(path, "/health/live" | "/health/ready")
}

/// Answers 200: the process is running.
pub(super) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

/// Answers 200 if queries can be answered and files uploaded, else 503 with the reasons. Says how far
/// read replicas are, if there are any; without them, the primary answers.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let (database, nodes, spool, replicas) = tokio::join!(
        check("the database does not answer", state.store().ping()),
        check(
            "not all nodes of the database answer",
            state.store().ping_nodes()
        ),
        check(
            "the spool can't be written to",
            state.ingestions().spool().writable()
        ),
        state.store().observe_replicas(),
    );
    let leaving = state
        .shutdown()
        .is_requested()
        .then_some("the server is shutting down");
    let reasons: Vec<_> = [leaving, database, nodes, spool]
        .into_iter()
        .flatten()
        .collect();
    if reasons.is_empty() {
        let body = with_replicas(json!({ "status": "ready" }), &replicas);
        return Json(body).into_response();
    }
    let body = json!({ "status": "unavailable", "reason": reasons.join("; "), "reasons": reasons });
    let body = with_replicas(body, &replicas);
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Adds the state of read replicas, in the order of the options: their addresses are not for everybody.
fn with_replicas(mut body: Value, replicas: &[ReplicaStatus]) -> Value {
    if !replicas.is_empty() {
        let all = replicas.iter().map(
            |replica| json!({ "state": replica.state.name(), "lagSeconds": replica.lag_seconds }),
        );
        body["replicas"] = all.collect();
    }
    body
}

/// The reason if the check failed or timed out; the details are logged.
async fn check<E: std::error::Error>(
    reason: &'static str,
    outcome: impl Future<Output = Result<(), E>>,
) -> Option<&'static str> {
    match tokio::time::timeout(TIMEOUT, outcome).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready: {reason}");
            Some(reason)
        }
        Err(_) => {
            tracing::warn!("not ready: {reason}; the check timed out");
            Some(reason)
        }
    }
}

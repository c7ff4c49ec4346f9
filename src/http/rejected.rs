//! `/ingestions/{id}/rejected.csv`: all rejected rows of an ingestion.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::io::ReaderStream;

use super::reply::{Format as ErrorFormat, of_code};
use super::{AppState, Scope, origin};
use crate::graphql::ApiError;
use crate::ingest::{IngestError, SpoolError};
use crate::model::IngestionId;

/// Bytes that are read at a time.
const READ_BYTES: usize = 1 << 16;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/ingestions/{id}/rejected.csv", get(file))
}

async fn file(State(state): State<AppState>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    match begin(&state, &id, &parts).await {
        Ok(response) => response,
        Err(error) => ErrorFormat::accepted(&parts.headers).refusal(of_code(error.code()), error),
    }
}

async fn begin(state: &AppState, id: &str, request: &Parts) -> Result<Response, ApiError> {
    origin::check(state.settings(), &request.headers, &request.uri)?;
    let caller = state.caller(&request.headers)?;
    caller.require(Scope::Read, "a list of rejected rows")?;
    tracing::debug!(caller = caller.name(), id, "rejected rows");
    let number = id.parse::<IngestionId>().ok();
    // Only the canonical form is an id: `007` is not.
    let number = number.filter(|number| number.to_string() == id);
    let number = number.ok_or_else(|| ApiError::no_ingestion(id))?;
    let file = state.ingestions().rejected_file(number).await?;
    let data = file.metadata().await;
    let bytes = data.map_err(|error| IngestError::from(SpoolError::from(error)))?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_LENGTH, bytes.len().to_string()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"rejected-{number}.csv\""),
        ),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(file, READ_BYTES));
    Ok((headers, body).into_response())
}

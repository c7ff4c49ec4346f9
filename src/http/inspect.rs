//! `/inspect`: what an ingestion would read in a file, from the file or its first bytes.

use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

use super::body::broken;
use super::graphql::{Refusal, refuse_encoded};
use super::reply::{Format as ErrorFormat, of_code};
use super::{AppState, Scope, body, file_name, origin};
use crate::graphql::ApiError;
use crate::ingest::parse::{FileOptions, read_locations};
use crate::ingest::{IngestError, preview};
use crate::model::TripFormat;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/inspect", post(answer))
}

async fn answer(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    match inspect(&state, &parts, body).await {
        Ok(inspected) => ([(CACHE_CONTROL, "no-store")], Json(inspected)).into_response(),
        Err((status, error)) => ErrorFormat::accepted(&parts.headers).refusal(status, error),
    }
}

async fn inspect(state: &AppState, request: &Parts, body: Body) -> Result<Value, Refusal> {
    let refusal = |error: ApiError| (of_code(error.code()), error);
    let settings = state.settings();
    origin::check(settings, &request.headers, &request.uri).map_err(refusal)?;
    accept_bytes(&request.headers)?;
    let caller = state.caller(&request.headers).map_err(refusal)?;
    caller
        .require(Scope::Write, "an inspection")
        .map_err(refusal)?;
    let query = request.uri.query().unwrap_or_default();
    let params = Params::read(query).map_err(refusal)?;
    let options = FileOptions::new(&params.format, &params.name).map_err(IngestError::from);
    let options = options.map_err(|error| refusal(error.into()))?;
    let limit = settings.max_body_bytes;
    let bytes = body::whole(body, limit, settings.body).await;
    let mut bytes = bytes.map_err(|error| refusal(broken(&error, limit)))?;
    let options = match params.locations_bytes {
        None => options,
        Some(count) if count <= bytes.len() => {
            let file = bytes.split_off(count);
            let locations = read_locations(&bytes, &options).map_err(IngestError::from);
            bytes = file;
            options.with_locations(Some(Arc::new(
                locations.map_err(|error| refusal(error.into()))?,
            )))
        }
        Some(count) => {
            let message = format!(
                "`locationsBytes` is {count}, but the body has {} bytes",
                bytes.len()
            );
            return Err(refusal(ApiError::bad_input(message)));
        }
    };
    let options = match params.bytes_total {
        Some(total) if total < bytes.len() as u64 => {
            let message = format!(
                "`bytesTotal` is {total}, but the body has {} bytes of the file",
                bytes.len()
            );
            return Err(refusal(ApiError::bad_input(message)));
        }
        Some(total) if total > bytes.len() as u64 => options.of_beginning(),
        _ => options,
    };
    let inspected = preview(state.ingestions().spool(), bytes, options).await;
    let inspected = inspected.map_err(|error| refusal(IngestError::from(error).into()))?;
    Ok(inspected.json(&params.name))
}

/// Fails unless the body is bytes. Forms of other sites cannot send this content type.
fn accept_bytes(headers: &HeaderMap) -> Result<(), Refusal> {
    const BYTES: &str = "application/octet-stream";
    refuse_encoded(headers)?;
    let is_bytes = headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(BYTES.as_bytes()));
    if is_bytes {
        return Ok(());
    }
    let message = format!("the content type must be {BYTES}");
    let error = ApiError::bad_input(message);
    Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

/// The parameters of the query string.
#[derive(Debug, PartialEq)]
struct Params {
    /// The file's name.
    name: String,
    /// Size of the file, of which the body may be only the beginning.
    bytes_total: Option<u64>,
    /// Size of a list of locations, with which the body begins.
    locations_bytes: Option<usize>,
    format: TripFormat,
}

impl Params {
    fn read(query: &str) -> Result<Self, ApiError> {
        let (mut name, mut bytes_total, mut locations_bytes) = (None, None, None);
        let mut format = TripFormat::default();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let single = match &*key {
                "name" => &mut name,
                "bytesTotal" => &mut bytes_total,
                "locationsBytes" => &mut locations_bytes,
                "origin" => {
                    format.origin.push(value);
                    continue;
                }
                "destination" => {
                    format.destination.push(value);
                    continue;
                }
                "nullValues" => {
                    format.null_values.push(value);
                    continue;
                }
                "departedAt" => &mut format.departed_at,
                "arrivedAt" => &mut format.arrived_at,
                "region" => &mut format.region,
                "regionName" => &mut format.region_name,
                "datasource" => &mut format.datasource,
                "datasourceName" => &mut format.datasource_name,
                "originId" => &mut format.origin_id,
                "destinationId" => &mut format.destination_id,
                "timeFormat" => &mut format.time_format,
                "timeZone" => &mut format.time_zone,
                "delimiter" => &mut format.delimiter,
                "encoding" => &mut format.encoding,
                _ => {
                    let shown: String = key.chars().take(40).collect();
                    let message = format!(
                        "`{shown}` is no parameter of an inspection, which has name, bytesTotal, \
                         locationsBytes and the fields of TripFormat"
                    );
                    return Err(ApiError::bad_input(message));
                }
            };
            if single.replace(value).is_some() {
                return Err(ApiError::bad_input(format!("`{key}` is given twice")));
            }
        }
        Ok(Self {
            name: file_name::without_folders(&name.unwrap_or_default()),
            bytes_total: count("bytesTotal", bytes_total)?,
            locations_bytes: count("locationsBytes", locations_bytes)?,
            format,
        })
    }
}

/// The value of a parameter that is a number of bytes.
fn count<T: FromStr>(name: &str, value: Option<String>) -> Result<Option<T>, ApiError> {
    let count = value.map(|text| text.parse());
    count
        .transpose()
        .map_err(|_| ApiError::bad_input(format_args!("`{name}` is not a number of bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let query = "name=a%2Fb.csv&bytesTotal=12&origin=x&origin=a%2Cb&timeZone=Europe%2FParis";
        let params = Params::read(query).unwrap();
        assert_eq!((&*params.name, params.bytes_total), ("b.csv", Some(12)));
        assert_eq!(params.format.origin, ["x", "a,b"]);
        assert_eq!(params.format.time_zone.as_deref(), Some("Europe/Paris"));
        let params = Params::read("").unwrap();
        assert_eq!(params.format, TripFormat::default());
        for query in ["name=a&name=b", "bytesTotal=-1", "bytesTotal=", "x=y"] {
            assert!(Params::read(query).is_err(), "{query}");
        }
    }
}

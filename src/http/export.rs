//! `/export/…`: answers as files.

use std::io;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER, VARY,
};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use super::body::broken;
use super::graphql::accept_json;
use super::reply::{Format as ErrorFormat, of_code};
use super::{AppState, Scope, body, origin};
use crate::export::{Export, ExportError, ExportParams, Format, ParamError, Subject};
use crate::graphql::{ApiError, Code};

/// `/export/{file}`.
pub(super) fn router() -> Router<AppState> {
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(is_text);
    let header =
        |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    Router::new()
        .route("/export/{file}", get(file).post(file))
        .layer(compression)
        .layer(header(VARY, "accept, accept-encoding"))
        .layer(header(CACHE_CONTROL, "no-store"))
}

/// Whether a response is worth compressing.
fn is_text(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let media_type = headers.get(CONTENT_TYPE);
    let is_text = |format: &Format| {
        format.is_text() && media_type.is_some_and(|value| value == format.media_type())
    };
    Format::ALL.iter().any(is_text)
}

/// Answers with a file that is written while it is sent.
async fn file(
    State(state): State<AppState>,
    Path(file): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match begin(&state, &file, &parts, body).await {
        Ok(response) => response,
        Err((status, error)) => {
            let mut response = ErrorFormat::accepted(&parts.headers).refusal(status, error);
            if response.status() == StatusCode::SERVICE_UNAVAILABLE {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("10"));
            }
            response
        }
    }
}

async fn begin(
    state: &AppState,
    file: &str,
    request: &Parts,
    body: Body,
) -> Result<Response, Refusal> {
    let settings = state.settings();
    origin::check(settings, &request.headers, &request.uri).map_err(refusal)?;
    let caller = state.caller(&request.headers).map_err(refusal)?;
    caller.require(Scope::Read, "an export").map_err(refusal)?;
    tracing::debug!(caller = caller.name(), file, "export");
    let (subject, format) = subject_and_format(file).map_err(refusal)?;
    let format = match format {
        Format::GeoJson if accepts(&request.headers, Format::GeoJsonSeq.media_type()) => {
            Format::GeoJsonSeq
        }
        format => format,
    };
    let params = params(state, subject, request, body).await?;
    let export = params.export(subject, format, state.zones()).await;
    let export = export.map_err(|error| refusal(api_error(error)))?;
    let body = Body::from_stream(chunks(state, export).await.map_err(refusal)?);
    let name = format!("{}.{}", subject.name(), format.extension());
    let headers = [
        (CONTENT_TYPE, format.media_type().to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, body).into_response())
}

/// A request that is not answered with a file.
type Refusal = (StatusCode, ApiError);

fn refusal(error: ApiError) -> Refusal {
    (of_code(error.code()), error)
}

fn api_error(error: ExportError) -> ApiError {
    match error {
        ExportError::Param(error) => ApiError::bad_input(error),
        ExportError::NoZone(_) | ExportError::NoZoneSet(_) => {
            ApiError::new(Code::NotFound, error.to_string())
        }
        ExportError::Store(error) => error.into(),
        ExportError::Question(error) => error.into(),
    }
}

/// The parameters of the query string, and of the body of a POST.
async fn params(
    state: &AppState,
    subject: Subject,
    request: &Parts,
    body: Body,
) -> Result<ExportParams, Refusal> {
    let invalid = |error: ParamError| refusal(ApiError::bad_input(error));
    let mut params = ExportParams::default();
    let query = request.uri.query().unwrap_or_default();
    params.set_query(subject, query).map_err(invalid)?;
    if request.method == Method::POST {
        accept_json(&request.headers)?;
        let settings = state.settings();
        let limit = settings.max_body_bytes;
        let json = body::whole(body, limit, settings.body).await;
        let json = json.map_err(|error| refusal(broken(&error, limit)))?;
        params.set_json(subject, &json).map_err(invalid)?;
    }
    Ok(params)
}

/// What a file name asks for.
fn subject_and_format(file: &str) -> Result<(Subject, Format), ApiError> {
    let parsed = file
        .split_once('.')
        .and_then(|(subject, extension)| Some((subject.parse().ok()?, extension.parse().ok()?)));
    parsed.ok_or_else(|| {
        let subjects = Subject::ALL.map(Subject::name).join(", ");
        let extensions: Vec<_> = Format::ALL
            .iter()
            .map(|format| format.extension())
            .collect();
        let message = format!(
            "there is no such export: /export/ is followed by one of {subjects}, and one of the \
             endings .{}",
            extensions.join(", .")
        );
        ApiError::new(Code::NotFound, message)
    })
}

/// Whether the client names a media type in `Accept`.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let values = headers.get_all(ACCEPT).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .any(|range| range.trim().eq_ignore_ascii_case(media_type))
}

/// The bytes of an export, from its first ones on. An error after that ends the connection, so that
/// the client does not take a part for the whole.
async fn chunks(
    state: &AppState,
    export: Export,
) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static, ApiError> {
    let limit = state.settings().export;
    let deadline = Instant::now() + limit;
    let mut chunks = Box::pin(export.stream(state.answers().clone()));
    // Until there are bytes, an error has a status of its own.
    let first = match timeout_at(deadline, chunks.next()).await {
        Ok(Some(Ok(first))) => Ok(first),
        Ok(Some(Err(error))) => return Err(api_error(error)),
        Ok(None) => return Err(ApiError::internal("an export has no bytes")),
        Err(_) => {
            let message = format!("the export exceeded the time limit of {limit:?}");
            return Err(ApiError::new(Code::Timeout, message));
        }
    };
    let rest = stream::unfold(Some(chunks), move |chunks| async move {
        let mut chunks = chunks?;
        match timeout_at(deadline, chunks.next()).await {
            Ok(Some(Ok(chunk))) => Some((Ok(chunk), Some(chunks))),
            Ok(Some(Err(error))) => {
                tracing::error!(%error, "an export was cut off");
                Some((Err(io::Error::other(error)), None))
            }
            Ok(None) => None,
            Err(_) => {
                tracing::warn!("an export was cut off: it exceeded the time limit of {limit:?}");
                Some((Err(io::ErrorKind::TimedOut.into()), None))
            }
        }
    });
    // The compression layer polls a body again after its end.
    Ok(stream::once(async { first }).chain(rest).fuse())
}

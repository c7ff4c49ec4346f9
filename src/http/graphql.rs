//! `/graphql`: GraphQL over HTTP and Server-Sent Events, and the upgrade to a WebSocket.

use axum::body::Body;
use axum::extract::{Request, State, WebSocketUpgrade};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing;
use axum::{RequestExt, Router};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::set_header::SetResponseHeaderLayer;

use super::auth::Caller;
use super::body::broken;
use super::event_stream::Framing;
use super::operation_span::RequestInfo;
use super::reply::{Format, of_code};
use super::{AppState, body, event_stream, multipart, operations, origin, params, websocket};
use crate::graphql::{ApiError, Operation, OperationKind};

/// Minimum size of a compressed response, in bytes. A smaller one fits into one packet anyway.
const COMPRESSED_BYTES: u16 = 1 << 10;

/// `/graphql`.
pub(super) fn router() -> Router<AppState> {
    let compression = CompressionLayer::new()
        // Every response is compressed on the fly.
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(COMPRESSED_BYTES).and(is_answer));
    let header =
        |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    Router::new()
        .route("/graphql", routing::get(get).post(post))
        .layer(compression)
        .layer(header(VARY, "accept, accept-encoding"))
        // Answers change with each ingestion, and may depend on the token.
        .layer(header(CACHE_CONTROL, "no-store"))
}

/// Whether a response is neither the upgrade to a WebSocket nor a stream of results, which must not
/// wait for more bytes to compress.
fn is_answer(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    status != StatusCode::SWITCHING_PROTOCOLS
        && headers
            .get(CONTENT_TYPE)
            .is_none_or(|value| !Framing::is_streamed(value))
}

/// Answers a GET: a query, or the upgrade to a WebSocket.
async fn get(State(state): State<AppState>, mut request: Request) -> Response {
    let format = Format::accepted(request.headers());
    if let Err(error) = origin::check(state.settings(), request.headers(), request.uri()) {
        return format.refuse(error);
    }
    if is_upgrade(request.headers()) {
        return match request.extract_parts::<WebSocketUpgrade>().await {
            Ok(upgrade) => {
                let info = RequestInfo::of(request.extensions(), request.headers());
                websocket::upgrade(state, request.headers(), info, upgrade)
            }
            Err(rejection) => rejection.into_response(),
        };
    }
    let query = request.uri().query().unwrap_or_default();
    if query.is_empty() && is_browser(request.headers()) {
        return Redirect::to("/graphiql").into_response();
    }
    let caller = match state.caller(request.headers()) {
        Ok(caller) => caller,
        Err(error) => return format.refuse(error),
    };
    let info = RequestInfo::of(request.extensions(), request.headers());
    let operation = match params::from_query(query) {
        Ok(request) => operations::parse(&state, &info, request),
        Err(error) => return format.refuse(error),
    };
    let operation = match operation {
        Ok(operation) => operation,
        Err(errors) => return format.answer(async_graphql::Response::from_errors(errors)),
    };
    if operation.kind() == OperationKind::Mutation {
        let error = ApiError::bad_input("a mutation needs POST");
        return format.refusal(StatusCode::METHOD_NOT_ALLOWED, error);
    }
    execute(&state, format, &info, &caller, operation).await
}

/// Answers a POST: JSON, or a multipart request with files.
async fn post(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let format = Format::accepted(&parts.headers);
    match accept(&state, &parts) {
        Ok((caller, Content::Json)) => json(&state, format, &parts, &caller, body).await,
        Ok((caller, Content::Multipart(boundary))) => {
            Box::pin(multipart::answer(
                &state, format, &parts, &caller, &boundary, body,
            ))
            .await
        }
        Err((status, error)) => format.refusal(status, error),
    }
}

enum Content {
    Json,
    Multipart(String),
}

/// A request that is refused before its body is read.
pub(super) type Refusal = (StatusCode, ApiError);

/// The checks that need only the headers, before the body is read.
fn accept(state: &AppState, parts: &Parts) -> Result<(Caller, Content), Refusal> {
    let refuse = |error: ApiError| (of_code(error.code()), error);
    origin::check(state.settings(), &parts.headers, &parts.uri).map_err(refuse)?;
    // Of the content types that a form of another site can send, only multipart/form-data is
    // accepted, and the check of the origin refuses such a form.
    let content = content(&parts.headers)?;
    let caller = state.caller(&parts.headers).map_err(refuse)?;
    Ok((caller, content))
}

/// Fails unless a body is JSON.
pub(super) fn accept_json(headers: &HeaderMap) -> Result<(), Refusal> {
    match content(headers)? {
        Content::Json => Ok(()),
        Content::Multipart(_) => {
            let error = ApiError::bad_input("the content type must be application/json");
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
        }
    }
}

fn unsupported(message: &str) -> Refusal {
    let error = ApiError::bad_input(message);
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
}

/// Fails if a body is compressed.
pub(super) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_encoded =
        |encoding: &HeaderValue| !encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().any(is_encoded) {
        return Err(unsupported(
            "compressed requests are not supported: send the body without Content-Encoding",
        ));
    }
    Ok(())
}

fn content(headers: &HeaderMap) -> Result<Content, Refusal> {
    refuse_encoded(headers)?;
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => {
            let mut charsets = parts
                .filter_map(|part| part.split_once('='))
                .filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
            if charsets.all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
            {
                Ok(Content::Json)
            } else {
                Err(unsupported("the charset of application/json must be UTF-8"))
            }
        }
        "multipart/form-data" => match multer::parse_boundary(value) {
            Ok(boundary) if !boundary.is_empty() => Ok(Content::Multipart(boundary)),
            _ => {
                let message = "the content type multipart/form-data has no boundary: let the HTTP \
                               client set the Content-Type header of a form";
                Err((StatusCode::BAD_REQUEST, ApiError::bad_input(message)))
            }
        },
        _ => Err(unsupported(
            "the content type must be application/json or multipart/form-data",
        )),
    }
}

async fn json(
    state: &AppState,
    format: Format,
    parts: &Parts,
    caller: &Caller,
    body: Body,
) -> Response {
    let settings = state.settings();
    let bytes = match body::whole(body, settings.max_body_bytes, settings.body).await {
        Ok(bytes) => bytes,
        Err(error) => return format.refuse(broken(&error, settings.max_body_bytes)),
    };
    let request = match params::from_slice(&bytes) {
        Ok(request) => request,
        Err(error) => return format.refuse(error),
    };
    let info = RequestInfo::of(&parts.extensions, &parts.headers);
    match operations::parse(state, &info, request) {
        Ok(operation) => execute(state, format, &info, caller, operation).await,
        Err(errors) => format.answer(async_graphql::Response::from_errors(errors)),
    }
}

async fn execute(
    state: &AppState,
    format: Format,
    info: &RequestInfo,
    caller: &Caller,
    mut operation: Operation,
) -> Response {
    if let Err(error) = operations::permit(state, info, caller, &mut operation) {
        return format.refuse(error);
    }
    match format {
        Format::EventStream => event_stream::run(Framing::Events, state, info, caller, operation),
        Format::Parts if operation.kind() == OperationKind::Subscription => {
            event_stream::run(Framing::Parts, state, info, caller, operation)
        }
        _ if operation.kind() == OperationKind::Subscription => format.refuse(ApiError::bad_input(
            "a subscription needs a WebSocket, or the header `Accept: text/event-stream`",
        )),
        _ => format.answer(operations::execute(state, info, caller, operation).await),
    }
}

fn is_upgrade(headers: &HeaderMap) -> bool {
    headers
        .get("upgrade")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn is_browser(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

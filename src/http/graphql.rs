//! `/graphql`: GraphQL over HTTP, and the way to the WebSocket.

use axum::body::Body;
use axum::extract::{Request, State, WebSocketUpgrade};
use axum::http::header::{ACCEPT, CONTENT_TYPE, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{RequestExt, http::request::Parts};

use super::auth::{Caller, unauthenticated};
use super::body::BodyError;
use super::reply::Format;
use super::router::{AppState, request_id};
use super::{body, multipart, origin, params, websocket};
use crate::graphql::{ApiError, Code, Operation, OperationKind};

/// Answers a GET: a query, or the upgrade to a WebSocket.
pub(super) async fn get(State(state): State<AppState>, mut request: Request) -> Response {
    let format = Format::accepted(request.headers());
    if let Err(error) = origin::check(request.headers(), request.uri()) {
        return format.refuse(error);
    }
    if is_upgrade(request.headers()) {
        return match request.extract_parts::<WebSocketUpgrade>().await {
            Ok(upgrade) => websocket::upgrade(state, request.headers(), upgrade),
            Err(rejection) => rejection.into_response(),
        };
    }
    let query = request.uri().query().unwrap_or_default();
    if query.is_empty() && is_browser(request.headers()) {
        return Redirect::to("/graphiql").into_response();
    }
    let caller = match caller(&state, request.headers()) {
        Ok(caller) => caller,
        Err(error) => return format.refuse(error),
    };
    let operation = match params::from_query(query) {
        Ok(request) => Operation::parse(request, state.limits()),
        Err(error) => return format.refuse(error),
    };
    let operation = match operation {
        Ok(operation) => operation,
        Err(error) => return format.answer(async_graphql::Response::from_errors(vec![*error])),
    };
    if operation.kind() == OperationKind::Mutation {
        let error = ApiError::bad_input("a mutation needs POST");
        return format.refusal(StatusCode::METHOD_NOT_ALLOWED, error);
    }
    let (parts, _) = request.into_parts();
    execute(&state, format, &parts, &caller, operation).await
}

/// Answers a POST: JSON, or a multipart request that brings files.
pub(super) async fn post(State(state): State<AppState>, request: Request) -> Response {
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
        Err(refusal) => {
            // Who waits for `100 Continue` has not sent the body yet, and need not.
            if !parts.headers.contains_key(EXPECT) {
                body::discard(body);
            }
            match refusal {
                Refusal::Error(error) => format.refuse(error),
                Refusal::MediaType => format.refusal(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    ApiError::bad_input(
                        "the content type is neither application/json nor multipart/form-data",
                    ),
                ),
            }
        }
    }
}

enum Content {
    Json,
    Multipart(String),
}

enum Refusal {
    Error(ApiError),
    MediaType,
}

/// All that can be said before the body is read.
fn accept(state: &AppState, parts: &Parts) -> Result<(Caller, Content), Refusal> {
    origin::check(&parts.headers, &parts.uri).map_err(Refusal::Error)?;
    // The types that a form of another site's page can send are not among those taken.
    let content = content(&parts.headers).ok_or(Refusal::MediaType)?;
    let caller = caller(state, &parts.headers).map_err(Refusal::Error)?;
    Ok((caller, content))
}

fn content(headers: &HeaderMap) -> Option<Content> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = value.split(';').map(str::trim);
    let media_type = parts.next()?.to_ascii_lowercase();
    match media_type.as_str() {
        "application/json" => parts
            .filter_map(|part| part.split_once('='))
            .filter(|(name, _)| name.eq_ignore_ascii_case("charset"))
            .all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
            .then_some(Content::Json),
        "multipart/form-data" => multer::parse_boundary(value).ok().map(Content::Multipart),
        _ => None,
    }
}

/// Who the request comes from.
pub(super) fn caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let caller = state.settings().tokens.of_headers(headers)?;
    caller.ok_or_else(|| unauthenticated("a token is needed: Authorization: Bearer …"))
}

async fn json(
    state: &AppState,
    format: Format,
    parts: &Parts,
    caller: &Caller,
    body: Body,
) -> Response {
    let settings = state.settings();
    let bytes = match body::whole(body, settings.max_body_bytes, settings.body_idle).await {
        Ok(bytes) => bytes,
        Err(error) => return format.refuse(broken(&error, settings.max_body_bytes)),
    };
    let request = match params::from_slice(&bytes) {
        Ok(request) => request,
        Err(error) => return format.refuse(error),
    };
    match Operation::parse(request, state.limits()) {
        Ok(operation) => execute(state, format, parts, caller, operation).await,
        Err(error) => format.answer(async_graphql::Response::from_errors(vec![*error])),
    }
}

/// The error of a body, or a part of one, that could not be read.
pub(super) fn broken(error: &BodyError, limit: usize) -> ApiError {
    match error {
        BodyError::TooLarge => ApiError::new(
            Code::TooLarge,
            format!("the request is larger than {limit} bytes"),
        ),
        error => ApiError::bad_input(error),
    }
}

async fn execute(
    state: &AppState,
    format: Format,
    parts: &Parts,
    caller: &Caller,
    operation: Operation,
) -> Response {
    if let Err(error) = permitted(caller, operation.kind()) {
        return format.refuse(error);
    }
    format.answer(operation.execute(state.schema(), request_id(parts)).await)
}

/// Whether the caller may have such an operation over HTTP.
pub(super) fn permitted(caller: &Caller, kind: OperationKind) -> Result<(), ApiError> {
    caller.check(kind)?;
    tracing::debug!(caller = caller.name(), ?kind, "operation");
    if kind == OperationKind::Subscription {
        return Err(ApiError::bad_input("a subscription needs a WebSocket"));
    }
    Ok(())
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

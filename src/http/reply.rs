//! Responses: their media type, according to the `Accept` header, and their status.

use std::collections::BTreeMap;

use async_graphql::{Response as Answer, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::event_stream;
use crate::graphql::{ApiError, Code, is_request_error};

/// The media type of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `application/json`: 200 for every well-formed request.
    Json,
    /// `application/graphql-response+json`: the status says whether the request was accepted.
    GraphqlResponse,
    /// `text/event-stream`: 200 and events for every well-formed request.
    EventStream,
    /// `multipart/mixed` with Apollo's `subscriptionSpec=1.0`: parts for a subscription, else as
    /// `application/json`.
    Parts,
}

impl Format {
    /// The media type that the client prefers; JSON if it has no preference.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let mut best = (0.0, Format::Json);
        let values = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let is_spec = |part: &str| part.replace('"', "") == "subscriptionSpec=1.0";
            let format = match parts
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str()
            {
                "application/graphql-response+json" => Format::GraphqlResponse,
                "text/event-stream" => Format::EventStream,
                "multipart/mixed" if parts.clone().any(is_spec) => Format::Parts,
                "application/json" | "application/*" | "*/*" => Format::Json,
                _ => continue,
            };
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(1.0, |quality| quality.parse::<f32>().unwrap_or(0.0));
            if quality > best.0 {
                best = (quality, format);
            }
        }
        best.1
    }

    /// The media type of a single result. A request that is refused gets no event stream.
    const fn media_type(self) -> HeaderValue {
        match self {
            Format::Json | Format::EventStream | Format::Parts => {
                HeaderValue::from_static("application/json; charset=utf-8")
            }
            Format::GraphqlResponse => {
                HeaderValue::from_static("application/graphql-response+json; charset=utf-8")
            }
        }
    }

    /// The response to a well-formed request.
    pub(super) fn answer(self, answer: Answer) -> Response {
        if self == Format::EventStream {
            return event_stream::whole(answer);
        }
        if !is_request_error(&answer) {
            let mut response = GraphQLResponse::from(answer).into_response();
            response
                .headers_mut()
                .insert(CONTENT_TYPE, self.media_type());
            return response;
        }
        let status = match self {
            Format::GraphqlResponse => answer
                .errors
                .first()
                .map_or(StatusCode::BAD_REQUEST, status),
            Format::Json | Format::EventStream | Format::Parts => StatusCode::OK,
        };
        self.with_status(status, &answer)
    }

    /// The response to a request that was refused before execution, with this status.
    pub(super) fn refusal(self, status: StatusCode, error: ApiError) -> Response {
        let mut response = self.with_status(status, &Answer::from_errors(vec![error.into()]));
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            _ => {}
        }
        response
    }

    /// A refusal with the status that corresponds to its code.
    pub(super) fn refuse(self, error: ApiError) -> Response {
        let status = match error.code() {
            // Nothing has run yet, so the client took too long.
            Code::Timeout => StatusCode::REQUEST_TIMEOUT,
            code => of_code(code),
        };
        self.refusal(status, error)
    }

    fn with_status(self, status: StatusCode, answer: &Answer) -> Response {
        let headers = [(CONTENT_TYPE, self.media_type())];
        (status, headers, Json(Body::of(answer))).into_response()
    }
}

/// A response as it is serialised. That of a refused request has no `data`.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a BTreeMap<String, Value>>,
}

impl<'a> Body<'a> {
    pub(super) fn of(answer: &'a Answer) -> Self {
        let data = (!is_request_error(answer)).then_some(&answer.data);
        Self {
            errors: &answer.errors,
            data,
            extensions: (!answer.extensions.is_empty()).then_some(&answer.extensions),
        }
    }
}

fn status(error: &ServerError) -> StatusCode {
    match Code::of(error) {
        Some(code @ (Code::Timeout | Code::Unavailable | Code::Internal | Code::TooLarge)) => {
            of_code(code)
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// The HTTP status that corresponds to a code.
pub(super) const fn of_code(code: Code) -> StatusCode {
    match code {
        Code::BadUserInput | Code::TooComplex | Code::PersistedQueryNotSupported => {
            StatusCode::BAD_REQUEST
        }
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_type_is_chosen() {
        for (accept, format) in [
            ("application/graphql-response+json", Format::GraphqlResponse),
            (
                "application/graphql-response+json; charset=utf-8, application/json;q=0.9",
                Format::GraphqlResponse,
            ),
            (
                "application/json, application/graphql-response+json",
                Format::Json,
            ),
            (
                "application/graphql-response+json;q=0.5, application/json",
                Format::Json,
            ),
            ("application/graphql-response+json;q=0, */*", Format::Json),
            ("text/event-stream", Format::EventStream),
            ("application/json, text/event-stream", Format::Json),
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
                Format::Parts,
            ),
            (
                "multipart/mixed;deferSpec=20220824,application/json",
                Format::Json,
            ),
            ("*/*", Format::Json),
            ("text/html", Format::Json),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
        assert_eq!(Format::accepted(&HeaderMap::new()), Format::Json);
    }
}

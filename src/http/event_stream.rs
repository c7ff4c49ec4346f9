//! The results of an operation as the stream that answers its request: as Server-Sent Events, in the
//! distinct connections mode of GraphQL over SSE
//! (<https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md>), or as the parts of
//! Apollo's protocol for subscriptions
//! (<https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol>).

use std::convert::Infallible;
use std::time::Duration;

use async_graphql::Response as Answer;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::future::Either;
use futures::{Stream, StreamExt, stream};
use tokio::time::timeout;

use super::auth::Caller;
use super::operation_span::RequestInfo;
use super::{AppState, operations, reply};
use crate::graphql::{Operation, OperationKind};

/// Asks nginx, and proxies that follow it, to pass on each result at once.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

/// How results are told from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Server-Sent Events.
    Events,
    /// Parts of `multipart/mixed`. Each ends with the boundary, so that a client need not wait for the
    /// next one.
    Parts,
}

impl Framing {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Events => "text/event-stream",
            Self::Parts => "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0",
        }
    }

    /// Whether this is the media type of a stream.
    pub(super) fn is_streamed(media_type: &HeaderValue) -> bool {
        [Self::Events, Self::Parts]
            .into_iter()
            .any(|framing| media_type == framing.media_type())
    }

    /// What comes before the first result.
    const fn opening(self) -> &'static str {
        match self {
            Self::Events => "",
            Self::Parts => "--graphql",
        }
    }

    fn next(self, answer: &Answer) -> String {
        // Serialising an answer to a string cannot fail; line breaks in it are escaped.
        let json = serde_json::to_string(&reply::Body::of(answer)).unwrap_or_default();
        match self {
            Self::Events => format!("event: next\ndata: {json}\n\n"),
            Self::Parts => part(&format!("{{\"payload\":{json}}}")),
        }
    }

    /// Sent while there are no results.
    fn idle(self) -> String {
        match self {
            Self::Events => ":\n\n".to_owned(),
            Self::Parts => part("{}"),
        }
    }

    /// What comes after the last result. Browsers ignore events without a line of data.
    const fn complete(self) -> &'static str {
        match self {
            Self::Events => "event: complete\ndata:\n\n",
            Self::Parts => "--\r\n",
        }
    }
}

/// A part behind a boundary, and the next boundary.
fn part(json: &str) -> String {
    format!("\r\ncontent-type: application/json\r\n\r\n{json}\r\n--graphql")
}

/// Runs an operation and answers with its results. The operation ends with the connection.
pub(super) fn run(
    framing: Framing,
    state: &AppState,
    info: &RequestInfo,
    caller: &Caller,
    operation: Operation,
) -> Response {
    let is_subscription = operation.kind() == OperationKind::Subscription;
    let open = (state.shutdown().busy(), state.metrics().event_stream());
    let events = events(framing, operations::stream(state, info, caller, operation));
    let events = if is_subscription {
        // Without `complete`, so that clients connect again and subscribe to the next server.
        let shutdown = state.shutdown().clone();
        Either::Left(events.take_until(async move { shutdown.requested().await }))
    } else {
        Either::Right(events)
    };
    let events = events.map(move |event| {
        let _open = &open;
        event
    });
    response(
        framing,
        kept_alive(framing, events, state.settings().keep_alive),
    )
}

/// The response with a result that is known already, as an event.
pub(super) fn whole(answer: Answer) -> Response {
    let framing = Framing::Events;
    response(framing, events(framing, stream::iter([answer])))
}

fn response(framing: Framing, events: impl Stream<Item = String> + Send + 'static) -> Response {
    let media_type = HeaderValue::from_static(framing.media_type());
    let opening = stream::iter([framing.opening().to_owned()]);
    let body = opening.chain(events).map(Ok::<_, Infallible>);
    let headers = [(CONTENT_TYPE, media_type), UNBUFFERED];
    (headers, Body::from_stream(body)).into_response()
}

/// Each result, and the end.
fn events(
    framing: Framing,
    answers: impl Stream<Item = Answer> + Send + 'static,
) -> impl Stream<Item = String> + Send + 'static {
    answers
        .map(move |answer| framing.next(&answer))
        .chain(stream::once(async move { framing.complete().to_owned() }))
}

/// The events, and a keep-alive message after each `interval` without an event.
fn kept_alive(
    framing: Framing,
    events: impl Stream<Item = String> + Send + 'static,
    interval: Duration,
) -> impl Stream<Item = String> + Send + 'static {
    stream::unfold(Box::pin(events), move |mut events| async move {
        match timeout(interval, events.next()).await {
            Ok(event) => event.map(|event| (event, events)),
            Err(_) => Some((framing.idle(), events)),
        }
    })
}

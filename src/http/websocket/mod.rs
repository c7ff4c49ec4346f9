//! GraphQL over WebSocket: `graphql-transport-ws`, and the older `graphql-ws`.

mod protocol;
mod session;
mod socket;

use axum::extract::WebSocketUpgrade;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tracing::{Instrument, Span};

use self::protocol::Protocol;
use super::AppState;
use super::operation_span::RequestInfo;
use super::reply::Format;
use crate::graphql::ApiError;

/// Upgrades a connection that requests a supported protocol. Errors of its operations have the
/// request id of the handshake, and their spans its parent.
pub(super) fn upgrade(
    state: AppState,
    headers: &HeaderMap,
    info: RequestInfo,
    upgrade: WebSocketUpgrade,
) -> Response {
    let format = Format::accepted(headers);
    let limit = state.settings().max_body_bytes;
    let Some(protocol) = Protocol::chosen(headers) else {
        let names = Protocol::ALL.map(Protocol::name).join(" or ");
        let error = ApiError::bad_input(format_args!("Sec-WebSocket-Protocol must be {names}"));
        return format.refusal(StatusCode::BAD_REQUEST, error);
    };
    // A browser cannot send headers with a WebSocket. Other clients can; an unknown token is then
    // refused at the handshake.
    let caller = match state.settings().tokens.of_headers(headers) {
        Ok(caller) => caller,
        Err(error) => return format.refuse(error),
    };
    let session = session::Session::new(state.clone(), protocol, caller, info);
    let (busy, open) = (state.shutdown().busy(), state.metrics().websocket());
    let upgrade = upgrade
        .protocols([protocol.name()])
        .max_message_size(limit)
        .max_frame_size(limit);
    // The connection is served by a task of its own; its lines in the log name the handshake.
    let span = Span::current();
    upgrade.on_upgrade(move |socket| {
        async move {
            socket::run(socket, session, &state).await;
            drop((busy, open));
        }
        .instrument(span)
    })
}

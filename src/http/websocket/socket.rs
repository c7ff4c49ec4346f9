use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use tokio::time::{Instant, MissedTickBehavior};

use super::protocol::Close;
use super::session::Session;
use crate::http::AppState;

/// Maximum time to send a message to a client that does not read.
const SEND: Duration = Duration::from_secs(30);

/// Maximum time for the closing handshake.
const CLOSING: Duration = Duration::from_secs(2);

/// The client has disconnected or does not read.
struct Gone;

/// Exchanges messages until the client or the server closes the connection.
pub(super) async fn run(mut socket: WebSocket, mut session: Session, state: &AppState) {
    let Ok(close) = converse(&mut socket, &mut session, state).await else {
        return;
    };
    // Stops the running operations before the client is notified.
    let protocol = session.protocol();
    drop(session);
    tracing::debug!(
        code = close.code,
        reason = close.reason,
        "closing the WebSocket"
    );
    let farewell = async {
        if let Some(text) = protocol.farewell(&close) {
            send(&mut socket, Message::Text(text.into())).await?;
        }
        let frame = CloseFrame {
            code: close.code,
            reason: cut(&close.reason).into(),
        };
        send(&mut socket, Message::Close(Some(frame))).await?;
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<(), Gone>(())
    };
    // If the handshake does not complete, there is nothing left to do.
    let _ = tokio::time::timeout(CLOSING, farewell).await;
}

async fn converse(
    socket: &mut WebSocket,
    session: &mut Session,
    state: &AppState,
) -> Result<Close, Gone> {
    let settings = state.settings();
    let deadline = Instant::now() + settings.connection_init;
    let mut ping =
        tokio::time::interval_at(Instant::now() + settings.keep_alive, settings.keep_alive);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_message = Instant::now();
    loop {
        tokio::select! {
            message = socket.recv() => {
                last_message = Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => match session.receive(&text) {
                        Ok(messages) => {
                            for text in messages {
                                send(socket, Message::Text(text.into())).await?;
                            }
                        }
                        Err(close) => return Ok(close),
                    },
                    Some(Ok(Message::Binary(_))) => {
                        return Ok(Close::new(4400, "Messages must be text"));
                    }
                    // `axum` answers pings.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Err(error)) if is_too_large(&error) => {
                        let limit = settings.max_body_bytes;
                        let reason = format!("the message exceeds the limit of {limit} bytes");
                        return Ok(Close::new(1009, reason));
                    }
                    Some(Ok(Message::Close(_))) => {
                        finish(socket).await;
                        return Err(Gone);
                    }
                    Some(Err(_)) | None => return Err(Gone),
                }
            }
            event = session.event() => {
                if let Some(text) = session.say(event) {
                    send(socket, Message::Text(text.into())).await?;
                }
            }
            _ = ping.tick() => {
                // Every client answers pings; browsers do so without involving the page.
                if last_message.elapsed() > settings.keep_alive * 3 {
                    return Err(Gone);
                }
                send(socket, Message::Ping(axum::body::Bytes::new())).await?;
            }
            () = tokio::time::sleep_until(deadline), if !session.is_initialised() => {
                return Ok(Close::new(4408, "Connection initialisation timeout"));
            }
            () = state.shutdown().requested() => {
                return Ok(Close::new(1001, "the server is shutting down"));
            }
        }
    }
}

/// Completes the closing handshake that the client has begun: reading on sends the reply. Without it,
/// the client takes the connection for broken.
async fn finish(socket: &mut WebSocket) {
    let finished = async { while let Some(Ok(_)) = socket.recv().await {} };
    // If the client does not wait for the reply, there is nothing left to do.
    let _ = tokio::time::timeout(CLOSING, finished).await;
}

/// Whether a message or a frame exceeds the size limit of the socket.
fn is_too_large(error: &axum::Error) -> bool {
    let source = std::error::Error::source(error);
    source
        .is_some_and(|error| matches!(error.downcast_ref(), Some(tungstenite::Error::Capacity(_))))
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Gone> {
    match tokio::time::timeout(SEND, socket.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Gone),
    }
}

/// Cuts the reason for closing to 123 bytes, the maximum in a close frame.
fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

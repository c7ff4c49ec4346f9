//! One TCP connection: its time-outs when idle, for the headers of a request, and for a client that
//! does not read a response; and how it is closed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Sleep;

use super::HttpSettings;

/// Maximum time and number of bytes for which the server reads on after it has closed its side.
const LINGER: Duration = Duration::from_secs(5);
const LINGER_BYTES: usize = 64 << 20;

/// The event that the server waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The first byte of the next request.
    Idle,
    /// The rest of a request's headers.
    Headers,
    /// A request is being answered; the limits on its body and its execution apply.
    Busy,
    /// The client must read the rest of a complete response; the limit on writes applies.
    Sending,
}

/// The current phase of a connection.
#[derive(Debug, Clone)]
pub(super) struct Activity(watch::Sender<Phase>);

impl Activity {
    /// The phase of a new connection, on which nothing has arrived yet.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Phase::Headers))
    }

    fn received(&self) {
        self.0.send_if_modified(|phase| {
            let begins = *phase == Phase::Idle;
            if begins {
                *phase = Phase::Headers;
            }
            begins
        });
    }

    /// A write waits for the client, or has completed.
    fn sending(&self, waits: bool) {
        let (from, to) = if waits {
            (Phase::Idle, Phase::Sending)
        } else {
            (Phase::Sending, Phase::Idle)
        };
        self.0.send_if_modified(|phase| {
            let changes = *phase == from;
            if changes {
                *phase = to;
            }
            changes
        });
    }

    /// The headers of a request are complete; the request is being answered until the guard is
    /// dropped.
    pub(super) fn busy(&self) -> Busy {
        self.0.send_replace(Phase::Busy);
        Busy(self.0.clone())
    }

    /// Completes when the connection has been idle for too long, or the headers of a request have
    /// taken too long. Returns which of the two.
    pub(super) async fn overdue(&self, settings: &HttpSettings) -> &'static str {
        let mut phase = self.0.subscribe();
        loop {
            let (limit, what) = match *phase.borrow_and_update() {
                Phase::Idle => (settings.connection_idle, "idle"),
                Phase::Headers => (settings.header_read, "headers"),
                Phase::Busy | Phase::Sending => (Duration::MAX, "busy"),
            };
            if tokio::time::timeout(limit, phase.changed()).await.is_err() {
                return what;
            }
        }
    }
}

/// Guard of a request that is being answered.
pub(super) struct Busy(watch::Sender<Phase>);

impl Busy {
    /// Ties the guard to the response: the request ends when the body has been sent.
    pub(super) fn until_sent(self, response: Response<Body>) -> Response<Answer> {
        response.map(|body| Answer { body, _busy: self })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_replace(Phase::Idle);
    }
}

/// The body of a response, which keeps its connection busy.
pub(super) struct Answer {
    body: Body,
    _busy: Busy,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The socket of a connection.
///
/// If a socket is closed while bytes of the client are unread, for example after a request that was
/// refused before its body was read, the connection is reset and the client may never see the
/// response. Therefore, on drop, the server first closes its side and discards incoming bytes for a
/// while.
pub(super) struct Connection {
    /// `None` only after the drop.
    socket: Option<TcpStream>,
    permit: Option<OwnedSemaphorePermit>,
    activity: Activity,
    write_stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    /// The client has closed its side, or the connection is broken.
    ended: bool,
}

impl Connection {
    /// Holds the permit until the connection is closed.
    pub(super) fn new(
        socket: TcpStream,
        permit: OwnedSemaphorePermit,
        activity: Activity,
        settings: &HttpSettings,
    ) -> Self {
        Self {
            socket: Some(socket),
            permit: Some(permit),
            activity,
            write_stall: settings.write_stall,
            stalled: None,
            ended: false,
        }
    }

    fn socket(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let socket = self.socket.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(socket))
    }

    /// The outcome of a write; `TimedOut` if the client has read nothing for too long.
    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.activity.sending(outcome.is_pending());
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let limit = self.write_stall;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(stalled.as_mut().poll(cx));
        self.ended = true;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(self.socket()?.poll_read(cx, buffer));
        if outcome.is_ok() && buffer.filled().len() > before {
            self.activity.received();
        } else if buffer.remaining() > 0 {
            self.ended = true;
        }
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.socket()?.poll_write(cx, bytes);
        self.written(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.socket()?.poll_write_vectored(cx, slices);
        self.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket()?.poll_shutdown(cx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let (Some(socket), permit) = (self.socket.take(), self.permit.take()) else {
            return;
        };
        if self.ended {
            return;
        }
        // Without a runtime, the process is exiting.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                // If the client has disconnected, there is nothing to do.
                let _ = tokio::time::timeout(LINGER, linger(socket)).await;
                drop(permit);
            });
        }
    }
}

async fn linger(mut socket: TcpStream) -> io::Result<()> {
    socket.shutdown().await?;
    let mut buffer = vec![0; 16 << 10];
    let mut left = LINGER_BYTES;
    loop {
        let read = socket.read(&mut buffer).await?;
        left = left.saturating_sub(read);
        if read == 0 || left == 0 {
            return Ok(());
        }
    }
}

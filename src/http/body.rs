//! Request bodies as streams.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep};

use crate::graphql::{ApiError, Code};

/// Why reading a body failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Broken(axum::Error),
    /// The client sent nothing for too long.
    #[error("nothing arrived for {0:?}")]
    Idle(Duration),
    /// The body did not arrive before its deadline.
    #[error("the request did not arrive within {0:?}")]
    Late(Duration),
    /// The client sent files below the minimum rate.
    #[error("fewer than {} bytes per second arrived for {:?}", .0.bytes_per_second, .0.window)]
    Slow(Rate),
    /// More bytes than allowed arrived.
    #[error("the size limit is exceeded")]
    TooLarge,
}

impl BodyError {
    /// Whether the client took too long.
    pub(super) const fn is_timeout(&self) -> bool {
        matches!(self, Self::Idle(_) | Self::Late(_) | Self::Slow(_))
    }
}

/// The minimum rate at which a client must send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Minimum bytes per second, averaged over the window.
    pub bytes_per_second: u64,
    /// Length of the averaging window; only time spent waiting for the client counts.
    pub window: Duration,
}

/// Time limits for the body of a request.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Maximum time in which nothing arrives.
    pub idle: Duration,
    /// Maximum time for data that is held in memory: a JSON body, or the parts of a multipart
    /// request that precede its files.
    pub small: Duration,
    /// The minimum rate for files.
    pub files: Rate,
}

/// The bytes of a body, as a stream that yields one chunk per poll and limits the number of bytes
/// and the waiting time.
///
/// The multipart parser reads all bytes that are ready before it returns any, so that memory would
/// grow with a fast client and a slow disk; and it searches the end of a part's headers without a
/// limit. This stream bounds both.
pub(super) struct Incoming {
    shared: Shared,
    timeout: Patience,
    waiting: Option<Waiting>,
    /// Bytes and waiting time since the window of the rate began.
    window: Window,
    rest: bool,
}

/// A wait for the client, and when it began.
struct Waiting {
    since: Instant,
    wake: Pin<Box<Sleep>>,
}

#[derive(Default)]
struct Window {
    waited: Duration,
    bytes: u64,
}

/// The same body, for the code that sets its limits.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

struct State {
    body: BodyDataStream,
    allowed: u64,
    deadline: Option<Instant>,
    /// The limits are new: earlier measurements are discarded.
    renewed: bool,
}

impl Incoming {
    /// Reads `body`; no bytes are allowed until [`Shared::allow`] is called.
    pub(super) fn new(body: Body, timeout: Patience) -> (Shared, Self) {
        let state = State {
            body: body.into_data_stream(),
            allowed: 0,
            deadline: None,
            renewed: false,
        };
        let shared = Shared(Arc::new(Mutex::new(state)));
        (
            shared.clone(),
            Self {
                shared,
                timeout,
                waiting: None,
                window: Window::default(),
                rest: false,
            },
        )
    }
}

impl Stream for Incoming {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rest) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let this = &mut *self;
        let shared = Arc::clone(&this.shared.0);
        let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.renewed) {
            this.waiting = None;
            this.window = Window::default();
        }
        match state.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.rest = true;
                Poll::Ready(Some(this.received(&mut state, chunk)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Broken(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => this.wait(state.deadline, cx).map(|error| Some(Err(error))),
        }
    }
}

impl Incoming {
    fn received(&mut self, state: &mut State, chunk: Bytes) -> Result<Bytes, BodyError> {
        let bytes = chunk.len() as u64;
        state.allowed = state
            .allowed
            .checked_sub(bytes)
            .ok_or(BodyError::TooLarge)?;
        let waited = self.waiting.take().map(|waiting| waiting.since.elapsed());
        if let Some(deadline) = state.deadline {
            if Instant::now() >= deadline {
                return Err(BodyError::Late(self.timeout.small));
            }
            return Ok(chunk);
        }
        let rate = self.timeout.files;
        self.window.bytes += bytes;
        self.window.waited += waited.unwrap_or_default();
        if self.window.waited >= rate.window {
            let window = std::mem::take(&mut self.window);
            let least = window.waited.as_secs_f64() * rate.bytes_per_second as f64;
            if (window.bytes as f64) < least {
                return Err(BodyError::Slow(rate));
            }
        }
        Ok(chunk)
    }

    /// Waits for the client; ready with an error when a time limit is exceeded.
    fn wait(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<BodyError> {
        let idle = self.timeout.idle;
        let waiting = self.waiting.get_or_insert_with(|| {
            let since = Instant::now();
            let end = deadline.map_or(since + idle, |deadline| deadline.min(since + idle));
            Waiting {
                since,
                wake: Box::pin(tokio::time::sleep_until(end)),
            }
        });
        waiting.wake.as_mut().poll(cx).map(|()| {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                BodyError::Late(self.timeout.small)
            } else {
                BodyError::Idle(idle)
            }
        })
    }
}

impl Shared {
    /// Allows this many bytes from now on, until the deadline; without a deadline, at the minimum
    /// rate for files.
    pub(super) fn allow(&self, bytes: u64, deadline: Option<Instant>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.allowed = bytes;
        state.deadline = deadline;
        state.renewed = true;
    }
}

/// Reads the whole body; an error if it exceeds `limit` bytes.
pub(super) async fn whole(
    body: Body,
    limit: usize,
    timeout: Patience,
) -> Result<Vec<u8>, BodyError> {
    let (shared, mut incoming) = Incoming::new(body, timeout);
    shared.allow(limit as u64, Some(Instant::now() + timeout.small));
    let mut bytes = Vec::new();
    while let Some(chunk) = incoming.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// The error for a body, or a part of one, that could not be read.
pub(super) fn broken(error: &BodyError, limit: usize) -> ApiError {
    match error {
        BodyError::TooLarge => ApiError::new(
            Code::TooLarge,
            format!("the request exceeds the limit of {limit} bytes"),
        ),
        error if error.is_timeout() => ApiError::new(Code::Timeout, error.to_string()),
        error => ApiError::bad_input(error),
    }
}

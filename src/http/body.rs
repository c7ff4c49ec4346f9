//! Bodies of requests, as streams.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep};

/// Why a body could not be read on.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(axum::Error),
    /// The client sent nothing for too long.
    #[error("nothing arrived for {0:?}")]
    Idle(Duration),
    /// The client took too long.
    #[error("the request did not arrive within {0:?}")]
    Late(Duration),
    /// The client sent too little.
    #[error("fewer than {} bytes per second arrived for {:?}", .0.bytes_per_second, .0.window)]
    Slow(Rate),
    /// More bytes than were allowed.
    #[error("too many bytes")]
    TooLarge,
}

impl BodyError {
    /// Whether the client took too long.
    pub(super) const fn is_timeout(&self) -> bool {
        matches!(self, Self::Idle(_) | Self::Late(_) | Self::Slow(_))
    }
}

/// How fast a client must send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Bytes per second at least, on average over the window.
    pub bytes_per_second: u64,
    /// The time that is averaged over: of the time spent waiting for the client.
    pub window: Duration,
}

/// How long a client may take to send a body.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long it may send nothing.
    pub idle: Duration,
    /// How long it may take for what is read whole: a JSON body, or the parts of a multipart
    /// request that come before its files.
    pub small: Duration,
    /// The least rate for files.
    pub files: Rate,
}

/// The bytes of a body, chunk by chunk: never more than one chunk at a time, never more bytes than
/// allowed, never a wait without end.
///
/// The parser of multipart bodies takes in all that it can get before it gives anything away, so
/// that memory would grow with a fast client and a slow disk; and it looks for the end of a part's
/// headers without a limit. Both are kept in bounds here.
pub(super) struct Incoming {
    shared: Shared,
    patience: Patience,
    waiting: Option<Waiting>,
    /// What was received since the window of the rate began.
    window: Window,
    rest: bool,
}

/// Since when nothing has arrived.
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
    /// The limits are new: what was measured before does not count.
    renewed: bool,
}

impl Incoming {
    /// Reads `body`; nothing is allowed until [`Shared::allow`] says so.
    pub(super) fn new(body: Body, patience: Patience) -> (Shared, Self) {
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
                patience,
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
                return Err(BodyError::Late(self.patience.small));
            }
            return Ok(chunk);
        }
        let rate = self.patience.files;
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

    /// Waits for the client; an error when it has taken too long.
    fn wait(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<BodyError> {
        let idle = self.patience.idle;
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
                BodyError::Late(self.patience.small)
            } else {
                BodyError::Idle(idle)
            }
        })
    }
}

impl Shared {
    /// Allows that many bytes from now on, until the deadline, or else at the rate of files.
    pub(super) fn allow(&self, bytes: u64, deadline: Option<Instant>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.allowed = bytes;
        state.deadline = deadline;
        state.renewed = true;
    }
}

/// The whole body, where it is not larger than `limit`.
pub(super) async fn whole(
    body: Body,
    limit: usize,
    patience: Patience,
) -> Result<Vec<u8>, BodyError> {
    let (shared, mut incoming) = Incoming::new(body, patience);
    shared.allow(limit as u64, Some(Instant::now() + patience.small));
    let mut bytes = Vec::new();
    while let Some(chunk) = incoming.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

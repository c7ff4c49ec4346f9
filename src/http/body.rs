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
    /// More bytes than were allowed.
    #[error("too many bytes")]
    TooLarge,
}

/// The bytes of a body, chunk by chunk: never more than one chunk at a time, never more bytes than
/// allowed, never a wait without end.
///
/// The parser of multipart bodies takes in all that it can get before it gives anything away, so
/// that memory would grow with a fast client and a slow disk; and it looks for the end of a part's
/// headers without a limit. Both are kept in bounds here.
pub(super) struct Incoming {
    shared: Shared,
    idle: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    rest: bool,
}

/// The same body, for those who steer it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<State>>);

struct State {
    body: BodyDataStream,
    allowed: u64,
}

impl Incoming {
    /// Reads `body`; nothing is allowed until [`Shared::allow`] says so.
    pub(super) fn new(body: Body, idle: Duration) -> (Shared, Self) {
        let state = State {
            body: body.into_data_stream(),
            allowed: 0,
        };
        let shared = Shared(Arc::new(Mutex::new(state)));
        (
            shared.clone(),
            Self {
                shared,
                idle,
                waiting: None,
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
        let mut state = this.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.waiting = None;
                this.rest = true;
                state.allowed = match state.allowed.checked_sub(chunk.len() as u64) {
                    Some(left) => left,
                    None => return Poll::Ready(Some(Err(BodyError::TooLarge))),
                };
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Broken(error)))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let idle = this.idle;
                let waiting = this.waiting.get_or_insert_with(|| {
                    Box::pin(tokio::time::sleep_until(Instant::now() + idle))
                });
                waiting
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(BodyError::Idle(idle))))
            }
        }
    }
}

impl Shared {
    /// Allows that many bytes from now on.
    pub(super) fn allow(&self, bytes: u64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .allowed = bytes;
    }

    /// Takes in and forgets what still comes, for a while: a connection that is closed with bytes
    /// unread may take the answer with it before the client has seen it.
    pub(super) fn linger(self) {
        tokio::spawn(tokio::time::timeout(LINGER, async move {
            let mut left = LINGER_BYTES;
            let chunk = || {
                std::future::poll_fn(|cx| {
                    self.0
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .body
                        .poll_next_unpin(cx)
                })
            };
            while let Some(Ok(chunk)) = chunk().await {
                left = match left.checked_sub(chunk.len()) {
                    Some(left) => left,
                    None => return,
                };
            }
        }));
    }
}

const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: usize = 64 << 20;

/// The whole body, where it is not larger than `limit`.
pub(super) async fn whole(body: Body, limit: usize, idle: Duration) -> Result<Vec<u8>, BodyError> {
    let (shared, mut incoming) = Incoming::new(body, idle);
    shared.allow(limit as u64);
    let mut bytes = Vec::new();
    while let Some(chunk) = incoming.next().await {
        match chunk {
            Ok(chunk) => bytes.extend_from_slice(&chunk),
            Err(error) => {
                shared.linger();
                return Err(error);
            }
        }
    }
    Ok(bytes)
}

/// Takes in and forgets a body that nobody wants.
pub(super) fn discard(body: Body) {
    Incoming::new(body, LINGER).0.linger();
}

//! Admission: costly questions wait for a permit, so that they do not starve cheap ones.
//!
//! What a question costs is known for certain only while it reads. So each begins as a cheap one,
//! on the async threads, with a budget of work ([`Meter`]). Most end within it. One that uses it up
//! needs a *permit*, of which there are few. Where one is free, the question goes on from where it
//! is, on a thread of its own that has stepped back. Otherwise it gives its connection back, waits
//! in the order of arrival, and starts anew in a new snapshot: an answer is one state, and a snapshot
//! that waits would hold a connection, and the log of SQLite.
//!
//! Whoever asks drops the future when it goes away or is timed out; then the question leaves the
//! queue, or stops at its next row.

use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::AnalyticsError;
use super::admission_metrics::{AdmissionMetrics, Cost};
use super::queue::{Queue, Turn};
use crate::store::{Meter, QUESTIONS, Snapshot, Store};
use crate::threads::step_back;

/// Bytes that a question may read before it counts as costly: one or two milliseconds of work, so
/// that a hundred that begin at once are told apart within a fraction of a second.
const BUDGET: u64 = 256 << 10;
/// Costly questions that run at the same time, however many cores there are.
const MAX_PERMITS: usize = 4;
/// Cheap questions that run at the same time. With those that are costly they never wait for a
/// connection.
const PLACES: usize = QUESTIONS as usize - MAX_PERMITS;
/// Costly questions that may wait.
const MAX_WAITING: usize = 1_000;

/// Lets questions read: cheap ones at once, costly ones by permits.
pub(super) struct Admission {
    store: Store,
    cheap: Queue,
    costly: Queue,
    metrics: AdmissionMetrics,
}

/// The first attempt of a question: a snapshot that may be read for a small budget.
pub(super) struct Attempt {
    pub(super) snapshot: Snapshot,
    meter: Arc<Meter>,
    turn: Turn,
}

impl Attempt {
    /// Gives the connection and the place back.
    pub(super) async fn close(self) {
        self.snapshot.close().await;
    }
}

impl Admission {
    /// Questions to a store, which wait so long for their turn at most. There is a permit for each
    /// core: where cheap questions want one, the threads of costly ones stand back.
    pub(super) fn new(store: Store, patience: Duration) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let permits = cores.min(MAX_PERMITS);
        let metrics = AdmissionMetrics::default();
        let queue = |cost, permits, room| Queue::new(permits, room, patience, metrics.of(cost));
        Self {
            store,
            cheap: queue(Cost::Cheap, PLACES, usize::MAX),
            costly: queue(Cost::Costly, permits, MAX_WAITING),
            metrics,
        }
    }

    pub(super) fn register_metrics(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Waits for the place of a cheap question, and takes a snapshot.
    pub(super) async fn begin(&self) -> Result<Attempt, AnalyticsError> {
        let turn = self.cheap.turn().await?;
        let meter = Arc::new(Meter::new(BUDGET));
        let snapshot = self.store.metered(Arc::clone(&meter)).await?;
        Ok(Attempt {
            snapshot,
            meter,
            turn,
        })
    }

    /// Answers a question; `ask` is called once more where the question has to wait for a permit.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        attempt: Attempt,
        ask: impl Fn(Snapshot) -> BoxFuture<'static, Result<T, AnalyticsError>>,
    ) -> Result<T, AnalyticsError> {
        let Attempt {
            snapshot,
            meter,
            turn,
        } = attempt;
        let mut question = ask(snapshot);
        tokio::select! {
            biased;
            answer = &mut question => return answer,
            () = meter.exceeded() => {}
        }
        let permit = if let Some(permit) = self.costly.free_turn() {
            drop(turn);
            meter.lift();
            permit
        } else {
            drop(question);
            drop(turn);
            let permit = self.costly.turn().await?;
            question = ask(self.store.snapshot().await?);
            permit
        };
        on_a_thread(question, permit).await
    }
}

/// Runs a question on a thread that has stepped back, and holds its turn until it has really
/// ended. The question is dropped when nobody waits for its answer any more.
async fn on_a_thread<T: Send + 'static>(
    question: BoxFuture<'static, Result<T, AnalyticsError>>,
    turn: Turn,
) -> Result<T, AnalyticsError> {
    let runtime = Handle::current();
    let (mut sender, answer) = oneshot::channel();
    let question = AssertUnwindSafe(question).catch_unwind().in_current_span();
    let work = async move {
        tokio::select! {
            biased;
            () = sender.closed() => {}
            answer = question => drop(sender.send(answer)),
        }
    };
    thread::Builder::new()
        .name("costly".to_owned())
        .spawn(move || {
            step_back();
            runtime.block_on(work);
            drop(turn);
        })
        .map_err(AnalyticsError::Thread)?;
    match answer.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => resume_unwind(panic),
        // The runtime is shutting down.
        Err(_) => Err(AnalyticsError::Thread(io::Error::other(
            "the program is shutting down",
        ))),
    }
}

//! Admission: costly questions wait for a permit, so that they do not starve cheap ones.
//!
//! The cost of a question is known for certain only while it reads. So each question begins as a
//! cheap one, on the async threads, with a budget of work ([`Meter`]). Most questions end within
//! it. A question that exceeds its budget needs a *permit*, of which there are few. If a permit is
//! free, the question continues from where it is, on a thread of its own with a lower priority.
//! Otherwise it releases its connection, waits in the order of arrival, and starts again in a new
//! snapshot: an answer is one state, and a snapshot that waits would hold a connection, and the log
//! of SQLite.
//!
//! When a client disconnects or its request times out, the future is dropped; then the question
//! leaves the queue, or stops at its next row.

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

/// Bytes that a question may read before it counts as costly: 1 or 2 ms of work, so that 100
/// questions that begin at once are classified within a fraction of a second.
const BUDGET: u64 = 256 << 10;
/// Maximum number of costly questions that run at the same time, on any number of cores.
const MAX_PERMITS: usize = 4;
/// Maximum number of cheap questions that run at the same time. Cheap and costly questions together
/// never wait for a connection.
const PLACES: usize = QUESTIONS as usize - MAX_PERMITS;
/// Maximum number of costly questions that wait.
const MAX_WAITING: usize = 1_000;

/// Admits questions: cheap ones at once, costly ones by permits.
pub(super) struct Admission {
    store: Store,
    cheap: Queue,
    costly: Queue,
    metrics: AdmissionMetrics,
}

/// The first attempt of a question: a snapshot, and a small budget to read it.
pub(super) struct Attempt {
    pub(super) snapshot: Snapshot,
    meter: Arc<Meter>,
    turn: Turn,
}

impl Attempt {
    /// Releases the connection and the turn.
    pub(super) async fn close(self) {
        self.snapshot.close().await;
    }
}

impl Admission {
    /// Questions to a store that wait up to `timeout` for their turn. There is a permit for each
    /// core, up to [`MAX_PERMITS`]: where cheap questions want a core, the threads of costly ones
    /// have a lower priority.
    pub(super) fn new(store: Store, timeout: Duration) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let permits = cores.min(MAX_PERMITS);
        let metrics = AdmissionMetrics::default();
        let queue = |cost, permits, room| Queue::new(permits, room, timeout, metrics.of(cost));
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

    /// Waits for the turn of a cheap question, and takes a snapshot.
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

    /// Answers a question; `ask` is called a second time if the question has to wait for a permit.
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

/// Runs a question on a thread with a lower priority, and holds its turn until its work has really
/// ended. The question is dropped when no request waits for its answer any more.
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

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
use super::work::Work;
use crate::store::{EXPORTS, Error, Meter, QUESTIONS, Snapshot, Store};
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
    exports: Queue,
    metrics: AdmissionMetrics,
}

/// The first attempt of a question: a snapshot, and a small budget to read it.
pub(super) struct Attempt {
    pub(super) snapshot: Snapshot,
    meter: Arc<Meter>,
    turn: Turn,
}

impl Attempt {
    /// The work so far.
    pub(super) fn work(&self) -> Work {
        Work::of(&self.meter)
    }

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
            exports: queue(Cost::Export, EXPORTS as usize, MAX_WAITING),
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
        let snapshot = self.store.question(Arc::clone(&meter)).await?;
        Ok(Attempt {
            snapshot,
            meter,
            turn,
        })
    }

    /// Waits for the turn of an export, and runs it on a thread of its own. Exports have a queue of
    /// their own because they take as long as the client that reads them. They read from the primary:
    /// a replica cancels what takes long, and rows that were handed on cannot be taken back.
    pub(super) async fn export(
        &self,
        read: impl FnOnce(Snapshot) -> BoxFuture<'static, Result<(), AnalyticsError>>,
    ) -> Result<(), AnalyticsError> {
        let turn = self.exports.turn().await?;
        on_a_thread(read(self.store.snapshot().await?), turn).await
    }

    /// Answers a question from a snapshot. If that is a replica's, and the replica fails, falls silent or
    /// cancels the question, it is asked again at the primary. If something was published on a cluster
    /// meanwhile, it is asked again while publishers wait.
    fn asked<T: Send + 'static>(
        &self,
        ask: impl Ask<T>,
        snapshot: Snapshot,
        meter: &Arc<Meter>,
    ) -> BoxFuture<'static, Result<T, AnalyticsError>> {
        let (store, meter) = (self.store.clone(), Arc::clone(meter));
        if snapshot.is_tentative() {
            return async move {
                match ask(snapshot).await {
                    Err(AnalyticsError::Store(Error::Crossed)) => {
                        ask(store.metered(meter).await?).await
                    }
                    answer => answer,
                }
            }
            .boxed();
        }
        let Some(replica) = snapshot.replica() else {
            return ask(snapshot);
        };
        async move {
            let error = tokio::select! {
                biased;
                answer = ask(snapshot) => match answer {
                    Err(AnalyticsError::Store(error)) => error,
                    answer => return answer,
                },
                error = replica.lost() => error,
            };
            replica.failed(&error);
            ask(store.metered(meter).await?).await
        }
        .boxed()
    }

    /// Answers a question, and says what it cost; `ask` is called a second time if the question has
    /// to wait for a permit.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        attempt: Attempt,
        ask: impl Ask<T>,
    ) -> Result<(T, Work), AnalyticsError> {
        let Attempt {
            snapshot,
            meter,
            turn,
        } = attempt;
        let mut question = self.asked(ask.clone(), snapshot, &meter);
        tokio::select! {
            biased;
            answer = &mut question => {
                return Ok((answer?, Work::of(&meter)));
            }
            () = meter.exceeded() => {}
        }
        let mut work = Work {
            costly: true,
            ..Work::default()
        };
        let (permit, meter) = if let Some(permit) = self.costly.free_turn() {
            drop(turn);
            meter.lift();
            (permit, meter)
        } else {
            drop(question);
            drop(turn);
            let permit = self.costly.turn().await?;
            // The first attempt was work, too.
            work = work.and(Work::of(&meter));
            let meter = Arc::new(Meter::unlimited());
            let snapshot = self.store.question(Arc::clone(&meter)).await?;
            question = self.asked(ask, snapshot, &meter);
            (permit, meter)
        };
        let answer = on_a_thread(question, permit).await?;
        Ok((answer, work.and(Work::of(&meter))))
    }
}

/// Begins to answer a question from a snapshot.
pub(super) trait Ask<T>:
    Fn(Snapshot) -> BoxFuture<'static, Result<T, AnalyticsError>> + Clone + Send + Sync + 'static
{
}

impl<T, F> Ask<T> for F where
    F: Fn(Snapshot) -> BoxFuture<'static, Result<T, AnalyticsError>>
        + Clone
        + Send
        + Sync
        + 'static
{
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

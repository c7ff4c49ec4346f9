//! One read replica: whether it can be asked, and what came of asking it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use entity::edition;
use tokio::time::{sleep, timeout};

use super::edition::Edition;
use super::postgres::{Standby, is_cancelled_by_replay};
use super::replica_metrics::{Fallback, ReplicaMetrics};
use super::snapshot::Snapshot;
use super::{Error, Meter, Store};
use crate::backoff::Backoff;

/// How long a replica that was behind is not asked.
const REST: Duration = Duration::from_millis(100);
/// How long a question waits for its first answer from a replica.
const FIRST_ANSWER: Duration = Duration::from_secs(1);
/// How often a replica is checked while questions read from it,
const CHECK: Duration = Duration::from_secs(1);
/// and how long it may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A hot standby that answers questions.
#[derive(Debug)]
pub struct Replica {
    pub(super) standby: Standby,
    pub(super) metrics: ReplicaMetrics,
    state: Mutex<State>,
    /// Questions that read from it.
    running: AtomicUsize,
    /// When it last answered a check, and the lock of that check.
    checked: tokio::sync::Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// It may be asked from this moment on.
    Answers(Instant),
    /// It did not answer. A task waits until it does.
    Away,
}

/// A question that reads from a replica, until this is dropped.
#[derive(Debug)]
pub(super) struct Reading(pub(super) Arc<Replica>);

impl Reading {
    fn begin(replica: &Arc<Replica>) -> Self {
        replica.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(replica))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    /// A replica that is asked as soon as it has answered for the first time.
    pub(super) fn open(standby: Standby, metrics: ReplicaMetrics) -> Arc<Self> {
        let replica = Arc::new(Self {
            standby,
            metrics,
            state: Mutex::new(State::Away),
            running: AtomicUsize::new(0),
            checked: tokio::sync::Mutex::default(),
        });
        replica.await_return();
        replica
    }

    /// Number of questions that read from it.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// A snapshot of this edition; `None` if the replica does not have it now.
    pub(super) async fn snapshot(
        self: &Arc<Self>,
        store: &Store,
        wanted: &edition::Model,
        meter: &Arc<Meter>,
    ) -> Option<Snapshot> {
        match self.state() {
            State::Away => {
                self.metrics.fell_back(Fallback::Away);
                return None;
            }
            State::Answers(from) if from > Instant::now() => {
                self.metrics.fell_back(Fallback::Behind);
                return None;
            }
            State::Answers(_) => {}
        }
        let reading = Reading::begin(self);
        let connection = self.standby.connection();
        let begun = async {
            let begun = store.begin_at(&connection, Arc::clone(meter), Some(reading));
            let snapshot = begun.await?;
            let edition = snapshot.edition().await?;
            Ok::<_, Error>((snapshot, edition))
        };
        match timeout(FIRST_ANSWER, begun).await {
            Ok(Ok((snapshot, edition))) if edition == Edition::from(wanted) => {
                self.metrics.asked();
                Some(snapshot)
            }
            Ok(Ok((snapshot, _))) => {
                snapshot.close().await;
                self.metrics.fell_back(Fallback::Behind);
                self.set(State::Answers(Instant::now() + REST));
                None
            }
            Ok(Err(error)) => {
                self.failed(&error);
                None
            }
            Err(_) => {
                self.failed(&self.silent());
                None
            }
        }
    }

    /// Takes note of a question that failed here, and is asked again at the primary.
    pub fn failed(self: &Arc<Self>, error: &Error) {
        let replica = self.standby.address();
        if error.driver().is_some_and(is_cancelled_by_replay) {
            tracing::debug!(replica, %error, "retrying a query on the primary");
            self.metrics.fell_back(Fallback::Cancelled);
            return;
        }
        self.metrics.fell_back(Fallback::Away);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Away) {
            tracing::warn!(replica, %error, "a read replica failed: the primary answers instead");
            *state = State::Away;
            self.await_return();
        }
    }

    /// Waits until the replica does not answer any more: a question would wait for it for ever. Checks
    /// it while questions read, and once for all of them.
    pub async fn lost(&self) -> Error {
        loop {
            sleep(CHECK).await;
            let mut checked = self.checked.lock().await;
            if checked.is_some_and(|checked| checked.elapsed() < CHECK) {
                continue;
            }
            match timeout(CHECK_TIMEOUT, self.standby.ping()).await {
                Ok(Ok(())) => *checked = Some(Instant::now()),
                Ok(Err(error)) => return error,
                Err(_) => return self.silent(),
            }
        }
    }

    /// Waits in the background until the replica answers.
    fn await_return(self: &Arc<Self>) {
        let replica = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
            loop {
                backoff.wait().await;
                let Some(replica) = replica.upgrade() else {
                    return;
                };
                if replica.standby.is_closed() {
                    return;
                }
                let address = replica.standby.address();
                match timeout(CHECK_TIMEOUT, replica.standby.ping()).await {
                    Ok(Ok(())) => {
                        tracing::info!(replica = address, "a read replica answers");
                        replica.set(State::Answers(Instant::now()));
                        return;
                    }
                    Ok(Err(error)) => {
                        tracing::debug!(replica = address, %error, "a read replica is unavailable");
                    }
                    Err(_) => tracing::debug!(replica = address, "a read replica is silent"),
                }
            }
        });
    }

    fn silent(&self) -> Error {
        Error::ReplicaSilent(self.standby.address().to_owned())
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

//! Read replicas: hot standbys of one PostgreSQL, which answer questions in place of the primary.
//!
//! A question reads the edition from the primary when it begins: whatever has succeeded by then is in
//! it. It is answered by a replica whose own snapshot has the same edition, and else by the primary.
//! So the answer is the one that the primary would have given, from one snapshot of one server, and a
//! replica that lags, or was promoted and has a history of its own, is not asked. A question that
//! fails at a replica is asked again at the primary, from the beginning.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use super::edition::{self, Edition};
use super::postgres::{self, Standby};
use super::replica::Replica;
use super::replica_metrics::ReplicasMetrics;
use super::snapshot::Snapshot;
use super::{Engine, Error, Meter, Store};

/// How long replicas may take to say how far they have come.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The read replicas of a store.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    all: Vec<Arc<Replica>>,
    metrics: ReplicasMetrics,
    /// Counts questions, so that replicas that are equally busy take turns.
    turns: AtomicUsize,
}

/// Whether a replica can answer questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplicaStatus {
    /// State, compared with the primary.
    pub state: ReplicaState,
    /// Age in seconds of the last transaction that it has replayed, 0 if it has replayed all; `None` if
    /// that is unknown.
    pub lag_seconds: Option<f64>,
}

/// State of a replica, compared with the primary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaState {
    /// The same trips are in the answers.
    Current,
    /// It has not replayed the latest publication or removal.
    Behind,
    /// It does not replay any more: it was promoted.
    Promoted,
    /// It does not answer.
    Away,
}

impl ReplicaState {
    /// Name of the state.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Promoted => "promoted",
            Self::Away => "away",
        }
    }
}

impl Replicas {
    /// All replicas, the least busy first.
    fn by_load(&self) -> Vec<&Arc<Replica>> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let mut all: Vec<_> = self.all.iter().collect();
        let count = all.len().max(1);
        all.rotate_left(turn % count);
        all.sort_by_key(|replica| replica.running());
        all
    }

    pub(super) async fn close(&self) {
        join_all(self.all.iter().map(|replica| replica.standby.close())).await;
    }
}

impl Store {
    /// The same store; its questions are answered by the replicas at these URLs, as far as they can.
    /// Replicas need not be up.
    pub fn with_replicas<'u>(self, urls: impl Iterator<Item = &'u str>) -> Result<Self, Error> {
        let mut replicas = Replicas::default();
        for url in urls {
            if !matches!(self.inner.engine, Engine::Postgres { citus: false }) {
                return Err(Error::NoReplicas);
            }
            let Some(("postgres" | "postgresql", _)) = url.split_once(':') else {
                return Err(Error::Unsupported(url.to_owned()));
            };
            let standby = Standby::open(url, self.program())?;
            let metrics = replicas.metrics.of(standby.address());
            replicas.all.push(Replica::open(standby, metrics));
        }
        Ok(Self {
            replicas: Arc::new(replicas),
            ..self
        })
    }

    /// A snapshot for the questions of one answer, from a replica or the primary. It has at least what
    /// had succeeded when this was called.
    pub async fn question(&self, meter: Arc<Meter>) -> Result<Snapshot, Error> {
        if !self.replicas.all.is_empty() {
            let edition = edition::read(&self.inner.reader).await?;
            for replica in self.replicas.by_load() {
                if let Some(snapshot) = replica.snapshot(self, &edition, &meter).await {
                    return Ok(snapshot);
                }
            }
        }
        self.tentative(meter).await
    }

    /// Registers the metrics of the replicas, if there are any.
    pub fn register_metrics(&self, registry: &mut Registry) {
        if !self.replicas.all.is_empty() {
            self.replicas.metrics.register(registry);
        }
    }

    /// How far the replicas have come, in the order in which they were named; their metrics are
    /// brought up to date, too.
    pub async fn observe_replicas(&self) -> Vec<ReplicaStatus> {
        let all = &self.replicas.all;
        if all.is_empty() {
            return Vec::new();
        }
        let primary = async {
            let reader = &self.inner.reader;
            // In this order: a replica that has replayed up to the position has the edition.
            let edition = edition::read(reader).await?;
            Ok::<_, Error>((Edition::from(&edition), postgres::position(reader).await?))
        };
        let primary = timeout(TIMEOUT, primary).await.ok().and_then(Result::ok);
        join_all(all.iter().map(async |replica| {
            let status = async {
                let (wanted, position) = primary.as_ref()?;
                let progress = replica.standby.progress(position).await.ok()?;
                let edition = edition::read(&replica.standby.connection()).await.ok()?;
                let state = if progress.in_recovery {
                    if Edition::from(&edition) == *wanted {
                        ReplicaState::Current
                    } else {
                        ReplicaState::Behind
                    }
                } else {
                    ReplicaState::Promoted
                };
                Some(ReplicaStatus {
                    state,
                    lag_seconds: Some(progress.lag_seconds),
                })
            };
            let status = timeout(TIMEOUT, status).await.ok().flatten();
            let status = status.unwrap_or(ReplicaStatus {
                state: ReplicaState::Away,
                lag_seconds: None,
            });
            let is_current = status.state == ReplicaState::Current;
            replica.metrics.observe(is_current, status.lag_seconds);
            status
        }))
        .await
    }
}

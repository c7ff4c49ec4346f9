//! Progress of queued and running ingestions, pushed to watchers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{broadcast, watch};

use crate::model::{Ingestion, IngestionId, IngestionState};
use crate::store::Advance;

/// Number of changes that a slow watcher of all ingestions may lag behind before some are skipped.
const UPDATE_BUFFER: usize = 1024;

/// The current state of the queued and running ingestions.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    live: Arc<Mutex<HashMap<IngestionId, watch::Sender<Ingestion>>>>,
    updates: broadcast::Sender<Ingestion>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            live: Arc::default(),
            updates: broadcast::channel(UPDATE_BUFFER).0,
        }
    }

    /// Pushes a state from the database; the final state is the last. Returns whether it was new.
    pub(super) fn push(&self, ingestion: Ingestion) -> bool {
        let mut live = self.live();
        match live.get(&ingestion.id).map(watch::Sender::borrow) {
            // Of the same run, what is stored is the checkpoint, and behind.
            Some(known)
                if known.state == ingestion.state && known.started_at == ingestion.started_at =>
            {
                return false;
            }
            None if ingestion.state.is_final() => return false,
            _ => {}
        }
        self.broadcast(&ingestion);
        if ingestion.state.is_final() {
            if let Some(sender) = live.remove(&ingestion.id) {
                sender.send_replace(ingestion);
            }
        } else {
            live.entry(ingestion.id)
                .or_insert_with(|| watch::Sender::new(ingestion.clone()))
                .send_replace(ingestion);
        }
        true
    }

    /// Pushes the progress of a running ingestion.
    pub(super) fn advance(&self, id: IngestionId, advance: Advance) {
        let live = self.live();
        let Some(sender) = live.get(&id) else { return };
        if sender.borrow().state != IngestionState::Running {
            return;
        }
        sender.send_modify(|ingestion| {
            let counts = advance.counts;
            ingestion.bytes_read = counts.bytes_read;
            ingestion.rows_read = counts.rows_read;
            ingestion.rows_ingested = counts.rows_ingested;
            ingestion.rows_rejected = counts.rows_rejected;
            ingestion.phase = Some(advance.phase);
            ingestion.progress = Some(advance.percent);
            ingestion.rows_per_second = advance.rows_per_second;
            ingestion.eta_seconds = advance.eta_seconds;
        });
        let ingestion = sender.borrow().clone();
        self.broadcast(&ingestion);
    }

    /// Pushes a state to the watchers of all ingestions.
    pub(super) fn broadcast(&self, ingestion: &Ingestion) {
        // Nobody may be watching.
        let _ = self.updates.send(ingestion.clone());
    }

    /// Number of queued or running ingestions in a state.
    pub(super) fn count(&self, state: IngestionState) -> usize {
        let live = self.live();
        live.values()
            .filter(|sender| sender.borrow().state == state)
            .count()
    }

    /// Ids of the queued and running ingestions.
    pub(super) fn ids(&self) -> Vec<IngestionId> {
        self.live().keys().copied().collect()
    }

    /// The current state of a queued or running ingestion.
    pub(super) fn get(&self, id: IngestionId) -> Option<Ingestion> {
        self.live().get(&id).map(|sender| sender.borrow().clone())
    }

    /// The current state, the changes and the final state of a queued or running ingestion.
    pub(super) fn watch(&self, id: IngestionId) -> Option<BoxStream<'static, Ingestion>> {
        let mut receiver = self.live().get(&id)?.subscribe();
        receiver.mark_changed();
        let states = stream::unfold(Some(receiver), |receiver| async {
            let mut receiver = receiver?;
            // The sender goes only after it has sent the final state.
            receiver.changed().await.ok()?;
            let ingestion = receiver.borrow_and_update().clone();
            let more = !ingestion.state.is_final();
            Some((ingestion, more.then_some(receiver)))
        });
        Some(states.boxed())
    }

    /// Changes of all ingestions from now on. A watcher that lags far behind misses some changes,
    /// and then gets the current state of all queued and running ingestions.
    pub(super) fn updates(&self) -> BoxStream<'static, Ingestion> {
        let state = (self.updates.subscribe(), self.clone());
        stream::unfold(state, |(mut receiver, progress)| async {
            let changes = match receiver.recv().await {
                Ok(ingestion) => vec![ingestion],
                Err(broadcast::error::RecvError::Lagged(_)) => progress.all(),
                Err(broadcast::error::RecvError::Closed) => return None,
            };
            Some((stream::iter(changes), (receiver, progress)))
        })
        .flatten()
        .boxed()
    }

    fn all(&self) -> Vec<Ingestion> {
        self.live()
            .values()
            .map(|sender| sender.borrow().clone())
            .collect()
    }

    fn live(&self) -> MutexGuard<'_, HashMap<IngestionId, watch::Sender<Ingestion>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

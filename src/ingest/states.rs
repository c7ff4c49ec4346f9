//! The states of ingestions: clients read them, and watchers receive each change in order.

use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::MutexGuard;

use super::{IngestError, Ingestions, worker};
use crate::model::{Ingestion, IngestionId, IngestionState, Page, RejectedRow};
use crate::store::{self, IngestionRecord};

impl Ingestions {
    /// The current state of an ingestion; `None` if the id does not exist.
    pub async fn get(&self, id: IngestionId) -> Result<Option<Ingestion>, IngestError> {
        match self.inner.progress.get(id) {
            Some(live) => Ok(Some(live)),
            None => Ok(self.stored(id).await?.map(|record| record.ingestion)),
        }
    }

    /// Up to `first` ingestions of one state or of all, newest first, with ids below `before`.
    pub async fn list(
        &self,
        state: Option<IngestionState>,
        first: u64,
        before: Option<IngestionId>,
    ) -> Result<Page<Ingestion>, IngestError> {
        let mut page = self.inner.store.ingestions(state, first, before).await?;
        for ingestion in &mut page.items {
            if let Some(live) = self.inner.progress.get(ingestion.id)
                && live.state == ingestion.state
            {
                *ingestion = live;
            }
        }
        Ok(page)
    }

    /// Up to `first` stored rejected rows of an ingestion, by line, on lines after `after_line`.
    pub async fn rejected_rows(
        &self,
        id: IngestionId,
        first: u64,
        after_line: Option<u64>,
    ) -> Result<Page<RejectedRow>, IngestError> {
        Ok(self
            .inner
            .store
            .rejected_rows(id, first, after_line)
            .await?)
    }

    /// A stream of an ingestion's current state, its changes and its final state, after which it
    /// ends. `None` if the id does not exist.
    pub async fn watch(
        &self,
        id: IngestionId,
    ) -> Result<Option<BoxStream<'static, Ingestion>>, IngestError> {
        if let Some(changes) = self.inner.progress.watch(id) {
            return Ok(Some(changes));
        }
        let Some(ingestion) = self.refresh(id).await? else {
            return Ok(None);
        };
        // It is live now, unless it has ended.
        Ok(self
            .inner
            .progress
            .watch(id)
            .or_else(|| Some(stream::once(async { ingestion }).boxed())))
    }

    /// Changes of all ingestions from now on.
    #[must_use]
    pub fn updates(&self) -> BoxStream<'static, Ingestion> {
        self.inner.progress.updates()
    }

    pub(super) async fn existing(&self, id: IngestionId) -> Result<Ingestion, IngestError> {
        self.get(id).await?.ok_or(IngestError::NotFound(id))
    }

    pub(super) async fn stored(
        &self,
        id: IngestionId,
    ) -> Result<Option<IngestionRecord>, store::Error> {
        self.inner.store.record(id).await
    }

    /// Reads the state of an ingestion and pushes it to its watchers; `None` if the id does not
    /// exist.
    pub(super) async fn refresh(&self, id: IngestionId) -> Result<Option<Ingestion>, store::Error> {
        Ok(self.refresh_all(&[id]).await?.pop())
    }

    /// Reads the states of ingestions and pushes them to their watchers; those that do not exist are
    /// left out.
    pub(super) async fn refresh_all(
        &self,
        ids: &[IngestionId],
    ) -> Result<Vec<Ingestion>, store::Error> {
        let order = self.inner.order.lock().await;
        let records = self.inner.store.records(ids).await?;
        self.push(&records, order).await;
        Ok(records.into_iter().map(|record| record.ingestion).collect())
    }

    /// Pushes states to the watchers, in order.
    pub(super) async fn push(&self, records: &[IngestionRecord], order: MutexGuard<'_, ()>) {
        let is_news = |record: &&IngestionRecord| {
            self.inner.progress.push(record.ingestion.clone()) && record.ingestion.state.is_final()
        };
        let ended: Vec<_> = records.iter().filter(is_news).collect();
        drop(order);
        for record in ended {
            self.interrupt(record.ingestion.id);
            self.inner.sql_trips.request();
            self.inner.merging.request();
            worker::conclude(self, record).await;
        }
    }

    pub(super) async fn refresh_or_log(&self, ids: &[IngestionId]) {
        if let Err(error) = self.refresh_all(ids).await {
            tracing::warn!(?ids, %error, "cannot read the states of ingestions");
        }
    }
}

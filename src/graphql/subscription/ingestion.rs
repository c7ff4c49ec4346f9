use async_graphql::futures_util::{Stream, StreamExt};
use async_graphql::{Context, ID, Result, Subscription};

use crate::graphql::ApiError;
use crate::graphql::cache::service;
use crate::graphql::types::{Ingestion, parse_id};
use crate::ingest::Ingestions;

#[derive(Default)]
pub(super) struct IngestionSubscription;

#[Subscription]
impl IngestionSubscription {
    /// One ingestion: its present state first, then changes as they happen, its final state, and
    /// then the end.
    async fn ingestion_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of the ingestion.")] id: ID,
    ) -> Result<impl Stream<Item = Ingestion> + 'static> {
        let missing = || ApiError::no_ingestion(id.as_str());
        let number = parse_id(&id).ok_or_else(missing)?;
        let states = service::<Ingestions>(ctx)?
            .watch(number)
            .await
            .map_err(ApiError::from)?;
        Ok(states.ok_or_else(missing)?.map(Ingestion))
    }

    /// Every ingestion's changes, for a dashboard; never ends.
    #[expect(
        clippy::unused_async,
        reason = "a resolver is async, whether it waits or not"
    )]
    async fn ingestion_updates(
        &self,
        ctx: &Context<'_>,
    ) -> Result<impl Stream<Item = Ingestion> + 'static> {
        Ok(service::<Ingestions>(ctx)?.updates().map(Ingestion))
    }
}

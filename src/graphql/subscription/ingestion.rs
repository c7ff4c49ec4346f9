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
    /// Sends the current state of one ingestion, its changes, and its final state; then completes.
    async fn ingestion_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the ingestion.")] id: ID,
    ) -> Result<impl Stream<Item = Ingestion> + 'static> {
        let missing = || ApiError::no_ingestion(id.as_str());
        let number = parse_id(&id).ok_or_else(missing)?;
        let states = service::<Ingestions>(ctx)?
            .watch(number)
            .await
            .map_err(ApiError::from)?;
        Ok(states.ok_or_else(missing)?.map(Ingestion))
    }

    /// Sends the changes of all ingestions, for a dashboard; never completes.
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

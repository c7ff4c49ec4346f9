use async_graphql::{Context, ID, Object, Result};

use crate::graphql::ApiError;
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::graphql::types::{Ingestion, IngestionConnection, IngestionState, connection, parse_id};
use crate::ingest::Ingestions;

#[derive(Default)]
pub(super) struct IngestionQuery;

#[Object]
impl IngestionQuery {
    /// The ingestion with this id; null if it does not exist.
    async fn ingestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Identifier of the ingestion.")] id: ID,
    ) -> Result<Option<Ingestion>> {
        let Some(id) = parse_id(&id) else {
            return Ok(None);
        };
        let _turn = turn(ctx).await?;
        let ingestion = service::<Ingestions>(ctx)?
            .get(id)
            .await
            .map_err(ApiError::from)?;
        Ok(ingestion.map(Ingestion))
    }

    /// Ingestions, newest first.
    #[graphql(complexity = "weight(10, first, child_complexity)")]
    async fn ingestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only ingestions in this state.")] state: Option<IngestionState>,
        #[graphql(default = 20, desc = "Maximum number of ingestions, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last ingestion of the previous page.")] after: Option<
            String,
        >,
    ) -> Result<IngestionConnection> {
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let before = match after {
            None => None,
            Some(Cursor::Ingestion(id)) => Some(id),
            Some(_) => return Err(cursor::broken().into()),
        };
        let _turn = turn(ctx).await?;
        let page = service::<Ingestions>(ctx)?
            .list(state.map(Into::into), first, before)
            .await
            .map_err(ApiError::from)?;
        Ok(connection(
            page,
            after,
            |ingestion| Cursor::Ingestion(ingestion.id),
            Ingestion,
        ))
    }
}

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use tracing::Instrument;

use crate::graphql::ApiError;
use crate::graphql::cache::service;
use crate::graphql::types::{Ingestion, Long, Upload, parse_id};
use crate::ingest::{IngestError, IngestOptions, Ingestions};
use crate::model::IngestionId;

#[derive(Default)]
pub(super) struct IngestionMutation;

/// What became of an upload.
#[derive(SimpleObject)]
pub(crate) struct IngestTripsPayload {
    /// The ingestion of these bytes.
    ingestion: Ingestion,
    /// These bytes were there already; `ingestion` is the one that brought them.
    duplicate: bool,
}

#[Object]
impl IngestionMutation {
    /// Takes a CSV file of trips in. The answer comes when the file is on disk; its ingestion then
    /// goes on by itself, and `ingestionStatus` tells how.
    #[graphql(complexity = "100 + child_complexity")]
    async fn ingest_trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The file.")] file: Upload,
        #[graphql(
            default = false,
            desc = "Take it in even if the same bytes were taken in before."
        )]
        allow_duplicate: bool,
        #[graphql(
            desc = "Fail as soon as more rows than this can't be read; unlimited where it is not given."
        )]
        max_rejected_rows: Option<Long>,
    ) -> Result<IngestTripsPayload> {
        let max_rejected_rows = max_rejected_rows
            .map(|rows| rows.count("maxRejectedRows"))
            .transpose()?;
        let options = IngestOptions {
            allow_duplicate,
            max_rejected_rows,
        };
        let ingestions = service::<Ingestions>(ctx)?.clone();
        let upload = file.receive(ctx).await?;
        let enqueued = finish(async move { ingestions.enqueue(upload, options).await }).await?;
        Ok(IngestTripsPayload {
            ingestion: Ingestion(enqueued.ingestion),
            duplicate: enqueued.duplicate,
        })
    }

    /// Stops an ingestion that has not ended; it leaves no trips. CONFLICT where it has ended.
    async fn cancel_ingestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of the ingestion.")] id: ID,
    ) -> Result<Ingestion> {
        let id = known(&id)?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        Ok(Ingestion(
            finish(async move { ingestions.cancel(id).await }).await?,
        ))
    }

    /// Takes the trips of an ingestion that succeeded out of every answer. CONFLICT where it has
    /// not succeeded.
    #[graphql(complexity = "100 + child_complexity")]
    async fn remove_ingestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The number of the ingestion.")] id: ID,
    ) -> Result<Ingestion> {
        let id = known(&id)?;
        let ingestions = service::<Ingestions>(ctx)?.clone();
        Ok(Ingestion(
            finish(async move { ingestions.remove(id).await }).await?,
        ))
    }
}

fn known(id: &ID) -> Result<IngestionId, ApiError> {
    parse_id(id).ok_or_else(|| ApiError::no_ingestion(id.as_str()))
}

/// Goes on to the end even if the client goes away meanwhile, which drops the resolver.
async fn finish<T: Send + 'static>(
    work: impl Future<Output = Result<T, IngestError>> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(ApiError::internal(error)),
    }
}

//! What the resolvers of one request have already loaded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use tokio::sync::OnceCell;

use super::ApiError;
use crate::analytics::{self, Summaries};
use crate::ingest::Ingestions;
use crate::model::{Ingestion, IngestionId};
use crate::store::Store;

/// Loaded at most once a request, however many fields ask.
#[derive(Default)]
pub(super) struct RequestCache {
    summaries: OnceCell<Arc<Summaries>>,
    ingestions: Mutex<HashMap<IngestionId, Arc<OnceCell<Option<Ingestion>>>>>,
}

/// The service of type `T` that the schema was built over.
pub(super) fn service<'a, T: Send + Sync + 'static>(ctx: &Context<'a>) -> Result<&'a T, ApiError> {
    ctx.data_opt::<T>().ok_or_else(|| {
        ApiError::internal(format_args!(
            "no {} in the schema",
            std::any::type_name::<T>()
        ))
    })
}

/// What is known of every region and datasource.
pub(super) async fn summaries(ctx: &Context<'_>) -> Result<Arc<Summaries>, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let store = service::<Store>(ctx)?;
    cache
        .summaries
        .get_or_try_init(|| async { Ok(Arc::new(analytics::summaries(store).await?)) })
        .await
        .cloned()
}

/// The ingestion of that id.
pub(super) async fn ingestion(
    ctx: &Context<'_>,
    id: IngestionId,
) -> Result<Option<Ingestion>, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let ingestions = service::<Ingestions>(ctx)?;
    let cell = {
        let mut known = cache
            .ingestions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(id).or_default())
    };
    cell.get_or_try_init(|| async { Ok(ingestions.get(id).await?) })
        .await
        .cloned()
}

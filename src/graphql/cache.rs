//! What the resolvers of one request have already loaded.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::ApiError;
use crate::analytics::{Answers, Summaries};
use crate::ingest::Ingestions;
use crate::model::{Ingestion, IngestionId};

/// Fields of one request that read from the database at the same time. The others of its fields
/// wait, and not other requests: a page of groups can ask for a thousand lists of members.
const READING_FIELDS: usize = 2;

/// Loaded at most once a request, however many fields ask.
pub(super) struct RequestCache {
    turns: Semaphore,
    summaries: OnceCell<Arc<Summaries>>,
    /// Weeks that its series list.
    weeks: AtomicUsize,
    ingestions: Mutex<HashMap<IngestionId, Arc<OnceCell<Option<Ingestion>>>>>,
}

impl Default for RequestCache {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(READING_FIELDS),
            summaries: OnceCell::new(),
            weeks: AtomicUsize::new(0),
            ingestions: Mutex::default(),
        }
    }
}

/// Waits for the turn of a field that is going to read from the database, which lasts until what
/// is returned is dropped.
pub(super) async fn turn<'a>(ctx: &Context<'a>) -> Result<SemaphorePermit<'a>, ApiError> {
    let turns = &service::<RequestCache>(ctx)?.turns;
    turns.acquire().await.map_err(ApiError::internal)
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

/// Counts weeks that the request lists; how many it lists by now.
pub(super) fn list_weeks(ctx: &Context<'_>, weeks: usize) -> Result<usize, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let before = cache.weeks.fetch_add(weeks, Ordering::Relaxed);
    Ok(before.saturating_add(weeks))
}

/// What is known of every region and datasource.
pub(super) async fn summaries(ctx: &Context<'_>) -> Result<Arc<Summaries>, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let answers = service::<Answers>(ctx)?;
    cache
        .summaries
        .get_or_try_init(|| async { Ok(Arc::new(answers.summaries().await?)) })
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
    cell.get_or_try_init(|| async {
        let _turn = turn(ctx).await?;
        Ok(ingestions.get(id).await?)
    })
    .await
    .cloned()
}

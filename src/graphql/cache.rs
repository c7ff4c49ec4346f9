//! Data that the resolvers of one request share, so that it is loaded only once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::Context;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::{ApiError, Disclosure};
use crate::analytics::{Answers, Summaries};
use crate::ingest::Ingestions;
use crate::model::{Ingestion, IngestionId};

/// Maximum number of fields of one request that read from the database at the same time. Its other
/// fields wait, so that a page of groups with 1,000 lists of members does not delay other requests.
const READING_FIELDS: usize = 2;

/// Data that is loaded at most once per request.
pub(super) struct RequestCache {
    turns: Semaphore,
    summaries: OnceCell<Arc<Summaries>>,
    /// Number of weeks that the request lists.
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

/// Waits until a field may read from the database. Its turn ends when the permit is dropped.
pub(super) async fn turn<'a>(ctx: &Context<'a>) -> Result<SemaphorePermit<'a>, ApiError> {
    let turns = &service::<RequestCache>(ctx)?.turns;
    turns.acquire().await.map_err(ApiError::internal)
}

/// The service of type `T` in the schema's data; an internal error if there is none.
pub(super) fn service<'a, T: Send + Sync + 'static>(ctx: &Context<'a>) -> Result<&'a T, ApiError> {
    ctx.data_opt::<T>().ok_or_else(|| {
        ApiError::internal(format_args!(
            "no {} in the schema",
            std::any::type_name::<T>()
        ))
    })
}

/// Adds to the number of weeks that the request lists, and returns the sum.
pub(super) fn list_weeks(ctx: &Context<'_>, weeks: usize) -> Result<usize, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let before = cache.weeks.fetch_add(weeks, Ordering::Relaxed);
    Ok(before.saturating_add(weeks))
}

/// The summaries of all regions and datasources.
pub(super) async fn summaries(ctx: &Context<'_>) -> Result<Arc<Summaries>, ApiError> {
    let cache = service::<RequestCache>(ctx)?;
    let answers = service::<Answers>(ctx)?;
    let disclosure = Disclosure::of(ctx)?;
    cache
        .summaries
        .get_or_try_init(|| async {
            let summaries = answers.summaries().await?;
            Ok(Arc::new(match disclosure {
                Disclosure::Everything => summaries,
                Disclosure::Aggregates(unit) => summaries.rounded(unit),
            }))
        })
        .await
        .cloned()
}

/// The ingestion with this id.
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

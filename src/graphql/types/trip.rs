use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use super::{Ingestion, LocalDateTime, Long, Point, TotalCount};
use crate::graphql::cursor::Cursor;
use crate::graphql::{ApiError, cache};
use crate::model;

/// A page of trips.
pub(crate) type TripConnection = Connection<Cursor, Trip, TotalCount>;

/// One trip.
pub(crate) struct Trip(pub model::Trip);

/// One trip: one row of a file.
#[Object]
impl Trip {
    /// Unique identifier; opaque, never changes.
    async fn id(&self) -> ID {
        ID(format!("{}-{}", self.0.ingestion_id, self.0.line))
    }

    /// Name of the region.
    async fn region(&self) -> &str {
        &self.0.region
    }

    /// Name of the datasource.
    async fn datasource(&self) -> &str {
        &self.0.datasource
    }

    /// Start of the trip, unrounded as in the file.
    async fn origin(&self) -> Point {
        self.0.origin.into()
    }

    /// End of the trip, unrounded as in the file.
    async fn destination(&self) -> Point {
        self.0.destination.into()
    }

    /// Departure, in wall-clock time.
    async fn departed_at(&self) -> LocalDateTime {
        LocalDateTime(self.0.departed_at.to_naive())
    }

    /// Arrival, in wall-clock time; null if the file does not have it.
    async fn arrived_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.0.arrived_at?.to_naive()))
    }

    /// The ingestion that added the trip.
    async fn ingestion(&self, ctx: &Context<'_>) -> Result<Ingestion> {
        let id = self.0.ingestion_id;
        let ingestion = cache::ingestion(ctx, id).await?.ok_or_else(|| {
            ApiError::internal(format_args!("a trip's ingestion {id} is missing"))
        })?;
        Ok(Ingestion(ingestion))
    }

    /// Line of the file where the row begins; the header is line 1.
    async fn line(&self) -> Long {
        self.0.line.into()
    }
}

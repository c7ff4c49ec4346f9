use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use super::{Cell, Long, TotalCount, Trip, TripConnection, connection};
use crate::analytics::Answers;
use crate::graphql::ApiError;
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::model::{self, Selection, Similarity};

/// A page of groups.
pub(crate) type TripGroupConnection = Connection<Cursor, TripGroup, TotalCount>;

/// The arguments of a query for groups.
pub(crate) struct Grouping {
    /// Which trips are grouped.
    pub selection: Selection,
    /// When two trips are similar.
    pub similarity: Similarity,
    /// Whether there is a period to compare with.
    pub compared: bool,
}

/// A group of similar trips.
pub(crate) struct TripGroup {
    /// The group.
    pub group: model::TripGroup,
    /// The arguments of the query that it belongs to.
    pub grouping: Arc<Grouping>,
}

/// A group of similar trips: the same origin cell, destination cell and bucket of the day, on any
/// date.
#[Object]
impl TripGroup {
    /// Unique identifier; opaque, differs between resolutions and bucket lengths.
    async fn id(&self) -> ID {
        let model::TripGroup {
            origin,
            destination,
            bucket,
            ..
        } = self.group;
        let minutes = self.grouping.similarity.bucket.minutes();
        ID(format!("{origin}-{destination}-{minutes}-{bucket}"))
    }

    /// Cell in which the trips start.
    async fn origin(&self) -> Cell {
        Cell(self.group.origin)
    }

    /// Cell in which the trips end.
    async fn destination(&self) -> Cell {
        Cell(self.group.destination)
    }

    /// Start of the bucket, in wall-clock time: `08:00`.
    async fn start_time(&self) -> String {
        self.time(0)
    }

    /// End of the bucket, exclusive, in wall-clock time: `09:00`. The last bucket of the day ends
    /// at `24:00`.
    async fn end_time(&self) -> String {
        self.time(1)
    }

    /// Number of trips.
    async fn trips(&self) -> Long {
        self.group.trips.into()
    }

    /// Number of trips in the period of `compareTo`; null if it is not given.
    async fn trips_before(&self) -> Option<Long> {
        self.grouping
            .compared
            .then(|| self.group.trips_before.into())
    }

    /// Trips of the group, ordered by ingestion, then by line of the file.
    #[graphql(complexity = "weight(20, first, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20, desc = "Maximum number of trips, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last trip of the previous page.")] after: Option<String>,
    ) -> Result<TripConnection> {
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let last = match after {
            None => None,
            Some(Cursor::Trip(ingestion, line)) => Some((ingestion, line)),
            Some(_) => return Err(cursor::broken().into()),
        };
        let Grouping {
            selection,
            similarity,
            ..
        } = &*self.grouping;
        let _turn = turn(ctx).await?;
        let page = service::<Answers>(ctx)?
            .group_members(selection, *similarity, &self.group, first, last)
            .await
            .map_err(ApiError::from)?;
        Ok(connection(
            page,
            after,
            |trip| Cursor::Trip(trip.ingestion_id, trip.line),
            Trip,
        ))
    }
}

impl TripGroup {
    /// Start of the bucket that is `later` buckets after the group's, as `HH:MM`.
    fn time(&self, later: u16) -> String {
        let minutes = (self.group.bucket + later) * self.grouping.similarity.bucket.minutes();
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

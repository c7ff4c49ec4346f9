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

/// The question that groups answer.
pub(crate) struct Grouping {
    /// Which trips are grouped.
    pub selection: Selection,
    /// When two of them are alike.
    pub similarity: Similarity,
}

/// Trips that are alike.
pub(crate) struct TripGroup {
    /// The group.
    pub group: model::TripGroup,
    /// The question it answers.
    pub grouping: Arc<Grouping>,
}

/// Trips that are alike: the same cell of the origin, the same cell of the destination, the same
/// time of the day, whatever the date.
#[Object]
impl TripGroup {
    /// Opaque; differs between resolutions and time buckets.
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

    /// The cell its trips start in.
    async fn origin(&self) -> Cell {
        Cell(self.group.origin)
    }

    /// The cell its trips end in.
    async fn destination(&self) -> Cell {
        Cell(self.group.destination)
    }

    /// Wall-clock time its bucket begins at: `08:00`.
    async fn start_time(&self) -> String {
        self.time(0)
    }

    /// Wall-clock time its bucket ends before: `09:00`; the last one of the day ends at `24:00`.
    async fn end_time(&self) -> String {
        self.time(1)
    }

    /// How many trips there are.
    async fn trips(&self) -> Long {
        self.group.trips.into()
    }

    /// Its trips, by ingestion, then by line of the file.
    #[graphql(complexity = "weight(20, first, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, 0–1000.")] first: i32,
        #[graphql(desc = "The cursor of the last trip of the page before.")] after: Option<String>,
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
    /// The beginning of its bucket, or of one that many buckets later.
    fn time(&self, later: u16) -> String {
        let minutes = (self.group.bucket + later) * self.grouping.similarity.bucket.minutes();
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

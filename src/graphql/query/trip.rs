use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::analytics::{Answers, rounded_profile};
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::graphql::types::{
    AreaInput, Conditions, Date, Trip, TripConnection, TripEnd, TripFilter, TripProfile,
    connection, weeks,
};
use crate::graphql::{ApiError, Disclosure};
use crate::model::{LocalTime, Selection};

#[derive(Default)]
pub(super) struct TripQuery;

#[Object]
impl TripQuery {
    /// Trips by departure, then by ingestion and line of the file. Each page reads all trips of the
    /// selection: to get many, export them.
    #[graphql(complexity = "weight(500, first, child_complexity)")]
    async fn trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the trips; by default, all trips are listed.")] filter: Option<
            TripFilter,
        >,
        #[graphql(default = 20, desc = "Maximum number of trips, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last trip of the previous page.")] after: Option<String>,
    ) -> Result<TripConnection> {
        let selection = filter.unwrap_or_default().selection(ctx).await?;
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let last = match after {
            None => None,
            Some(Cursor::Departure(micros, ingestion, line)) => {
                let departed = LocalTime::from_micros(micros).ok_or_else(cursor::broken)?;
                Some((departed, ingestion, line))
            }
            Some(_) => return Err(cursor::broken().into()),
        };
        let _turn = turn(ctx).await?;
        let page = service::<Answers>(ctx)?
            .trips(&selection, first, last)
            .await
            .map_err(ApiError::from)?;
        Ok(connection(
            page,
            after,
            |trip| Cursor::Departure(trip.departed_at.micros(), trip.ingestion_id, trip.line),
            Trip,
        ))
    }

    /// Number of trips by day of the week and hour, in wall-clock time of departure.
    #[graphql(complexity = "500 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn trip_profile(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only trips whose `tripEnd` is in this area.")] area: Option<AreaInput>,
        #[graphql(default, desc = "Which ends of a trip must be in the area.")] trip_end: TripEnd,
        #[graphql(desc = "Only trips of the region of this name.")] region: Option<String>,
        #[graphql(desc = "Only trips of the datasource of this name.")] datasource: Option<String>,
        #[graphql(desc = "Any date in the first week.")] from_week: Option<Date>,
        #[graphql(desc = "Any date in the last week.")] to_week: Option<Date>,
    ) -> Result<TripProfile> {
        let (from_week, to_week) = weeks(from_week, to_week)?;
        let conditions = Conditions {
            area,
            trip_end,
            region,
            datasource,
            ..Conditions::default()
        };
        let selection = Selection {
            from_week,
            to_week,
            ..conditions.selection(ctx).await?
        };
        let _turn = turn(ctx).await?;
        let profile = service::<Answers>(ctx)?
            .trip_profile(&selection)
            .await
            .map_err(ApiError::from)?;
        Ok(TripProfile(match Disclosure::of(ctx)? {
            Disclosure::Everything => profile,
            Disclosure::Aggregates(unit) => Arc::new(rounded_profile(&profile, unit)),
        }))
    }
}

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use crate::analytics::Answers;
use crate::graphql::cache::{service, turn};
use crate::graphql::types::{
    AreaInput, BoundingBox, Conditions, Date, DayOfWeek, TimeRange, TripEnd, WeeklyAverage, weeks,
};
use crate::graphql::{ApiError, Disclosure};

#[derive(Default)]
pub(super) struct WeeklyAverageQuery;

#[Object]
impl WeeklyAverageQuery {
    /// Average number of trips per week in an area, in a region, in their intersection, or in total.
    /// The period is from `fromWeek` to `toWeek`. By default, these are the first and the last week
    /// in which the selection has a trip. A selection without trips has no weeks.
    #[graphql(complexity = "500 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn weekly_average(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only trips whose `tripEnd` is in this box; instead of `area`.")]
        bbox: Option<BoundingBox>,
        #[graphql(desc = "Only trips whose `tripEnd` is in this area.")] area: Option<AreaInput>,
        #[graphql(desc = "Only trips of the region of this name.")] region: Option<String>,
        #[graphql(desc = "Only trips of the datasource of this name.")] datasource: Option<String>,
        #[graphql(default, desc = "Which ends of a trip must be in the area.")] trip_end: TripEnd,
        #[graphql(desc = "Any date in the first week of the period.")] from_week: Option<Date>,
        #[graphql(desc = "Any date in the last week of the period.")] to_week: Option<Date>,
        #[graphql(desc = "Only trips that depart on these days.")] days_of_week: Option<
            Vec<DayOfWeek>,
        >,
        #[graphql(desc = "Only trips that depart in one of these ranges of the time of day.")]
        time_ranges: Option<Vec<TimeRange>>,
        #[graphql(desc = "Only trips of this ingestion.")] ingestion: Option<ID>,
    ) -> Result<WeeklyAverage> {
        let conditions = Conditions {
            area,
            bbox,
            trip_end,
            region,
            datasource,
            days_of_week,
            time_ranges,
            ingestion,
        };
        let selection = conditions.selection(ctx).await?;
        let (from, to) = weeks(from_week, to_week)?;
        let _turn = turn(ctx).await?;
        let average = service::<Answers>(ctx)?
            .weekly_average(&selection, from, to)
            .await
            .map_err(ApiError::from)?;
        Ok(WeeklyAverage(match Disclosure::of(ctx)? {
            Disclosure::Everything => average,
            Disclosure::Aggregates(unit) => Arc::new(average.rounded(unit, from, to)),
        }))
    }
}

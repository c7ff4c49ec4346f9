use async_graphql::{Context, Object, Result};

use crate::analytics::Answers;
use crate::graphql::ApiError;
use crate::graphql::cache::{service, turn};
use crate::graphql::types::{BoundingBox, Date, TripEnd, WeeklyAverage, selection};
use crate::model::Week;

#[derive(Default)]
pub(super) struct WeeklyAverageQuery;

#[Object]
impl WeeklyAverageQuery {
    /// Average number of trips per week in a box, in a region, in their intersection, or in total.
    /// The period is from `fromWeek` to `toWeek`. By default, these are the first and the last week
    /// in which the selection has a trip. A selection without trips has no weeks.
    #[graphql(complexity = "500 + child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn weekly_average(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only trips with the ends given by `tripEnd` in this box.")] bbox: Option<
            BoundingBox,
        >,
        #[graphql(desc = "Only trips of the region of this name.")] region: Option<String>,
        #[graphql(desc = "Only trips of the datasource of this name.")] datasource: Option<String>,
        #[graphql(default, desc = "Which ends of a trip must be in the box.")] trip_end: TripEnd,
        #[graphql(desc = "Any date in the first week of the period.")] from_week: Option<Date>,
        #[graphql(desc = "Any date in the last week of the period.")] to_week: Option<Date>,
    ) -> Result<WeeklyAverage> {
        let selection = selection(bbox, trip_end, region, datasource)?;
        let from = week("fromWeek", from_week)?;
        let to = week("toWeek", to_week)?;
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(ApiError::bad_input("`fromWeek` is after `toWeek`").into());
        }
        let _turn = turn(ctx).await?;
        let average = service::<Answers>(ctx)?
            .weekly_average(&selection, from, to)
            .await
            .map_err(ApiError::from)?;
        Ok(WeeklyAverage(average))
    }
}

fn week(name: &str, date: Option<Date>) -> Result<Option<Week>, ApiError> {
    date.map(|Date(date)| {
        Week::of(date).ok_or_else(|| {
            ApiError::bad_input(format_args!("`{name}` is outside the years 1–9999"))
        })
    })
    .transpose()
}

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, Object, OutputType, Positioned, Result, ServerResult,
    SimpleObject, Value,
};

use super::{Date, Long};
use crate::analytics;
use crate::graphql::cache::{self, service};
use crate::graphql::limits::{Limits, weight};
use crate::graphql::{ApiError, Code};

/// Trips per week.
pub(crate) struct WeeklyAverage(pub Arc<analytics::WeeklyAverage>);

/// Trips per week. Weeks are ISO weeks, Monday first, by the wall-clock time of departure.
#[Object]
impl WeeklyAverage {
    /// `totalTrips` ÷ `calendarWeeks`, so weeks without trips count; 0 if there are no weeks.
    async fn average(&self) -> f64 {
        self.0.average()
    }

    /// `totalTrips` ÷ `activeWeeks`; 0 if there are no active weeks.
    async fn average_of_active_weeks(&self) -> f64 {
        self.0.average_of_active_weeks()
    }

    /// Number of trips in the period.
    async fn total_trips(&self) -> Long {
        self.0.total_trips().into()
    }

    /// Number of weeks in the period.
    async fn calendar_weeks(&self) -> i32 {
        i32::try_from(self.0.calendar_weeks()).unwrap_or(i32::MAX)
    }

    /// Number of weeks in the period that have trips.
    async fn active_weeks(&self) -> i32 {
        i32::try_from(self.0.active_weeks()).unwrap_or(i32::MAX)
    }

    /// Monday of the first week of the period; null if the period is empty.
    async fn first_week(&self) -> Option<Date> {
        self.0.first.map(|week| Date(week.monday()))
    }

    /// Monday of the last week of the period; null if the period is empty.
    async fn last_week(&self) -> Option<Date> {
        self.0.last().map(|week| Date(week.monday()))
    }

    /// Every calendar week of the period, including weeks without trips. One request lists at most
    /// 600,000 weeks, more than there are between the years 1 and 9999; use `fromWeek` and `toWeek`
    /// to shorten the series.
    #[graphql(complexity = "weight(0, 100, child_complexity)")]
    #[expect(
        clippy::unused_async,
        reason = "a resolver is async, whether it waits or not"
    )]
    async fn weeks(&self, ctx: &Context<'_>) -> Result<Weeks> {
        let most = service::<Limits>(ctx)?.weeks;
        if cache::list_weeks(ctx, self.0.calendar_weeks())? > most {
            let message = format!(
                "the request lists more than {most} weeks: shorten the series with `fromWeek` and \
                 `toWeek`"
            );
            return Err(ApiError::new(Code::TooComplex, message).into());
        }
        Ok(Weeks(Arc::clone(&self.0)))
    }
}

/// The weeks of a period.
pub(crate) struct Weeks(Arc<analytics::WeeklyAverage>);

/// Number of weeks that are resolved at a time.
const CHUNK: usize = 1_000;

impl OutputType for Weeks {
    fn type_name() -> Cow<'static, str> {
        <Vec<WeekCount> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<WeekCount> as OutputType>::create_type_info(registry)
    }

    /// Resolves the weeks as a list, but in chunks: `async-graphql` holds a future for each item of
    /// a list, far larger than the item.
    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let mut values = Vec::with_capacity(self.0.calendar_weeks());
        let mut weeks = self.0.weeks();
        loop {
            let chunk = weeks.by_ref().take(CHUNK).map(|(week, trips)| WeekCount {
                week: Date(week.monday()),
                trips: trips.into(),
            });
            let chunk: Vec<WeekCount> = chunk.collect();
            if chunk.is_empty() {
                return Ok(Value::List(values));
            }
            if let Value::List(resolved) = chunk.resolve(ctx, field).await? {
                values.extend(resolved);
            }
            // Lets other tasks run and the query time-out take effect.
            tokio::task::yield_now().await;
        }
    }
}

/// Number of trips in one week.
#[derive(Debug, SimpleObject)]
pub(crate) struct WeekCount {
    /// Monday of the week.
    week: Date,
    /// Number of trips; 0 in a week without trips.
    trips: Long,
}

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

/// Trips a week.
pub(crate) struct WeeklyAverage(pub Arc<analytics::WeeklyAverage>);

/// Trips a week. Weeks are ISO weeks, Monday first, of the wall-clock time of departure.
#[Object]
impl WeeklyAverage {
    /// Trips ÷ calendar weeks; 0 where there is none. A week without trips is a quiet week, not a
    /// missing one.
    async fn average(&self) -> f64 {
        self.0.average()
    }

    /// Trips ÷ weeks that have trips; 0 where there is none.
    async fn average_of_active_weeks(&self) -> f64 {
        self.0.average_of_active_weeks()
    }

    /// Trips of the whole period.
    async fn total_trips(&self) -> Long {
        self.0.total_trips().into()
    }

    /// Weeks of the period.
    async fn calendar_weeks(&self) -> i32 {
        i32::try_from(self.0.calendar_weeks()).unwrap_or(i32::MAX)
    }

    /// Weeks of the period that have trips.
    async fn active_weeks(&self) -> i32 {
        i32::try_from(self.0.active_weeks()).unwrap_or(i32::MAX)
    }

    /// Monday of the period's first week; null where the period is empty.
    async fn first_week(&self) -> Option<Date> {
        self.0.first.map(|week| Date(week.monday()))
    }

    /// Monday of the period's last week; null where the period is empty.
    async fn last_week(&self) -> Option<Date> {
        self.0.last().map(|week| Date(week.monday()))
    }

    /// Every calendar week of the period, those without trips included. One request lists at most
    /// 600,000 weeks, more than there are between the years 1 and 9999; `fromWeek` and `toWeek`
    /// shorten the series.
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

/// Weeks that are resolved at a time.
const CHUNK: usize = 1_000;

impl OutputType for Weeks {
    fn type_name() -> Cow<'static, str> {
        <Vec<WeekCount> as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<WeekCount> as OutputType>::create_type_info(registry)
    }

    /// As a list is resolved, but a part at a time: the library holds a future for each item of a
    /// list, far larger than the item.
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
            // Others get their turn, and the time-out is noticed.
            tokio::task::yield_now().await;
        }
    }
}

/// The trips of one week.
#[derive(Debug, SimpleObject)]
pub(crate) struct WeekCount {
    /// The Monday the week begins on.
    week: Date,
    /// How many trips there are; 0 in a quiet week.
    trips: Long,
}

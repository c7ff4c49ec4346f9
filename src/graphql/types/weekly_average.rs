use std::sync::Arc;

use async_graphql::{Object, Result, SimpleObject};

use super::{Date, Long};
use crate::analytics;
use crate::graphql::limits::weight;
use crate::graphql::{ApiError, Code};

/// Weeks that one answer lists: more than two centuries of them.
const MAX_WEEKS: usize = 12_000;

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

    /// Every calendar week of the period, those without trips included.
    #[graphql(complexity = "weight(0, 100, child_complexity)")]
    #[expect(
        clippy::unused_async,
        reason = "a resolver is async, whether it waits or not"
    )]
    async fn weeks(&self) -> Result<Vec<WeekCount>> {
        let weeks = self.0.calendar_weeks();
        if weeks > MAX_WEEKS {
            let message = format!("the period has {weeks} weeks; at most {MAX_WEEKS} are listed");
            return Err(ApiError::new(Code::TooComplex, message).into());
        }
        Ok(self
            .0
            .weeks()
            .map(|(week, trips)| WeekCount {
                week: Date(week.monday()),
                trips: trips.into(),
            })
            .collect())
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

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};

use super::selection::DAYS;
use super::{DayOfWeek, Long};
use crate::analytics;

/// Trips by day of the week and hour.
pub(crate) struct TripProfile(pub Arc<analytics::TripProfile>);

/// Number of trips by day of the week and hour.
#[Object]
impl TripProfile {
    /// Every day and hour, from Monday 0 to Sunday 23: 168 cells.
    #[graphql(complexity = "168 * child_complexity")]
    async fn cells(&self) -> Vec<ProfileCell> {
        let days = DAYS.into_iter().zip(self.0.chunks(24));
        let cell = |day, (hour, &trips): (i32, &u64)| ProfileCell {
            day_of_week: DayOfWeek::from(day),
            hour,
            trips: trips.into(),
        };
        days.flat_map(|(day, hours)| (0..).zip(hours).map(move |hour| cell(day, hour)))
            .collect()
    }
}

/// Number of trips in one hour of one day of the week.
#[derive(Debug, SimpleObject)]
pub(crate) struct ProfileCell {
    /// Day of the week.
    day_of_week: DayOfWeek,
    /// Hour of the day, 0–23.
    hour: i32,
    /// Number of trips that depart in this hour, over all weeks.
    trips: Long,
}

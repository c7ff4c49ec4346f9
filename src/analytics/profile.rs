//! Trips by day of the week and hour.

use super::AnalyticsError;
use super::question::Question;
use super::selected::each_selected;
use crate::model::{MICROS_PER_WEEK, PatchDepth, Selection};
use crate::store::{Snapshot, Store};

/// Hours of a week.
pub const HOURS_PER_WEEK: usize = 7 * 24;

/// Trips by hour of the week, from Monday 00:00 on.
pub type TripProfile = [u64; HOURS_PER_WEEK];

/// The number of trips of a selection in each hour of the week.
pub async fn trip_profile(
    store: &Store,
    selection: &Selection,
) -> Result<TripProfile, AnalyticsError> {
    let snapshot = store.snapshot().await?;
    let question = ProfileQuestion {
        selection: selection.clone(),
    };
    let profile = question.answer(&snapshot).await?;
    snapshot.close().await;
    Ok(profile)
}

/// The question for a profile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ProfileQuestion {
    pub(super) selection: Selection,
}

impl Question for ProfileQuestion {
    type Answer = TripProfile;

    async fn answer(&self, snapshot: &Snapshot) -> Result<TripProfile, AnalyticsError> {
        const MICROS_PER_HOUR: u64 = MICROS_PER_WEEK / HOURS_PER_WEEK as u64;
        let mut hours = [0; HOURS_PER_WEEK];
        each_selected(snapshot, &self.selection, PatchDepth::Keys, |trip| {
            let hour = trip.part.micros_of_week(trip.row) / MICROS_PER_HOUR;
            // Broken numbers may be past the end of the week.
            if let Some(trips) = usize::try_from(hour)
                .ok()
                .and_then(|hour| hours.get_mut(hour))
            {
                *trips += 1;
            }
            Ok(())
        })
        .await?;
        Ok(hours)
    }
}

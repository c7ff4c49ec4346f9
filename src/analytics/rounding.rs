//! Answers whose counts are multiples of a unit. They are computed from what they show: nothing of
//! the exact counts remains in averages, periods or orders.

use std::cmp::Reverse;
use std::sync::Arc;

use super::week_counts::WeekCounts;
use super::weekly_average::period_between;
use super::{Summaries, TripProfile, WeeklyAverage, ZoneAverages};
use crate::model::{CountUnit, Week};

impl WeeklyAverage {
    /// The weeks with rounded counts. An end of the period that is not given is the first or last
    /// week whose rounded count is not 0.
    #[must_use]
    pub fn rounded(&self, unit: CountUnit, from: Option<Week>, to: Option<Week>) -> Self {
        let counts = self.rounded_counts(unit);
        period_between(&counts, counts.span(), from, to)
    }

    fn rounded_counts(&self, unit: CountUnit) -> WeekCounts {
        let mut counts = WeekCounts::default();
        for (week, trips) in self.weeks() {
            let trips = unit.round(trips);
            if trips > 0 {
                counts.add(week.number(), trips.cast_signed());
            }
        }
        counts
    }
}

/// The averages with rounded counts, over one period, most trips first.
#[must_use]
pub fn rounded_zone_averages(
    averages: &ZoneAverages,
    unit: CountUnit,
    from: Option<Week>,
    to: Option<Week>,
) -> ZoneAverages {
    let mut zones: Vec<_> = averages
        .iter()
        .map(|(zone, average)| (*zone, average.rounded_counts(unit)))
        .collect();
    zones.sort_by_key(|(zone, counts)| (Reverse(counts.total()), *zone));
    let spans = zones.iter().filter_map(|(_, counts)| counts.span());
    let span = spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
    zones
        .iter()
        .map(|(zone, counts)| (*zone, Arc::new(period_between(counts, span, from, to))))
        .collect()
}

/// The profile with rounded counts.
#[must_use]
pub fn rounded_profile(profile: &TripProfile, unit: CountUnit) -> TripProfile {
    profile.map(|trips| unit.round(trips))
}

impl Summaries {
    /// The summaries of the pairs whose rounded count is not 0.
    #[must_use]
    pub fn rounded(self, unit: CountUnit) -> Self {
        let pairs = self.into_pairs().into_iter();
        Self::new(
            pairs
                .map(|mut pair| {
                    pair.summary.trips = unit.round(pair.summary.trips);
                    pair
                })
                .filter(|pair| pair.summary.trips > 0)
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    fn unit() -> CountUnit {
        CountUnit::new(NonZeroU64::new(5).unwrap())
    }

    fn average(first: u32, trips: &[u64]) -> WeeklyAverage {
        WeeklyAverage {
            first: Week::from_number(first),
            trips: trips.to_vec(),
        }
    }

    #[test]
    fn the_period_is_that_of_the_weeks_shown() {
        let exact = average(100_000, &[4, 9, 0, 3, 12, 1]);
        let rounded = exact.rounded(unit(), None, None);
        assert_eq!(rounded, average(100_001, &[5, 0, 0, 10]));
        let ends = (Week::from_number(99_999), Week::from_number(100_001));
        let exact = average(99_999, &[0, 4, 9]);
        assert_eq!(
            exact.rounded(unit(), ends.0, ends.1),
            average(99_999, &[0, 0, 5])
        );
        let few = average(100_000, &[4, 4, 4]);
        assert_eq!(
            few.rounded(unit(), ends.0, ends.1),
            WeeklyAverage::default()
        );
        assert_eq!(few.rounded(CountUnit::EXACT, None, None), few);
    }

    #[test]
    fn zones_are_ordered_by_what_is_shown() {
        let zones = vec![
            (2, Arc::new(average(100_000, &[9, 4]))),
            (1, Arc::new(average(100_000, &[8, 4]))),
            (0, Arc::new(average(100_000, &[4, 4]))),
        ];
        let rounded = rounded_zone_averages(&zones, unit(), None, None);
        let shown: Vec<_> = rounded
            .iter()
            .map(|(zone, average)| (*zone, average.trips.clone()))
            .collect();
        assert_eq!(shown, [(1, vec![5]), (2, vec![5]), (0, vec![0])]);
    }
}

//! Weekly averages: trips ÷ calendar weeks.

use super::AnalyticsError;
use super::question::Question;
use super::week_counts::WeekCounts;
use super::weekly_count::count;

use crate::model::{Selection, Week};
use crate::store::{Error, Snapshot, Store};

/// Trips by calendar week.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeeklyAverage {
    /// The first week of the period; `None` if there is no period.
    pub first: Option<Week>,
    /// Number of trips in each calendar week from `first` on, zeros included.
    pub trips: Vec<u64>,
}

impl WeeklyAverage {
    /// Number of trips in the period.
    #[must_use]
    pub fn total_trips(&self) -> u64 {
        self.trips.iter().sum()
    }

    /// Number of calendar weeks in the period.
    #[must_use]
    pub fn calendar_weeks(&self) -> usize {
        self.trips.len()
    }

    /// Number of weeks in the period with at least one trip.
    #[must_use]
    pub fn active_weeks(&self) -> usize {
        self.trips.iter().filter(|&&trips| trips > 0).count()
    }

    /// Average number of trips per calendar week; 0 if there is no week.
    #[must_use]
    pub fn average(&self) -> f64 {
        per(self.total_trips(), self.calendar_weeks())
    }

    /// Average number of trips per active week; 0 if there is no active week.
    #[must_use]
    pub fn average_of_active_weeks(&self) -> f64 {
        per(self.total_trips(), self.active_weeks())
    }

    /// The last week of the period.
    #[must_use]
    pub fn last(&self) -> Option<Week> {
        self.weeks().next_back().map(|(week, _)| week)
    }

    /// The weeks of the period and their number of trips.
    pub fn weeks(&self) -> impl DoubleEndedIterator<Item = (Week, u64)> + '_ {
        let first = self.first.map_or(0, Week::number);
        self.trips
            .iter()
            .enumerate()
            .filter_map(move |(index, &trips)| {
                let number = first.checked_add(u32::try_from(index).ok()?)?;
                Some((Week::from_number(number)?, trips))
            })
    }
}

fn per(trips: u64, weeks: usize) -> f64 {
    if weeks == 0 {
        0.0
    } else {
        trips as f64 / weeks as f64
    }
}

/// The weekly average of a selection. The period is from the week `from` to the week `to`, both
/// included; an end that is not given is the first or last week in which the selection has a trip.
/// A selection without any trip has no weeks at all.
pub async fn weekly_average(
    store: &Store,
    selection: &Selection,
    from: Option<Week>,
    to: Option<Week>,
) -> Result<WeeklyAverage, Error> {
    let snapshot = store.snapshot().await?;
    let question = WeeklyQuestion {
        selection: selection.clone(),
        from,
        to,
    };
    let average = question.read(&snapshot).await?;
    snapshot.close().await;
    Ok(average)
}

/// The question for a weekly average.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct WeeklyQuestion {
    pub(super) selection: Selection,
    pub(super) from: Option<Week>,
    pub(super) to: Option<Week>,
}

impl WeeklyQuestion {
    pub(super) async fn read(&self, snapshot: &Snapshot) -> Result<WeeklyAverage, Error> {
        let counts = match snapshot.key_filter(&self.selection).await? {
            Some(filter) => count(snapshot, &self.selection, &filter).await?,
            None => WeekCounts::default(),
        };
        Ok(period(&counts, self.from, self.to))
    }
}

impl Question for WeeklyQuestion {
    type Answer = WeeklyAverage;

    async fn answer(&self, snapshot: &Snapshot) -> Result<WeeklyAverage, AnalyticsError> {
        Ok(self.read(snapshot).await?)
    }
}

/// Restricts the counts to the requested period.
fn period(counts: &WeekCounts, from: Option<Week>, to: Option<Week>) -> WeeklyAverage {
    period_between(counts, counts.span(), from, to)
}

/// Restricts the counts to the requested period, given the first and the last week with trips of a
/// selection that the counts may be a part of.
pub(super) fn period_between(
    counts: &WeekCounts,
    span: Option<(u32, u32)>,
    from: Option<Week>,
    to: Option<Week>,
) -> WeeklyAverage {
    let Some((first, last)) = span else {
        return WeeklyAverage::default();
    };
    let (first, last) = (
        from.map_or(first, Week::number),
        to.map_or(last, Week::number),
    );
    if first > last {
        return WeeklyAverage::default();
    }
    WeeklyAverage {
        first: Week::from_number(first),
        trips: (first..=last).map(|week| counts.trips(week)).collect(),
    }
}

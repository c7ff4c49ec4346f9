//! Regions and datasources, ranked.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::AnalyticsError;
use super::question::Question;
use crate::model::PairSummary;
use crate::store::Snapshot;

/// What is known of every region and datasource.
#[derive(Debug, Clone)]
pub struct Summaries(Vec<PairSummary>);

/// Asks for what is known of every region and datasource.
#[derive(Debug)]
pub(super) struct SummariesQuestion;

impl Question for SummariesQuestion {
    type Answer = Summaries;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Summaries, AnalyticsError> {
        Ok(Summaries::new(snapshot.pair_summaries().await?))
    }
}

/// What is known of some trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// How many there are.
    pub trips: u64,
    /// The earliest departure.
    pub first_departed_at: NaiveDateTime,
    /// The latest departure.
    pub last_departed_at: NaiveDateTime,
}

impl Summaries {
    /// Of these pairs of a region and a datasource.
    #[must_use]
    pub const fn new(pairs: Vec<PairSummary>) -> Self {
        Self(pairs)
    }

    /// The datasource with the latest departure in a region; of several, the first by name.
    #[must_use]
    pub fn latest_datasource(&self, region: &str) -> Option<(&str, Summary)> {
        let datasources = self.datasources(Some(region)).into_iter();
        datasources.min_by_key(|&(name, summary)| (Reverse(summary.last_departed_at), name))
    }

    /// The regions, within one datasource where it is given: most trips first, ties by name.
    #[must_use]
    pub fn regions(&self, datasource: Option<&str>) -> Vec<(&str, Summary)> {
        ranked(
            self.0
                .iter()
                .filter(|pair| datasource.is_none_or(|name| name == pair.datasource))
                .map(|pair| (pair.region.as_str(), pair)),
        )
    }

    /// The datasources, within one region where it is given: most trips first, ties by name.
    #[must_use]
    pub fn datasources(&self, region: Option<&str>) -> Vec<(&str, Summary)> {
        ranked(
            self.0
                .iter()
                .filter(|pair| region.is_none_or(|name| name == pair.region))
                .map(|pair| (pair.datasource.as_str(), pair)),
        )
    }
}

fn ranked<'a>(pairs: impl Iterator<Item = (&'a str, &'a PairSummary)>) -> Vec<(&'a str, Summary)> {
    let mut sums: BTreeMap<&str, Summary> = BTreeMap::new();
    for (name, pair) in pairs {
        sums.entry(name)
            .and_modify(|sum| {
                sum.trips += pair.trips;
                sum.first_departed_at = sum.first_departed_at.min(pair.first_departed_at);
                sum.last_departed_at = sum.last_departed_at.max(pair.last_departed_at);
            })
            .or_insert(Summary {
                trips: pair.trips,
                first_departed_at: pair.first_departed_at,
                last_departed_at: pair.last_departed_at,
            });
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    // The sort is stable: what has as many trips stays in the order of the names.
    sums.sort_by_key(|(_, sum)| Reverse(sum.trips));
    sums
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn pair(region: &str, datasource: &str, trips: u64, days: (u32, u32)) -> PairSummary {
        let at = |day| {
            NaiveDate::from_ymd_opt(2018, 5, day)
                .unwrap()
                .and_hms_opt(9, 0, 0)
                .unwrap()
        };
        PairSummary {
            region: region.to_owned(),
            datasource: datasource.to_owned(),
            trips,
            first_departed_at: at(days.0),
            last_departed_at: at(days.1),
        }
    }

    #[test]
    fn sums_and_ranks() {
        let summaries = Summaries::new(vec![
            pair("Turin", "a", 5, (3, 9)),
            pair("Prague", "a", 2, (1, 4)),
            pair("Prague", "b", 3, (2, 30)),
            pair("Hamburg", "b", 9, (2, 3)),
        ]);
        let names = |list: Vec<(&str, Summary)>| {
            list.into_iter()
                .map(|(name, sum)| (name.to_owned(), sum.trips))
                .collect::<Vec<_>>()
        };
        let expected = |list: &[(&str, u64)]| {
            list.iter()
                .map(|(name, trips)| ((*name).to_owned(), *trips))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(summaries.regions(None)),
            expected(&[("Hamburg", 9), ("Prague", 5), ("Turin", 5)])
        );
        assert_eq!(
            names(summaries.regions(Some("a"))),
            expected(&[("Turin", 5), ("Prague", 2)])
        );
        assert_eq!(
            names(summaries.datasources(Some("Prague"))),
            expected(&[("b", 3), ("a", 2)])
        );
        let prague = summaries.regions(None)[1].1;
        assert_eq!(
            prague.first_departed_at,
            pair("", "", 1, (1, 1)).first_departed_at
        );
        assert_eq!(
            prague.last_departed_at,
            pair("", "", 1, (30, 30)).last_departed_at
        );
    }
}

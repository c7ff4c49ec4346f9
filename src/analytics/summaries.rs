//! Regions and datasources, ranked.

use std::cmp::Reverse;

use super::AnalyticsError;
use super::question::Question;
use crate::model::{PairSummary, Summary};
use crate::store::Snapshot;

/// Number of trips, first and last departure of every region and datasource.
#[derive(Debug, Clone)]
pub struct Summaries {
    /// By region and datasource.
    pairs: Vec<PairSummary>,
    /// Indexes of `pairs`, by datasource and region.
    by_datasource: Vec<usize>,
}

/// The question for the summaries of every region and datasource.
#[derive(Debug)]
pub(super) struct SummariesQuestion;

impl Question for SummariesQuestion {
    type Answer = Summaries;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Summaries, AnalyticsError> {
        Ok(Summaries::new(snapshot.pair_summaries().await?))
    }
}

impl Summaries {
    /// Summaries of these pairs of a region and a datasource. Each pair must occur once.
    #[must_use]
    pub fn new(mut pairs: Vec<PairSummary>) -> Self {
        pairs.sort_unstable_by(|a, b| (&a.region, &a.datasource).cmp(&(&b.region, &b.datasource)));
        let mut by_datasource: Vec<_> = (0..pairs.len()).collect();
        // The sort is stable: the pairs of one datasource stay in the order of the regions.
        by_datasource.sort_by_key(|&index| &pairs[index].datasource);
        Self {
            pairs,
            by_datasource,
        }
    }

    /// The pairs of a region and a datasource.
    pub(super) fn into_pairs(self) -> Vec<PairSummary> {
        self.pairs
    }

    /// The summary of a region; `None` if it has no trips.
    #[must_use]
    pub fn region(&self, name: &str) -> Option<Summary> {
        let regions = ranked(self.of_region(name), |pair| &pair.region);
        regions.first().map(|&(_, summary)| summary)
    }

    /// The summary of a datasource; `None` if it has no trips.
    #[must_use]
    pub fn datasource(&self, name: &str) -> Option<Summary> {
        let datasources = ranked(self.of_datasource(name), |pair| &pair.datasource);
        datasources.first().map(|&(_, summary)| summary)
    }

    /// Number of trips.
    #[must_use]
    pub fn trips(&self) -> u64 {
        self.pairs.iter().map(|pair| pair.summary.trips).sum()
    }

    /// The datasource with the latest departure in a region, ties by name.
    #[must_use]
    pub fn latest_datasource(&self, region: &str) -> Option<(&str, Summary)> {
        let datasources = self.datasources(Some(region)).into_iter();
        datasources.min_by_key(|&(name, summary)| (Reverse(summary.last_departed_at), name))
    }

    /// The regions, or those of one datasource: most trips first, ties by name.
    #[must_use]
    pub fn regions(&self, datasource: Option<&str>) -> Vec<(&str, Summary)> {
        match datasource {
            Some(name) => ranked(self.of_datasource(name), |pair| &pair.region),
            None => ranked(self.pairs.iter(), |pair| &pair.region),
        }
    }

    /// The datasources, or those of one region: most trips first, ties by name.
    #[must_use]
    pub fn datasources(&self, region: Option<&str>) -> Vec<(&str, Summary)> {
        if let Some(name) = region {
            return ranked(self.of_region(name), |pair| &pair.datasource);
        }
        let pairs = self.by_datasource.iter().map(|&index| &self.pairs[index]);
        ranked(pairs, |pair| &pair.datasource)
    }

    fn of_region(&self, name: &str) -> impl Iterator<Item = &PairSummary> {
        let from = self.pairs.partition_point(|pair| *pair.region < *name);
        let pairs = self.pairs[from..].iter();
        pairs.take_while(move |pair| pair.region == name)
    }

    fn of_datasource(&self, name: &str) -> impl Iterator<Item = &PairSummary> {
        let pair = |&index: &usize| &self.pairs[index];
        let from = self
            .by_datasource
            .partition_point(|index| *pair(index).datasource < *name);
        let pairs = self.by_datasource[from..].iter().map(pair);
        pairs.take_while(move |pair| pair.datasource == name)
    }
}

/// Sums by name, most trips first. The pairs must be sorted by name.
fn ranked<'a>(
    pairs: impl Iterator<Item = &'a PairSummary>,
    name: impl Fn(&'a PairSummary) -> &'a str,
) -> Vec<(&'a str, Summary)> {
    let mut sums: Vec<(&str, Summary)> = Vec::new();
    for pair in pairs {
        let name = name(pair);
        match sums.last_mut() {
            Some((last, sum)) if *last == name => sum.add(pair.summary),
            _ => sums.push((name, pair.summary)),
        }
    }
    // The sort is stable: names with the same number of trips stay in order.
    sums.sort_by_key(|(_, sum)| Reverse(sum.trips));
    sums
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::model::Extent;

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
            summary: Summary {
                trips,
                first_departed_at: at(days.0),
                last_departed_at: at(days.1),
                extent: Extent::of_degrees([f64::from(days.0), f64::from(days.1)]),
            },
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
            pair("", "", 1, (1, 1)).summary.first_departed_at
        );
        assert_eq!(
            prague.last_departed_at,
            pair("", "", 1, (30, 30)).summary.last_departed_at
        );
        let extent = Extent {
            west: 1.0,
            south: 4.0,
            east: 2.0,
            north: 30.0,
        };
        assert_eq!(prague.extent, extent);
    }
}

use std::sync::Arc;

use async_graphql::Object;

use super::{LocalDateTime, Long};
use crate::analytics::{Summaries, Summary};
use crate::graphql::limits::weight;
use crate::text::canonical_name;

/// A region.
pub(crate) struct Region {
    name: String,
    summary: Summary,
    summaries: Arc<Summaries>,
}

/// A datasource.
pub(crate) struct Datasource {
    name: String,
    summary: Summary,
    summaries: Arc<Summaries>,
}

impl Region {
    /// Every region, within one datasource where it is given.
    pub(crate) fn all(summaries: &Arc<Summaries>, datasource: Option<&str>) -> Vec<Self> {
        let regions = summaries.regions(datasource).into_iter();
        regions
            .map(|(name, summary)| Self {
                name: name.to_owned(),
                summary,
                summaries: Arc::clone(summaries),
            })
            .collect()
    }

    /// The region of that name, however it is spelled.
    pub(crate) fn named(summaries: &Arc<Summaries>, name: &str) -> Option<Self> {
        let name = canonical_name(name);
        Some(Self {
            summary: summaries.region(&name)?,
            name: name.into_owned(),
            summaries: Arc::clone(summaries),
        })
    }
}

impl Datasource {
    /// Every datasource, within one region where it is given.
    pub(crate) fn all(summaries: &Arc<Summaries>, region: Option<&str>) -> Vec<Self> {
        let datasources = summaries.datasources(region).into_iter();
        datasources
            .map(|(name, summary)| Self {
                name: name.to_owned(),
                summary,
                summaries: Arc::clone(summaries),
            })
            .collect()
    }

    /// The datasource of that name, however it is spelled.
    pub(crate) fn named(summaries: &Arc<Summaries>, name: &str) -> Option<Self> {
        let name = canonical_name(name);
        Some(Self {
            summary: summaries.datasource(&name)?,
            name: name.into_owned(),
            summaries: Arc::clone(summaries),
        })
    }
}

/// A region: trips of the same `region` column. Inside a datasource, its trips and dates are those
/// of that datasource.
#[Object]
impl Region {
    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// How many trips there are.
    async fn trips(&self) -> Long {
        self.summary.trips.into()
    }

    /// The earliest departure, wall clock.
    async fn first_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.first_departed_at))
    }

    /// The latest departure, wall clock.
    async fn last_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.last_departed_at))
    }

    /// The datasource whose last departure in this region is the latest; of several, the first by
    /// name.
    async fn latest_datasource(&self) -> Option<Datasource> {
        let (name, summary) = self.summaries.latest_datasource(&self.name)?;
        let summaries = Arc::clone(&self.summaries);
        Some(Datasource {
            name: name.to_owned(),
            summary,
            summaries,
        })
    }

    /// Its datasources, most trips first; their trips and dates are those in this region.
    #[graphql(complexity = "weight(0, 10, child_complexity)")]
    async fn datasources(&self) -> Vec<Datasource> {
        // Lists in lists are long work without a wait: other requests come in between.
        tokio::task::consume_budget().await;
        Datasource::all(&self.summaries, Some(&self.name))
    }
}

/// A datasource: trips of the same `datasource` column. Inside a region, its trips and dates are
/// those in that region.
#[Object]
impl Datasource {
    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// How many trips there are.
    async fn trips(&self) -> Long {
        self.summary.trips.into()
    }

    /// The earliest departure, wall clock.
    async fn first_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.first_departed_at))
    }

    /// The latest departure, wall clock.
    async fn last_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.last_departed_at))
    }

    /// Its regions, most trips first; their trips and dates are those of this datasource.
    #[graphql(complexity = "weight(0, 10, child_complexity)")]
    async fn regions(&self) -> Vec<Region> {
        // Lists in lists are long work without a wait: other requests come in between.
        tokio::task::consume_budget().await;
        Region::all(&self.summaries, Some(&self.name))
    }
}

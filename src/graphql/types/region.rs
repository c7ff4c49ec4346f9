use std::sync::Arc;

use async_graphql::Object;

use super::{Extent, LocalDateTime, Long};
use crate::analytics::Summaries;
use crate::graphql::limits::weight;
use crate::model::Summary;
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
    /// All regions, or those of one datasource if it is given.
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

    /// The region with this name; the name need not be canonical.
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
    /// All datasources, or those of one region if it is given.
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

    /// The datasource with this name; the name need not be canonical.
    pub(crate) fn named(summaries: &Arc<Summaries>, name: &str) -> Option<Self> {
        let name = canonical_name(name);
        Some(Self {
            summary: summaries.datasource(&name)?,
            name: name.into_owned(),
            summaries: Arc::clone(summaries),
        })
    }
}

/// A region: all trips with the same value in the `region` column. Nested in a datasource, its
/// counts and dates cover only the trips of that datasource.
#[Object]
impl Region {
    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Number of trips.
    async fn trips(&self) -> Long {
        self.summary.trips.into()
    }

    /// Earliest departure, in wall-clock time.
    async fn first_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.first_departed_at))
    }

    /// Latest departure, in wall-clock time.
    async fn last_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.last_departed_at))
    }

    /// Borders of the places where trips start and end. They show mistakes such as swapped coordinates
    /// and (0, 0).
    async fn extent(&self) -> Option<Extent> {
        Some(self.summary.extent.into())
    }

    /// The datasource with the latest departure in this region; on a tie, the first by name.
    async fn latest_datasource(&self) -> Option<Datasource> {
        let (name, summary) = self.summaries.latest_datasource(&self.name)?;
        let summaries = Arc::clone(&self.summaries);
        Some(Datasource {
            name: name.to_owned(),
            summary,
            summaries,
        })
    }

    /// Datasources of this region, most trips first. Their counts and dates cover only this region.
    #[graphql(complexity = "weight(0, 10, child_complexity)")]
    async fn datasources(&self) -> Vec<Datasource> {
        // Nested lists can take long without awaiting anything: let other tasks run.
        tokio::task::consume_budget().await;
        Datasource::all(&self.summaries, Some(&self.name))
    }
}

/// A datasource: all trips with the same value in the `datasource` column. Nested in a region, its
/// counts and dates cover only the trips in that region.
#[Object]
impl Datasource {
    /// Its name.
    async fn name(&self) -> &str {
        &self.name
    }

    /// Number of trips.
    async fn trips(&self) -> Long {
        self.summary.trips.into()
    }

    /// Earliest departure, in wall-clock time.
    async fn first_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.first_departed_at))
    }

    /// Latest departure, in wall-clock time.
    async fn last_departed_at(&self) -> Option<LocalDateTime> {
        Some(LocalDateTime(self.summary.last_departed_at))
    }

    /// Regions of this datasource, most trips first. Their counts and dates cover only this
    /// datasource.
    #[graphql(complexity = "weight(0, 10, child_complexity)")]
    async fn regions(&self) -> Vec<Region> {
        // Nested lists can take long without awaiting anything: let other tasks run.
        tokio::task::consume_budget().await;
        Region::all(&self.summaries, Some(&self.name))
    }
}

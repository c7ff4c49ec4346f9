//! Queries, one file a noun.

mod ingestion;
mod region;
mod trip_group;
mod weekly_average;

use async_graphql::MergedObject;

/// What can be asked.
#[derive(Default, MergedObject)]
#[graphql(name = "Query")]
pub struct Query(
    ingestion::IngestionQuery,
    weekly_average::WeeklyAverageQuery,
    trip_group::TripGroupQuery,
    region::RegionQuery,
);

//! Queries, one file per noun.

mod ingestion;
mod region;
mod trip;
mod trip_group;
mod weekly_average;
mod zone;

use async_graphql::MergedObject;

/// Queries: they read and change nothing.
#[derive(Default, MergedObject)]
#[graphql(name = "Query")]
pub struct Query(
    ingestion::IngestionQuery,
    weekly_average::WeeklyAverageQuery,
    trip_group::TripGroupQuery,
    trip::TripQuery,
    zone::ZoneQuery,
    region::RegionQuery,
);

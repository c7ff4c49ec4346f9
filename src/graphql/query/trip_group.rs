use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::analytics::Answers;
use crate::geo::Resolution;
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor;
use crate::graphql::limits::weight;
use crate::graphql::types::{
    GroupOrder, Grouping, Long, PeriodInput, TripFilter, TripGroup, TripGroupConnection,
    comparison, connection,
};
use crate::graphql::{ApiError, Disclosure};
use crate::model::{BucketMinutes, MinTrips, Page, Similarity};

#[derive(Default)]
pub(super) struct TripGroupQuery;

#[Object]
impl TripGroupQuery {
    /// Groups of similar trips, largest first. Similar trips have the same origin cell, the same
    /// destination cell and the same bucket of the day, on any date. Cells are H3 cells.
    #[graphql(complexity = "weight(500, first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn grouped_trips(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Selects the trips to group; by default, all trips are grouped.")]
        filter: Option<TripFilter>,
        #[graphql(
            default = 7,
            desc = "H3 resolution of the cells, 0–9; a cell of resolution 7 has about 5 km²."
        )]
        resolution: i32,
        #[graphql(
            default = 60,
            desc = "Length of a bucket of the day, in minutes: a multiple of 30 that divides 1440."
        )]
        time_bucket_minutes: i32,
        #[graphql(
            desc = "Count the trips of this period, too, with the other conditions of the filter."
        )]
        compare_to: Option<PeriodInput>,
        #[graphql(default, desc = "Order of the groups.")] order_by: GroupOrder,
        #[graphql(
            default_with = "Long(1)",
            desc = "Minimum number of trips in a group, in one of the periods."
        )]
        min_trips: Long,
        #[graphql(default = 20, desc = "Maximum number of groups, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last group of the previous page.")] after: Option<String>,
    ) -> Result<TripGroupConnection> {
        let selection = filter.unwrap_or_default().selection(ctx).await?;
        let comparison = comparison(compare_to, order_by)?;
        let compared = comparison.period.is_some();
        let similarity = similarity(resolution, time_bucket_minutes)?;
        let disclosure = Disclosure::of(ctx)?;
        disclosure.check_similarity(similarity)?;
        let min_trips = MinTrips::in_units(min_trips.count("minTrips")?, disclosure.unit());
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let last = after
            .map(|cursor| cursor::to_group(similarity, compared, cursor))
            .transpose()?;
        let _turn = turn(ctx).await?;
        let page = service::<Answers>(ctx)?
            .compared_trips(&selection, similarity, comparison, min_trips, first, last)
            .await
            .map_err(ApiError::from)?;
        let grouping = Arc::new(Grouping {
            selection,
            similarity,
            compared,
        });
        Ok(connection(
            Page::clone(&page),
            after,
            |group| cursor::of_group(similarity, compared, group),
            |group| TripGroup {
                group,
                grouping: Arc::clone(&grouping),
            },
        ))
    }
}

fn similarity(resolution: i32, minutes: i32) -> Result<Similarity, ApiError> {
    Ok(Similarity {
        resolution: Resolution::new(resolution).ok_or_else(|| {
            ApiError::bad_input(format_args!("`resolution` is {resolution}, outside 0–9"))
        })?,
        bucket: BucketMinutes::new(minutes).ok_or_else(|| {
            ApiError::bad_input(format_args!(
                "`timeBucketMinutes` is {minutes}, not a multiple of 30 that divides 24 hours (1440)"
            ))
        })?,
    })
}

use async_graphql::{Context, Object, Result};

use crate::analytics::{Answers, ZoneSets};
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor;
use crate::graphql::limits::weight;
use crate::graphql::types::{
    GroupOrder, Long, OdPair, OdPairConnection, PeriodInput, TripFilter, ZoneSet, comparison,
    connection, zone_set,
};
use crate::graphql::{ApiError, Disclosure};
use crate::model::{MinTrips, Page};

#[derive(Default)]
pub(super) struct ZoneQuery;

#[Object]
impl ZoneQuery {
    /// All sets of zones, by name.
    #[graphql(complexity = "weight(100, 10, child_complexity)")]
    async fn zone_sets(&self, ctx: &Context<'_>) -> Result<Vec<ZoneSet>> {
        let _turn = turn(ctx).await?;
        let sets = service::<ZoneSets>(ctx)?.all().await;
        Ok(sets
            .map_err(ApiError::from)?
            .into_iter()
            .map(ZoneSet)
            .collect())
    }

    /// The set of zones of this name; null if there is none.
    #[graphql(complexity = "100 + child_complexity")]
    async fn zone_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name of the set.")] name: String,
    ) -> Result<Option<ZoneSet>> {
        let _turn = turn(ctx).await?;
        let set = service::<ZoneSets>(ctx)?.named(&name).await;
        Ok(set.map_err(ApiError::from)?.map(ZoneSet))
    }

    /// Number of trips from zone to zone, largest first, ties in the order of the zones. A trip end
    /// is in at most one zone, the first in the order of the file that contains it, so the pairs
    /// add up to all trips of the selection.
    #[graphql(complexity = "weight(500, first, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn od_matrix(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "zoneSet", desc = "Name of the set of zones.")] name: String,
        #[graphql(desc = "Selects the trips to count; by default, all trips are counted.")]
        filter: Option<TripFilter>,
        #[graphql(
            desc = "Count the trips of this period, too, with the other conditions of the filter."
        )]
        compare_to: Option<PeriodInput>,
        #[graphql(default, desc = "Order of the pairs.")] order_by: GroupOrder,
        #[graphql(
            default_with = "Long(1)",
            desc = "Minimum number of trips of a pair, in one of the periods."
        )]
        min_trips: Long,
        #[graphql(default = 20, desc = "Maximum number of pairs, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last pair of the previous page.")] after: Option<String>,
    ) -> Result<OdPairConnection> {
        let selection = filter.unwrap_or_default().selection(ctx).await?;
        let comparison = comparison(compare_to, order_by)?;
        let unit = Disclosure::of(ctx)?.unit();
        let min_trips = MinTrips::in_units(min_trips.count("minTrips")?, unit);
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let last = after.map(cursor::to_pair).transpose()?;
        let _turn = turn(ctx).await?;
        let set = zone_set(ctx, &name).await?;
        let page = service::<Answers>(ctx)?
            .od_matrix(&set, &selection, comparison, min_trips, first, last)
            .await
            .map_err(ApiError::from)?;
        Ok(connection(
            Page::clone(&page),
            after,
            cursor::of_pair,
            |pair| OdPair::new(&set, pair, comparison.period.is_some()),
        ))
    }
}

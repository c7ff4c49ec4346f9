use async_graphql::{Context, Object, Result};

use crate::graphql::cache;
use crate::graphql::limits::weight;
use crate::graphql::types::{Datasource, Region};

#[derive(Default)]
pub(super) struct RegionQuery;

#[Object]
impl RegionQuery {
    /// Every region that has trips, most trips first.
    #[graphql(complexity = "weight(0, 20, child_complexity)")]
    async fn regions(&self, ctx: &Context<'_>) -> Result<Vec<Region>> {
        Ok(Region::all(&cache::summaries(ctx).await?, None))
    }

    /// The region with this name; null if it has no trips.
    async fn region(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name as it is written in the files.")] name: String,
    ) -> Result<Option<Region>> {
        Ok(Region::named(&cache::summaries(ctx).await?, &name))
    }

    /// Every datasource that has trips, most trips first.
    #[graphql(complexity = "weight(0, 20, child_complexity)")]
    async fn datasources(&self, ctx: &Context<'_>) -> Result<Vec<Datasource>> {
        Ok(Datasource::all(&cache::summaries(ctx).await?, None))
    }

    /// The datasource with this name; null if it has no trips.
    async fn datasource(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name as it is written in the files.")] name: String,
    ) -> Result<Option<Datasource>> {
        Ok(Datasource::named(&cache::summaries(ctx).await?, &name))
    }
}

use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use crate::analytics::ZoneSets;
use crate::graphql::cache::service;
use crate::graphql::types::{Upload, ZoneSet};
use crate::graphql::{ApiError, Code};
use crate::model::{self, ZoneProperties};

/// Maximum size of a file of zones, in bytes.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Default)]
pub(super) struct ZoneMutation;

#[Object]
impl ZoneMutation {
    /// Imports zones from a GeoJSON FeatureCollection of polygons. They replace the set of this name
    /// if there is one.
    #[graphql(complexity = "100 + child_complexity")]
    async fn import_zones(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "GeoJSON FeatureCollection, at most 256 MiB.")] file: Upload,
        #[graphql(name = "set", desc = "Name of the set; without `/`.")] name: String,
        #[graphql(
            desc = "Property that identifies a zone; by default the `id` of the feature, or its \
                    number in the file."
        )]
        id: Option<String>,
        #[graphql(
            name = "name",
            desc = "Property with the name of a zone; by default `name`, or what identifies it."
        )]
        label: Option<String>,
    ) -> Result<ZoneSet> {
        let sets = service::<ZoneSets>(ctx)?.clone();
        let upload = file.receive(ctx).await?;
        if upload.bytes() > MAX_BYTES {
            let message = format!("the file exceeds the limit of {MAX_BYTES} bytes for zones");
            return Err(ApiError::new(Code::TooLarge, message).into());
        }
        let properties = ZoneProperties { id, name: label };
        // A large file takes seconds to read, and the work goes on if the client disconnects.
        let read = tokio::task::spawn_blocking(move || {
            let json = std::fs::read(upload.path()).map_err(ApiError::internal)?;
            model::ZoneSet::from_geojson(&name, &json, &properties)
                .map_err(|error| ApiError::bad_input(format_args!("{error}")))
        });
        let imported = tokio::spawn(async move {
            let set = read.await.map_err(ApiError::internal)??;
            sets.add(&set).await?;
            Ok::<_, ApiError>(set)
        });
        let set = imported.await.map_err(ApiError::internal)??;
        Ok(ZoneSet(Arc::new(set)))
    }

    /// Removes a set of zones; false if there is none of this name.
    async fn remove_zones(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "set", desc = "Name of the set.")] name: String,
    ) -> Result<bool> {
        let sets = service::<ZoneSets>(ctx)?.clone();
        let removed = tokio::spawn(async move { sets.remove(&name).await });
        let removed = removed.await.map_err(ApiError::internal)?;
        Ok(removed.map_err(ApiError::from)?)
    }
}

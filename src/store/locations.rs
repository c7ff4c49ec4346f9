//! Locations whose ids the files of ingestions name: one value for each ingestion that has some, until
//! it ends.

use std::collections::HashMap;

use entity::ingestion_locations;
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use super::{Error, Store};
use crate::geo::Point;
use crate::model::IngestionId;

/// Stores the locations of an ingestion.
pub(super) async fn insert_locations(
    tx: &DatabaseTransaction,
    id: IngestionId,
    locations: &HashMap<String, Point>,
) -> Result<(), Error> {
    let locations: HashMap<String, [f64; 2]> = locations
        .iter()
        // PostgreSQL has no NUL, and neither has a field that is compared.
        .filter(|(id, _)| !id.contains('\0'))
        .map(|(id, point)| (id.clone(), [point.lon(), point.lat()]))
        .collect();
    let row = ingestion_locations::ActiveModel {
        ingestion_id: Set(id),
        // The serialisation of texts and numbers cannot fail.
        locations: Set(serde_json::to_string(&locations).unwrap_or_default()),
    };
    row.insert(tx).await?;
    Ok(())
}

/// Deletes the locations of ingestions that have ended.
pub(super) async fn delete_locations(
    tx: &DatabaseTransaction,
    ids: impl IntoIterator<Item = IngestionId>,
) -> Result<(), Error> {
    ingestion_locations::Entity::delete_many()
        .filter(ingestion_locations::Column::IngestionId.is_in(ids))
        .exec(tx)
        .await?;
    Ok(())
}

/// Locations as they were stored.
fn parse(stored: &str) -> Result<HashMap<String, Point>, Error> {
    let corrupt = || Error::Corrupt("list of locations");
    let stored: HashMap<String, [f64; 2]> = serde_json::from_str(stored).map_err(|_| corrupt())?;
    let locations = stored.into_iter().map(|(id, [lon, lat])| {
        let point = Point::new(lon, lat).map_err(|_| corrupt())?;
        Ok((id, point))
    });
    locations.collect()
}

impl Store {
    /// The locations whose ids the files of ingestions name; nothing of those that have none.
    pub async fn locations(
        &self,
        ids: impl IntoIterator<Item = IngestionId>,
    ) -> Result<HashMap<IngestionId, HashMap<String, Point>>, Error> {
        let rows = ingestion_locations::Entity::find()
            .filter(ingestion_locations::Column::IngestionId.is_in(ids))
            .all(&self.inner.reader)
            .await?;
        let locations = rows
            .iter()
            .map(|row| Ok((row.ingestion_id, parse(&row.locations)?)));
        locations.collect()
    }
}

//! Regions and datasources: names and the small numbers that stand for them.

use entity::{datasource, region};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use super::{Error, Snapshot, Store};
use crate::model::MAX_DIMENSION_ID;

/// `SQLite` allows 32,766 parameters a statement.
const NAMES_PER_STATEMENT: usize = 10_000;

impl Snapshot {
    pub(super) async fn region_id(&self, name: &str) -> Result<Option<u32>, Error> {
        let found = region::Entity::find()
            .filter(region::Column::Name.eq(name))
            .one(&self.tx)
            .await?;
        Ok(found.map(|region| region.id.cast_unsigned()))
    }

    pub(super) async fn datasource_id(&self, name: &str) -> Result<Option<u32>, Error> {
        let found = datasource::Entity::find()
            .filter(datasource::Column::Name.eq(name))
            .one(&self.tx)
            .await?;
        Ok(found.map(|datasource| datasource.id.cast_unsigned()))
    }
}

impl Store {
    /// The numbers of regions, in the order of their names here; new names get one.
    pub async fn region_ids(&self, names: &[String]) -> Result<Vec<u32>, Error> {
        let tx = self.write().await?;
        let mut ids = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_PER_STATEMENT) {
            let rows = names.iter().map(|name| region::ActiveModel {
                name: Set(name.clone()),
                ..Default::default()
            });
            region::Entity::insert_many(rows)
                .on_conflict(
                    OnConflict::column(region::Column::Name)
                        .do_nothing()
                        .to_owned(),
                )
                .exec_without_returning(&tx)
                .await?;
            let known = region::Entity::find()
                .filter(region::Column::Name.is_in(names))
                .all(&tx)
                .await?;
            let known = known
                .into_iter()
                .map(|region| (region.name, region.id))
                .collect();
            ids.extend(in_order(names, &known)?);
        }
        tx.commit().await?;
        Ok(ids)
    }

    /// The numbers of datasources, in the order of their names here; new names get one.
    pub async fn datasource_ids(&self, names: &[String]) -> Result<Vec<u32>, Error> {
        let tx = self.write().await?;
        let mut ids = Vec::with_capacity(names.len());
        for names in names.chunks(NAMES_PER_STATEMENT) {
            let rows = names.iter().map(|name| datasource::ActiveModel {
                name: Set(name.clone()),
                ..Default::default()
            });
            datasource::Entity::insert_many(rows)
                .on_conflict(
                    OnConflict::column(datasource::Column::Name)
                        .do_nothing()
                        .to_owned(),
                )
                .exec_without_returning(&tx)
                .await?;
            let known = datasource::Entity::find()
                .filter(datasource::Column::Name.is_in(names))
                .all(&tx)
                .await?;
            let known = known
                .into_iter()
                .map(|source| (source.name, source.id))
                .collect();
            ids.extend(in_order(names, &known)?);
        }
        tx.commit().await?;
        Ok(ids)
    }
}

fn in_order(
    names: &[String],
    known: &std::collections::HashMap<String, i32>,
) -> Result<Vec<u32>, Error> {
    names
        .iter()
        .map(|name| {
            let id = known
                .get(name)
                .ok_or(Error::Corrupt("name"))?
                .cast_unsigned();
            if id > MAX_DIMENSION_ID {
                Err(Error::TooManyNames(MAX_DIMENSION_ID))
            } else {
                Ok(id)
            }
        })
        .collect()
}

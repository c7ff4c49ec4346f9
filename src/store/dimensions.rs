//! Regions and datasources: names and the small numbers that stand for them.

use entity::{datasource, region};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::list::List;
use super::snapshot::{column, statement};
use super::{Error, Snapshot, Store};
use crate::model::MAX_DIMENSION_ID;

/// No file's names hold it, and PostgreSQL's texts cannot.
const NEVER_IN_NAMES: char = '\0';

impl Snapshot {
    pub(super) async fn region_id(&self, name: &str) -> Result<Option<u32>, Error> {
        if name.contains(NEVER_IN_NAMES) {
            return Ok(None);
        }
        let found = region::Entity::find()
            .filter(region::Column::Name.eq(name))
            .one(&self.tx)
            .await?;
        Ok(found.map(|region| region.id.cast_unsigned()))
    }

    pub(super) async fn datasource_id(&self, name: &str) -> Result<Option<u32>, Error> {
        if name.contains(NEVER_IN_NAMES) {
            return Ok(None);
        }
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
        self.ids("region", names).await
    }

    /// The numbers of datasources, in the order of their names here; new names get one.
    pub async fn datasource_ids(&self, names: &[String]) -> Result<Vec<u32>, Error> {
        self.ids("datasource", names).await
    }

    async fn ids(&self, table: &str, names: &[String]) -> Result<Vec<u32>, Error> {
        let tx = self.write().await?;
        let list = List::texts(tx.get_database_backend(), 0, names);
        // Names that are there already are left out first, since trying to insert them would use
        // up numbers; in their order, so that two programs that insert do not wait for each other.
        let insert = format!(
            "INSERT INTO {table} (name) SELECT list.c0 FROM {} \
             WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {table}.name = list.c0) \
             ORDER BY list.c0 ON CONFLICT (name) DO NOTHING",
            list.table
        );
        tx.execute_raw(statement(&tx, &insert, list.values.clone()))
            .await?;
        let select = format!(
            "SELECT {table}.id FROM {} \
             JOIN {table} ON {table}.name = list.c0 ORDER BY list.place",
            list.table
        );
        let rows = tx
            .query_all_raw(statement(&tx, &select, list.values))
            .await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| match column::<i32>(row, 0)?.cast_unsigned() {
                id if id > MAX_DIMENSION_ID => Err(Error::TooManyNames(MAX_DIMENSION_ID)),
                id => Ok(id),
            })
            .collect()
    }
}

//! Regions and datasources: names and the small numbers that stand for them.

use entity::{datasource, region};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::snapshot::{column, statement};
use super::{Error, Snapshot, Store};
use crate::model::MAX_DIMENSION_ID;

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
        self.ids("region", names).await
    }

    /// The numbers of datasources, in the order of their names here; new names get one.
    pub async fn datasource_ids(&self, names: &[String]) -> Result<Vec<u32>, Error> {
        self.ids("datasource", names).await
    }

    async fn ids(&self, table: &str, names: &[String]) -> Result<Vec<u32>, Error> {
        let list = serde_json::Value::from(names).to_string();
        let tx = self.write().await?;
        // WHERE, since the grammar would take ON for that of a join.
        let insert = format!(
            "INSERT INTO {table} (name) SELECT value FROM json_each(?) WHERE TRUE \
             ON CONFLICT (name) DO NOTHING"
        );
        tx.execute_raw(statement(&tx, &insert, [list.clone().into()]))
            .await?;
        let select = format!(
            "SELECT {table}.id FROM json_each(?) AS list \
             JOIN {table} ON {table}.name = list.value ORDER BY list.key"
        );
        let rows = tx
            .query_all_raw(statement(&tx, &select, [list.into()]))
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

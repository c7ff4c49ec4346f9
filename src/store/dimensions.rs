//! Regions and datasources: names and the small numbers that stand for them.

use std::collections::HashMap;

use entity::{datasource, region};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::commit::{CommitPoint, committed};
use super::list::List;
use super::statement::{column, statement};
use super::{Error, Snapshot, Store};
use crate::model::{KeyFilter, MAX_DIMENSION_ID, Selection};

/// No file's names hold it, and PostgreSQL's texts cannot.
const NEVER_IN_NAMES: char = '\0';

impl Snapshot {
    /// What to keep of the trips for a selection, apart from its area; `None` where its region or
    /// datasource does not exist.
    pub async fn key_filter(&self, selection: &Selection) -> Result<Option<KeyFilter>, Error> {
        let mut filter = KeyFilter {
            from_week: selection.from_week,
            to_week: selection.to_week,
            times: selection.times.clone(),
            ingestion: selection.ingestion,
            ..KeyFilter::default()
        };
        if let Some(name) = &selection.region {
            let Some(id) = self.region_id(name).await? else {
                return Ok(None);
            };
            filter.region = Some(id);
        }
        if let Some(name) = &selection.datasource {
            let Some(id) = self.datasource_id(name).await? else {
                return Ok(None);
            };
            filter.datasource = Some(id);
        }
        Ok(Some(filter))
    }

    async fn region_id(&self, name: &str) -> Result<Option<u32>, Error> {
        if name.contains(NEVER_IN_NAMES) {
            return Ok(None);
        }
        let found = region::Entity::find()
            .filter(region::Column::Name.eq(name))
            .one(&self.tx)
            .await?;
        Ok(found.map(|region| region.id.cast_unsigned()))
    }

    async fn datasource_id(&self, name: &str) -> Result<Option<u32>, Error> {
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

impl Snapshot {
    /// The names of regions by their numbers.
    pub async fn region_names(&self, ids: &[u32]) -> Result<HashMap<u32, String>, Error> {
        self.names("region", ids).await
    }

    /// The names of datasources by their numbers.
    pub async fn datasource_names(&self, ids: &[u32]) -> Result<HashMap<u32, String>, Error> {
        self.names("datasource", ids).await
    }

    /// The names of all regions by their numbers.
    pub async fn all_region_names(&self) -> Result<HashMap<u32, String>, Error> {
        self.all_names("region").await
    }

    /// The names of all datasources by their numbers.
    pub async fn all_datasource_names(&self) -> Result<HashMap<u32, String>, Error> {
        self.all_names("datasource").await
    }

    async fn all_names(&self, table: &str) -> Result<HashMap<u32, String>, Error> {
        let mut names = HashMap::new();
        self.each(&format!("SELECT id, name FROM {table}"), [], |row| {
            names.insert(column::<i32>(&row, 0)?.cast_unsigned(), column(&row, 1)?);
            Ok(())
        })
        .await?;
        Ok(names)
    }

    async fn names(&self, table: &str, ids: &[u32]) -> Result<HashMap<u32, String>, Error> {
        let list = List::column(self.backend(), 0, ids.iter().map(|&id| id.into()));
        let sql = format!(
            "SELECT {table}.id, {table}.name FROM {} CROSS JOIN {table} WHERE {table}.id = list.c0",
            list.table()
        );
        let mut names = HashMap::new();
        self.each(&sql, list.values, |row| {
            names.insert(column::<i32>(&row, 0)?.cast_unsigned(), column(&row, 1)?);
            Ok(())
        })
        .await?;
        Ok(names)
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
        let mut numbers = numbers(&tx, table, names).await?;
        let mut new: Vec<_> = names
            .iter()
            .filter(|name| !numbers.contains_key(*name))
            .cloned()
            .collect();
        if !new.is_empty() {
            // In their order, so that two programs that insert do not wait for each other.
            new.sort_unstable();
            let list = List::texts(tx.get_database_backend(), 0, &new);
            let insert = format!(
                "INSERT INTO {table} (name) SELECT list.c0 FROM {} WHERE TRUE \
                 ORDER BY list.place ON CONFLICT (name) DO NOTHING",
                list.table()
            );
            tx.execute_raw(statement(&tx, &insert, list.values)).await?;
            numbers.extend(self::numbers(&tx, table, &new).await?);
        }
        committed(CommitPoint::Names, tx.commit()).await?;
        let number = |name| numbers.get(name).copied().ok_or(Error::Corrupt("name"));
        names.iter().map(number).collect()
    }
}

/// The numbers of those names that have one.
async fn numbers(
    tx: &DatabaseTransaction,
    table: &str,
    names: &[String],
) -> Result<HashMap<String, u32>, Error> {
    let list = List::texts(tx.get_database_backend(), 0, names);
    let sql = format!(
        "SELECT {table}.name, {table}.id FROM {} JOIN {table} ON {table}.name = list.c0",
        list.table()
    );
    let rows = tx.query_all_raw(statement(tx, &sql, list.values)).await?;
    rows.iter()
        .map(
            |row| match (column(row, 0)?, column::<i32>(row, 1)?.cast_unsigned()) {
                (_, id) if id > MAX_DIMENSION_ID => Err(Error::TooManyNames(MAX_DIMENSION_ID)),
                pair => Ok(pair),
            },
        )
        .collect()
}

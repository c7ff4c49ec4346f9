//! Sets of zones.

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::commit::{CommitPoint, committed};
use super::statement::{column, statement};
use super::{Error, Snapshot, Store};
use crate::geo::Polygon;
use crate::model::{Zone, ZoneSet};

/// A set of zones, but for its zones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneSetRecord {
    /// Its number; a set that is imported anew has another one.
    pub id: i64,
    /// Its name.
    pub name: String,
}

impl Store {
    /// Adds a set of zones. It replaces the one of this name in one transaction.
    pub async fn add_zones(&self, set: &ZoneSet) -> Result<(), Error> {
        let tx = self.write().await?;
        delete(&tx, &set.name).await?;
        let insert = "INSERT INTO zone_set (name) VALUES ($1) RETURNING id";
        let inserted = statement(&tx, insert, [set.name.as_str().into()]);
        let row = tx.query_one_raw(inserted).await?;
        let id: i64 = column(&row.ok_or(Error::Corrupt("zone set"))?, 0)?;
        let insert = "INSERT INTO zone (set_id, number, key, name, boundary) \
                      VALUES ($1, $2, $3, $4, $5)";
        for (number, zone) in (0_i64..).zip(set.zones()) {
            let values = [
                id.into(),
                number.into(),
                zone.key.as_str().into(),
                zone.name.as_str().into(),
                zone.boundary.to_geojson().to_string().into(),
            ];
            tx.execute_raw(statement(&tx, insert, values)).await?;
        }
        committed(CommitPoint::AddZones, tx.commit()).await
    }

    /// Removes a set of zones; `false` if there is none of this name.
    pub async fn remove_zones(&self, name: &str) -> Result<bool, Error> {
        let tx = self.write().await?;
        let removed = delete(&tx, name).await?;
        committed(CommitPoint::RemoveZones, tx.commit()).await?;
        Ok(removed)
    }
}

async fn delete(tx: &DatabaseTransaction, name: &str) -> Result<bool, Error> {
    let zones = "DELETE FROM zone WHERE set_id IN (SELECT id FROM zone_set WHERE name = $1)";
    tx.execute_raw(statement(tx, zones, [name.into()])).await?;
    let set = statement(tx, "DELETE FROM zone_set WHERE name = $1", [name.into()]);
    Ok(tx.execute_raw(set).await?.rows_affected() > 0)
}

impl Snapshot {
    /// All sets of zones, by name.
    pub async fn zone_sets(&self) -> Result<Vec<ZoneSetRecord>, Error> {
        let mut sets = Vec::new();
        self.each("SELECT id, name FROM zone_set", [], |row| {
            sets.push(ZoneSetRecord {
                id: column(&row, 0)?,
                name: column(&row, 1)?,
            });
            Ok(())
        })
        .await?;
        // By bytes, whatever the database's language.
        sets.sort_unstable_by(|one: &ZoneSetRecord, other| one.name.cmp(&other.name));
        Ok(sets)
    }

    /// The zones of a set, in their order.
    pub async fn zones(&self, set: i64) -> Result<Vec<Zone>, Error> {
        let sql = "SELECT key, name, boundary FROM zone WHERE set_id = $1 ORDER BY number";
        let mut zones = Vec::new();
        self.each(sql, [set.into()], |row| {
            let boundary: String = column(&row, 2)?;
            let boundary = serde_json::from_str(&boundary).ok();
            let boundary = boundary.and_then(|json| Polygon::from_geojson(&json).ok());
            zones.push(Zone {
                key: column(&row, 0)?,
                name: column(&row, 1)?,
                boundary: boundary.ok_or(Error::Corrupt("zone"))?.into(),
            });
            Ok(())
        })
        .await?;
        Ok(zones)
    }
}

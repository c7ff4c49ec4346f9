//! Trip summaries: what is known of regions and datasources without looking at trips.
//!
//! There is one for each ingestion, and a total over all ingestions. Both change in the transaction that
//! changes what is in the answers.

use std::collections::BTreeSet;

use entity::trip_summary;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait, QueryResult, Set};

use super::list::List;
use super::statement::{column, named, statement};
use super::{Error, Snapshot, TripSummary};
use crate::model::{Extent, IngestionId, PairSummary, Summary};

/// The columns of a summary.
const COLUMNS: &str = "trips, first_departed_at, last_departed_at, west, south, east, north";
/// Those of them of which a total has the least.
const LEAST: [&str; 3] = ["first_departed_at", "west", "south"];
/// Those of them of which a total has the greatest.
const GREATEST: [&str; 3] = ["last_departed_at", "east", "north"];

/// Adds the summaries of ingestions, and adds them to the totals.
pub(super) async fn insert(
    tx: &DatabaseTransaction,
    summaries: &[(IngestionId, &TripSummary)],
) -> Result<(), Error> {
    for chunk in summaries.chunks(1_000) {
        let rows = chunk.iter().map(|(id, of_pair)| {
            let summary = &of_pair.summary;
            trip_summary::ActiveModel {
                ingestion_id: Set(*id),
                region_id: Set(of_pair.region.cast_signed()),
                datasource_id: Set(of_pair.datasource.cast_signed()),
                trips: Set(summary.trips.cast_signed()),
                first_departed_at: Set(summary.first_departed_at),
                last_departed_at: Set(summary.last_departed_at),
                departures: Set(of_pair.departures.cast_signed()),
                west: Set(summary.extent.west),
                south: Set(summary.extent.south),
                east: Set(summary.extent.east),
                north: Set(summary.extent.north),
            }
        });
        trip_summary::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    let better = |column: &&str, comparison| {
        format!(
            "{column} = CASE WHEN excluded.{column} {comparison} trip_total.{column} \
             THEN excluded.{column} ELSE trip_total.{column} END"
        )
    };
    let least = LEAST.iter().map(|column| better(column, "<"));
    let greatest = GREATEST.iter().map(|column| better(column, ">"));
    let changes: Vec<_> = least.chain(greatest).collect();
    let ids: BTreeSet<_> = summaries.iter().map(|(id, _)| *id).collect();
    let ids = List::column(tx.get_database_backend(), 0, ids.into_iter());
    let sql = format!(
        "INSERT INTO trip_total (region_id, datasource_id, {COLUMNS}) \
         SELECT region_id, datasource_id, {} FROM trip_summary AS new \
         WHERE ingestion_id IN (SELECT c0 FROM {}) GROUP BY region_id, datasource_id \
         ON CONFLICT (region_id, datasource_id) DO UPDATE SET \
         trips = trip_total.trips + excluded.trips, {}",
        added_up("new"),
        ids.table(),
        changes.join(", ")
    );
    tx.execute_raw(statement(tx, &sql, ids.values)).await?;
    Ok(())
}

/// The columns of a total of summaries, which are the rows of a table.
fn added_up(table: &str) -> String {
    let columns = COLUMNS.split(", ").map(|column| {
        if LEAST.contains(&column) {
            format!("MIN({table}.{column})")
        } else if GREATEST.contains(&column) {
            format!("MAX({table}.{column})")
        } else {
            format!("CAST(SUM({table}.{column}) AS BIGINT)")
        }
    });
    let columns: Vec<_> = columns.collect();
    columns.join(", ")
}

/// Deletes the summaries of an ingestion, and takes them out of the totals: what is left of these is
/// added up from the summaries of the other ingestions.
pub(super) async fn delete(tx: &DatabaseTransaction, id: IngestionId) -> Result<(), Error> {
    let delete = "DELETE FROM trip_total WHERE EXISTS (SELECT 1 FROM trip_summary AS gone \
                  WHERE gone.ingestion_id = $1 AND gone.region_id = trip_total.region_id \
                  AND gone.datasource_id = trip_total.datasource_id)";
    let insert = format!(
        "INSERT INTO trip_total (region_id, datasource_id, {COLUMNS}) \
         SELECT other.region_id, other.datasource_id, {} \
         FROM trip_summary AS gone JOIN trip_summary AS other \
         ON other.region_id = gone.region_id AND other.datasource_id = gone.datasource_id \
         AND other.ingestion_id <> gone.ingestion_id \
         WHERE gone.ingestion_id = $1 GROUP BY other.region_id, other.datasource_id",
        added_up("other")
    );
    let summaries = "DELETE FROM trip_summary WHERE ingestion_id = $1";
    for sql in [delete, &insert, summaries] {
        tx.execute_raw(statement(tx, sql, [id.into()])).await?;
    }
    Ok(())
}

impl Snapshot {
    /// The pairs of region and datasource that have trips, in no order.
    pub async fn pair_summaries(&self) -> Result<Vec<PairSummary>, Error> {
        let sql = format!(
            "SELECT {COLUMNS}, region.name, datasource.name \
             FROM trip_total JOIN region ON region.id = trip_total.region_id \
             JOIN datasource ON datasource.id = trip_total.datasource_id"
        );
        let mut pairs = Vec::new();
        self.each(&sql, [], |row| {
            pairs.push(PairSummary {
                region: column(&row, 7)?,
                datasource: column(&row, 8)?,
                summary: summary_of_row(&row)?,
            });
            Ok(())
        })
        .await?;
        Ok(pairs)
    }

    /// The totals over all ingestions, by region and datasource.
    pub async fn totals(
        &self,
        mut visit: impl FnMut((u32, u32), Summary) + Send,
    ) -> Result<(), Error> {
        let sql = format!(
            "SELECT {COLUMNS}, region_id, datasource_id FROM trip_total \
             ORDER BY region_id, datasource_id"
        );
        self.each(&sql, [], |row| {
            let mut read = || {
                let number = |index| column::<i32>(&row, index).map(i32::cast_unsigned);
                visit((number(7)?, number(8)?), summary_of_row(&row)?);
                Ok(())
            };
            let result = read();
            let columns = ["region_id", "datasource_id"];
            let key = || named(&row, &columns, String::new());
            self.of_row("trip_total", key, result)
        })
        .await
    }

    /// The trip summaries of one ingestion, by region and datasource.
    pub async fn summaries_of(&self, id: IngestionId) -> Result<Vec<TripSummary>, Error> {
        let sql = format!(
            "SELECT {COLUMNS}, region_id, datasource_id, departures FROM trip_summary \
             WHERE ingestion_id = $1 ORDER BY region_id, datasource_id"
        );
        let mut summaries = Vec::new();
        self.each(&sql, [id.into()], |row| {
            let mut read = || {
                summaries.push(TripSummary {
                    region: column::<i32>(&row, 7)?.cast_unsigned(),
                    datasource: column::<i32>(&row, 8)?.cast_unsigned(),
                    summary: summary_of_row(&row)?,
                    departures: column::<i64>(&row, 9)?.cast_unsigned(),
                });
                Ok(())
            };
            let result = read();
            let columns = ["region_id", "datasource_id"];
            let key = || named(&row, &columns, format!("ingestion_id = {id}"));
            self.of_row("trip_summary", key, result)
        })
        .await?;
        Ok(summaries)
    }
}

/// The summary whose columns are the first of a row.
fn summary_of_row(row: &QueryResult) -> Result<Summary, sea_orm::DbErr> {
    Ok(Summary {
        trips: column::<i64>(row, 0)?.cast_unsigned(),
        first_departed_at: column(row, 1)?,
        last_departed_at: column(row, 2)?,
        extent: Extent {
            west: column(row, 3)?,
            south: column(row, 4)?,
            east: column(row, 5)?,
            north: column(row, 6)?,
        },
    })
}

//! Rows of `trip`, written with long multi-row inserts.

use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, Connection, Executor, Sqlite, Transaction};

use super::insert::{Insert, add, execute_all, statement};
use crate::model::{IngestionId, LocalTime};
use crate::store::commit::{CommitPoint, committed};
use crate::store::sql_trips::ADVANCE;
use crate::store::{Error, SqlBlock, SqlTrip};

/// `SQLite` allows 32,766 parameters a statement; a row has ten.
const TRIPS_PER_STATEMENT: usize = 3_200;
/// Deletes some rows, found by the index of ingestions.
const DELETE: &str = "DELETE FROM trip WHERE rowid IN \
                      (SELECT rowid FROM trip WHERE ingestion_id = ? LIMIT 65536)";

/// Writes a block in one transaction, if the cursor is where it begins.
pub(in crate::store) async fn write_sql_block(
    pool: &SqlitePool,
    block: &SqlBlock,
) -> Result<bool, Error> {
    let mut connection = pool.acquire().await?;
    // What is lost in a power cut is lost with its cursor; see `load`.
    connection.execute("PRAGMA synchronous = NORMAL").await?;
    let mut tx: Transaction<'_, Sqlite> = connection.begin_with("BEGIN IMMEDIATE").await?;
    let advanced = sqlx::query(ADVANCE)
        .bind(block.rows())
        .bind(block.to.batch.cast_signed())
        .bind(block.to.cell.cast_signed())
        .bind(block.to.trip.cast_signed())
        .bind(block.completes)
        .bind(block.segment)
        .bind(block.from.batch.cast_signed())
        .bind(block.from.cell.cast_signed())
        .bind(block.from.trip.cast_signed())
        .bind(block.revision)
        .execute(&mut *tx)
        .await?;
    if advanced.rows_affected() == 0 {
        return Ok(false);
    }
    let trips = block.trips.chunks(TRIPS_PER_STATEMENT);
    execute_all(&mut tx, trips.map(insert_trips)).await?;
    committed(CommitPoint::SqlRows, tx.commit()).await?;
    Ok(true)
}

fn insert_trips(trips: &[SqlTrip]) -> Result<Insert, Error> {
    let sql = statement(
        "INSERT INTO trip (ingestion_id, line, region_id, datasource_id, origin_lon, origin_lat, \
         destination_lon, destination_lat, departed_at, arrived_at) VALUES ",
        "(?,?,?,?,?,?,?,?,?,?)",
        trips.len(),
    );
    let mut arguments = SqliteArguments::default();
    arguments.reserve(trips.len() * 10, 0);
    for trip in trips {
        add(&mut arguments, trip.ingestion)?;
        add(&mut arguments, trip.line.cast_signed())?;
        add(&mut arguments, trip.region.cast_signed())?;
        add(&mut arguments, trip.datasource.cast_signed())?;
        add(&mut arguments, trip.origin.lon())?;
        add(&mut arguments, trip.origin.lat())?;
        add(&mut arguments, trip.destination.lon())?;
        add(&mut arguments, trip.destination.lat())?;
        add(&mut arguments, trip.departed_at.micros())?;
        add(&mut arguments, trip.arrived_at.map(LocalTime::micros))?;
    }
    Ok(Insert {
        sql,
        arguments,
        again: trips.len() == TRIPS_PER_STATEMENT,
    })
}

/// Deletes some rows of an ingestion in one transaction. Returns whether there may be more.
pub(in crate::store) async fn delete_sql_trips(
    pool: &SqlitePool,
    id: IngestionId,
) -> Result<bool, Error> {
    let deleted = sqlx::query(DELETE).bind(id).execute(pool);
    let deleted = committed(CommitPoint::PurgeSqlRows, deleted).await?;
    Ok(deleted.rows_affected() > 0)
}

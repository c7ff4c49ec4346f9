//! Loading through long multi-row inserts: a statement for each row would cost ten times as much.

use std::fmt::Write as _;

use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, AssertSqlSafe, Sqlite, SqliteConnection, Transaction};

use crate::model::{IngestionId, RejectedRow};
use crate::store::{Checkpoint, Claim, Error, LoadBlock, PatchRow, TripRow};

/// `SQLite` allows 32,766 parameters a statement; a trip has eight.
const TRIPS_PER_STATEMENT: usize = 4_000;
const PATCHES_PER_STATEMENT: usize = 256;

/// Writes one block in one transaction.
pub(in crate::store) async fn load(
    pool: &SqlitePool,
    claim: Claim,
    block: &LoadBlock,
) -> Result<(), Error> {
    let id = claim.ingestion;
    let mut tx: Transaction<'_, Sqlite> = pool.begin_with("BEGIN IMMEDIATE").await?;
    let held = "SELECT 1 FROM ingestion WHERE id = ? AND claims = ? AND state = 'RUNNING'";
    let held = sqlx::query(held)
        .bind(id)
        .bind(claim.number)
        .fetch_optional(&mut *tx)
        .await?;
    if held.is_none() {
        return Err(Error::NotRunning(id));
    }
    for trips in block.trips.chunks(TRIPS_PER_STATEMENT) {
        insert_trips(&mut tx, id, trips).await?;
    }
    for row in &block.rejected {
        insert_rejected(&mut tx, id, row).await?;
    }
    for patches in block.patches.chunks(PATCHES_PER_STATEMENT) {
        insert_patches(&mut tx, id, block.batch, patches).await?;
    }
    if let Some(checkpoint) = &block.checkpoint {
        update_checkpoint(&mut tx, id, checkpoint).await?;
    }
    Ok(tx.commit().await?)
}

async fn insert_trips(
    connection: &mut SqliteConnection,
    id: IngestionId,
    trips: &[TripRow],
) -> Result<(), Error> {
    // The ingestion is written out: it is a number of ours, and one parameter less a row.
    let sql = statement(
        "INSERT INTO trip (ingestion_id, line, region_id, datasource_id, origin_lon, origin_lat, \
         destination_lon, destination_lat, departed_at) VALUES ",
        &format!("({id},?,?,?,?,?,?,?,?)"),
        trips.len(),
    );
    let mut arguments = SqliteArguments::default();
    arguments.reserve(trips.len() * 8, 0);
    for trip in trips {
        add(&mut arguments, trip.line.cast_signed())?;
        add(&mut arguments, trip.region.cast_signed())?;
        add(&mut arguments, trip.datasource.cast_signed())?;
        add(&mut arguments, trip.origin.lon())?;
        add(&mut arguments, trip.origin.lat())?;
        add(&mut arguments, trip.destination.lon())?;
        add(&mut arguments, trip.destination.lat())?;
        add(&mut arguments, trip.departed_at)?;
    }
    let whole = trips.len() == TRIPS_PER_STATEMENT;
    execute(connection, sql, arguments, whole).await
}

async fn insert_patches(
    connection: &mut SqliteConnection,
    id: IngestionId,
    batch: u32,
    patches: &[PatchRow],
) -> Result<(), Error> {
    let sql = statement(
        "INSERT INTO trip_patch (trip_end, cell, ingestion_id, batch, points, rest) VALUES ",
        "(?,?,?,?,?,?)",
        patches.len(),
    );
    let mut arguments = SqliteArguments::default();
    arguments.reserve(patches.len() * 6, 0);
    for row in patches {
        add(&mut arguments, row.end.code())?;
        add(&mut arguments, row.cell.cast_signed())?;
        add(&mut arguments, id)?;
        add(&mut arguments, batch.cast_signed())?;
        add(&mut arguments, row.patch.points.as_slice())?;
        add(&mut arguments, row.patch.rest.as_slice())?;
    }
    let whole = patches.len() == PATCHES_PER_STATEMENT;
    execute(connection, sql, arguments, whole).await
}

async fn insert_rejected(
    connection: &mut SqliteConnection,
    id: IngestionId,
    row: &RejectedRow,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO rejected_row (ingestion_id, line, column_name, reason, raw) \
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(row.line.cast_signed())
    .bind(row.column.as_deref())
    .bind(&row.reason)
    .bind(&row.raw)
    .execute(connection)
    .await?;
    Ok(())
}

async fn update_checkpoint(
    connection: &mut SqliteConnection,
    id: IngestionId,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE ingestion SET batches = ?, bytes_read = ?, next_line = ?, rows_read = ?, \
         rows_ingested = ?, rows_rejected = ? WHERE id = ?",
    )
    .bind(checkpoint.batches.cast_signed())
    .bind(checkpoint.bytes_read.cast_signed())
    .bind(checkpoint.next_line.cast_signed())
    .bind(checkpoint.rows_read.cast_signed())
    .bind(checkpoint.rows_ingested.cast_signed())
    .bind(checkpoint.rows_rejected.cast_signed())
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// `head` followed by `rows` times `row`.
fn statement(head: &str, row: &str, rows: usize) -> String {
    let mut sql = String::with_capacity(head.len() + (row.len() + 1) * rows);
    sql.push_str(head);
    for index in 0..rows {
        let comma = if index == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(sql, "{comma}{row}");
    }
    sql
}

fn add<'t, T>(arguments: &mut SqliteArguments, value: T) -> Result<(), Error>
where
    T: sqlx::Encode<'t, Sqlite> + sqlx::Type<Sqlite>,
{
    arguments
        .add(value)
        .map_err(|error| Error::Load(sqlx::Error::Encode(error)))
}

/// Only statements of the full length are kept prepared: they come again.
async fn execute(
    connection: &mut SqliteConnection,
    sql: String,
    arguments: SqliteArguments,
    keep: bool,
) -> Result<(), Error> {
    sqlx::query_with(AssertSqlSafe(sql), arguments)
        .persistent(keep)
        .execute(connection)
        .await?;
    Ok(())
}

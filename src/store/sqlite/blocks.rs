//! Loading through long multi-row inserts: a statement for each row would cost ten times as much.

use std::fmt::Write as _;

use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, AssertSqlSafe, Connection, Executor, Sqlite, SqliteConnection, Transaction};

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
    let mut connection = pool.acquire().await?;
    // A block need not outlast a power cut: what is lost is read once more. So its commit is not
    // synced, and those of who gets the connection next are again.
    connection.execute("PRAGMA synchronous = NORMAL").await?;
    let mut tx: Transaction<'_, Sqlite> = connection.begin_with("BEGIN IMMEDIATE").await?;
    let held = "SELECT 1 FROM ingestion WHERE id = ? AND claims = ? AND state = 'RUNNING'";
    let held = sqlx::query(held)
        .bind(id)
        .bind(claim.number)
        .fetch_optional(&mut *tx)
        .await?;
    if held.is_none() {
        return Err(Error::NotRunning(id));
    }
    let trips = block.trips.chunks(TRIPS_PER_STATEMENT);
    execute_all(&mut tx, trips.map(|trips| insert_trips(id, trips))).await?;
    for row in &block.rejected {
        insert_rejected(&mut tx, id, row).await?;
    }
    let patches = block.patches.chunks(PATCHES_PER_STATEMENT);
    let patches = patches.map(|patches| insert_patches(id, block.batch, patches));
    execute_all(&mut tx, patches).await?;
    if let Some(checkpoint) = &block.checkpoint {
        update_checkpoint(&mut tx, id, checkpoint).await?;
    }
    Ok(tx.commit().await?)
}

/// A statement with what it is about.
struct Insert {
    sql: String,
    arguments: SqliteArguments,
    /// Whether it comes again, and is worth keeping prepared: where it has its full length.
    again: bool,
}

fn insert_trips(id: IngestionId, trips: &[TripRow]) -> Result<Insert, Error> {
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
    Ok(Insert {
        sql,
        arguments,
        again: trips.len() == TRIPS_PER_STATEMENT,
    })
}

fn insert_patches(id: IngestionId, batch: u32, patches: &[PatchRow]) -> Result<Insert, Error> {
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
    Ok(Insert {
        sql,
        arguments,
        again: patches.len() == PATCHES_PER_STATEMENT,
    })
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
         rows_ingested = ?, rows_rejected = ?, head_bytes = ?, head_hash = ? WHERE id = ?",
    )
    .bind(checkpoint.batches.cast_signed())
    .bind(checkpoint.bytes_read.cast_signed())
    .bind(checkpoint.next_line.cast_signed())
    .bind(checkpoint.rows_read.cast_signed())
    .bind(checkpoint.rows_ingested.cast_signed())
    .bind(checkpoint.rows_rejected.cast_signed())
    .bind(checkpoint.head.bytes.cast_signed())
    .bind(checkpoint.head.hex())
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

/// Executes statements one after the other, and makes the next while the database is at one.
async fn execute_all(
    connection: &mut SqliteConnection,
    mut inserts: impl Iterator<Item = Result<Insert, Error>>,
) -> Result<(), Error> {
    let mut next = inserts.next();
    while let Some(insert) = next {
        let (executed, made) = tokio::join!(execute(connection, insert?), async { inserts.next() });
        executed?;
        next = made;
    }
    Ok(())
}

async fn execute(connection: &mut SqliteConnection, insert: Insert) -> Result<(), Error> {
    sqlx::query_with(AssertSqlSafe(insert.sql), insert.arguments)
        .persistent(insert.again)
        .execute(connection)
        .await?;
    Ok(())
}

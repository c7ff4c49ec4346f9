//! Loading through long multi-row inserts: a statement for each row would cost ten times as much.

use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, Connection, Executor, Sqlite, SqliteConnection, Transaction};

use super::insert::{Insert, add, execute_all, statement};
use crate::model::{IngestionId, RejectedRow};
use crate::store::{Checkpoint, Claim, Error, LoadBlock, PatchRow};

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

fn insert_patches(id: IngestionId, batch: u32, patches: &[PatchRow]) -> Result<Insert, Error> {
    let sql = statement(
        "INSERT INTO trip_patch (trip_end, cell, ingestion_id, batch, checksum, keys, points, \
         others, rest) VALUES ",
        "(?,?,?,?,?,?,?,?,?)",
        patches.len(),
    );
    let mut arguments = SqliteArguments::default();
    arguments.reserve(patches.len() * 9, 0);
    for row in patches {
        add(&mut arguments, row.end.code())?;
        add(&mut arguments, row.cell.cast_signed())?;
        add(&mut arguments, id)?;
        add(&mut arguments, batch.cast_signed())?;
        add(&mut arguments, i64::from(row.patch.checksum()))?;
        for group in row.patch.groups() {
            add(&mut arguments, group.as_slice())?;
        }
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

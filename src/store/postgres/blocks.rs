//! Loading through `COPY` in the binary format: several times as fast as inserts.

use sqlx::PgConnection;
use sqlx::postgres::PgPool;

use super::copy::Copy;
use crate::model::{IngestionId, RejectedRow};
use crate::store::{Checkpoint, Claim, Error, LoadBlock, PatchRow};

/// Writes one block in one transaction.
pub(in crate::store) async fn load(
    pool: &PgPool,
    claim: Claim,
    block: &LoadBlock,
) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    // A block that is lost with the server's memory is lost with all that come after it.
    sqlx::query("SET LOCAL synchronous_commit TO off")
        .execute(&mut *tx)
        .await?;
    // Until the block is committed nobody can take the ingestion over, or end it.
    let held = "SELECT 1 FROM ingestion WHERE id = $1 AND claims = $2 AND state = 'RUNNING' \
                FOR SHARE";
    let held = sqlx::query(held)
        .bind(claim.ingestion)
        .bind(claim.number)
        .fetch_optional(&mut *tx)
        .await?;
    if held.is_none() {
        return Err(Error::NotRunning(claim.ingestion));
    }
    let id = claim.ingestion;
    if !block.rejected.is_empty() {
        copy_rejected(&mut tx, id, &block.rejected).await?;
    }
    if !block.patches.is_empty() {
        copy_patches(&mut tx, id, block.batch, &block.patches).await?;
    }
    if let Some(checkpoint) = &block.checkpoint {
        update_checkpoint(&mut tx, id, checkpoint).await?;
    }
    Ok(tx.commit().await?)
}

async fn copy_patches(
    connection: &mut PgConnection,
    id: IngestionId,
    batch: u32,
    patches: &[PatchRow],
) -> Result<(), Error> {
    let columns = [
        "trip_end",
        "cell",
        "ingestion_id",
        "batch",
        "checksum",
        "keys",
        "points",
        "others",
        "rest",
    ];
    let mut copy = Copy::begin(connection, "trip_patch", &columns).await?;
    for row in patches {
        let mut copy = copy
            .row()
            .await?
            .value(&row.end.code().to_be_bytes())
            .value(&row.cell.to_be_bytes())
            .value(&id.to_be_bytes())
            .value(&batch.to_be_bytes())
            .value(&i64::from(row.patch.checksum()).to_be_bytes());
        for group in row.patch.groups() {
            copy = copy.value(group);
        }
    }
    copy.finish().await
}

async fn copy_rejected(
    connection: &mut PgConnection,
    id: IngestionId,
    rows: &[RejectedRow],
) -> Result<(), Error> {
    let columns = ["ingestion_id", "line", "column_name", "reason", "raw"];
    let mut copy = Copy::begin(connection, "rejected_row", &columns).await?;
    for row in rows {
        let copy = copy
            .row()
            .await?
            .value(&id.to_be_bytes())
            .value(&row.line.to_be_bytes());
        match &row.column {
            Some(column) => copy.text(column),
            None => copy.null(),
        }
        .text(&row.reason)
        .text(&row.raw);
    }
    copy.finish().await
}

async fn update_checkpoint(
    connection: &mut PgConnection,
    id: IngestionId,
    checkpoint: &Checkpoint,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE ingestion SET batches = $1, bytes_read = $2, next_line = $3, rows_read = $4, \
         rows_ingested = $5, rows_rejected = $6, head_bytes = $7, head_hash = $8 WHERE id = $9",
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

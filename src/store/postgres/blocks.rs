//! Loading through `COPY` in the binary format: several times as fast as inserts.

use sqlx::postgres::PgPool;
use sqlx::{PgConnection, Postgres, Transaction};

use super::copy::Copy;
use crate::model::{IngestionId, RejectedRow};
use crate::store::by_place::place;
use crate::store::commit::{CommitPoint, committed};
use crate::store::{
    Checkpoint, Claim, Error, LoadBlock, Notes, PatchRow, SegmentClaim, SegmentId, SegmentWriter,
    findings,
};

/// Writes one block in one transaction; its patches with their places, if they are distributed by these.
pub(in crate::store) async fn load(
    pool: &PgPool,
    program: &str,
    claim: SegmentClaim,
    block: &LoadBlock,
    by_place: bool,
) -> Result<(), Error> {
    let mut tx = begin(pool).await?;
    let ingestion = check_claim(&mut tx, program, claim).await?;
    if let Some(notes) = &block.notes {
        write_notes(&mut tx, ingestion, notes).await?;
    }
    if !block.patches.is_empty() {
        let (segment, batch) = (claim.segment, block.batch);
        copy_patches(&mut tx, segment, batch, &block.patches, by_place).await?;
    }
    if let Some(checkpoint) = &block.checkpoint {
        update_checkpoint(&mut tx, ingestion, checkpoint).await?;
    }
    committed(block.commit_point(claim), tx.commit()).await
}

/// Writes the notes of files in one transaction, and returns the claims that do not hold any more.
pub(in crate::store) async fn keep_notes(
    pool: &PgPool,
    files: &[(Claim, Notes)],
) -> Result<Vec<Claim>, Error> {
    let mut tx = begin(pool).await?;
    let mut lost = Vec::new();
    for (claim, notes) in files {
        match check_ingestion(&mut tx, *claim).await {
            Ok(()) => write_notes(&mut tx, claim.ingestion, notes).await?,
            Err(Error::NotRunning(_)) => lost.push(*claim),
            Err(error) => return Err(error),
        }
    }
    committed(CommitPoint::Notes, tx.commit()).await?;
    Ok(lost)
}

/// A transaction that, if it is lost with the server's memory, is lost with all that come after it.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET LOCAL synchronous_commit TO off")
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// Fails where the claim does not hold any more; nobody can end it until the block is committed.
/// Returns the ingestion; 0 for a merge, which has no rejected rows and no checkpoint.
async fn check_claim(
    connection: &mut PgConnection,
    program: &str,
    claim: SegmentClaim,
) -> Result<IngestionId, Error> {
    match claim.by {
        SegmentWriter::Ingestion(claim) => {
            check_ingestion(connection, claim).await?;
            Ok(claim.ingestion)
        }
        SegmentWriter::Merge => {
            let held = "SELECT 1 FROM segment WHERE id = $1 AND worker_id = $2 \
                        AND state = 'MERGING' FOR SHARE";
            let held = sqlx::query(held).bind(claim.segment).bind(program);
            let held = held.fetch_optional(connection).await?;
            held.map(|_| 0).ok_or(Error::MergeLost(claim.segment))
        }
    }
}

/// Fails where the claim does not hold any more; nobody can end it until the transaction ends.
async fn check_ingestion(connection: &mut PgConnection, claim: Claim) -> Result<(), Error> {
    let held = "SELECT 1 FROM ingestion WHERE id = $1 AND claims = $2 \
                AND state = 'RUNNING' FOR SHARE";
    let held = sqlx::query(held).bind(claim.ingestion).bind(claim.number);
    let held = held.fetch_optional(connection).await?;
    held.map(|_| ()).ok_or(Error::NotRunning(claim.ingestion))
}

async fn write_notes(
    connection: &mut PgConnection,
    id: IngestionId,
    notes: &Notes,
) -> Result<(), Error> {
    if !notes.rejected.is_empty() {
        copy_rejected(connection, id, &notes.rejected).await?;
    }
    sqlx::query("UPDATE ingestion SET findings = $1 WHERE id = $2")
        .bind(findings::stored(&notes.findings))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn copy_patches(
    connection: &mut PgConnection,
    id: SegmentId,
    batch: u32,
    patches: &[PatchRow],
    by_place: bool,
) -> Result<(), Error> {
    let mut columns = vec![
        "trip_end",
        "cell",
        "segment_id",
        "batch",
        "checksum",
        "keys",
        "points",
        "others",
        "rest",
    ];
    if by_place {
        columns.push("place");
    }
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
        if by_place {
            copy.value(&place(row.cell).to_be_bytes());
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

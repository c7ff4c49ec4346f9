//! Loading through long multi-row inserts: a statement for each row would cost ten times as much.

use sqlx::sqlite::{SqliteArguments, SqlitePool};
use sqlx::{Arguments, Connection, Executor, Sqlite, SqliteConnection, Transaction};

use super::insert::{Insert, add, execute_all, statement};
use crate::model::{IngestionId, RejectedRow};
use crate::store::commit::{CommitPoint, committed};
use crate::store::{
    Checkpoint, Claim, Error, LoadBlock, Notes, PatchRow, SegmentClaim, SegmentId, SegmentWriter,
    findings,
};

const PATCHES_PER_STATEMENT: usize = 256;

/// Writes one block in one transaction.
pub(in crate::store) async fn load(
    pool: &SqlitePool,
    program: &str,
    claim: SegmentClaim,
    block: &LoadBlock,
) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = begin(&mut connection).await?;
    let ingestion = check_claim(&mut tx, program, claim).await?;
    if let Some(notes) = &block.notes {
        insert_notes(&mut tx, ingestion, notes).await?;
    }
    let patches = block.patches.chunks(PATCHES_PER_STATEMENT);
    let patches = patches.map(|patches| insert_patches(claim.segment, block.batch, patches));
    execute_all(&mut tx, patches).await?;
    if let Some(checkpoint) = &block.checkpoint {
        update_checkpoint(&mut tx, ingestion, checkpoint).await?;
    }
    committed(block.commit_point(claim), tx.commit()).await
}

/// Writes the notes of files in one transaction, and returns the claims that do not hold any more.
pub(in crate::store) async fn keep_notes(
    pool: &SqlitePool,
    files: &[(Claim, Notes)],
) -> Result<Vec<Claim>, Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = begin(&mut connection).await?;
    let mut lost = Vec::new();
    for (claim, notes) in files {
        match check_ingestion(&mut tx, *claim).await {
            Ok(()) => insert_notes(&mut tx, claim.ingestion, notes).await?,
            Err(Error::NotRunning(_)) => lost.push(*claim),
            Err(error) => return Err(error),
        }
    }
    committed(CommitPoint::Notes, tx.commit()).await?;
    Ok(lost)
}

/// A transaction that need not outlast a power cut: what is lost is read once more. So its commit is
/// not synced, and those of who gets the connection next are again.
async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, Error> {
    connection.execute("PRAGMA synchronous = NORMAL").await?;
    Ok(connection.begin_with("BEGIN IMMEDIATE").await?)
}

/// Fails where the claim does not hold any more. Returns the ingestion; 0 for a merge, which has no
/// rejected rows and no checkpoint.
async fn check_claim(
    connection: &mut SqliteConnection,
    program: &str,
    claim: SegmentClaim,
) -> Result<IngestionId, Error> {
    match claim.by {
        SegmentWriter::Ingestion(claim) => {
            check_ingestion(connection, claim).await?;
            Ok(claim.ingestion)
        }
        SegmentWriter::Merge => {
            let held = "SELECT 1 FROM segment WHERE id = ? AND worker_id = ? AND state = 'MERGING'";
            let held = sqlx::query(held).bind(claim.segment).bind(program);
            let held = held.fetch_optional(connection).await?;
            held.map(|_| 0).ok_or(Error::MergeLost(claim.segment))
        }
    }
}

/// Fails where the claim does not hold any more.
async fn check_ingestion(connection: &mut SqliteConnection, claim: Claim) -> Result<(), Error> {
    let held = "SELECT 1 FROM ingestion WHERE id = ? AND claims = ? AND state = 'RUNNING'";
    let held = sqlx::query(held).bind(claim.ingestion).bind(claim.number);
    let held = held.fetch_optional(connection).await?;
    held.map(|_| ()).ok_or(Error::NotRunning(claim.ingestion))
}

async fn insert_notes(
    connection: &mut SqliteConnection,
    id: IngestionId,
    notes: &Notes,
) -> Result<(), Error> {
    for row in &notes.rejected {
        insert_rejected(connection, id, row).await?;
    }
    sqlx::query("UPDATE ingestion SET findings = ? WHERE id = ?")
        .bind(findings::stored(&notes.findings))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

fn insert_patches(id: SegmentId, batch: u32, patches: &[PatchRow]) -> Result<Insert, Error> {
    let sql = statement(
        "INSERT INTO trip_patch (trip_end, cell, segment_id, batch, checksum, keys, points, \
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

//! Bulk loading: what an ingestion writes while it runs, block by block.

use super::commit::CommitPoint;
use super::{
    Claim, Engine, Error, FinalCounts, SegmentClaim, SegmentWriter, Store, postgres, sqlite,
};
use crate::model::{Findings, Patch, RejectedRow, Summary, TripEnd};

/// A patch on its way into the database.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRow {
    /// The end whose points are packed.
    pub end: TripEnd,
    /// Their leaf cell.
    pub cell: u64,
    /// The packed ends.
    pub patch: Patch,
}

/// How far an ingestion has come: everything before is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// Batches that are complete.
    pub batches: u32,
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// The line of the file that comes next.
    pub next_line: u64,
    /// Rows that were read.
    pub rows_read: u64,
    /// Rows of them that became trips.
    pub rows_ingested: u64,
    /// Rows of them that were rejected.
    pub rows_rejected: u64,
    /// What was read of the file by then: `bytes_read`, or more.
    pub head: Head,
}

impl Checkpoint {
    /// What was read.
    #[must_use]
    pub const fn counts(&self) -> FinalCounts {
        FinalCounts {
            bytes_read: self.bytes_read,
            rows_read: self.rows_read,
            rows_ingested: self.rows_ingested,
            rows_rejected: self.rows_rejected,
        }
    }
}

/// The beginning of a file, as it was when it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Its size in bytes.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
}

impl Head {
    /// The hash as it is stored, hexadecimal.
    pub(super) fn hex(&self) -> String {
        blake3::Hash::from_bytes(self.hash).to_hex().to_string()
    }

    /// A head as it is stored; `None` where no hash is.
    pub(super) fn stored(bytes: i64, hex: &str) -> Option<Self> {
        let hash = *blake3::Hash::from_hex(hex).ok()?.as_bytes();
        let bytes = bytes.cast_unsigned();
        Some(Self { bytes, hash })
    }
}

/// What is written of a segment in one short transaction, so that nobody waits long for the one writer.
#[derive(Debug, Default)]
pub struct LoadBlock {
    /// The number of the batch it belongs to, from 0.
    pub batch: u32,
    /// What is to be remembered of the file.
    pub notes: Option<Notes>,
    /// Patches.
    pub patches: Vec<PatchRow>,
    /// The last block of a batch has the checkpoint that it reaches.
    pub checkpoint: Option<Checkpoint>,
}

impl LoadBlock {
    pub(super) const fn commit_point(&self, claim: SegmentClaim) -> CommitPoint {
        match (claim.by, &self.checkpoint) {
            (SegmentWriter::Merge, _) => CommitPoint::MergeBlock,
            (SegmentWriter::Ingestion(_), Some(_)) => CommitPoint::Checkpoint,
            (SegmentWriter::Ingestion(_), None) => CommitPoint::Block,
        }
    }
}

/// What is to be remembered of a file, beside its trips.
#[derive(Debug, Default)]
pub struct Notes {
    /// Rejected rows to keep.
    pub rejected: Vec<RejectedRow>,
    /// What was found out about the file up to here.
    pub findings: Findings,
}

/// What one ingestion brings of one datasource in one region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TripSummary {
    /// The region's number.
    pub region: u32,
    /// The datasource's number.
    pub datasource: u32,
    /// What is known of its trips.
    pub summary: Summary,
    /// The sum of the departures in microseconds since 1970, modulo 2⁶⁴: it changes with any of
    /// them.
    pub departures: u64,
}

impl Store {
    /// How many blocks can be written at the same time.
    #[must_use]
    pub fn loaders(&self) -> usize {
        match self.inner.engine {
            Engine::Sqlite { .. } => 1,
            Engine::Postgres { .. } => 2,
        }
    }

    /// Writes one block of a segment in one transaction; no answer sees it yet. Fails with
    /// [`Error::NotRunning`] or [`Error::MergeLost`] where the claim does not hold any more.
    pub async fn load(&self, claim: SegmentClaim, block: &LoadBlock) -> Result<(), Error> {
        let (writer, program) = (&self.inner.writer, self.program());
        match &self.inner.engine {
            Engine::Sqlite { checkpointer, .. } => {
                sqlite::load(writer.get_sqlite_connection_pool(), program, claim, block).await?;
                checkpointer.block_written();
                Ok(())
            }
            Engine::Postgres { citus } => {
                let writer = writer.get_postgres_connection_pool();
                postgres::load(writer, program, claim, block, *citus).await
            }
        }
    }

    /// Writes the notes of several files in one transaction. Returns the claims that do not hold any
    /// more: nothing is written of their files.
    pub async fn keep_notes(&self, files: &[(Claim, Notes)]) -> Result<Vec<Claim>, Error> {
        let writer = &self.inner.writer;
        match &self.inner.engine {
            Engine::Sqlite { .. } => {
                sqlite::keep_notes(writer.get_sqlite_connection_pool(), files).await
            }
            Engine::Postgres { .. } => {
                postgres::keep_notes(writer.get_postgres_connection_pool(), files).await
            }
        }
    }
}

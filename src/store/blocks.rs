//! Bulk loading: what an ingestion writes while it runs, block by block.

use chrono::NaiveDateTime;

use super::{Claim, Engine, Error, FinalCounts, Store, postgres, sqlite};
use crate::model::{Patch, RejectedRow, TripEnd};

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

/// What is written in one short transaction, so that nobody waits long for the one writer.
#[derive(Debug, Default)]
pub struct LoadBlock {
    /// The number of the batch it belongs to, from 0.
    pub batch: u32,
    /// Rejected rows to keep.
    pub rejected: Vec<RejectedRow>,
    /// Patches.
    pub patches: Vec<PatchRow>,
    /// The last block of a batch has the checkpoint that it reaches.
    pub checkpoint: Option<Checkpoint>,
}

/// What one ingestion brings of one datasource in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TripSummary {
    /// The region's number.
    pub region: u32,
    /// The datasource's number.
    pub datasource: u32,
    /// Number of trips.
    pub trips: u64,
    /// The earliest departure.
    pub first_departed_at: NaiveDateTime,
    /// The latest departure.
    pub last_departed_at: NaiveDateTime,
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

    /// Writes one block of a running ingestion in one transaction; no answer sees it yet. Fails
    /// with [`Error::NotRunning`] where the claim does not hold any more.
    pub async fn load(&self, claim: Claim, block: &LoadBlock) -> Result<(), Error> {
        let writer = &self.inner.writer;
        match &self.inner.engine {
            Engine::Sqlite { checkpointer, .. } => {
                sqlite::load(writer.get_sqlite_connection_pool(), claim, block).await?;
                checkpointer.block_written();
                Ok(())
            }
            Engine::Postgres { .. } => {
                postgres::load(writer.get_postgres_connection_pool(), claim, block).await
            }
        }
    }
}

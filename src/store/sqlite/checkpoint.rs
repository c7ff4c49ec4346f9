//! Copying what was written from the write-ahead log into the database, while more is written.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::Executor;
use sqlx::sqlite::SqlitePool;

/// Blocks that are written between two copies: about 50 MB.
const BLOCKS: u32 = 8;

/// A connection that copies. What it leaves for the writer, which copies the rest where the log
/// grows too long, is little: then the log begins anew.
#[derive(Debug)]
pub(in crate::store) struct Checkpointer {
    pool: SqlitePool,
    blocks: AtomicU32,
}

impl Checkpointer {
    /// Copies through a pool of one connection.
    pub(super) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            blocks: AtomicU32::new(0),
        }
    }

    /// A block was written. Copies in the background if there is enough to copy.
    pub(in crate::store) fn block_written(&self) {
        if !(self.blocks.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(BLOCKS) {
            return;
        }
        let pool = self.pool.clone();
        tokio::spawn(async move {
            let copied = pool.execute("PRAGMA wal_checkpoint(PASSIVE)").await;
            if let Err(error) = copied {
                tracing::debug!(%error, "the log was not copied; the writer will do so");
            }
        });
    }

    pub(in crate::store) async fn close(&self) {
        self.pool.close().await;
    }
}

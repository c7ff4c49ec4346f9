//! The database: the only place, with the migrations, that knows SQL.
//!
//! One connection writes and several read, each question in one consistent snapshot. What differs
//! between database engines has a folder of its own (`sqlite/`); the rest is `SeaORM`.

mod dimensions;
mod error;
mod histograms;
mod ingestions;
mod load;
mod publish;
mod snapshot;
mod sqlite;
mod summaries;
mod trips;

use std::sync::Arc;

pub use error::Error;
pub use ingestions::{Claimed, FinalCounts, NewIngestion};
pub use load::{Checkpoint, LoadBlock, PatchRow, TripRow, TripSummary};
use migration::MigratorTrait;
use sea_orm::{DatabaseTransaction, SqliteTransactionMode, TransactionOptions, TransactionTrait};
pub use snapshot::{PatchRecord, Snapshot};

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<sqlite::Connected>,
}

/// What a program wants with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write; the database is made, and brought up to date, where it must be.
    Write,
    /// Only read what is there.
    Read,
}

impl Store {
    /// Opens the database at an address such as `sqlite://data/tripgraph.db`.
    pub async fn open(url: &str, access: Access) -> Result<Self, Error> {
        if !url.starts_with("sqlite:") {
            return Err(Error::Unsupported(url.to_owned()));
        }
        let store = Self {
            inner: Arc::new(sqlite::connect(url, access).await?),
        };
        if access == Access::Write {
            migration::Migrator::up(&store.inner.writer, None)
                .await
                .map_err(Error::Migrate)?;
        }
        Ok(store)
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.inner.reader.ping().await?)
    }

    /// Closes every connection, after the statements under way.
    pub async fn close(&self) -> Result<(), Error> {
        self.inner.reader.close_by_ref().await?;
        Ok(self.inner.writer.close_by_ref().await?)
    }

    /// The state of the database as of now, for the questions of one answer.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        Snapshot::begin(self.inner.reader.begin().await?).await
    }

    /// A transaction of the one writer.
    async fn write(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.inner.writer.begin_with_options(options).await?)
    }
}

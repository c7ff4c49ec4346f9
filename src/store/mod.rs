//! The database: the only place, with the migrations, that knows SQL.
//!
//! Every question is answered in one consistent snapshot. What differs between database engines
//! has a folder of its own (`sqlite/`, `postgres/`), or is a `List`; the rest is the same SQL, or
//! `SeaORM`.

mod changes;
mod claims;
mod dimensions;
mod error;
mod helpers;
mod histograms;
mod ingestions;
mod list;
mod load;
mod postgres;
mod publish;
mod seen;
mod snapshot;
mod sqlite;
mod summaries;
mod trips;
mod warnings;
mod workers;

use std::fs::File;
use std::sync::Arc;

pub use changes::{Advance, Change};
pub use claims::Claim;
pub use error::Error;
pub use ingestions::{FinalCounts, NewIngestion, Record};
pub use load::{Checkpoint, Head, LoadBlock, PatchRow, TripRow, TripSummary};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
pub use snapshot::{PatchRecord, Snapshot};
use uuid::Uuid;
pub use workers::Worker;

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    engine: Engine,
    /// What this program calls itself towards the others.
    program: String,
}

/// What is an engine's own.
#[derive(Debug)]
enum Engine {
    Sqlite {
        checkpointer: sqlite::Checkpointer,
        helpers: helpers::Helpers,
        /// Held by the one program that writes.
        _lock: Option<File>,
    },
    Postgres {
        /// Whether the tables are distributed over the nodes of a Citus cluster.
        citus: bool,
    },
}

/// What a program wants with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write; the database is made, and brought up to date, where it must be.
    Write,
    /// As `Write`; the tables are distributed with Citus, whose extension is made where it is
    /// missing.
    WriteDistributed,
    /// Only read what is there.
    Read,
}

impl Store {
    /// Opens the database at an address such as `sqlite://data/tripgraph.db` or
    /// `postgres://user:password@host/database`.
    pub async fn open(url: &str, access: Access) -> Result<Self, Error> {
        let (reader, writer, engine) = match url.split_once(':') {
            Some(("sqlite", _)) => sqlite::connect(url, access).await?,
            Some(("postgres" | "postgresql", _)) => postgres::connect(url, access).await?,
            _ => return Err(Error::Unsupported(url.to_owned())),
        };
        let program = Uuid::new_v4().simple().to_string();
        Ok(Self {
            inner: Arc::new(Inner {
                reader,
                writer,
                engine,
                program,
            }),
        })
    }

    /// What this program calls itself towards others that use the database: made up anew each
    /// time it is opened.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.inner.program
    }

    /// Whether other programs may write to the database at the same time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.engine, Engine::Postgres { .. })
    }

    fn is_distributed(&self) -> bool {
        matches!(self.inner.engine, Engine::Postgres { citus: true })
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.inner.reader.ping().await?)
    }

    /// Closes every connection, after the statements under way.
    pub async fn close(&self) -> Result<(), Error> {
        if let Engine::Sqlite {
            checkpointer,
            helpers,
            ..
        } = &self.inner.engine
        {
            checkpointer.close().await;
            helpers.close().await?;
        }
        self.inner.reader.close_by_ref().await?;
        Ok(self.inner.writer.close_by_ref().await?)
    }

    /// A transaction that writes.
    async fn write(&self) -> Result<DatabaseTransaction, Error> {
        let options = TransactionOptions {
            sqlite_transaction_mode: match self.inner.engine {
                Engine::Sqlite { .. } => Some(SqliteTransactionMode::Immediate),
                Engine::Postgres { .. } => None,
            },
            ..TransactionOptions::default()
        };
        Ok(self.inner.writer.begin_with_options(options).await?)
    }
}

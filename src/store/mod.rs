//! The database: the only place, with the migrations, that knows SQL.
//!
//! Every question is answered in one consistent snapshot. What differs between database engines
//! has a folder of its own (`sqlite/`, `postgres/`), or is a `List`; the rest is the same SQL, or
//! `SeaORM`.

mod address;
mod blocks;
mod by_place;
mod changes;
mod check;
mod claims;
mod commit;
mod counts;
mod dimensions;
mod edition;
mod error;
mod failpoint;
mod findings;
mod helpers;
mod histograms;
mod ingestion_record;
mod ingestions;
mod joined_rows;
mod joins;
mod list;
mod locations;
mod meter;
mod migrate;
mod outcome;
mod patches;
mod postgres;
mod publish;
mod removal;
mod replacement;
mod replica;
mod replica_metrics;
mod replicas;
mod seen;
mod segments;
mod snapshot;
mod sql_block;
mod sql_rows;
mod sql_trips;
mod sqlite;
mod statement;
mod statistics;
mod summaries;
mod trips;
mod unavailable;
mod warnings;
mod workers;
mod zones;

use std::sync::Arc;

use log::LevelFilter;

pub use address::Address;
pub use blocks::{Checkpoint, Head, LoadBlock, Notes, PatchRow, TripSummary};
pub use changes::{Advance, Change};
pub use claims::Claim;
pub use edition::Edition;
pub use error::{BrokenRow, Error};
pub use ingestion_record::{FinalCounts, IngestionRecord};
pub use ingestions::{NewIngestion, Queued};
pub use joined_rows::JoinCursor;
pub use joins::Joined;
pub use meter::Meter;
pub use patches::StoredPatch;
pub use publish::{Publication, Published};
pub use removal::{PatchWithout, Removal, RemovalSource, Removed};
pub use replacement::CannotReplace;
pub use replica::Replica;
pub use replicas::{ReplicaState, ReplicaStatus};
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};
pub use segments::{LiveSegment, Merge, SegmentClaim, SegmentId, SegmentWriter};
pub use snapshot::Snapshot;
pub use sql_block::{SqlBacklog, SqlBlock, SqlCursor, SqlPatches, SqlTrip};
pub use sql_rows::SqlRows;
pub use sql_trips::SQL_BLOCK_TRIPS;
pub use trips::TripRow;
pub use unavailable::Unavailable;
use uuid::Uuid;
pub use workers::Worker;
pub use zones::ZoneSetRecord;

/// Level of the events of statements. Only traces, and logs that are asked for them, have these.
const STATEMENTS_LOGGED: LevelFilter = LevelFilter::Debug;

/// Connections that read. Questions are answered with [`QUESTIONS`] of them at most at the same
/// time, and [`EXPORTS`] are for exports; the others are for what takes no place in their queues,
/// such as the state of an ingestion.
const READERS: u32 = QUESTIONS + EXPORTS + 4;
/// Questions that may read at the same time.
pub const QUESTIONS: u32 = 12;
/// Exports that may read at the same time.
pub const EXPORTS: u32 = 4;

/// A handle on the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
    replicas: Arc<replicas::Replicas>,
}

#[derive(Debug)]
struct Inner {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    engine: Engine,
    /// What this program calls itself towards the others.
    program: String,
    abandoned: segments::Abandoned,
}

/// What is an engine's own.
#[derive(Debug)]
enum Engine {
    Sqlite {
        checkpointer: sqlite::Checkpointer,
        helpers: helpers::Helpers,
        _held: sqlite::Held,
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
    /// Only read: nothing is created or migrated.
    Read,
}

impl Store {
    /// Opens the database at an address.
    pub async fn open(address: impl Into<Address>, access: Access) -> Result<Self, Error> {
        let address = address.into();
        let program = Uuid::new_v4().simple().to_string();
        let (reader, writer, engine) = match &address {
            Address::File(_) => sqlite::connect(&address, access).await?,
            Address::Url(url) => match url.split_once(':') {
                Some(("sqlite", _)) => sqlite::connect(&address, access).await?,
                Some(("postgres" | "postgresql", _)) => {
                    postgres::connect(url, access, &program).await?
                }
                _ => return Err(Error::Unsupported(url.clone())),
            },
        };
        Ok(Self {
            inner: Arc::new(Inner {
                reader,
                writer,
                engine,
                program,
                abandoned: segments::Abandoned::default(),
            }),
            replicas: Arc::default(),
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

    /// Checks that the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.inner.reader.ping().await?)
    }

    /// Checks that every node answers, if the database has several.
    pub async fn ping_nodes(&self) -> Result<(), Error> {
        if self.is_distributed() {
            postgres::ping_nodes(self.inner.reader.get_postgres_connection_pool()).await?;
        }
        Ok(())
    }

    /// Closes every connection, after the statements under way.
    pub async fn close(&self) -> Result<(), Error> {
        self.replicas.close().await;
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

use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::DatabaseError;

use super::{SegmentId, Unavailable, postgres, sqlite};
use crate::model::{CorruptPatch, CountersError, IngestionId};

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address names a database that this program does not speak to. Not repeated: it may hold
    /// a password.
    #[error("cannot use this database{}: its address must begin with sqlite:// or postgres://", of_kind(.0))]
    Unsupported(String),
    /// Citus is PostgreSQL's.
    #[error("only PostgreSQL can distribute its tables with Citus")]
    NotDistributed,
    /// SQLite has no other servers, and the nodes of a Citus cluster have no state in common.
    #[error(
        "only a single PostgreSQL has read replicas: leave out --read-url with SQLite and with Citus"
    )]
    NoReplicas,
    /// It did not answer a check in time.
    #[error("the read replica {0} does not answer")]
    ReplicaSilent(String),
    /// The server does not have it, or not loaded.
    #[error("cannot make the extension Citus in this database: {0}")]
    Citus(#[source] sqlx::Error),
    /// Every shard would be on the coordinator.
    #[error(
        "no node of the Citus cluster takes shards. Register the nodes in this database on the \
         coordinator, then start again: SELECT citus_set_coordinator_host('<coordinator>', 5432); \
         and for each worker: SELECT citus_add_node('<worker>', 5432);"
    )]
    NoNodes,
    /// A node of the cluster does not answer.
    #[error("nodes of the Citus cluster do not answer: {0}")]
    NodesAway(String),
    /// A node has not committed what the others have.
    #[error(
        "a node of the Citus cluster has not committed the latest change yet: Citus recovers its \
         prepared transaction, by default within a minute"
    )]
    Unsettled,
    /// The certificate of the server, or its version of TLS, can't be used.
    #[error(
        "cannot connect to {url} over TLS: {source}. {}Without sslmode, or with sslmode=prefer, \
         the connection falls back to one without TLS; sslmode=disable never uses TLS",
        certificate_help(.source)
    )]
    Tls {
        /// Address of the server.
        url: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// There is no database yet.
    #[error("there is no database at {0} yet: start the server or ingest a file first")]
    Missing(String),
    /// Another program works on the queue.
    #[error(
        "another tripgraph works with the database {0}: upload the file to that server, or stop it"
    )]
    Locked(String),
    /// The file of the database could not be made or locked.
    #[error("cannot lock the database {path}: {reason}")]
    LockFile {
        /// The database.
        path: String,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The database could not be opened.
    #[error("cannot open the database {url}: {source}")]
    Open {
        /// Its address.
        url: String,
        /// What the driver says.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[source] DbErr),
    /// A statement failed.
    #[error("database: {0}")]
    Statement(#[from] DbErr),
    /// A statement of the bulk loader failed.
    #[error("database: {0}")]
    Load(#[from] sqlx::Error),
    /// The connection broke before the database confirmed a change.
    #[error("the database has not confirmed a change, which may have been made: {0}")]
    InDoubt(#[source] Box<Error>),
    /// What was read could not be handed on.
    #[error("cannot write: {0}")]
    Output(#[source] std::io::Error),
    /// A packed column does not hold what it should.
    #[error("the database holds a broken {0}")]
    Corrupt(&'static str),
    /// A packed histogram does not hold what it should.
    #[error("the database holds a broken histogram: {0}")]
    Counters(#[from] CountersError),
    /// A row does not hold what it should.
    #[error("the database holds a broken row: {0}; `tripgraph verify` lists all of them")]
    Broken(Box<BrokenRow>),
    /// A file brings more regions or datasources than can be numbered.
    #[error("there are more than {0} regions or datasources")]
    TooManyNames(u32),
    /// Its trips are in the answers, or on their way there.
    #[error("ingestion {0} has trips that must not be deleted")]
    InUse(IngestionId),
    /// Somebody ended the ingestion meanwhile, or took it over.
    #[error("ingestion {0} is not running here any more")]
    NotRunning(IngestionId),
    /// This program does not merge into the segment any more: the others thought it dead.
    #[error("segment {0} is not merged by this program any more")]
    MergeLost(SegmentId),
}

/// A row that does not hold what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}, {key}: {reason}")]
pub struct BrokenRow {
    /// The table.
    pub table: &'static str,
    /// Columns that identify the row, with their values, as in SQL.
    pub key: String,
    /// What is wrong.
    pub reason: String,
}

impl Error {
    /// What went wrong with a row while it was read, where that is not the database's being away.
    pub(super) fn in_row(self, table: &'static str, key: impl FnOnce() -> String) -> Self {
        if self.is_unavailable() || matches!(self, Self::Broken(_)) {
            return self;
        }
        let reason = match &self {
            Self::Counters(error) => error.to_string(),
            Self::Corrupt(what) => format!("it holds no {what}"),
            other => other.to_string(),
        };
        Self::Broken(Box::new(BrokenRow {
            table,
            key: key(),
            reason,
        }))
    }

    /// Whether the database can't be reached, is too busy, or has no room, so that it is worth
    /// trying again.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.unavailable().is_some()
    }

    /// Why it is worth trying again later; `None` where it is not.
    #[must_use]
    pub fn unavailable(&self) -> Option<Unavailable> {
        if self.is_in_doubt() {
            return Some(Unavailable::InDoubt);
        }
        let named = self
            .driver()
            .and_then(|error| sqlite::unavailable(error).or_else(|| of_postgres(error)));
        let away = || match self {
            Self::Open { .. }
            | Self::NodesAway(_)
            | Self::Unsettled
            | Self::Statement(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => true,
            _ => self.driver().is_some_and(postgres::is_unavailable),
        };
        named.or_else(|| away().then_some(Unavailable::Away))
    }

    /// Whether a change may have been made all the same.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::InDoubt(_))
    }

    /// Whether the database has refused or dropped a statement, as opposed to what the program
    /// found in it.
    pub(super) const fn is_of_statement(&self) -> bool {
        matches!(self, Self::Statement(_) | Self::Load(_) | Self::InDoubt(_))
    }

    /// What the driver says.
    pub(super) fn driver(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Load(error) | Self::Open { source: error, .. } => Some(error),
            Self::Migrate(error) | Self::Statement(error) => match error {
                DbErr::Conn(RuntimeErr::SqlxError(error))
                | DbErr::Exec(RuntimeErr::SqlxError(error))
                | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }
}

/// PostgreSQL's `disk_full`.
fn of_postgres(error: &sqlx::Error) -> Option<Unavailable> {
    let code = error.as_database_error().and_then(DatabaseError::code)?;
    (code == "53100").then_some(Unavailable::DiskFull)
}

/// What to do about a certificate of a version that TLS implementations have given up.
fn certificate_help(error: &sqlx::Error) -> &'static str {
    if error.to_string().contains("UnsupportedCertVersion") {
        "The server's certificate is X.509 version 1, as CREATE EXTENSION citus makes it: give the \
         server one of version 3 (`openssl req -x509` makes such). "
    } else {
        ""
    }
}

/// The kind of database an address names, for a message.
fn of_kind(url: &str) -> String {
    let kind = url.split_once("://").map(|(kind, _)| kind);
    kind.map_or_else(String::new, |kind| format!(", {kind}://…"))
}

impl From<CorruptPatch> for Error {
    fn from(_: CorruptPatch) -> Self {
        Error::Corrupt("trip patch")
    }
}

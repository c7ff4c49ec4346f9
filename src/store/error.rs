use sea_orm::{DbErr, RuntimeErr};
use sqlx::error::DatabaseError;

use super::{SegmentId, Unavailable, postgres, sqlite};
use crate::model::{CorruptPatch, CountersError, IngestionId};

/// An error of the database, or of what it contains.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The scheme of the URL is not supported. The message omits the rest of the URL, which may contain
    /// a password.
    #[error("unsupported database{}: the URL must begin with sqlite:// or postgres://", of_kind(.0))]
    Unsupported(String),
    /// `--citus` with a database that is not PostgreSQL.
    #[error("--citus needs a PostgreSQL database")]
    NotDistributed,
    /// `--read-url` with SQLite, which has no replicas, or with Citus, whose nodes have no common state.
    #[error("--read-url needs a PostgreSQL database without Citus")]
    NoReplicas,
    /// A read replica did not answer a check in time.
    #[error("the read replica {0} does not answer")]
    ReplicaSilent(String),
    /// The server does not have the extension Citus, or has not loaded it.
    #[error("cannot create the extension citus in the database: {0}")]
    Citus(#[source] sqlx::Error),
    /// No worker node is registered, so all shards would be on the coordinator.
    #[error(
        "no node of the Citus cluster accepts shards. Register the nodes in this database on the \
         coordinator, then start again: SELECT citus_set_coordinator_host('<coordinator>', 5432); \
         and for each worker: SELECT citus_add_node('<worker>', 5432);"
    )]
    NoNodes,
    /// A node of the cluster does not answer.
    #[error("nodes of the Citus cluster do not answer: {0}")]
    NodesAway(String),
    /// A node has not committed the latest change yet.
    #[error(
        "a node of the Citus cluster has not committed the latest change yet: Citus recovers its \
         prepared transaction, by default within a minute"
    )]
    Unsettled,
    /// On a cluster, what was read may be of several states. A query is then repeated.
    #[error("the trips changed while a query was reading them: try again")]
    Crossed,
    /// The TLS connection failed, for example because of the certificate of the server.
    #[error(
        "cannot connect to {url} over TLS: {source}. {}Without sslmode, or with sslmode=prefer, \
         the connection falls back to one without TLS; sslmode=disable never uses TLS",
        certificate_help(.source)
    )]
    Tls {
        /// URL of the database.
        url: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
    /// The database does not exist yet.
    #[error("there is no database at {0} yet: start the server or ingest a file first")]
    Missing(String),
    /// Another program uses the SQLite database.
    #[error(
        "another tripgraph uses the database {0}: stop it, or send the files to it with `ingest --server`"
    )]
    Locked(String),
    /// The lock file of the database could not be created or locked.
    #[error("cannot lock the database {path}: {reason}")]
    LockFile {
        /// The database.
        path: String,
        /// The error of the operating system.
        reason: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {url}: {source}")]
    Open {
        /// Its URL.
        url: String,
        /// The error of the driver.
        source: sqlx::Error,
    },
    /// A migration failed.
    #[error("cannot migrate the database: {0}")]
    Migrate(#[source] DbErr),
    /// A statement failed.
    #[error("database: {0}")]
    Statement(#[from] DbErr),
    /// A statement of the bulk loader failed.
    #[error("database: {0}")]
    Load(#[from] sqlx::Error),
    /// The connection was lost before the database confirmed a commit.
    #[error("the database did not confirm a change, which may have taken effect: {0}")]
    InDoubt(#[source] Box<Error>),
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Output(#[source] std::io::Error),
    /// Packed bytes are corrupt.
    #[error("the database has a corrupt {0}")]
    Corrupt(&'static str),
    /// A histogram is corrupt.
    #[error("the database has a corrupt histogram: {0}")]
    Counters(#[from] CountersError),
    /// A row is corrupt.
    #[error("the database has a corrupt row: {0}; `tripgraph verify` lists all corrupt rows")]
    Broken(Box<BrokenRow>),
    /// More regions or datasources than there are numbers for.
    #[error("there are more than {0} regions or datasources")]
    TooManyNames(u32),
    /// Trips of an active or published ingestion were to be deleted.
    #[error("ingestion {0} has trips that must not be deleted")]
    InUse(IngestionId),
    /// The ingestion was ended, or is run by another program now.
    #[error("this program no longer runs ingestion {0}")]
    NotRunning(IngestionId),
    /// Another program has taken over the merge, because the heartbeat of this one had expired.
    #[error("this program no longer merges segment {0}")]
    MergeLost(SegmentId),
}

/// A corrupt row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table}, {key}: {reason}")]
pub struct BrokenRow {
    /// The table.
    pub table: &'static str,
    /// Columns that identify the row, with their values, as in SQL.
    pub key: String,
    /// Why it is corrupt.
    pub reason: String,
}

impl Error {
    /// Adds the row that was being read, unless the database is unavailable.
    pub(super) fn in_row(self, table: &'static str, key: impl FnOnce() -> String) -> Self {
        if self.is_unavailable() || matches!(self, Self::Broken(_)) {
            return self;
        }
        let reason = match &self {
            Self::Counters(error) => error.to_string(),
            Self::Corrupt(what) => format!("corrupt {what}"),
            other => other.to_string(),
        };
        Self::Broken(Box::new(BrokenRow {
            table,
            key: key(),
            reason,
        }))
    }

    /// Whether the database is unreachable, too busy or full, so that a later attempt may succeed.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.unavailable().is_some()
    }

    /// Why a later attempt may succeed; `None` if it will not.
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
            | Self::Crossed
            | Self::Statement(DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) => true,
            _ => self.driver().is_some_and(postgres::is_unavailable),
        };
        named.or_else(|| away().then_some(Unavailable::Away))
    }

    /// Whether the change may have taken effect.
    #[must_use]
    pub const fn is_in_doubt(&self) -> bool {
        matches!(self, Self::InDoubt(_))
    }

    /// Whether a statement failed, as opposed to an error in the data that it returned.
    pub(super) const fn is_of_statement(&self) -> bool {
        matches!(self, Self::Statement(_) | Self::Load(_) | Self::InDoubt(_))
    }

    /// The error of the driver.
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

/// Advice for a certificate of a version that TLS implementations no longer support.
fn certificate_help(error: &sqlx::Error) -> &'static str {
    if error.to_string().contains("UnsupportedCertVersion") {
        "The server's certificate is X.509 version 1, which CREATE EXTENSION citus generates: give \
         the server one of version 3, for example from `openssl req -x509`. "
    } else {
        ""
    }
}

/// The scheme of a URL, for a message.
fn of_kind(url: &str) -> String {
    let kind = url.split_once("://").map(|(kind, _)| kind);
    kind.map_or_else(String::new, |kind| format!(", {kind}://…"))
}

impl From<CorruptPatch> for Error {
    fn from(_: CorruptPatch) -> Self {
        Error::Corrupt("trip patch")
    }
}

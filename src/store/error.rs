use sea_orm::DbErr;

use crate::model::{CorruptPatch, CountersError, IngestionId};

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address names a database that this program does not speak to.
    #[error("cannot use the database {0}: its address must begin with sqlite://")]
    Unsupported(String),
    /// There is no database yet.
    #[error("there is no database at {0} yet: start the server or ingest a file first")]
    Missing(String),
    /// Another program works on the queue.
    #[error(
        "another tripgraph works with the database {0}: upload the file to that server, or stop it"
    )]
    Locked(String),
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
    /// A packed column does not hold what it should.
    #[error("the database holds a broken {0}: run `tripgraph verify`")]
    Corrupt(&'static str),
    /// A file brings more regions or datasources than can be numbered.
    #[error("there are more than {0} regions or datasources")]
    TooManyNames(u32),
    /// Somebody ended the ingestion meanwhile.
    #[error("ingestion {0} is not running any more")]
    NotRunning(IngestionId),
}

impl From<CorruptPatch> for Error {
    fn from(_: CorruptPatch) -> Self {
        Error::Corrupt("trip patch")
    }
}

impl From<CountersError> for Error {
    fn from(_: CountersError) -> Self {
        Error::Corrupt("histogram")
    }
}

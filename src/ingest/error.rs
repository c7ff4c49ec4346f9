use super::fetch::FetchError;
use super::parse::{FormatError, LocationsError};
use super::spool::SpoolError;
use crate::model::IngestionId;
use crate::store::{self, CannotReplace};

/// Why a request about ingestions was refused.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// There is no such ingestion.
    #[error("there is no ingestion {0}")]
    NotFound(IngestionId),
    /// Its state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// There is no file of its rejected rows.
    #[error("{0}")]
    NoRejectedFile(String),
    /// The format that was given with the file is not valid.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The list of locations that was given with the file cannot be read.
    #[error(transparent)]
    Locations(#[from] LocationsError),
    /// The program is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The file could not be downloaded.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<CannotReplace> for IngestError {
    fn from(reason: CannotReplace) -> Self {
        match reason {
            CannotReplace::Missing(id) => Self::NotFound(id),
            reason => Self::Conflict(reason.to_string()),
        }
    }
}

use super::spool::SpoolError;
use crate::model::IngestionId;
use crate::store;

/// Why a request about ingestions was refused.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// There is no such ingestion.
    #[error("there is no ingestion {0}")]
    NotFound(IngestionId),
    /// Its state does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// The program is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

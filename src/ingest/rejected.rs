//! Rejected rows as files: where they are, and when they are deleted.

use std::io;

use tokio::fs::{self, File};

use super::{IngestError, Ingestions};
use crate::model::{Ingestion, IngestionId, IngestionState};

impl Ingestions {
    /// The file of all rejected rows of an ingestion that has ended.
    pub async fn rejected_file(&self, id: IngestionId) -> Result<File, IngestError> {
        let record = self.stored(id).await?.ok_or(IngestError::NotFound(id))?;
        let ingestion = &record.ingestion;
        let missing =
            |reason: &str| IngestError::NoRejectedFile(format!("ingestion {id} {reason}"));
        if !ingestion.state.is_final() {
            let state = ingestion.state.name();
            return Err(IngestError::Conflict(format!(
                "ingestion {id} is {state}: its rejected rows can be downloaded when it has ended"
            )));
        }
        if ingestion.state == IngestionState::Removed {
            return Err(missing("was removed, and its rejected rows with it"));
        }
        if ingestion.rows_rejected == 0 {
            return Err(missing("has no rejected rows"));
        }
        let spool = &self.inner.spool;
        let elsewhere = "was ingested by a server with another data directory: its rejected rows are \
                         there, and the first 1,000 in the field rejectedRows";
        if !spool.holds(&record.spool) {
            return Err(missing(elsewhere));
        }
        match File::open(spool.rejected(ingestion)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(missing(
                "has no file of rejected rows in the data directory: the first 1,000 are in the field \
                 rejectedRows",
            )),
            opened => Ok(opened.map_err(super::SpoolError::from)?),
        }
    }

    /// Deletes the file of the rejected rows of an ingestion that was removed.
    pub(super) async fn delete_rejected(&self, ingestion: &Ingestion) {
        let path = self.inner.spool.rejected(ingestion);
        if let Err(error) = fs::remove_file(&path).await
            // Most have none.
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "cannot delete rejected rows");
        }
    }
}

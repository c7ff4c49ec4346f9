//! Recovery at the start of a program.

use super::{IngestError, Ingestions, Inner, SpoolError, peers, spool};
use crate::model::IngestionState;
use crate::store::Worker;

impl Ingestions {
    /// Deletes the remains of an interrupted run, and loads the queue.
    pub(super) async fn recover(&self) -> Result<(), IngestError> {
        let Inner {
            store,
            spool,
            worker,
            progress,
            ..
        } = &*self.inner;
        store.heartbeat(worker).await?;
        // Listed first: what comes later is somebody's who lives.
        let uploads = spool.uploads().await.map_err(SpoolError::from)?;
        let unfinished = store.unfinished().await?;
        let mut workers = store.workers().await?;
        let dead = workers.extract_if(.., |(program, other)| {
            program != store.program()
                && other.spool == worker.spool
                && peers::has_ended(&other.name)
        });
        for (program, _) in dead.collect::<Vec<_>>() {
            store.replace(&program).await?;
        }
        for upload in uploads {
            let needed = unfinished
                .iter()
                .any(|record| spool.locate(&record.path) == upload);
            let alive = |(program, _): &(String, Worker)| spool::is_of(&upload, program);
            if !needed && !workers.iter().any(alive) {
                tokio::fs::remove_file(upload)
                    .await
                    .map_err(SpoolError::from)?;
            }
        }
        for id in store.purgeable().await? {
            if let Some(record) = store.record(id).await?
                && record.ingestion.state == IngestionState::Removed
            {
                self.delete_rejected(&record.ingestion).await;
            }
            store.purge(id).await?;
        }
        store.purge_segments().await?;
        for record in unfinished {
            if record.ingestion.state == IngestionState::Running && record.claim.number > 0 {
                let id = record.ingestion.id;
                let line = record.checkpoint.unwrap_or_default().next_line;
                let source = record.ingestion.source.as_str();
                tracing::warn!(
                    id,
                    source,
                    line,
                    "ingestion was interrupted, or another worker runs it"
                );
            }
            progress.push(record.ingestion);
        }
        Ok(())
    }
}

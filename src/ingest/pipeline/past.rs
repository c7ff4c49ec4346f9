use crate::ingest::tally::Tally;
use crate::model::{Histograms, RejectedRow};
use crate::store::{self, Checkpoint, IngestionRecord, Store};

/// What earlier runs of an ingestion left up to its checkpoint.
#[derive(Default)]
pub(super) struct Past {
    pub(super) histograms: Histograms,
    pub(super) totals: Totals,
}

/// What does not depend on places.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) checkpoint: Checkpoint,
    pub(super) first_rejected: Option<Box<RejectedRow>>,
    pub(super) tally: Tally,
}

impl Past {
    /// Deletes what is past the checkpoint, and adds up what is before.
    pub(super) async fn of(store: &Store, record: &IngestionRecord) -> Result<Self, store::Error> {
        if record.claim.number <= 1 {
            return Ok(Self::default());
        }
        store.rewind(record).await?;
        let Some(checkpoint) = record.checkpoint else {
            return Ok(Self::default());
        };
        let id = record.ingestion.id;
        let rejected = store.rejected_rows(id, 1, None).await?.items;
        let snapshot = store.snapshot().await?;
        let mut histograms = Histograms::new();
        snapshot
            .patches_of(id, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.points, patch.rest)?)
            })
            .await?;
        let totals = Totals {
            checkpoint,
            first_rejected: rejected.into_iter().next().map(Box::new),
            tally: Tally::resumed(&snapshot.sums_of(id).await?),
        };
        Ok(Self { histograms, totals })
    }
}

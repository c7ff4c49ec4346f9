use crate::ingest::tally::Tally;
use crate::model::{Histograms, RejectedRow};
use crate::store::{self, Checkpoint, Claimed, Store};

/// What an earlier run of an ingestion left up to its checkpoint.
#[derive(Default)]
pub(super) struct Past {
    pub(super) checkpoint: Checkpoint,
    pub(super) first_rejected: Option<Box<RejectedRow>>,
    pub(super) histograms: Histograms,
    pub(super) tally: Tally,
}

impl Past {
    pub(super) async fn of(store: &Store, claimed: &Claimed) -> Result<Self, store::Error> {
        let Some(checkpoint) = claimed.checkpoint else {
            return Ok(Self::default());
        };
        let id = claimed.ingestion.id;
        let rejected = store.rejected_rows(id, 1, None).await?.items;
        let snapshot = store.snapshot().await?;
        let mut histograms = Histograms::new();
        snapshot
            .patches_of(id, |patch| {
                Ok(histograms.add_patch(patch.end, patch.cell, patch.points, patch.rest)?)
            })
            .await?;
        Ok(Self {
            checkpoint,
            first_rejected: rejected.into_iter().next().map(Box::new),
            histograms,
            tally: Tally::resumed(&snapshot.sums_of(id).await?),
        })
    }
}

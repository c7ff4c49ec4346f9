//! Resuming: what earlier runs of an ingestion left up to its checkpoint.

use super::tally::Tally;
use crate::model::{Findings, Histograms, PatchDepth, RejectedRow, TripEnd};
use crate::store::{self, Checkpoint, IngestionRecord, Store};

/// What earlier runs of an ingestion left up to its checkpoint.
#[derive(Default)]
pub(super) struct Past {
    /// Histograms of the origins.
    pub(super) origins: Histograms,
    /// Histograms of the destinations.
    pub(super) destinations: Histograms,
    pub(super) totals: Totals,
}

/// What does not depend on places.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) checkpoint: Checkpoint,
    pub(super) first_rejected: Option<Box<RejectedRow>>,
    pub(super) tally: Tally,
    pub(super) findings: Findings,
}

impl Past {
    /// Deletes what is past the checkpoint, and adds up what is before.
    pub(super) async fn of(store: &Store, record: &IngestionRecord) -> Result<Self, store::Error> {
        if record.claim.number <= 1 {
            return Ok(Self::default());
        }
        store.rewind(record).await?;
        let Some((checkpoint, segment)) = record.checkpoint.zip(record.segment) else {
            return Ok(Self::default());
        };
        let id = record.ingestion.id;
        let rejected = store.rejected_rows(id, 1, None).await?.items;
        let snapshot = store.snapshot().await?;
        let (mut origins, mut destinations) = (Histograms::new(), Histograms::new());
        let mut tally = Tally::default();
        snapshot
            .patches_of(segment, PatchDepth::Others, |patch| {
                let histograms = match patch.end {
                    TripEnd::Origin => {
                        for part in patch.parts() {
                            tally.add_part(&part?)?;
                        }
                        &mut origins
                    }
                    TripEnd::Destination => &mut destinations,
                };
                Ok(histograms.add_patch(patch.end, patch.cell, patch.bytes)?)
            })
            .await?;
        let totals = Totals {
            checkpoint,
            first_rejected: rejected.into_iter().next().map(Box::new),
            tally,
            findings: record.findings.clone(),
        };
        Ok(Self {
            origins,
            destinations,
            totals,
        })
    }
}

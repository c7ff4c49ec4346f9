//! Publishing: makes the trips of an ingestion visible.

use super::error::PipelineError;
use super::meter::Meter;
use crate::clock;
use crate::model::FinishedHistograms;
use crate::store::{Claim, FinalCounts, Store, TripSummary};

/// What an ingestion adds to the answers.
pub(super) struct Addition {
    pub(super) origins: FinishedHistograms,
    pub(super) destinations: FinishedHistograms,
    pub(super) summaries: Vec<TripSummary>,
    pub(super) counts: FinalCounts,
}

/// Publishes an ingestion whose patches are all written.
pub(super) async fn publish(
    store: &Store,
    claim: Claim,
    addition: Addition,
    meter: &Meter,
) -> Result<(), PipelineError> {
    let Addition {
        origins,
        destinations,
        summaries,
        counts,
    } = addition;
    let histograms = origins.with_destinations(destinations);
    meter.published(0.0);
    let published = |part| meter.published(part);
    store
        .publish(
            claim,
            &histograms,
            &summaries,
            counts,
            clock::now,
            published,
        )
        .await?;
    Ok(())
}

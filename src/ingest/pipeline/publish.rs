//! Publishing: makes the trips of an ingestion visible.

use std::sync::Arc;

use super::error::PipelineError;
use super::meter::Meter;
use crate::clock;
use crate::ingest::removal::removal;
use crate::model::FinishedHistograms;
use crate::store::{
    FinalCounts, IngestionRecord, Publication, Published, SegmentId, Store, TripSummary,
};

/// What an ingestion adds to the answers.
pub(super) struct Addition {
    pub(super) origins: FinishedHistograms,
    pub(super) destinations: FinishedHistograms,
    pub(super) summaries: Vec<TripSummary>,
    pub(super) counts: FinalCounts,
}

/// Publishes an ingestion whose patches are all written. What it replaces leaves the answers.
pub(super) async fn publish(
    store: &Store,
    segment: SegmentId,
    record: &IngestionRecord,
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
    let mut publication = Publication {
        claim: record.claim,
        removal: None,
        summaries,
        counts,
    };
    loop {
        if let Some(replaced) = record.ingestion.replaces {
            publication.removal = removal(store, replaced).await?.map(Arc::new);
        }
        let publications = std::slice::from_ref(&publication);
        match store
            .publish(segment, publications, &histograms, clock::now, published)
            .await?
        {
            Published::Done => return Ok(()),
            // Merged meanwhile, or another ingestion was removed from the same segment.
            Published::Moved => {}
        }
    }
}

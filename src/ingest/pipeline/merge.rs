//! Merging: several segments become one.
//!
//! The trips of small segments are packed anew. They are no more than a portion holds, so each end of all
//! of them is sorted and cut at once, as in an ingestion of one file with all their rows. Where more trips
//! of a place come together, its cells are smaller than before. The histograms of both are counted, for
//! what differs.
//!
//! The patches of larger segments are small enough as they are: those of the same cell are joined, a few
//! megabytes at a time, and nothing is unpacked (`store/joined_rows.rs`).

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::background::in_background;
use super::batch::Batch;
use super::error::PipelineError;
use super::pack::DELIVERY_BYTES;
use super::portion::{CHUNK_TRIPS, PORTION_TRIPS, Portion};
use crate::geo::{Point, Resolution, leaf_cell, resolution_of};
use crate::model::{CorruptPatch, FinishedHistograms, Histograms, PatchDepth, PatchTrip, TripEnd};
use crate::store::{
    self, JoinCursor, LiveSegment, LoadBlock, Merge, PatchRow, SegmentClaim, SegmentId,
    SegmentWriter, Store, StoredPatch, TripRow,
};

/// Trips that are packed anew in a merge, at most.
pub(in crate::ingest) const REPACKED_TRIPS: u64 = PORTION_TRIPS as u64;
/// Trips of segments whose patches are joined, at most: a removal writes the patches of an ingestion in such
/// a segment anew in one transaction.
pub(in crate::ingest) const JOINED_TRIPS: u64 = 4 * REPACKED_TRIPS;

/// How segments become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ingest) enum MergeMethod {
    /// Their trips are packed anew.
    Repack,
    /// The patches of each cell are joined.
    Join,
}

/// Merges segments into one that was begun. Returns whether it is in their place now: not where they
/// have changed meanwhile, or the program stops.
pub(in crate::ingest) async fn merge(
    store: &Store,
    method: MergeMethod,
    target: SegmentId,
    sources: Vec<LiveSegment>,
    stop: &CancellationToken,
) -> Result<bool, PipelineError> {
    let (before, after) = match method {
        MergeMethod::Repack => repack(store, target, &sources).await?,
        MergeMethod::Join => {
            if !join(store, target, &sources, stop).await? {
                return Ok(false);
            }
            // Each trip stays in its cell.
            Default::default()
        }
    };
    let merge = Merge {
        target,
        sources,
        before,
        after,
    };
    Ok(store.finish_merge(&merge).await?)
}

/// Writes the trips of segments into another, packed anew. Returns what the patches of both add to the
/// histograms.
async fn repack(
    store: &Store,
    target: SegmentId,
    sources: &[LiveSegment],
) -> Result<(FinishedHistograms, FinishedHistograms), PipelineError> {
    let (runtime, reader) = (Handle::current(), store.clone());
    let ids: Vec<_> = sources.iter().map(|source| source.id).collect();
    let pack = in_background("merge", move || runtime.block_on(pack(&reader, &ids)));
    let (before, packed) = pack.await??;
    for patches in packed.blocks {
        let block = LoadBlock {
            patches,
            ..LoadBlock::default()
        };
        store.load(claim(target), &block).await?;
    }
    Ok((before, packed.histograms))
}

/// Writes the patches of segments into another, those of the same cell as one. Returns whether all are
/// written.
async fn join(
    store: &Store,
    target: SegmentId,
    sources: &[LiveSegment],
    stop: &CancellationToken,
) -> Result<bool, store::Error> {
    let ids: Vec<_> = sources.iter().map(|source| source.id).collect();
    let mut cursor = Some(JoinCursor::START);
    while let Some(from) = cursor {
        // This may take seconds.
        if stop.is_cancelled() {
            return Ok(false);
        }
        let (blocks, next) = store.joined_rows(&ids, from).await?;
        for block in blocks {
            store.load(claim(target), &block).await?;
        }
        cursor = next;
    }
    Ok(true)
}

const fn claim(target: SegmentId) -> SegmentClaim {
    SegmentClaim {
        segment: target,
        by: SegmentWriter::Merge,
    }
}

/// Trips packed as a segment.
pub(super) struct PackedTrips {
    /// Patches that are written together.
    pub(super) blocks: Vec<Vec<PatchRow>>,
    /// What the patches add to the histograms.
    pub(super) histograms: FinishedHistograms,
}

/// The trips of segments, packed as one, and what the patches of the segments add to the histograms.
async fn pack(
    store: &Store,
    segments: &[SegmentId],
) -> Result<(FinishedHistograms, PackedTrips), store::Error> {
    let snapshot = store.snapshot().await?;
    let (mut portion, mut chunk) = (Portion::default(), Vec::new());
    let mut before = Histograms::new();
    for &id in segments {
        snapshot
            .patches_of(id, PatchDepth::Rest, |patch| {
                before.add_patch(patch.end, patch.cell, patch.bytes)?;
                if patch.end == TripEnd::Origin {
                    for part in patch.parts() {
                        for trip in part?.trips() {
                            chunk.push(unpack(&patch, &trip?)?);
                            if chunk.len() == CHUNK_TRIPS {
                                portion.push(std::mem::take(&mut chunk));
                            }
                        }
                    }
                }
                Ok(())
            })
            .await?;
    }
    snapshot.close().await;
    portion.push(chunk);
    let packed = pack_trips(&portion)?;
    Ok((before.finish(), packed))
}

/// Packs both ends of trips.
pub(super) fn pack_trips(portion: &Portion) -> Result<PackedTrips, CorruptPatch> {
    let mut histograms = Histograms::new();
    let (mut blocks, mut block, mut bytes) = (Vec::new(), Vec::new(), 0);
    for end in TripEnd::ALL {
        let mut batch = Batch::new(end);
        batch.add(portion);
        for row in batch.take() {
            histograms.add_patch(end, row.cell, row.patch.bytes())?;
            bytes += row.patch.len();
            block.push(row);
            if bytes >= DELIVERY_BYTES {
                bytes = 0;
                blocks.push(std::mem::take(&mut block));
            }
        }
    }
    blocks.push(block);
    Ok(PackedTrips {
        blocks,
        histograms: histograms.finish(),
    })
}

/// A trip of a patch of origins, as it came from its file.
fn unpack(patch: &StoredPatch<'_>, trip: &PatchTrip) -> Result<TripRow, CorruptPatch> {
    let [origin, destination]: [Point; 2] = trip.points()?;
    let origin_cell = if resolution_of(patch.cell) == Resolution::LEAF.get() {
        patch.cell
    } else {
        leaf_cell(origin).into()
    };
    Ok(TripRow {
        ingestion: trip.ingestion,
        line: trip.line,
        region: trip.key.region(),
        datasource: trip.key.datasource(),
        origin,
        destination,
        origin_cell,
        destination_cell: trip.other_cell,
        departed_at: trip.departed_at().ok_or(CorruptPatch)?,
        arrived_at: trip.arrived_at,
    })
}

//! What the removal of an ingestion takes out of its segment.

use crate::model::{Histograms, IngestionId, Patch, PatchDepth};
use crate::store::{self, PatchWithout, Removal, Store, StoredPatch};

/// What is to be removed of an ingestion, as of now; `None` where it is not among the answers. Of a
/// merged segment, what is left of its patches is in memory.
pub(super) async fn removal(
    store: &Store,
    id: IngestionId,
) -> Result<Option<Removal>, store::Error> {
    let snapshot = store.snapshot().await?;
    let Some(source) = snapshot.removal_source(id).await? else {
        return Ok(None);
    };
    let (mut histograms, mut patches) = (Histograms::new(), Vec::new());
    let depth = if source.is_merged {
        PatchDepth::Rest
    } else {
        PatchDepth::Keys
    };
    snapshot
        .patches_of(source.segment, depth, |patch| {
            if !source.is_merged {
                histograms.add_patch(patch.end, patch.cell, patch.bytes)?;
            } else if let Some((gone, without)) = without(&patch, id)? {
                histograms.add_patch(patch.end, patch.cell, gone.bytes())?;
                patches.push(without);
            }
            Ok(())
        })
        .await?;
    snapshot.close().await;
    Ok(Some(Removal {
        source,
        histograms: histograms.finish(),
        patches,
    }))
}

/// The trips of an ingestion in a patch, and the patch without them; `None` where it has none.
fn without(
    patch: &StoredPatch<'_>,
    id: IngestionId,
) -> Result<Option<(Patch, PatchWithout)>, store::Error> {
    let (mut left, mut gone) = (Patch::default(), Patch::default());
    let (mut removed, mut place) = (Vec::new(), 0);
    for part in patch.parts() {
        let (mut stay, mut go) = (Vec::new(), Vec::new());
        for trip in part?.trips() {
            let trip = trip?;
            if trip.ingestion == id {
                removed.push(place);
                go.push(trip);
            } else {
                stay.push(trip);
            }
            place += 1;
        }
        for (of, trips) in [(&mut left, &stay), (&mut gone, &go)] {
            if !trips.is_empty() {
                of.add(patch.end, trips);
            }
        }
    }
    if removed.is_empty() {
        return Ok(None);
    }
    let without = PatchWithout {
        end: patch.end,
        cell: patch.cell,
        batch: patch.batch,
        patch: left,
        removed,
    };
    Ok(Some((gone, without)))
}

//! Visiting every trip of a selection.

use super::cover::Cover;
use super::inside_leaves::InsideLeaves;
use super::places::Places;
use super::scan::{EndScan, ScannedTrip};
use crate::geo::{CellRange, LEVELS};
use crate::model::{KeyFilter, PatchDepth, Selection, TripEnd};
use crate::store::{Error, Snapshot};

/// Visits the trips of a selection, each once, in no order. Trips are read from the patches of
/// either end, at least to a depth; positions are missing where an area does not need them.
pub(super) async fn each_selected(
    snapshot: &Snapshot,
    selection: &Selection,
    depth: PatchDepth,
    mut visit: impl FnMut(ScannedTrip<'_, '_>) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let Some(filter) = snapshot.key_filter(selection).await? else {
        return Ok(());
    };
    let area = selection.area.as_ref();
    let rule = area.map(|area| area.ends).unwrap_or_default();
    for &end in EndScan::ends(rule) {
        let (inside, edge, leaves) = match area {
            Some(area) => {
                let cover = Cover::of(snapshot, end, &area.place).await?;
                let leaves = InsideLeaves::of(&cover);
                (cover.inside_ranges(), cover.edge_ranges(), leaves)
            }
            None => (
                LEVELS.map(CellRange::all).into(),
                Vec::new(),
                InsideLeaves::default(),
            ),
        };
        let scan = EndScan::new(end, &filter, area, &leaves);
        for (ranges, all_inside) in [(inside, true), (edge, false)] {
            let depth = scan.depth(all_inside).max(depth);
            snapshot
                .patches(end, &ranges, depth, |patch| scan.visit(patch, &mut visit))
                .await?;
        }
    }
    Ok(())
}

/// Visits the trips of a selection, each once, in no order, where its origin is read: positions are
/// those of origins, and of the other ends of destinations.
pub(super) async fn each_by_origin(
    snapshot: &Snapshot,
    selection: &Selection,
    depth: PatchDepth,
    mut visit: impl FnMut(ScannedTrip<'_, '_>) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let Some(filter) = snapshot.key_filter(selection).await? else {
        return Ok(());
    };
    let area = selection.area.as_ref();
    let mut ranges = LEVELS.map(CellRange::all).to_vec();
    let mut leaves = InsideLeaves::default();
    if let Some(area) = area {
        ranges.clear();
        for &end in EndScan::ends(area.ends) {
            let cover = Cover::of(snapshot, end, &area.place).await?;
            leaves = InsideLeaves::of(&cover);
            let covered = [cover.inside_ranges(), cover.edge_ranges()].concat();
            ranges.extend(match end {
                TripEnd::Origin => covered,
                TripEnd::Destination => origins_of(snapshot, &covered, &filter).await?,
            });
        }
        ranges = CellRange::merged(ranges);
    }
    let scan = EndScan::of_origins(&filter, area, &leaves);
    let depth = scan.depth(false).max(depth);
    snapshot
        .patches(TripEnd::Origin, &ranges, depth, |patch| {
            scan.visit(patch, &mut visit)
        })
        .await
}

/// The cells whose patches hold the origins of the trips that end in some patches, and other trips.
/// Of the patches of destinations, only the keys are read.
async fn origins_of(
    snapshot: &Snapshot,
    destinations: &[CellRange],
    filter: &KeyFilter,
) -> Result<Vec<CellRange>, Error> {
    let mut origins = Places::default();
    snapshot
        .patches(
            TripEnd::Destination,
            destinations,
            PatchDepth::Keys,
            |patch| {
                for part in patch.parts() {
                    let part = part?;
                    let Some(filter) = filter.of_part(&part) else {
                        continue;
                    };
                    for (origin, mut rows) in part.runs() {
                        if !origins.contain(origin) && rows.any(|row| filter.admits(row)) {
                            origins.add(origin);
                        }
                    }
                }
                Ok(())
            },
        )
        .await?;
    Ok(origins.patches()?)
}

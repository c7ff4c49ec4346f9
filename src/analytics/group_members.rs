//! The member trips of a group.

use super::AnalyticsError;
use super::ranking::Ranking;
use super::scan::visit_trips;
use crate::geo::{CellRange, Resolution};
use crate::model::{End, IngestionId, Page, Selection, Similarity, Trip, TripGroup};
use crate::store::Store;

/// The trips of a selection that belong to a group, by ingestion and line. `after` is the
/// ingestion and line of the last trip of the page before.
pub async fn group_members(
    store: &Store,
    selection: &Selection,
    similarity: Similarity,
    group: &TripGroup,
    first: u64,
    after: Option<(IngestionId, u64)>,
) -> Result<Page<Trip>, AnalyticsError> {
    let snapshot = store.snapshot().await?;
    let mut members = Ranking::new(first, after);
    if let Some(filter) = snapshot.key_filter(selection).await? {
        let range = CellRange::descendants(group.origin, Resolution::LEAF);
        let cells = (group.origin.into(), group.destination.into());
        snapshot
            .patches(End::Origin, &[range], |patch| {
                visit_trips(patch, selection, &filter, |trip| {
                    if trip.cells(similarity.resolution) == cells
                        && similarity.bucket.of_slot(trip.slot) == group.bucket
                    {
                        members.offer((patch.ingestion, trip.line));
                    }
                    Ok(())
                })
            })
            .await?;
    }
    let (lines, has_next, total) = members.finish();
    Ok(Page {
        items: snapshot.trips(&lines).await?,
        has_next,
        total,
    })
}

//! The member trips of a group.

use super::AnalyticsError;
use super::cover::{only, patches_within};
use super::question::Question;
use super::ranking::Ranking;
use super::scan::visit_trips;
use crate::geo::{LEVELS, LeafCells};
use crate::model::{IngestionId, Page, Selection, Similarity, Trip, TripEnd, TripGroup};
use crate::store::{Snapshot, Store};

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
    let question = MembersQuestion {
        selection: selection.clone(),
        similarity,
        group: *group,
        first,
        after,
    };
    let snapshot = store.snapshot().await?;
    let page = question.answer(&snapshot).await?;
    snapshot.close().await;
    Ok(page)
}

/// The question for one page of a group's members.
#[derive(Debug)]
pub(super) struct MembersQuestion {
    pub(super) selection: Selection,
    pub(super) similarity: Similarity,
    pub(super) group: TripGroup,
    /// Maximum number of trips on the page.
    pub(super) first: u64,
    /// The ingestion and line of the last trip of the page before.
    pub(super) after: Option<(IngestionId, u64)>,
}

impl Question for MembersQuestion {
    type Answer = Page<Trip>;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Page<Trip>, AnalyticsError> {
        let Self {
            selection,
            similarity,
            group,
            ..
        } = self;
        let mut members = Ranking::new(self.first, self.after);
        if let Some(filter) = snapshot.key_filter(selection).await? {
            // The trips of the origin's cell are packed within it, or, where they are sparse, in a
            // larger cell.
            let larger = LEVELS
                .into_iter()
                .filter_map(|level| group.origin.parent(level.into()))
                .filter(|&ancestor| ancestor != group.origin)
                .map(only);
            let ranges: Vec<_> = patches_within(group.origin).chain(larger).collect();
            let ends = selection.area.map(|area| area.ends).unwrap_or_default();
            let admit = |origin, destination| ends.admit(origin, destination);
            let pair = (group.origin.into(), group.destination.into());
            let mut cells = LeafCells::default();
            snapshot
                .patches(TripEnd::Origin, &ranges, |patch| {
                    visit_trips(patch, &mut cells, selection, &filter, admit, |trip| {
                        if trip.cells(similarity.resolution) == pair
                            && similarity.bucket.of_half_hour(trip.half_hour) == group.bucket
                        {
                            members.offer((patch.ingestion, trip.line));
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        let (lines, has_next, total) = members.finish();
        let items = snapshot.trips(&lines).await?;
        Ok(Page {
            items,
            has_next,
            total,
        })
    }
}

//! The member trips of a group.

use std::cmp::Ordering;

use super::AnalyticsError;
use super::cover::{only, patches_within};
use super::inside_leaves::InsideLeaves;
use super::named_trips::named;
use super::question::Question;
use super::ranking::Ranking;
use super::scan::EndScan;
use crate::geo::{LEVELS, LeafCells};
use crate::model::{
    IngestionId, Page, PatchDepth, PatchTrip, Selection, Similarity, Trip, TripEnd, TripGroup,
};
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
        let mut members = Ranking::new(self.first, self.after.map(Member::place));
        if let Some(filter) = snapshot.key_filter(selection).await? {
            // The trips of the origin's cell are packed within it, or, where they are sparse, in a
            // larger cell.
            let larger = LEVELS
                .into_iter()
                .filter_map(|level| group.origin.parent(level.into()))
                .filter(|&ancestor| ancestor != group.origin)
                .map(only);
            let ranges: Vec<_> = patches_within(group.origin).chain(larger).collect();
            let (area, inside) = (selection.area.as_ref(), InsideLeaves::default());
            let scan = EndScan::of_origins(&filter, area, &inside);
            let pair = [group.origin, group.destination].map(u64::from);
            let mut cells = LeafCells::default();
            snapshot
                .patches(TripEnd::Origin, &ranges, PatchDepth::Rest, |patch| {
                    scan.visit(patch, |trip| {
                        if trip.cells(similarity.resolution, &mut cells)? == pair
                            && similarity.bucket.of_half_hour(trip.half_hour()) == group.bucket
                        {
                            let trip = trip.part.trip(trip.row, trip.other_cell)?;
                            members.offer(Member::of(trip));
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        let (members, has_next, total) = members.finish();
        let trips = members.iter().filter_map(|member| member.trip);
        Ok(Page {
            items: named(snapshot, trips).await?,
            has_next,
            total,
        })
    }
}

/// A member of a group, ordered by ingestion and line.
#[derive(Debug)]
struct Member {
    place: (IngestionId, u64),
    /// `None` for a place that members are compared with.
    trip: Option<PatchTrip>,
}

impl Member {
    const fn of(trip: PatchTrip) -> Self {
        Self {
            place: (trip.ingestion, trip.line),
            trip: Some(trip),
        }
    }

    const fn place(place: (IngestionId, u64)) -> Self {
        Self { place, trip: None }
    }
}

impl Ord for Member {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl PartialOrd for Member {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Member {}

//! The member trips of a group.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use super::AnalyticsError;
use super::cover::{only, patches_within};
use super::question::Question;
use super::ranking::Ranking;
use super::scan::visit_trips;
use crate::geo::{LEVELS, LeafCells};
use crate::model::{
    CorruptPatch, IngestionId, Page, PatchDepth, PatchTrip, Selection, Similarity, Trip, TripEnd,
    TripGroup, TripKey,
};
use crate::store::{Error, Snapshot, Store};

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
            let ends = selection.area.map(|area| area.ends).unwrap_or_default();
            let admit = |origin, destination| ends.admit(origin, destination);
            let pair = [group.origin, group.destination].map(u64::from);
            let mut cells = LeafCells::default();
            snapshot
                .patches(TripEnd::Origin, &ranges, PatchDepth::Rest, |patch| {
                    visit_trips(patch, &mut cells, selection, &filter, admit, |trip| {
                        if trip.cells(similarity.resolution) == pair
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

/// Trips with the names of their regions and datasources.
async fn named(
    snapshot: &Snapshot,
    trips: impl Iterator<Item = PatchTrip> + Clone,
) -> Result<Vec<Trip>, Error> {
    let ids = |id: fn(TripKey) -> u32| {
        let ids: BTreeSet<_> = trips.clone().map(|trip| id(trip.key)).collect();
        ids.into_iter().collect::<Vec<_>>()
    };
    let regions = snapshot.region_names(&ids(TripKey::region)).await?;
    let datasources = snapshot.datasource_names(&ids(TripKey::datasource)).await?;
    let name = |names: &HashMap<u32, String>, id| {
        let name = names.get(&id).cloned();
        name.ok_or(Error::Corrupt("name"))
    };
    trips
        .map(|trip| {
            let [origin, destination] = trip.points()?;
            Ok(Trip {
                ingestion_id: trip.ingestion,
                line: trip.line,
                region: name(&regions, trip.key.region())?,
                datasource: name(&datasources, trip.key.datasource())?,
                origin,
                destination,
                departed_at: trip.departed_at().ok_or(CorruptPatch)?,
                arrived_at: trip.arrived_at,
            })
        })
        .collect()
}

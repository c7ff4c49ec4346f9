//! Similar trips: groups of the same origin cell, destination cell and time of day.

use std::mem;

use super::AnalyticsError;
use super::groups::Groups;
use super::periods::{Comparison, Counts, Periods};
use super::question::Question;
use super::reads::{Pace, Plan, Root, plan};
use super::scan::EndScan;
use crate::geo::{CellRange, LEVELS, LeafCells, Resolution, parent_index, resolution_of};
use crate::model::{
    DayCounts, KeyFilter, MinTrips, Page, PatchDepth, Selection, Similarity, TripEnd, TripEndRule,
    TripGroup,
};
use crate::store::{Snapshot, Store};

/// The groups of similar trips of a selection with at least `min_trips` trips, largest first, ties
/// by origin, destination and bucket. `after` is the last group of the page before.
pub async fn similar_trips(
    store: &Store,
    selection: &Selection,
    similarity: Similarity,
    min_trips: u64,
    first: u64,
    after: Option<TripGroup>,
) -> Result<Page<TripGroup>, AnalyticsError> {
    let snapshot = store.snapshot().await?;
    let question = GroupsQuestion {
        selection: selection.clone(),
        similarity,
        min_trips: min_trips.into(),
        first,
        after,
        comparison: Comparison::default(),
    };
    let page = question.answer(&snapshot).await?;
    snapshot.close().await;
    Ok(page)
}

/// The question for one page of groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GroupsQuestion {
    pub(super) selection: Selection,
    pub(super) similarity: Similarity,
    /// Minimum number of trips of a group.
    pub(super) min_trips: MinTrips,
    /// Maximum number of groups on the page.
    pub(super) first: u64,
    /// The last group of the page before.
    pub(super) after: Option<TripGroup>,
    pub(super) comparison: Comparison,
}

impl Question for GroupsQuestion {
    type Answer = Page<TripGroup>;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Page<TripGroup>, AnalyticsError> {
        let order = self.comparison.order;
        let groups = Groups::new(self.min_trips, order, self.first, self.after);
        self.count(snapshot, groups).await
    }
}

impl GroupsQuestion {
    /// Counts the trips of the groups.
    pub(super) async fn count(
        &self,
        snapshot: &Snapshot,
        mut groups: Groups<'_>,
    ) -> Result<Page<TripGroup>, AnalyticsError> {
        let Self {
            selection,
            similarity,
            ..
        } = self;
        let (periods, selection) = Periods::of(selection, self.comparison);
        if let Some(filter) = snapshot.key_filter(&selection).await? {
            let flows = selection.area.is_none()
                && similarity.resolution <= Resolution::FLOW
                && filter.is_of_names()
                && self.comparison.period.is_none();
            let count = Count {
                snapshot,
                selection: &selection,
                periods,
                similarity: *similarity,
                filter,
            };
            if flows {
                count.count_flows(&mut groups).await?;
            } else {
                count.count_patches(&mut groups).await?;
            }
        }
        groups.finish()
    }
}

/// Counts of the trips between two cells, added up from one flow after the other.
struct Pair {
    /// Origin and destination, at the groups' resolution.
    cells: [u64; 2],
    day: DayCounts,
}

impl Pair {
    const fn of(cells: [u64; 2]) -> Self {
        Self {
            cells,
            day: DayCounts::new(),
        }
    }
}

/// The trips to be counted, and the snapshot.
struct Count<'a> {
    snapshot: &'a Snapshot,
    selection: &'a Selection,
    periods: Periods,
    similarity: Similarity,
    filter: KeyFilter,
}

impl Count<'_> {
    /// Whether all trips of a group start in one cell of the first level.
    fn roots_hold_groups(&self) -> bool {
        self.similarity.resolution >= LEVELS[0]
    }

    /// Counts trips of dense places from flow histograms, and those of sparse places from their
    /// patches.
    async fn count_flows(&self, groups: &mut Groups<'_>) -> Result<(), AnalyticsError> {
        let resolution = self.similarity.resolution;
        let Plan { roots, inside } = plan(self.snapshot, TripEnd::Origin, None, resolution).await?;
        let scan = EndScan::new(TripEnd::Origin, &self.filter, None, &inside);
        let (mut rest, mut roots_at_once) = (roots.as_slice(), Pace::ROOTS);
        while let (read @ [first, ..], after) = roots_at_once.split(rest) {
            let found = self.read_sparse(&scan, TripEnd::Origin, read, groups);
            if !found.await? && self.roots_hold_groups() && roots_at_once.slow_down() {
                groups.forget_sparse();
                continue;
            }
            groups.check()?;
            // The cells of flows come in the order of the roots that they lie in.
            let last = read.last().unwrap_or(first);
            let [first, last] =
                [first, last].map(|root| CellRange::descendants(root.cell, Resolution::FLOW));
            let origins = CellRange {
                first: first.first,
                last: last.last,
            };
            let mut pair = Pair::of([0; 2]);
            self.snapshot
                .flows(origins, &self.filter, |origin, end, day| {
                    let cells =
                        [origin, end.destination].map(|cell| parent_index(cell, resolution));
                    if cells != pair.cells {
                        let last = mem::replace(&mut pair, Pair::of(cells));
                        self.count_pair(&last, groups);
                        // Flows are sorted by origin: all flows of the previous origin were seen.
                        if cells[0] != last.cells[0] && self.roots_hold_groups() {
                            groups.complete();
                        }
                    }
                    pair.day.add_all(day);
                    Ok(())
                })
                .await?;
            self.count_pair(&pair, groups);
            groups.check()?;
            roots_at_once.go_on(groups.open());
            if self.roots_hold_groups() {
                groups.complete_sparse();
            }
            rest = after;
        }
        Ok(())
    }

    /// Counts the trips of a pair of cells: each bucket is a group.
    fn count_pair(&self, pair: &Pair, groups: &mut Groups<'_>) {
        let Similarity { resolution, bucket } = self.similarity;
        let [origin, destination] = pair.cells;
        let buckets = pair.day.half_hours().chunks(bucket.slots());
        for (number, half_hours) in (0..).zip(buckets) {
            let trips = half_hours.iter().sum();
            if trips == 0 {
                continue;
            }
            let key = (origin, destination, number);
            if resolution == Resolution::FLOW {
                // The pair is one cell of flows to another: no more trips of these groups will
                // come.
                groups.add_whole(key, [trips, 0]);
            } else {
                groups.add(key, [trips, 0]);
            }
        }
    }

    /// Reads the patches of the end that the trip end rule names, place by place, so that only the
    /// groups of a few places are in memory at once. Only if the rule is *either*, trips of one
    /// group can come from patches of both ends.
    async fn count_patches(&self, groups: &mut Groups<'_>) -> Result<(), AnalyticsError> {
        let area = self.selection.area.as_ref();
        let ends = area.map(|area| area.ends).unwrap_or_default();
        let place = area.map(|area| &area.place);
        let complete_early = ends != TripEndRule::Either && self.roots_hold_groups();
        for &end in EndScan::ends(ends) {
            let Plan { roots, inside } =
                plan(self.snapshot, end, place, self.similarity.resolution).await?;
            let scan = EndScan::new(end, &self.filter, area, &inside);
            let (mut rest, mut roots_at_once) = (roots.as_slice(), Pace::ROOTS);
            let mut places_at_once = Pace::PLACES;
            while let (read @ [_, ..], after) = roots_at_once.split(rest) {
                let found = self.read_sparse(&scan, end, read, groups);
                if !found.await? && complete_early && roots_at_once.slow_down() {
                    groups.forget_sparse();
                    continue;
                }
                groups.check()?;
                let places: Vec<_> = read.iter().flat_map(|root| &root.places).collect();
                let mut places = places.as_slice();
                while let (read @ [_, ..], after) = places_at_once.split(places) {
                    let ranges: Vec<_> = read.iter().copied().flatten().copied().collect();
                    self.read(&scan, end, &ranges, |key, trips| groups.add(key, trips))
                        .await?;
                    if groups.are_crowded() && complete_early && places_at_once.slow_down() {
                        groups.forget_dense();
                        continue;
                    }
                    groups.check()?;
                    places_at_once.go_on(groups.open());
                    if complete_early {
                        groups.complete();
                    }
                    places = after;
                }
                roots_at_once.go_on(groups.open());
                if complete_early {
                    groups.complete_sparse();
                }
                rest = after;
            }
        }
        Ok(())
    }

    /// Reads the patches of the sparse places of some roots, and counts their trips. Returns whether
    /// there is room for more.
    async fn read_sparse(
        &self,
        scan: &EndScan<'_>,
        end: TripEnd,
        roots: &[Root],
        groups: &mut Groups<'_>,
    ) -> Result<bool, AnalyticsError> {
        let ranges: Vec<_> = roots
            .iter()
            .flat_map(|root| &root.sparse)
            .copied()
            .collect();
        self.read(scan, end, &ranges, |key, trips| {
            groups.add_sparse(key, trips);
        })
        .await?;
        Ok(!groups.are_crowded())
    }

    /// Reads patches of one end, and counts the trips that the selection includes.
    async fn read(
        &self,
        scan: &EndScan<'_>,
        end: TripEnd,
        ranges: &[CellRange],
        mut count: impl FnMut((u64, u64, u16), Counts) + Send,
    ) -> Result<(), AnalyticsError> {
        let Similarity { resolution, bucket } = self.similarity;
        let mut cells = LeafCells::default();
        let (leaves, larger): (Vec<_>, Vec<_>) = ranges
            .iter()
            .partition(|range| resolution_of(range.first) == Resolution::LEAF.get());
        let depth = scan.depth(self.selection.area.is_none());
        // Positions tell the leaf cells of trips in larger patches.
        for (ranges, depth) in [(larger, depth.max(PatchDepth::Points)), (leaves, depth)] {
            self.snapshot
                .patches(end, &ranges, depth, |patch| {
                    scan.visit(patch, |trip| {
                        let trips = self.periods.count(|| trip.part.week_number(trip.row));
                        if trips != [0; 2] {
                            let [origin, destination] = trip.cells(resolution, &mut cells)?;
                            let bucket = bucket.of_half_hour(trip.half_hour());
                            count((origin, destination, bucket), trips);
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(())
    }
}

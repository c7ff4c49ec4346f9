//! Similar trips: groups of the same origin cell, destination cell and time of day.

use std::mem;

use super::AnalyticsError;
use super::groups::Groups;
use super::question::Question;
use super::reads::{Reads, plan};
use super::scan::visit_trips;
use crate::geo::{CellRange, LEVELS, LeafCells, Resolution, parent_index};
use crate::model::{
    DayCounts, KeyFilter, Page, PatchDepth, Selection, Similarity, TripEnd, TripEndRule, TripGroup,
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
        min_trips,
        first,
        after,
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
    pub(super) min_trips: u64,
    /// Maximum number of groups on the page.
    pub(super) first: u64,
    /// The last group of the page before.
    pub(super) after: Option<TripGroup>,
}

impl Question for GroupsQuestion {
    type Answer = Page<TripGroup>;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Page<TripGroup>, AnalyticsError> {
        let Self {
            selection,
            similarity,
            ..
        } = self;
        let mut groups = Groups::new(self.min_trips, self.first, self.after);
        if let Some(filter) = snapshot.key_filter(selection).await? {
            let count = Count {
                snapshot,
                selection,
                similarity: *similarity,
                filter,
            };
            if selection.area.is_none() && similarity.resolution <= Resolution::FLOW {
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
    async fn count_flows(&self, groups: &mut Groups) -> Result<(), AnalyticsError> {
        let resolution = self.similarity.resolution;
        for reads in plan(self.snapshot, TripEnd::Origin, None, resolution).await? {
            self.read(TripEnd::Origin, &reads.sparse, |key| groups.add_sparse(key))
                .await?;
            groups.check()?;
            let origins = CellRange::descendants(reads.root, Resolution::FLOW);
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
            if self.roots_hold_groups() {
                groups.complete_sparse();
            }
        }
        Ok(())
    }

    /// Counts the trips of a pair of cells: each bucket is a group.
    fn count_pair(&self, pair: &Pair, groups: &mut Groups) {
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
                groups.add_whole(key, trips);
            } else {
                groups.add(key, trips);
            }
        }
    }

    /// Reads the patches of the end that the trip end rule names, place by place, so that only the
    /// groups of a few places are in memory at once. Only if the rule is *either*, trips of one
    /// group can come from patches of both ends.
    async fn count_patches(&self, groups: &mut Groups) -> Result<(), AnalyticsError> {
        let bbox = self.selection.area.as_ref().map(|area| &area.bbox);
        let ends = self
            .selection
            .area
            .map(|area| area.ends)
            .unwrap_or_default();
        let passes: &[TripEnd] = match ends {
            TripEndRule::Origin | TripEndRule::Both => &[TripEnd::Origin],
            TripEndRule::Destination => &[TripEnd::Destination],
            TripEndRule::Either => &TripEnd::ALL,
        };
        let complete_early = ends != TripEndRule::Either && self.roots_hold_groups();
        for &end in passes {
            let plan = plan(self.snapshot, end, bbox, self.similarity.resolution).await?;
            for Reads { sparse, dense, .. } in plan {
                self.read(end, &sparse, |key| groups.add_sparse(key))
                    .await?;
                for ranges in dense {
                    self.read(end, &ranges, |key| groups.add(key, 1)).await?;
                    groups.check()?;
                    if complete_early {
                        groups.complete();
                    }
                }
                groups.check()?;
                if complete_early {
                    groups.complete_sparse();
                }
            }
        }
        Ok(())
    }

    /// Reads patches of one end, and counts the trips that the selection includes.
    async fn read(
        &self,
        end: TripEnd,
        ranges: &[CellRange],
        mut count: impl FnMut((u64, u64, u16)) + Send,
    ) -> Result<(), AnalyticsError> {
        let Similarity { resolution, bucket } = self.similarity;
        let ends = self.selection.area.map(|area| area.ends);
        let depth = match (ends, end) {
            (Some(TripEndRule::Both | TripEndRule::Either), TripEnd::Origin) => PatchDepth::Others,
            _ => PatchDepth::Points,
        };
        let admit = |this: bool, other: bool| match (ends, end) {
            (Some(TripEndRule::Both), _) => this && other,
            // The pass over the destinations counts trips whose destination is inside.
            (Some(TripEndRule::Either), TripEnd::Origin) => this && !other,
            _ => this,
        };
        let mut cells = LeafCells::default();
        self.snapshot
            .patches(end, ranges, depth, |patch| {
                visit_trips(
                    patch,
                    &mut cells,
                    self.selection,
                    &self.filter,
                    admit,
                    |trip| {
                        let [origin, destination] = trip.cells(resolution);
                        count((origin, destination, bucket.of_half_hour(trip.half_hour())));
                        Ok(())
                    },
                )
            })
            .await?;
        Ok(())
    }
}

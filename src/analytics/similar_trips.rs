//! Similar trips: groups of the same origin cell, destination cell and time of day.

use super::AnalyticsError;
use super::groups::Groups;
use super::reads::{Reads, plan};
use super::scan::visit_trips;
use crate::geo::{CellRange, LEVELS, Resolution, parent_index};
use crate::model::{
    BucketMinutes, End, Entries, KeyFilter, Page, Selection, Similarity, TripEnds, TripGroup,
    split_counter_key,
};
use crate::store::{Error, Snapshot, Store};

/// Half-hours of a day, in which flows are counted.
const HALF_HOURS: usize = BucketMinutes::SLOTS_PER_DAY as usize;

/// The groups of similar trips of a selection with at least `min_trips` trips, largest first,
/// those of one size by origin, destination and bucket. `after` is the last group of the page
/// before.
pub async fn similar_trips(
    store: &Store,
    selection: &Selection,
    similarity: Similarity,
    min_trips: u64,
    first: u64,
    after: Option<TripGroup>,
) -> Result<Page<TripGroup>, AnalyticsError> {
    let snapshot = store.snapshot().await?;
    let page = similar_trips_in(&snapshot, selection, similarity, min_trips, first, after).await?;
    snapshot.close().await;
    Ok(page)
}

/// As [`similar_trips`], of a snapshot.
pub(super) async fn similar_trips_in(
    snapshot: &Snapshot,
    selection: &Selection,
    similarity: Similarity,
    min_trips: u64,
    first: u64,
    after: Option<TripGroup>,
) -> Result<Page<TripGroup>, AnalyticsError> {
    let mut groups = Groups::new(min_trips, first, after);
    if let Some(filter) = snapshot.key_filter(selection).await? {
        let question = Question {
            snapshot,
            selection,
            similarity,
            filter,
        };
        if selection.area.is_none() && similarity.resolution <= Resolution::FLOW {
            question.count_flows(&mut groups).await?;
        } else {
            question.count_patches(&mut groups).await?;
        }
    }
    groups.finish()
}

struct Question<'a> {
    snapshot: &'a Snapshot,
    selection: &'a Selection,
    similarity: Similarity,
    filter: KeyFilter,
}

impl Question<'_> {
    /// Whether all trips of a group start in one cell of the first level.
    fn roots_hold_groups(&self) -> bool {
        self.similarity.resolution >= LEVELS[0]
    }

    /// Where trips are dense, from flow histograms; those of sparse places from their patches.
    async fn count_flows(&self, groups: &mut Groups) -> Result<(), AnalyticsError> {
        let resolution = self.similarity.resolution;
        for reads in plan(self.snapshot, End::Origin, None, resolution).await? {
            self.read(End::Origin, &reads.sparse, |key| groups.add_sparse(key))
                .await?;
            groups.check()?;
            let origins = CellRange::descendants(reads.root, Resolution::FLOW);
            let mut last = 0;
            self.snapshot
                .flows(origins, &self.filter, |flow, counters| {
                    let origin = parent_index(flow.origin, resolution);
                    // Flows come by their origins: those of the origin before were all seen.
                    if origin != last && self.roots_hold_groups() {
                        groups.complete();
                    }
                    last = origin;
                    let destination = parent_index(flow.destination, resolution);
                    for (bucket, trips) in self.buckets(counters)? {
                        groups.add((origin, destination, bucket), trips);
                    }
                    Ok(())
                })
                .await?;
            groups.check()?;
            if self.roots_hold_groups() {
                groups.complete_sparse();
            }
        }
        Ok(())
    }

    /// The trips of a flow by bucket: of each that has any, once or a few times.
    fn buckets(
        &self,
        counters: Entries<'_>,
    ) -> Result<impl Iterator<Item = (u16, u64)> + use<>, Error> {
        let mut slots = [0; HALF_HOURS];
        for entry in counters {
            let (key, trips) = entry?;
            let (datasource, slot) = split_counter_key(key);
            let slot = slots
                .get_mut(usize::from(slot))
                .ok_or(Error::Corrupt("histogram"))?;
            if self.filter.admits_datasource(datasource) {
                *slot += trips;
            }
        }
        let bucket = self.similarity.bucket;
        Ok((0..)
            .zip(slots)
            .filter(|&(_, trips)| trips > 0)
            .map(move |(slot, trips)| (bucket.of_slot(slot), trips)))
    }

    /// Patches are read by the end that the area is about, place by place, so that only the groups
    /// of a few places are in memory at once. Only where either end will do, the trips of one
    /// group can come from both sides.
    async fn count_patches(&self, groups: &mut Groups) -> Result<(), AnalyticsError> {
        let bbox = self.selection.area.as_ref().map(|area| &area.bbox);
        let ends = self
            .selection
            .area
            .map(|area| area.ends)
            .unwrap_or_default();
        let passes: &[End] = match ends {
            TripEnds::Origin | TripEnds::Both => &[End::Origin],
            TripEnds::Destination => &[End::Destination],
            TripEnds::Either => &End::ALL,
        };
        let complete_early = ends != TripEnds::Either && self.roots_hold_groups();
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

    /// Reads patches of one end, and counts the trips that the selection keeps.
    async fn read(
        &self,
        end: End,
        ranges: &[CellRange],
        mut count: impl FnMut((u64, u64, u16)) + Send,
    ) -> Result<(), AnalyticsError> {
        let Similarity { resolution, bucket } = self.similarity;
        let ends = self.selection.area.map(|area| area.ends);
        let admit = |this: bool, other: bool| match (ends, end) {
            (Some(TripEnds::Both), _) => this && other,
            // The pass over the destinations sees those whose destination is inside.
            (Some(TripEnds::Either), End::Origin) => this && !other,
            _ => this,
        };
        self.snapshot
            .patches(end, ranges, |patch| {
                visit_trips(patch, self.selection, &self.filter, admit, |trip| {
                    let (origin, destination) = trip.cells(resolution);
                    count((origin, destination, bucket.of_slot(trip.slot)));
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }
}

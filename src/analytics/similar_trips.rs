//! Similar trips: groups of the same origin cell, destination cell and time of day.

use std::cmp::{Ordering, Reverse};

use h3o::CellIndex;
use hashbrown::HashMap;

use super::AnalyticsError;
use super::cover::Cover;
use super::ranking::Ranking;
use super::scan::{PatchTrip, visit_trips};
use crate::geo::{CellRange, Resolution, parent_index};
use crate::model::{
    End, KeyFilter, Page, Selection, Similarity, TripEnds, TripGroup, split_counter_key,
};
use crate::store::{Error, Snapshot, Store};

/// Groups that one question may hold in memory at once, about 300 MB.
const MAX_OPEN_GROUPS: usize = 4_000_000;

/// Leaf ranges that are read by one statement.
const RANGES_PER_READ: usize = 64;

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
    let mut groups = Groups::new(min_trips, Ranking::new(first, after.map(Ranked)));
    if let Some(filter) = snapshot.key_filter(selection).await? {
        let flows_suffice = similarity.resolution <= Resolution::FLOW;
        match &selection.area {
            None if flows_suffice => {
                count_flows(&snapshot, similarity, &filter, &mut groups).await?;
            }
            _ => count_patches(&snapshot, selection, similarity, &filter, &mut groups).await?,
        }
    }
    groups.finish()
}

/// Flow histograms come by origin, so a group is complete when the next origin cell begins.
async fn count_flows(
    snapshot: &Snapshot,
    similarity: Similarity,
    filter: &KeyFilter,
    groups: &mut Groups,
) -> Result<(), AnalyticsError> {
    let mut current = 0;
    snapshot
        .flows(filter, |flow, counters| {
            let origin = parent_index(flow.origin, similarity.resolution);
            let destination = parent_index(flow.destination, similarity.resolution);
            if origin != current {
                groups.complete()?;
                current = origin;
            }
            for (key, trips) in counters.iter() {
                let (datasource, slot) = split_counter_key(key);
                if filter.admits_datasource(datasource) {
                    groups.add(
                        (origin, destination, similarity.bucket.of_slot(slot)),
                        trips,
                    );
                }
            }
            Ok(())
        })
        .await?;
    Ok(())
}

/// Patches are read by the end that the area is about, one cell of the groups after the other, so
/// that only the groups of a few cells are in memory at once. Only where either end will do, the
/// trips of one group can come from both sides.
async fn count_patches(
    snapshot: &Snapshot,
    selection: &Selection,
    similarity: Similarity,
    filter: &KeyFilter,
    groups: &mut Groups,
) -> Result<(), AnalyticsError> {
    let ends = selection.area.map(|area| area.ends).unwrap_or_default();
    let (passes, complete_early): (&[End], _) = match ends {
        TripEnds::Origin | TripEnds::Both => (&[End::Origin], true),
        TripEnds::Destination => (&[End::Destination], true),
        TripEnds::Either => (&End::ALL, false),
    };
    for &end in passes {
        // The first pass has seen the trips whose origin is inside.
        let fresh = |trip: &PatchTrip| {
            ends != TripEnds::Either || end == End::Origin || !trip.origin_inside
        };
        let seen_from_here = |trip: &PatchTrip| match end {
            End::Origin => trip.origin_inside,
            End::Destination => trip.destination_inside,
        };
        for ranges in reads(snapshot, end, selection, similarity.resolution).await? {
            snapshot
                .patches(end, &ranges, |patch| {
                    visit_trips(patch, selection, filter, |trip| {
                        if fresh(&trip) && seen_from_here(&trip) {
                            let (origin, destination) = trip.cells(similarity.resolution);
                            let bucket = similarity.bucket.of_slot(trip.slot);
                            groups.add((origin, destination, bucket), 1);
                        }
                        Ok(())
                    })
                })
                .await?;
            groups.check()?;
            if complete_early {
                groups.complete()?;
            }
        }
    }
    Ok(())
}

/// The leaf ranges of a selection, cut into reads that each hold all the trip ends of the cells,
/// at `resolution`, that they touch.
async fn reads(
    snapshot: &Snapshot,
    end: End,
    selection: &Selection,
    resolution: Resolution,
) -> Result<Vec<Vec<CellRange>>, Error> {
    let mut ranges = Vec::new();
    // Large cells are read by those of their parts that hold trips.
    let mut large = Vec::new();
    match &selection.area {
        Some(area) => {
            let cover = Cover::of(snapshot, end, &area.bbox).await?;
            for cell in cover.inside.into_iter().chain(cover.edge) {
                if cell.resolution() < Resolution::FLOW.into() {
                    large.push(CellRange::descendants(cell, Resolution::FLOW));
                } else {
                    ranges.push(CellRange::descendants(cell, Resolution::LEAF));
                }
            }
        }
        None => large.push(CellRange::all(Resolution::FLOW)),
    }
    for parts in large {
        for cell in snapshot.occupied_between(end, parts).await? {
            let cell = CellIndex::try_from(cell).map_err(|_| Error::Corrupt("histogram"))?;
            ranges.push(CellRange::descendants(cell, Resolution::LEAF));
        }
    }
    ranges.sort_unstable_by_key(|range| range.first);

    let mut reads: Vec<Vec<CellRange>> = Vec::new();
    for range in ranges {
        match reads.last_mut() {
            Some(read)
                if read.len() < RANGES_PER_READ
                    || read.last().is_some_and(|last| {
                        parent_index(last.first, resolution)
                            == parent_index(range.first, resolution)
                    }) =>
            {
                read.push(range);
            }
            _ => reads.push(vec![range]),
        }
    }
    Ok(reads)
}

type GroupKey = (u64, u64, u16);

/// Groups while their trips are counted.
struct Groups {
    min_trips: u64,
    open: HashMap<GroupKey, u64, foldhash::fast::FixedState>,
    overflowed: bool,
    ranking: Ranking<Ranked>,
}

impl Groups {
    fn new(min_trips: u64, ranking: Ranking<Ranked>) -> Self {
        Self {
            min_trips,
            open: HashMap::default(),
            overflowed: false,
            ranking,
        }
    }

    fn add(&mut self, key: GroupKey, trips: u64) {
        if let Some(known) = self.open.get_mut(&key) {
            *known += trips;
        } else if self.open.len() < MAX_OPEN_GROUPS {
            self.open.insert(key, trips);
        } else {
            self.overflowed = true;
        }
    }

    fn check(&self) -> Result<(), AnalyticsError> {
        if !self.overflowed {
            return Ok(());
        }
        Err(AnalyticsError::TooComplex(format!(
            "more than {MAX_OPEN_GROUPS} groups at once: ask for a smaller area, coarser cells or \
             longer buckets"
        )))
    }

    /// No more trips will come for the groups so far.
    fn complete(&mut self) -> Result<(), Error> {
        for ((origin, destination, bucket), trips) in self.open.drain() {
            if trips >= self.min_trips {
                let cell = |index| {
                    CellIndex::try_from(index).map_err(|_| Error::Corrupt("cell of a trip"))
                };
                let (origin, destination) = (cell(origin)?, cell(destination)?);
                self.ranking.offer(Ranked(TripGroup {
                    origin,
                    destination,
                    bucket,
                    trips,
                }));
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Page<TripGroup>, AnalyticsError> {
        self.complete()?;
        let (items, has_next, total) = self.ranking.finish();
        let items = items.into_iter().map(|ranked| ranked.0).collect();
        Ok(Page {
            items,
            has_next,
            total,
        })
    }
}

/// A group in its rank: largest first, then by key.
#[derive(Debug, PartialEq, Eq)]
struct Ranked(TripGroup);

impl Ranked {
    fn rank(&self) -> (Reverse<u64>, u64, u64, u16) {
        let group = &self.0;
        (
            Reverse(group.trips),
            group.origin.into(),
            group.destination.into(),
            group.bucket,
        )
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

//! Groups of similar trips while their trips are counted.

use std::cmp::Reverse;
use std::mem;

use h3o::CellIndex;
use hashbrown::HashMap;

use super::AnalyticsError;
use super::ranking::Ranking;
use crate::model::{Page, TripGroup};
use crate::store::Error;

/// Maximum number of groups that a question holds in memory at once, about 300 MB.
const MAX_OPEN_GROUPS: usize = 4_000_000;

/// Origin cell, destination cell, bucket.
type GroupKey = (u64, u64, u16);

type Counts = HashMap<GroupKey, u64, foldhash::fast::FixedState>;

/// Groups while their trips are counted.
pub(super) struct Groups {
    min_trips: u64,
    /// Groups of the place that is being read.
    open: Counts,
    /// Trips from sparse places: more trips of their groups may come from a dense place within.
    sparse: Counts,
    overflowed: bool,
    ranking: Ranking<Ranked>,
}

impl Groups {
    /// Ranks the groups of at least `min_trips` trips, and keeps the first `first` of them after
    /// `after`.
    pub(super) fn new(min_trips: u64, first: u64, after: Option<TripGroup>) -> Self {
        let after = after.map(|group| {
            let (origin, destination) = (group.origin.into(), group.destination.into());
            (Reverse(group.trips), origin, destination, group.bucket)
        });
        Self {
            min_trips,
            open: Counts::default(),
            sparse: Counts::default(),
            overflowed: false,
            ranking: Ranking::new(first, after),
        }
    }

    /// Counts trips of a group.
    pub(super) fn add(&mut self, key: GroupKey, trips: u64) {
        let room = self.open.len() + self.sparse.len() < MAX_OPEN_GROUPS;
        self.overflowed |= !count(&mut self.open, key, trips, room);
    }

    /// Counts all trips of a group, except those from sparse places, and ranks it.
    pub(super) fn add_whole(&mut self, key: GroupKey, trips: u64) {
        let sparse = self.sparse.remove(&key).unwrap_or(0);
        self.rank(key, trips + sparse);
    }

    /// Counts a trip of a sparse place.
    pub(super) fn add_sparse(&mut self, key: GroupKey) {
        let room = self.open.len() + self.sparse.len() < MAX_OPEN_GROUPS;
        self.overflowed |= !count(&mut self.sparse, key, 1, room);
    }

    /// Fails if there was no room for a group.
    pub(super) fn check(&self) -> Result<(), AnalyticsError> {
        if !self.overflowed {
            return Ok(());
        }
        Err(AnalyticsError::TooComplex(format!(
            "more than {MAX_OPEN_GROUPS} groups at once: ask for a smaller area, coarser cells or \
             longer buckets"
        )))
    }

    /// Ranks the groups of the place that was read: no more trips will come for them.
    pub(super) fn complete(&mut self) {
        for (key, trips) in mem::take(&mut self.open) {
            self.add_whole(key, trips);
        }
    }

    /// Ranks the groups of sparse places, too: no more trips will come for any group.
    pub(super) fn complete_sparse(&mut self) {
        self.complete();
        for (key, trips) in mem::take(&mut self.sparse) {
            self.rank(key, trips);
        }
    }

    fn rank(&mut self, (origin, destination, bucket): GroupKey, trips: u64) {
        if trips >= self.min_trips {
            self.ranking
                .offer((Reverse(trips), origin, destination, bucket));
        }
    }

    /// The first groups in their order.
    pub(super) fn finish(mut self) -> Result<Page<TripGroup>, AnalyticsError> {
        self.check()?;
        self.complete_sparse();
        let (items, has_next, total) = self.ranking.finish();
        let items = items.into_iter().map(group).collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            has_next,
            total,
        })
    }
}

/// Counts trips of a group if there is room or the group is known; returns whether it did.
fn count(counts: &mut Counts, key: GroupKey, trips: u64, room: bool) -> bool {
    match counts.get_mut(&key) {
        Some(known) => *known += trips,
        None if room => {
            counts.insert(key, trips);
        }
        None => return false,
    }
    true
}

/// Sort key of a group: largest first, then by origin, destination and bucket.
type Ranked = (Reverse<u64>, u64, u64, u16);

fn group((Reverse(trips), origin, destination, bucket): Ranked) -> Result<TripGroup, Error> {
    let cell = |index| CellIndex::try_from(index).map_err(|_| Error::Corrupt("cell of a trip"));
    Ok(TripGroup {
        origin: cell(origin)?,
        destination: cell(destination)?,
        bucket,
        trips,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_found_no_room_are_an_error() {
        let overflowed = |overflowed| Groups {
            overflowed,
            ..Groups::new(1, 20, None)
        };
        assert!(overflowed(false).finish().is_ok());
        let refused = overflowed(true).finish();
        assert!(matches!(refused, Err(AnalyticsError::TooComplex(_))));
    }
}

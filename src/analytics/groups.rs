//! Groups of similar trips while their trips are counted.

use std::cmp::Reverse;
use std::mem;

use h3o::CellIndex;

use super::AnalyticsError;
use super::open_groups::{GroupKey, OpenGroups};
use super::periods::{Counts, Order};
use super::ranking::Ranking;
use super::rows::{Row, RowSink};
use crate::model::{MinTrips, Page, TripGroup};
use crate::store::Error;

/// Maximum number of groups that a question holds in memory at once, about 200 MB.
const MAX_OPEN_GROUPS: usize = 4_000_000;
/// Number of groups from which on what is read at once should be less, if it can.
const CROWDED: usize = MAX_OPEN_GROUPS / 2;

/// Groups while their trips are counted.
pub(super) struct Groups<'a> {
    min_trips: MinTrips,
    order: Order,
    /// Groups of the place that is being read.
    open: OpenGroups,
    /// Trips from sparse places: more trips of their groups may come from a dense place within.
    sparse: OpenGroups,
    overflowed: bool,
    output: Output<'a>,
}

/// Where groups go when all their trips are counted.
enum Output<'a> {
    /// To the first of them in their order.
    Ranking(Ranking<Ranked>),
    /// To a sink, in the order in which they are complete; or the reason why it failed.
    Rows(&'a mut dyn RowSink, Result<(), Error>),
}

impl<'a> Groups<'a> {
    /// Ranks the groups of at least `min_trips` trips, and keeps the first `first` of them after
    /// `after`.
    pub(super) fn new(
        min_trips: MinTrips,
        order: Order,
        first: u64,
        after: Option<TripGroup>,
    ) -> Self {
        let after = after.map(|group| {
            let key = (group.origin.into(), group.destination.into(), group.bucket);
            (key, [group.trips, group.trips_before])
        });
        let after = after.map(|(key, counts)| ranked(order, key, counts));
        Self::with_output(
            min_trips,
            order,
            Output::Ranking(Ranking::new(first, after)),
        )
    }

    /// Hands the groups of at least `min_trips` trips on as soon as they are complete.
    pub(super) fn handed_on(min_trips: MinTrips, sink: &'a mut dyn RowSink) -> Self {
        Self::with_output(min_trips, Order::Trips, Output::Rows(sink, Ok(())))
    }

    fn with_output(min_trips: MinTrips, order: Order, output: Output<'a>) -> Self {
        Self {
            min_trips,
            order,
            open: OpenGroups::default(),
            sparse: OpenGroups::default(),
            overflowed: false,
            output,
        }
    }

    /// Counts trips of a group.
    pub(super) fn add(&mut self, key: GroupKey, trips: Counts) {
        let room = self.open() < MAX_OPEN_GROUPS;
        self.overflowed |= !self.open.count(key, trips, room);
    }

    /// Counts all trips of a group, except those from sparse places, and ranks it.
    pub(super) fn add_whole(&mut self, key: GroupKey, trips: Counts) {
        let sparse = self.sparse.remove(key);
        self.rank(key, [trips[0] + sparse[0], trips[1] + sparse[1]]);
    }

    /// Counts trips of a sparse place.
    pub(super) fn add_sparse(&mut self, key: GroupKey, trips: Counts) {
        let room = self.open() < MAX_OPEN_GROUPS;
        self.overflowed |= !self.sparse.count(key, trips, room);
    }

    /// Fails if there was no room for a group, or if the sink failed.
    pub(super) fn check(&mut self) -> Result<(), AnalyticsError> {
        if let Output::Rows(_, outcome) = &mut self.output {
            mem::replace(outcome, Ok(()))?;
        }
        if !self.overflowed {
            return Ok(());
        }
        Err(AnalyticsError::TooComplex(format!(
            "more than {MAX_OPEN_GROUPS} groups, or a fourth as many origin cells, at once: ask for a \
             smaller area, coarser cells or longer buckets"
        )))
    }

    /// Number of groups of which more trips may come, or more where few start in each cell.
    pub(super) fn open(&self) -> usize {
        self.open.size() + self.sparse.size()
    }

    /// Whether so many groups are open that there may be no room for more.
    pub(super) fn are_crowded(&self) -> bool {
        self.open() >= CROWDED
    }

    /// Forgets the groups of places that are read again; those of sparse places stay.
    pub(super) fn forget_dense(&mut self) {
        self.open.clear();
        self.overflowed = false;
    }

    /// Forgets the groups of sparse places that are read again.
    pub(super) fn forget_sparse(&mut self) {
        self.sparse.clear();
        self.overflowed = false;
    }

    /// Ranks the groups of the place that was read: no more trips will come for them.
    pub(super) fn complete(&mut self) {
        for (key, trips) in self.open.take() {
            self.add_whole(key, trips);
        }
    }

    /// Ranks the groups of sparse places, too: no more trips will come for any group.
    pub(super) fn complete_sparse(&mut self) {
        self.complete();
        for (key, trips) in self.sparse.take() {
            self.rank(key, trips);
        }
    }

    fn rank(&mut self, key: GroupKey, trips: Counts) {
        let Some(trips) = self.min_trips.shown(trips) else {
            return;
        };
        let ranked = ranked(self.order, key, trips);
        match &mut self.output {
            Output::Ranking(ranking) => ranking.offer(ranked),
            Output::Rows(sink, outcome) => {
                if outcome.is_ok() {
                    *outcome = group(ranked)
                        .and_then(|group| sink.row(&Row::Group(group)).map_err(Error::Output));
                }
            }
        }
    }

    /// The first groups in their order; none where they were handed on.
    pub(super) fn finish(mut self) -> Result<Page<TripGroup>, AnalyticsError> {
        self.check()?;
        self.complete_sparse();
        self.check()?;
        let (items, has_next, total) = match self.output {
            Output::Ranking(ranking) => ranking.finish(),
            Output::Rows(..) => (Vec::new(), false, 0),
        };
        let items = items.into_iter().map(group).collect::<Result<_, _>>()?;
        Ok(Page {
            items,
            has_next,
            total,
        })
    }
}

/// Sort key of a group: largest first, then by origin, destination and bucket; and its trips.
type Ranked = (Reverse<u64>, u64, u64, u16, Counts);

fn ranked(order: Order, (origin, destination, bucket): GroupKey, trips: Counts) -> Ranked {
    (
        Reverse(order.rank(trips)),
        origin,
        destination,
        bucket,
        trips,
    )
}

fn group((_, origin, destination, bucket, trips): Ranked) -> Result<TripGroup, Error> {
    let cell = |index| CellIndex::try_from(index).map_err(|_| Error::Corrupt("cell of a trip"));
    Ok(TripGroup {
        origin: cell(origin)?,
        destination: cell(destination)?,
        bucket,
        trips: trips[0],
        trips_before: trips[1],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_found_no_room_are_an_error() {
        let overflowed = |overflowed| Groups {
            overflowed,
            ..Groups::new(1.into(), Order::Trips, 20, None)
        };
        assert!(overflowed(false).finish().is_ok());
        let refused = overflowed(true).finish();
        assert!(matches!(refused, Err(AnalyticsError::TooComplex(_))));
    }
}

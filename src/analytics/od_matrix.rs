//! Trips from zone to zone.

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::HashMap;

use super::AnalyticsError;
use super::periods::{Comparison, Counts, Periods};
use super::question::Question;
use super::ranking::Ranking;
use super::zone_trips::each_by_zones;
use crate::model::{MinTrips, Page, Selection, ZoneSet};
use crate::store::Snapshot;

/// Maximum number of pairs that a question holds in memory.
const MAX_PAIRS: usize = 4_000_000;
/// Stands for no zone; no set has as many.
const OUTSIDE: u32 = u32::MAX;

/// The trips from one zone to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OdPair {
    /// The number of the zone of the origins; `None` outside the set.
    pub origin: Option<u32>,
    /// The number of the zone of the destinations; `None` outside the set.
    pub destination: Option<u32>,
    /// How many trips there are.
    pub trips: u64,
    /// How many there are in the period that is compared with; 0 without.
    pub trips_before: u64,
}

/// The question for one page of the pairs of zones that have trips.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct OdQuestion {
    pub(super) set: Arc<ZoneSet>,
    pub(super) selection: Selection,
    pub(super) comparison: Comparison,
    /// Minimum number of trips of a pair, in one of the periods.
    pub(super) min_trips: MinTrips,
    /// Maximum number of pairs on the page.
    pub(super) first: u64,
    /// The last pair of the page before.
    pub(super) after: Option<OdPair>,
}

/// Sort key of a pair: largest first, then in the order of the zones; outside is last.
type Ranked = (Reverse<u64>, u32, u32, Counts);

impl Question for OdQuestion {
    type Answer = Page<OdPair>;

    async fn answer(&self, snapshot: &Snapshot) -> Result<Page<OdPair>, AnalyticsError> {
        let (periods, selection) = Periods::of(&self.selection, self.comparison);
        let mut pairs: HashMap<(u32, u32), Counts, foldhash::fast::FixedState> = HashMap::default();
        let mut overflowed = false;
        each_by_zones(snapshot, self.set.index(), &selection, |trips| {
            let counts = trips.counts(&periods);
            if counts == [0; 2] {
                return;
            }
            let pair = [trips.origin, trips.destination].map(|zone| zone.unwrap_or(OUTSIDE));
            let pair = pair.into();
            if pairs.len() < MAX_PAIRS || pairs.contains_key(&pair) {
                let sums = pairs.entry(pair).or_default();
                sums[0] += counts[0];
                sums[1] += counts[1];
            } else {
                overflowed = true;
            }
        })
        .await?;
        if overflowed {
            return Err(AnalyticsError::TooComplex(format!(
                "more than {MAX_PAIRS} pairs of zones: ask for a smaller area or a shorter period"
            )));
        }
        let mut ranking = Ranking::new(self.first, self.after.map(|pair| self.ranked(pair)));
        for ((origin, destination), counts) in pairs {
            if let Some(counts) = self.min_trips.shown(counts) {
                ranking.offer((
                    Reverse(self.comparison.order.rank(counts)),
                    origin,
                    destination,
                    counts,
                ));
            }
        }
        let (items, has_next, total) = ranking.finish();
        let zone = |number| (number != OUTSIDE).then_some(number);
        let pair = |(_, origin, destination, [trips, trips_before]): Ranked| OdPair {
            origin: zone(origin),
            destination: zone(destination),
            trips,
            trips_before,
        };
        Ok(Page {
            items: items.into_iter().map(pair).collect(),
            has_next,
            total,
        })
    }
}

impl OdQuestion {
    fn ranked(&self, pair: OdPair) -> Ranked {
        let counts = [pair.trips, pair.trips_before];
        (
            Reverse(self.comparison.order.rank(counts)),
            pair.origin.unwrap_or(OUTSIDE),
            pair.destination.unwrap_or(OUTSIDE),
            counts,
        )
    }
}

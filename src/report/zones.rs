//! Trips by the zones of a set.

use std::io;
use std::sync::Arc;

use hashbrown::HashMap;

use super::map::{Flow, Place};
use crate::geo::Point;
use crate::model::ZoneSet;

/// Pairs of zones that are counted at once, some 100 MB.
const MAX_PAIRS: usize = 2_000_000;

/// The zones of origin and destination; `None` outside the set.
pub(super) type Pair = [Option<u32>; 2];

/// Trips by the zones of their ends.
#[derive(Debug)]
pub(super) struct ZoneCounts {
    pub(super) set: Arc<ZoneSet>,
    pairs: HashMap<Pair, u64, foldhash::fast::FixedState>,
}

/// A zone, and the trips that start and end in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ZoneTotal {
    pub(super) zone: u32,
    pub(super) starts: u64,
    pub(super) ends: u64,
}

impl ZoneCounts {
    pub(super) fn new(set: Arc<ZoneSet>) -> Self {
        Self {
            set,
            pairs: HashMap::default(),
        }
    }

    /// Counts a trip; an error if there are too many pairs of zones.
    pub(super) fn add(&mut self, origin: Point, destination: Point) -> io::Result<()> {
        let zones = self.set.index();
        let pair = [origin, destination].map(|end| zones.find(end.lon(), end.lat()));
        *self.pairs.entry(pair).or_default() += 1;
        if self.pairs.len() > MAX_PAIRS {
            return Err(io::Error::other(format!(
                "the trips are between more than {MAX_PAIRS} pairs of zones: choose a set of fewer \
                 zones, a smaller area or a shorter period"
            )));
        }
        Ok(())
    }

    /// The name of a zone.
    pub(super) fn name(&self, zone: Option<u32>) -> &str {
        let zone = zone.and_then(|zone| self.set.zones().get(zone as usize));
        zone.map_or("outside the zones", |zone| zone.name.as_str())
    }

    /// The zones that have trips, most starts first, ties in the order of the set.
    pub(super) fn totals(&self) -> Vec<ZoneTotal> {
        let mut totals: Vec<_> = (0..)
            .zip(self.set.zones())
            .map(|(zone, _)| ZoneTotal {
                zone,
                starts: 0,
                ends: 0,
            })
            .collect();
        for (&[origin, destination], trips) in &self.pairs {
            if let Some(zone) = origin {
                totals[zone as usize].starts += trips;
            }
            if let Some(zone) = destination {
                totals[zone as usize].ends += trips;
            }
        }
        totals.retain(|total| total.starts + total.ends > 0);
        totals.sort_by_key(|total| std::cmp::Reverse((total.starts, total.ends)));
        totals
    }

    /// The pairs of zones, most trips first, ties in the order of the set.
    pub(super) fn pairs(&self) -> Vec<(Pair, u64)> {
        let mut pairs: Vec<_> = self
            .pairs
            .iter()
            .map(|(&pair, &trips)| (pair, trips))
            .collect();
        pairs.sort_unstable_by_key(|&(pair, trips)| (std::cmp::Reverse(trips), pair));
        pairs
    }

    /// The zones as places of a map, and the flows between them.
    pub(super) fn map(&self) -> (Vec<Place>, Vec<Flow>) {
        let places = self.set.zones().iter().map(|zone| Place {
            name: Some(zone.name.clone()),
            center: zone.boundary.centroid(),
            outline: zone.boundary.polygons().concat(),
        });
        let flow = |([origin, destination], trips): (Pair, u64)| {
            Some((origin? as usize, destination? as usize, trips))
        };
        (
            places.collect(),
            self.pairs().into_iter().filter_map(flow).collect(),
        )
    }
}

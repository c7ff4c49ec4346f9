//! The weekly averages of all zones of a set.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::question::Question;
use super::week_counts::WeekCounts;
use super::weekly_average::period_between;
use super::zone_cover::{ZoneCover, ZoneFinder};
use super::zone_trips::each_by_zones;
use super::{AnalyticsError, WeeklyAverage};
use crate::model::{KeyFilter, PatchDepth, Selection, TripEnd, TripEndRule, Week, ZoneSet};
use crate::store::{Error, Snapshot};

/// The zones of a set, by their numbers, and their weekly averages over one period, most trips
/// first.
pub type ZoneAverages = Vec<(u32, Arc<WeeklyAverage>)>;

/// The question for the weekly averages of all zones of a set over one period. An end of the period
/// that is not given is the first or last week in which the selection has a trip in any zone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ZoneAveragesQuestion {
    pub(super) set: Arc<ZoneSet>,
    /// Which ends of a trip must be in a zone.
    pub(super) ends: TripEndRule,
    /// The selection, of which the zones are the areas.
    pub(super) selection: Selection,
    pub(super) from: Option<Week>,
    pub(super) to: Option<Week>,
}

impl Question for ZoneAveragesQuestion {
    type Answer = ZoneAverages;

    async fn answer(&self, snapshot: &Snapshot) -> Result<ZoneAverages, AnalyticsError> {
        let mut counts = vec![WeekCounts::default(); self.set.zones().len()];
        if let Some(filter) = snapshot.key_filter(&self.selection).await? {
            let histograms = filter.is_of_weeks();
            match self.ends {
                TripEndRule::Origin if histograms => {
                    self.count(snapshot, TripEnd::Origin, &filter, &mut counts)
                        .await?;
                }
                TripEndRule::Destination if histograms => {
                    self.count(snapshot, TripEnd::Destination, &filter, &mut counts)
                        .await?;
                }
                _ => self.scan(snapshot, &mut counts).await?,
            }
        }
        let spans = counts.iter().filter_map(WeekCounts::span);
        let span = spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let mut averages: ZoneAverages = (0..)
            .zip(&counts)
            .map(|(zone, counts)| {
                (
                    zone,
                    Arc::new(period_between(counts, span, self.from, self.to)),
                )
            })
            .collect();
        averages.sort_by_key(|(_, average)| Reverse(average.total_trips()));
        Ok(averages)
    }
}

impl ZoneAveragesQuestion {
    /// Counts trips with an end in a zone: cells inside from their histograms, the rest from
    /// patches, point by point.
    async fn count(
        &self,
        snapshot: &Snapshot,
        end: TripEnd,
        filter: &KeyFilter,
        counts: &mut [WeekCounts],
    ) -> Result<(), Error> {
        let zones = self.set.index();
        let cover = ZoneCover::of(snapshot, end, zones).await?;
        let of_cell: HashMap<u64, u32> = cover
            .in_zones()
            .map(|(cell, zone)| (cell.into(), zone))
            .collect();
        let cells: Vec<_> = of_cell.keys().copied().collect();
        snapshot
            .weekly_by_cell(end, &cells, filter, |cell, year, counters| {
                match of_cell
                    .get(&cell)
                    .and_then(|&zone| counts.get_mut(zone as usize))
                {
                    Some(counts) => counts.add_histogram(year, counters, filter),
                    None => Err(Error::Corrupt("histogram")),
                }
            })
            .await?;
        let mut finder = ZoneFinder::new(zones);
        snapshot
            .patches(
                end,
                &cover.uncounted_ranges(),
                PatchDepth::Points,
                |patch| {
                    for part in patch.parts() {
                        let part = part?;
                        let Some(filter) = filter.of_part(&part) else {
                            continue;
                        };
                        for row in part.rows() {
                            let zone = finder.find(patch.cell, part.position(row))?;
                            if let Some(zone) = zone {
                                counts[zone as usize].add_trip(&part, row, &filter);
                            }
                        }
                    }
                    Ok(())
                },
            )
            .await
    }

    /// Counts all trips by the zones of both ends.
    async fn scan(&self, snapshot: &Snapshot, counts: &mut [WeekCounts]) -> Result<(), Error> {
        each_by_zones(snapshot, self.set.index(), &self.selection, |trips| {
            let mut count = |zone: Option<u32>| {
                if let Some(zone) = zone {
                    trips.add_to(&mut counts[zone as usize]);
                }
            };
            let (origin, destination) = (trips.origin, trips.destination);
            match self.ends {
                TripEndRule::Origin => count(origin),
                TripEndRule::Destination => count(destination),
                TripEndRule::Both if origin == destination => count(origin),
                TripEndRule::Both => {}
                TripEndRule::Either => {
                    count(origin);
                    if origin != destination {
                        count(destination);
                    }
                }
            }
        })
        .await
    }
}

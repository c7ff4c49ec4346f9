//! Counting the trips of a report.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Timelike;
use hashbrown::HashMap as FastMap;

use super::zones::ZoneCounts;
use crate::analytics::{NamedTrip, Row, RowSink, WeeklyAverage};
use crate::geo::{LeafCells, Resolution, parent_index};
use crate::model::{LocalTime, Week, ZoneSet};

/// Groups that are counted at once, some 100 MB. If there are more, cells become coarser.
const MAX_GROUPS: usize = 2_000_000;

/// Trips of a region or a datasource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Order in which the names were met.
    index: u32,
    /// Number of trips.
    pub trips: u64,
    /// The first departure.
    pub first: LocalTime,
    /// The last departure.
    pub last: LocalTime,
}

/// Trips of one region that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct GroupKey {
    region: u32,
    pub(super) origin: u64,
    pub(super) destination: u64,
    /// Hour of the day.
    pub(super) hour: u8,
}

/// What the trips of a selection come to.
#[derive(Debug)]
pub struct Counts {
    /// By number of the week.
    weeks: BTreeMap<u32, u64>,
    /// By day of the week, Monday first, and hour.
    pub(super) profile: [[u64; 24]; 7],
    regions: HashMap<String, Total>,
    datasources: HashMap<String, Total>,
    groups: FastMap<GroupKey, u64, foldhash::fast::FixedState>,
    /// Resolution of the cells of groups.
    pub(super) resolution: Resolution,
    /// By zones, if there is a set of them.
    pub(super) zones: Option<ZoneCounts>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            weeks: BTreeMap::new(),
            profile: [[0; 24]; 7],
            regions: HashMap::new(),
            datasources: HashMap::new(),
            groups: FastMap::default(),
            resolution: Resolution::FLOW,
            zones: None,
        }
    }
}

impl Counts {
    fn add(&mut self, trip: &NamedTrip<'_>, cells: &mut LeafCells) -> io::Result<()> {
        if let Some(zones) = &mut self.zones {
            zones.add(trip.origin, trip.destination)?;
        }
        let time = trip.departed_at;
        *self.weeks.entry(time.week().number()).or_default() += 1;
        let day = time.micros_of_week() / 86_400_000_000;
        let hour = time.to_naive().hour();
        if let Some(trips) = self
            .profile
            .get_mut(usize::try_from(day).unwrap_or(usize::MAX))
            .and_then(|hours| hours.get_mut(hour as usize))
        {
            *trips += 1;
        }
        let region = add_to(&mut self.regions, trip.region, time);
        add_to(&mut self.datasources, trip.datasource, time);
        let cell = |leaf| parent_index(leaf, self.resolution);
        let key = GroupKey {
            region,
            origin: cell(cells.index(trip.origin)),
            destination: cell(cells.index(trip.destination)),
            hour: u8::try_from(hour).unwrap_or(0),
        };
        *self.groups.entry(key).or_default() += 1;
        while self.groups.len() > MAX_GROUPS {
            let coarser = i32::from(self.resolution.get()) - 1;
            let Some(coarser) = Resolution::new(coarser) else {
                break;
            };
            self.resolution = coarser;
            for (key, trips) in mem::take(&mut self.groups) {
                let key = GroupKey {
                    origin: parent_index(key.origin, coarser),
                    destination: parent_index(key.destination, coarser),
                    ..key
                };
                *self.groups.entry(key).or_default() += trips;
            }
        }
        Ok(())
    }

    /// Number of trips.
    #[must_use]
    pub fn trips(&self) -> u64 {
        self.weeks.values().sum()
    }

    /// The weeks, without gaps; a period that is given is kept to.
    #[must_use]
    pub fn weekly_average(&self, from: Option<Week>, to: Option<Week>) -> WeeklyAverage {
        let (Some((&first, _)), Some((&last, _))) =
            (self.weeks.first_key_value(), self.weeks.last_key_value())
        else {
            return WeeklyAverage::default();
        };
        let weeks = from.map_or(first, Week::number)..=to.map_or(last, Week::number);
        WeeklyAverage {
            first: Week::from_number(*weeks.start()),
            trips: weeks
                .map(|week| self.weeks.get(&week).copied().unwrap_or(0))
                .collect(),
        }
    }

    /// The first and the last departure.
    #[must_use]
    pub fn span(&self) -> Option<(LocalTime, LocalTime)> {
        let first = self.regions.values().map(|total| total.first).min()?;
        let last = self.regions.values().map(|total| total.last).max()?;
        Some((first, last))
    }

    /// Regions, most trips first, ties by name.
    #[must_use]
    pub fn regions(&self) -> Vec<(&str, Total)> {
        ranked(&self.regions)
    }

    /// Datasources, most trips first, ties by name.
    #[must_use]
    pub fn datasources(&self) -> Vec<(&str, Total)> {
        ranked(&self.datasources)
    }

    /// The largest groups, ties by key, with the names of their regions.
    pub(super) fn largest_groups(&self, number: usize) -> Vec<(&str, GroupKey, u64)> {
        let mut groups: Vec<_> = self
            .groups
            .iter()
            .map(|(&key, &trips)| (key, trips))
            .collect();
        groups.sort_unstable_by_key(|&(key, trips)| (std::cmp::Reverse(trips), key));
        groups.truncate(number);
        let name = |index| {
            let mut regions = self.regions.iter();
            let region = regions.find(|(_, total)| total.index == index);
            region.map_or("", |(name, _)| name.as_str())
        };
        groups
            .into_iter()
            .map(|(key, trips)| (name(key.region), key, trips))
            .collect()
    }

    /// The flows of a region, whatever the hour: origin, destination and trips, most trips first.
    pub(super) fn flows(&self, region: Total) -> Vec<(u64, u64, u64)> {
        let mut flows: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for (key, trips) in &self.groups {
            if key.region == region.index {
                *flows.entry((key.origin, key.destination)).or_default() += trips;
            }
        }
        let mut flows: Vec<_> = flows
            .into_iter()
            .map(|((origin, destination), trips)| (origin, destination, trips))
            .collect();
        // The sort is stable: flows of the same size stay in the order of their cells.
        flows.sort_by_key(|flow| std::cmp::Reverse(flow.2));
        flows
    }
}

/// Adds a trip to the total of a name; the index of the name.
fn add_to(totals: &mut HashMap<String, Total>, name: &str, time: LocalTime) -> u32 {
    if let Some(total) = totals.get_mut(name) {
        total.trips += 1;
        total.first = total.first.min(time);
        total.last = total.last.max(time);
        return total.index;
    }
    let index = u32::try_from(totals.len()).unwrap_or(u32::MAX);
    let total = Total {
        index,
        trips: 1,
        first: time,
        last: time,
    };
    totals.insert(name.to_owned(), total);
    index
}

fn ranked(totals: &HashMap<String, Total>) -> Vec<(&str, Total)> {
    let mut ranked: Vec<_> = totals
        .iter()
        .map(|(name, &total)| (name.as_str(), total))
        .collect();
    ranked.sort_unstable_by_key(|&(name, total)| (std::cmp::Reverse(total.trips), name));
    ranked
}

/// Counts the trips that it is given. Clones share the outcome.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    outcome: Arc<Mutex<Counts>>,
}

impl Collector {
    /// Takes what was counted, when all trips were.
    #[must_use]
    pub fn take(&self) -> Counts {
        mem::take(&mut *self.outcome.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sink for the trips, which are counted by the zones of a set, too.
    #[must_use]
    pub fn sink(&self, zones: Option<Arc<ZoneSet>>) -> impl RowSink + 'static {
        CollectingSink {
            counts: Counts {
                zones: zones.map(ZoneCounts::new),
                ..Counts::default()
            },
            cells: LeafCells::default(),
            collector: self.clone(),
        }
    }
}

struct CollectingSink {
    counts: Counts,
    cells: LeafCells,
    collector: Collector,
}

impl RowSink for CollectingSink {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        if let Row::Trip(trip) = row {
            self.counts.add(trip, &mut self.cells)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let counts = mem::take(&mut self.counts);
        let mut outcome = self
            .collector
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *outcome = counts;
        Ok(())
    }
}

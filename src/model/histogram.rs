//! What is counted per place: weekly histograms of cells, and flows between cells.

use std::mem;

use hashbrown::HashMap;

use super::counter_key::{counter_key, split_counter_key};
use super::patch_part::{CorruptPatch, PatchBytes, PatchPart};
use super::{Counters, DayCounts, FlowEnd, Flows, TripEnd, Week};
use crate::geo::{LEVELS, Resolution, parent_index, resolution_of};

/// One weekly histogram: the weeks of one cell, region and ISO year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WeeklyKey {
    /// The end that lies in the cell.
    pub end: TripEnd,
    /// The H3 index, at one of [`LEVELS`].
    pub cell: u64,
    /// The region's number.
    pub region: u32,
    /// The ISO year.
    pub iso_year: i32,
}

type Map<K, V = Counters> = HashMap<K, V, foldhash::fast::FixedState>;

/// Histograms of some trips, added up patch by patch.
///
/// Memory grows with places and weeks, not with trips.
#[derive(Debug, Default)]
pub struct Histograms {
    weekly: Map<WeeklyKey>,
    /// By origin cell.
    flows: Map<u64, Flows>,
    iso_weeks: HashMap<u32, (i32, u8)>,
    keys: Vec<WeekKey>,
    pending_origin: u64,
    pending: Vec<(u64, u32, u32)>,
}

/// Region, ISO year and counter key of a trip in one number, ordered by them: quick to sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WeekKey(u64);

impl WeekKey {
    /// A region takes 22 bits, a year of a date 14, a counter key 28.
    fn new(region: u32, iso_year: i32, counter: u32) -> Self {
        let year = u64::from(iso_year.cast_unsigned() & 0x3FFF);
        Self(u64::from(region) << 42 | year << 28 | u64::from(counter))
    }

    #[expect(clippy::cast_possible_truncation, reason = "22 and 14 bits")]
    const fn histogram(self) -> (u32, i32) {
        ((self.0 >> 42) as u32, (self.0 >> 28) as i32 & 0x3FFF)
    }

    #[expect(clippy::cast_possible_truncation, reason = "28 bits")]
    const fn counter(self) -> u32 {
        self.0 as u32 & 0xFFF_FFFF
    }
}

impl Histograms {
    /// No trips.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the trips of one patch, of which the keys must be read. Patches that come in the order of
    /// their cells are added fastest. Weeks are counted from [`histogram_cell`] upwards. Flows are
    /// counted of the patches of origins whose cells are no larger than theirs.
    pub fn add_patch(
        &mut self,
        end: TripEnd,
        cell: u64,
        patch: PatchBytes<'_>,
    ) -> Result<(), CorruptPatch> {
        let parts = patch.parts(end).collect::<Result<Vec<_>, _>>()?;
        if let Some(cell) = histogram_cell(cell) {
            self.add_weeks(end, cell, &parts)?;
        }
        if end == TripEnd::Origin && resolution_of(cell) >= Resolution::FLOW.get() {
            self.add_flows(cell, &parts);
        }
        Ok(())
    }

    fn add_weeks(
        &mut self,
        end: TripEnd,
        cell: u64,
        parts: &[PatchPart<'_>],
    ) -> Result<(), CorruptPatch> {
        let mut keys = mem::take(&mut self.keys);
        keys.clear();
        for (part, row) in rows(parts) {
            let key = part.key(row);
            let number = key.week_number();
            let (iso_year, week) = if let Some(&known) = self.iso_weeks.get(&number) {
                known
            } else {
                let iso = Week::from_number(number).ok_or(CorruptPatch)?.iso();
                self.iso_weeks.insert(number, iso);
                iso
            };
            let counter = counter_key(key.datasource(), week);
            keys.push(WeekKey::new(key.region(), iso_year, counter));
        }
        keys.sort_unstable();
        for run in keys.chunk_by(|a, b| a.histogram() == b.histogram()) {
            let (region, iso_year) = run[0].histogram();
            let counters = Counters::from_sorted_keys(run.iter().map(|key| key.counter()));
            merge(
                &mut self.weekly,
                WeeklyKey {
                    end,
                    cell,
                    region,
                    iso_year,
                },
                counters,
            );
        }
        self.keys = keys;
        Ok(())
    }

    fn add_flows(&mut self, cell: u64, parts: &[PatchPart<'_>]) {
        let origin = parent_index(cell, Resolution::FLOW);
        if origin != self.pending_origin {
            self.flush();
            self.pending_origin = origin;
        }
        for part in parts {
            for (other_cell, rows) in part.runs() {
                let destination = parent_index(other_cell, Resolution::FLOW);
                self.pending.extend(rows.map(|row| {
                    let key = part.key(row);
                    let counter = counter_key(key.datasource(), part.half_hour(row));
                    (destination, key.region(), counter)
                }));
            }
        }
    }

    fn flush(&mut self) {
        self.pending.sort_unstable();
        if self.pending.is_empty() {
            return;
        }
        let flows = self.flows.entry(self.pending_origin).or_default();
        let end = |&(destination, region, key): &(u64, u32, u32)| FlowEnd {
            destination,
            region,
            datasource: split_counter_key(key).0,
        };
        for run in self.pending.chunk_by(|a, b| end(a) == end(b)) {
            let mut day = DayCounts::new();
            for flow in run {
                day.add(split_counter_key(flow.2).1, 1);
            }
            flows.add(end(&run[0]), &day);
        }
        self.pending.clear();
    }

    /// The histograms, sorted by key: weekly ones of cells and of their ancestors at each of
    /// [`LEVELS`], and flows.
    #[must_use]
    pub fn finish(mut self) -> FinishedHistograms {
        self.flush();
        let mut levels = LEVELS.map(|_| Map::default());
        for (key, counters) in self.weekly {
            let level = LEVELS
                .iter()
                .position(|level| level.get() == resolution_of(key.cell));
            merge(&mut levels[level.unwrap_or(0)], key, counters);
        }
        let mut weekly = Vec::new();
        for level in (1..LEVELS.len()).rev() {
            let finer = mem::take(&mut levels[level]);
            for (key, counters) in &finer {
                let cell = parent_index(key.cell, LEVELS[level - 1]);
                merge(
                    &mut levels[level - 1],
                    WeeklyKey { cell, ..*key },
                    counters.clone(),
                );
            }
            weekly.extend(finer);
        }
        weekly.extend(mem::take(&mut levels[0]));
        weekly.sort_unstable_by_key(|(key, _)| *key);
        let mut flows: Vec<_> = self.flows.into_iter().collect();
        flows.sort_unstable_by_key(|(origin, _)| *origin);
        FinishedHistograms { weekly, flows }
    }
}

/// The finest cell whose weekly histograms count the trip ends of a patch: a leaf cell itself. Of
/// the others, whose patches hold few ends, histograms would be as many as trips where those come
/// from many regions, so only their ancestors have them; of the largest cells nothing has.
#[must_use]
pub fn histogram_cell(patch: u64) -> Option<u64> {
    let resolution = resolution_of(patch);
    if resolution == Resolution::LEAF.get() {
        return Some(patch);
    }
    let coarser = LEVELS.iter().rev().find(|level| level.get() < resolution)?;
    Some(parent_index(patch, *coarser))
}

/// Histograms in the order of their keys.
#[derive(Debug, Default)]
pub struct FinishedHistograms {
    /// Weekly histograms of every level.
    pub weekly: Vec<(WeeklyKey, Counters)>,
    /// Flows by the H3 index of their origin at [`Resolution::FLOW`].
    pub flows: Vec<(u64, Flows)>,
}

impl FinishedHistograms {
    /// Adds the histograms of the destinations of the trips whose origins are in these: their keys
    /// come last, and only origins have flows.
    #[must_use]
    pub fn with_destinations(mut self, destinations: Self) -> Self {
        debug_assert!(destinations.flows.is_empty(), "flows are of origins");
        self.weekly.extend(destinations.weekly);
        debug_assert!(self.weekly.is_sorted_by_key(|(key, _)| *key));
        self
    }
}

/// The rows of all parts.
fn rows<'p, 'a>(parts: &'p [PatchPart<'a>]) -> impl Iterator<Item = (&'p PatchPart<'a>, u32)> {
    parts
        .iter()
        .flat_map(|part| part.rows().map(move |row| (part, row)))
}

fn merge<K: std::hash::Hash + Eq>(map: &mut Map<K>, key: K, counters: Counters) {
    match map.entry(key) {
        hashbrown::hash_map::Entry::Occupied(mut entry) => {
            let sum = entry.get().add(&counters);
            entry.insert(sum);
        }
        hashbrown::hash_map::Entry::Vacant(entry) => {
            entry.insert(counters);
        }
    }
}

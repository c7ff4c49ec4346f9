//! What the patches of a segment hold, read trip by trip.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use h3o::CellIndex;

use super::Verification;
use crate::geo::{self, LEVELS, Point, Resolution, leaf_cell, resolution_of};
use crate::model::{
    CorruptPatch, DayCounts, Extent, FlowEnd, IngestionId, PatchDepth, PatchTrip, Summary, TripEnd,
    WeeklyKey, counter_key,
};
use crate::store::{Error, SegmentId, Snapshot, SqlTrip, StoredPatch, TripSummary};

/// Sums by counter key.
pub(super) type Sum = BTreeMap<u32, u64>;

/// What the trips of all segments add up to.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) totals: BTreeMap<(u32, u32), Summary>,
    pub(super) weekly: HashMap<WeeklyKey, Sum, FixedState>,
    pub(super) flows: HashMap<FlowKey, DayCounts, FixedState>,
}

impl Sums {
    /// Counts a trip whose end is packed in a patch of the cell `patch`, and lies in a leaf cell.
    fn add(&mut self, end: TripEnd, patch: u64, leaf: CellIndex, trip: &PatchTrip) {
        // A histogram cannot have an invalid time or cell.
        let Some(time) = trip.departed_at() else {
            return;
        };
        let (iso_year, week) = time.week().iso();
        let (region, datasource) = (trip.key.region(), trip.key.datasource());
        let week = counter_key(datasource, week);
        let own = resolution_of(patch);
        for level in LEVELS
            .into_iter()
            .filter(|level| level.get() < own || own == Resolution::LEAF.get())
        {
            let key = WeeklyKey {
                end,
                cell: geo::parent(leaf, level).into(),
                region,
                iso_year,
            };
            *self.weekly.entry(key).or_default().entry(week).or_default() += 1;
        }
        let flows = end == TripEnd::Origin && resolution_of(patch) >= Resolution::FLOW.get();
        if flows && let Ok(destination) = CellIndex::try_from(trip.other_cell) {
            let end = FlowEnd {
                destination: geo::parent(destination, Resolution::FLOW).into(),
                region,
                datasource,
            };
            let key = (geo::parent(leaf, Resolution::FLOW).into(), end);
            self.flows.entry(key).or_default().add(time.half_hour(), 1);
        }
    }
}

/// Origin cell, and destination cell, region and datasource.
pub(super) type FlowKey = (u64, FlowEnd);

/// Number and sum of hashes of trips, independent of their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Trips {
    pub(super) count: u64,
    hash: u64,
}

impl Trips {
    /// Adds a trip.
    pub(super) fn add(&mut self, trip: &impl Hash) {
        self.count += 1;
        self.hash = self.hash.wrapping_add(FixedState::default().hash_one(trip));
    }
}

/// What the patches of a segment hold of an ingestion.
#[derive(Default)]
pub(super) struct Packed {
    /// The origins, by what their positions give, and as they are stored.
    pub(super) origins: [Trips; 2],
    /// The destinations, by what the patches of origins give, and as they are stored.
    pub(super) destinations: [Trips; 2],
    /// The trips, as rows of the table `trip`.
    pub(super) rows: Trips,
    pub(super) summaries: BTreeMap<(u32, u32), TripSummary>,
}

impl Packed {
    /// Adds a trip of a patch of an ingestion.
    fn add(
        &mut self,
        patch: &StoredPatch<'_>,
        trip: &PatchTrip,
        sums: &mut Sums,
    ) -> Result<(), Error> {
        let leaf = leaf(trip.position)?;
        sums.add(patch.end, patch.cell, leaf, trip);
        // A trip end that is not in the cell of its patch differs from any that is.
        let patch_cell = CellIndex::try_from(patch.cell).ok();
        let here = patch_cell.is_some_and(|cell| leaf.parent(cell.resolution()) == Some(cell));
        let leaf: u64 = if here { leaf.into() } else { 0 };
        let position = trip.position.map(f64::to_bits);
        let common = (trip.key, trip.micros_of_week, trip.line);
        match patch.end {
            TripEnd::Origin => {
                let destination: u64 = self::leaf(trip.other)?.into();
                let other = trip.other.map(f64::to_bits);
                let [computed, stored] = &mut self.origins;
                computed.add(&(common, destination, true));
                stored.add(&(common, trip.other_cell, here));
                self.destinations[0].add(&(common, other, destination, leaf));
                self.rows.add_row(&SqlTrip::of(trip)?);
                self.summarise(trip)
            }
            TripEnd::Destination => {
                let stored = (common, position, leaf, trip.other_cell);
                self.destinations[1].add(&stored);
                Ok(())
            }
        }
    }

    /// Compares the patches of both ends with each other.
    pub(super) fn compare(&self, id: IngestionId, verification: &mut Verification) {
        for (ends, [expected, stored]) in [
            ("origins", self.origins),
            ("destinations", self.destinations),
        ] {
            let what = format!("ingestion {id}, patches of {ends}");
            verification.compare(what, &expected, &stored);
        }
    }

    fn summarise(&mut self, trip: &PatchTrip) -> Result<(), Error> {
        let departed_at = trip.departed_at().ok_or(Error::Corrupt("time"))?;
        let time = departed_at.to_naive();
        let (region, datasource) = (trip.key.region(), trip.key.datasource());
        let ends = Extent::of_degrees(trip.position).and(Extent::of_degrees(trip.other));
        let one = Summary::of(time, ends);
        let pair = self.summaries.entry((region, datasource));
        let pair = pair
            .and_modify(|pair| pair.summary.add(one))
            .or_insert(TripSummary {
                region,
                datasource,
                summary: one,
                departures: 0,
            });
        let micros = departed_at.micros().cast_unsigned();
        pair.departures = pair.departures.wrapping_add(micros);
        Ok(())
    }
}

fn leaf([lon, lat]: [f64; 2]) -> Result<CellIndex, Error> {
    Ok(leaf_cell(Point::new(lon, lat).map_err(|_| CorruptPatch)?))
}

/// The trips in the patches of one segment, by ingestion. Adds their share of the histograms to the
/// sums.
pub(super) async fn packed(
    snapshot: &Snapshot,
    id: SegmentId,
    sums: &mut Sums,
) -> Result<BTreeMap<IngestionId, Packed>, Error> {
    let mut packed = BTreeMap::<_, Packed>::new();
    snapshot
        .patches_of(id, PatchDepth::Rest, |patch| {
            for part in patch.parts() {
                for trip in part?.trips() {
                    let trip = trip?;
                    let packed = packed.entry(trip.ingestion).or_default();
                    packed.add(&patch, &trip, sums)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(packed)
}

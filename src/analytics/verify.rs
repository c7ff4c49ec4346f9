//! Comparing everything that is stored twice, the slow and obvious way.

mod sql_trips;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display};
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use h3o::CellIndex;

use crate::geo::{self, CellRange, LEVELS, Point, Resolution, leaf_cell, resolution_of};
use crate::model::{
    CorruptPatch, Counters, DayCounts, Entries, FlowEnd, IngestionId, KeyFilter, PatchDepth,
    PatchTrip, TripEnd, WeeklyKey, counter_key,
};
use crate::store::{Error, Snapshot, SqlTrip, Store, StoredPatch, TripSummary};

/// Maximum number of differences that are described; all are counted.
const DESCRIBED: usize = 20;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Number of trips that were read.
    pub trips: u64,
    /// Number of summaries that were compared with the trips: histograms, trip summaries, sets of
    /// patches, and the rows of the table `trip` of each ingestion.
    pub summaries: u64,
    /// Number of summaries that differ, plus the number of entries in `broken`.
    pub differing: u64,
    /// Corrupt rows, by table and key, and faults that the database reports in its own structure.
    pub broken: Vec<String>,
    /// Descriptions of the first 20 summaries that differ.
    pub differences: Vec<String>,
}

impl Verification {
    fn compare<T: PartialEq + Debug>(&mut self, what: impl Display, trips: &T, stored: &T) {
        self.summaries += 1;
        if trips != stored {
            self.differing += 1;
            if self.differences.len() < DESCRIBED {
                let text = format!("{what}: the trips give {trips:?}, but stored is {stored:?}");
                self.differences.push(text);
            }
        }
    }

    fn broken(&mut self, what: impl Display) {
        self.differing += 1;
        self.broken.push(what.to_string());
    }

    /// Continues after a part that could not be read to its end, unless the database is
    /// unavailable.
    fn survive(&mut self, part: impl Display, read: Result<(), Error>) -> Result<(), Error> {
        match read {
            Err(error) if !error.is_unavailable() => {
                self.broken(format_args!("{part}: {error}"));
                Ok(())
            }
            read => read,
        }
    }
}

/// Reads all trips from the patches of origins, and compares the patches of destinations, the rows of
/// the table `trip` and the trip summaries with them; then adds up the trips of all patches, and
/// compares the histograms with the sums. Names and indexes, which hold no trips, are checked by the
/// database, if it can. Only reads, in one snapshot. Memory grows with places and weeks, not with
/// trips. Corrupt rows are recorded, and the rest is still read.
pub async fn verify(store: &Store) -> Result<Verification, Error> {
    let snapshot = store.lenient_snapshot().await?;
    let (mut verification, mut sums) = (Verification::default(), Sums::default());
    let mut ingestions = Vec::new();
    let checked = snapshot.check(|fault| verification.broken(fault)).await;
    verification.survive("the database's own check", checked)?;
    let visible = snapshot.visible_ingestions().await;
    let visible = visible.map(|visible| ingestions.extend(visible));
    verification.survive("ingestions", visible)?;
    let mut expected = sql_trips::Expected::new();
    for (id, rows) in ingestions {
        let verified = verify_ingestion(&snapshot, id, rows, &mut sums, &mut verification)
            .await
            .map(|rows| {
                expected.insert(id, rows);
            });
        verification.survive(format_args!("ingestion {id}"), verified)?;
    }
    let rows = sql_trips::verify(&snapshot, expected, &mut verification).await;
    verification.survive("the table trip", rows)?;
    let strays = verify_strays(&snapshot, &mut verification).await;
    verification.survive("rows without an ingestion", strays)?;
    let Sums {
        mut weekly,
        mut flows,
    } = sums;
    let compared = snapshot
        .all_weekly(|key, counters| {
            compare_counters(key, weekly.remove(&key), counters, &mut verification)
        })
        .await;
    verification.survive("weekly_histogram", compared)?;
    let compared = snapshot
        .flows(
            CellRange::all(Resolution::FLOW),
            &KeyFilter::default(),
            |origin, end, day| {
                let key = (origin, end);
                let sums = flows.remove(&key).unwrap_or_default();
                verification.compare(format_args!("Flow{key:?}"), &sums, &day.unpack());
                Ok(())
            },
        )
        .await;
    verification.survive("flow_histogram", compared)?;
    // The remaining sums should be stored, but are not.
    let nothing = || Counters::entries(&[]);
    for (key, sums) in weekly {
        compare_counters(key, Some(sums), nothing(), &mut verification)?;
    }
    for (key, sums) in flows {
        verification.compare(format_args!("Flow{key:?}"), &sums, &DayCounts::new());
    }
    for row in snapshot.take_broken() {
        verification.broken(row);
    }
    Ok(verification)
}

/// Sums by counter key.
type Sum = BTreeMap<u32, u64>;

fn compare_counters(
    key: impl Debug,
    sums: Option<Sum>,
    stored: Entries<'_>,
    verification: &mut Verification,
) -> Result<(), Error> {
    verification.compare(
        format_args!("{key:?}"),
        &sums.unwrap_or_default(),
        &stored.collect::<Result<_, _>>()?,
    );
    Ok(())
}

#[derive(Default)]
struct Sums {
    weekly: HashMap<WeeklyKey, Sum, FixedState>,
    flows: HashMap<FlowKey, DayCounts, FixedState>,
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
type FlowKey = (u64, FlowEnd);

/// Number and sum of hashes of trips, independent of their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Trips {
    count: u64,
    hash: u64,
}

impl Trips {
    fn add(&mut self, trip: &impl Hash) {
        self.count += 1;
        self.hash = self.hash.wrapping_add(FixedState::default().hash_one(trip));
    }
}

/// What the patches of an ingestion hold.
#[derive(Default)]
struct Packed {
    /// The origins, by what their positions give, and as they are stored.
    origins: [Trips; 2],
    /// The destinations, by what the patches of origins give, and as they are stored.
    destinations: [Trips; 2],
    /// The trips, as rows of the table `trip`.
    rows: Trips,
    summaries: BTreeMap<(u32, u32), TripSummary>,
}

impl Packed {
    /// Adds a trip of a patch of an ingestion.
    fn add(
        &mut self,
        id: IngestionId,
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
                computed.add(&(id, common, destination, true));
                stored.add(&(trip.ingestion, common, trip.other_cell, here));
                self.destinations[0].add(&(id, common, other, destination, leaf));
                self.rows.add_row(&SqlTrip::of(trip)?);
                self.summarise(trip)
            }
            TripEnd::Destination => {
                let stored = (trip.ingestion, common, position, leaf, trip.other_cell);
                self.destinations[1].add(&stored);
                Ok(())
            }
        }
    }

    fn summarise(&mut self, trip: &PatchTrip) -> Result<(), Error> {
        let departed_at = trip.departed_at().ok_or(Error::Corrupt("time"))?;
        let time = departed_at.to_naive();
        let (region, datasource) = (trip.key.region(), trip.key.datasource());
        let summary = self
            .summaries
            .entry((region, datasource))
            .or_insert(TripSummary {
                region,
                datasource,
                trips: 0,
                first_departed_at: time,
                last_departed_at: time,
                departures: 0,
            });
        summary.trips += 1;
        summary.first_departed_at = summary.first_departed_at.min(time);
        summary.last_departed_at = summary.last_departed_at.max(time);
        let micros = departed_at.micros().cast_unsigned();
        summary.departures = summary.departures.wrapping_add(micros);
        Ok(())
    }
}

fn leaf([lon, lat]: [f64; 2]) -> Result<CellIndex, Error> {
    Ok(leaf_cell(Point::new(lon, lat).map_err(|_| CorruptPatch)?))
}

/// Adds up the trips of one ingestion, and compares the patches of both ends with each other, with
/// the number of rows, and with the trip summaries. Returns what the table `trip` should hold.
async fn verify_ingestion(
    snapshot: &Snapshot,
    id: IngestionId,
    rows: u64,
    sums: &mut Sums,
    verification: &mut Verification,
) -> Result<Trips, Error> {
    let packed = packed(snapshot, id, sums).await?;
    let found = packed.origins[1].count;
    verification.trips += found;
    verification.compare(format!("ingestion {id}, rows"), &found, &rows);
    let [computed, stored] = packed.origins;
    verification.compare(
        format!("ingestion {id}, patches of origins"),
        &computed,
        &stored,
    );
    let [expected, stored] = packed.destinations;
    verification.compare(
        format!("ingestion {id}, patches of destinations"),
        &expected,
        &stored,
    );
    let expected: Vec<_> = packed.summaries.into_values().collect();
    compare_summaries(snapshot, id, &expected, verification).await?;
    Ok(packed.rows)
}

/// Compares patches and trip summaries that answers count, but that belong to no ingestion with
/// trips.
async fn verify_strays(snapshot: &Snapshot, verification: &mut Verification) -> Result<(), Error> {
    for id in snapshot.stray_patches().await? {
        // No histogram should count them.
        let packed = packed(snapshot, id, &mut Sums::default()).await?;
        for (name, [_, stored]) in [
            ("origins", packed.origins),
            ("destinations", packed.destinations),
        ] {
            let what = format!("ingestion {id}, patches of {name}");
            verification.compare(what, &Trips::default(), &stored);
        }
    }
    for id in snapshot.stray_summaries().await? {
        compare_summaries(snapshot, id, &[], verification).await?;
    }
    Ok(())
}

/// The trips in the patches of one ingestion. Adds their share of the histograms to the sums.
async fn packed(snapshot: &Snapshot, id: IngestionId, sums: &mut Sums) -> Result<Packed, Error> {
    let mut packed = Packed::default();
    snapshot
        .patches_of(id, PatchDepth::Rest, |patch| {
            for part in patch.parts() {
                for trip in part?.trips() {
                    packed.add(id, &patch, &trip?, sums)?;
                }
            }
            Ok(())
        })
        .await?;
    Ok(packed)
}

async fn compare_summaries(
    snapshot: &Snapshot,
    id: IngestionId,
    expected: &[TripSummary],
    verification: &mut Verification,
) -> Result<(), Error> {
    let stored = snapshot.summaries_of(id).await?;
    let what = format!("ingestion {id}, trip summaries");
    verification.compare(what, &expected, &stored.as_slice());
    Ok(())
}

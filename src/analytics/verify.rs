//! Comparing every summary with the trips themselves, the slow and obvious way.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display};
use std::hash::{BuildHasher, Hash};

use chrono::{DateTime, NaiveDateTime, Timelike};
use foldhash::fast::FixedState;
use h3o::CellIndex;

use crate::geo::{self, CellRange, LEVELS, Point, Resolution, leaf_cell, resolution_of};
use crate::model::{
    Counters, DayCounts, Entries, FlowEnd, IngestionId, KeyFilter, PatchEnds, PatchPoint,
    PatchRest, TripEnd, TripKey, Week, WeeklyKey, counter_key,
};
use crate::store::{Error, Snapshot, Store, TripSummary};

/// Maximum number of differences that are described; all are counted.
const DESCRIBED: usize = 20;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Number of trips that were read.
    pub trips: u64,
    /// Number of summaries that were compared with the trips: histograms, trip summaries and sets
    /// of patches.
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

/// Reads all trips and compares patches and trip summaries with them; then adds up the trip ends of
/// the patches, and compares the histograms with the sums. Names and indexes, which hold no trips,
/// are checked by the database, if it can. Only reads, in one snapshot. Memory grows with places
/// and weeks, not with trips. Corrupt rows are recorded, and the rest is still read.
pub async fn verify(store: &Store) -> Result<Verification, Error> {
    let snapshot = store.lenient_snapshot().await?;
    let (mut verification, mut sums) = (Verification::default(), Sums::default());
    let mut ingestions = Vec::new();
    let checked = snapshot.check(|fault| verification.broken(fault)).await;
    verification.survive("the database's own check", checked)?;
    let visible = snapshot.visible_ingestions().await;
    let visible = visible.map(|visible| ingestions.extend(visible));
    verification.survive("ingestions", visible)?;
    for (id, rows) in ingestions {
        let verified = verify_ingestion(&snapshot, id, rows, &mut sums, &mut verification).await;
        verification.survive(format_args!("ingestion {id}"), verified)?;
    }
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
    /// Counts a trip end that is packed in a patch of the cell `patch`.
    fn add(&mut self, end: TripEnd, patch: u64, leaf: CellIndex, trip: &Packed) {
        let (point, rest) = trip;
        // A histogram cannot have an invalid week or cell.
        let Some(week) = Week::from_number(point.key.week_number()) else {
            return;
        };
        let (iso_year, week) = week.iso();
        let (region, datasource) = (point.key.region(), point.key.datasource());
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
        if flows && let Ok(destination) = CellIndex::try_from(rest.other_cell) {
            let end = FlowEnd {
                destination: geo::parent(destination, Resolution::FLOW).into(),
                region,
                datasource,
            };
            let key = (geo::parent(leaf, Resolution::FLOW).into(), end);
            self.flows.entry(key).or_default().add(rest.half_hour, 1);
        }
    }
}

type Packed = (PatchPoint, PatchRest);

/// Origin cell, and destination cell, region and datasource.
type FlowKey = (u64, FlowEnd);

fn half_hour(time: NaiveDateTime) -> Result<u8, Error> {
    u8::try_from(time.hour() * 2 + time.minute() / 30).map_err(|_| Error::Corrupt("time"))
}

/// Number and sum of hashes of the trip ends of one kind, independent of their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    count: u64,
    hash: u64,
}

impl Ends {
    fn add(&mut self, cell: u64, point: PatchPoint, rest: PatchRest) {
        // SQLite does not store the sign of a zero: adding zero makes -0 and 0 the same.
        let bits = |coordinates: [f64; 2]| coordinates.map(|degrees| (degrees + 0.0).to_bits());
        let (this, other) = (bits([point.lon, point.lat]), rest.other.map(bits));
        let end = (
            cell,
            this,
            point.key,
            rest.other_cell,
            other,
            rest.half_hour,
            rest.line,
        );
        self.count += 1;
        self.hash = self.hash.wrapping_add(hash(&end));
    }
}

fn hash(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Adds up the trips of one ingestion, and compares its number of rows, patches and trip summaries.
async fn verify_ingestion(
    snapshot: &Snapshot,
    id: IngestionId,
    rows: u64,
    sums: &mut Sums,
    verification: &mut Verification,
) -> Result<(), Error> {
    let mut expected = [Ends::default(); 2];
    let mut summaries: BTreeMap<(u32, u32), TripSummary> = BTreeMap::new();
    snapshot
        .trips_of(id, |trip| {
            let corrupt = || Error::Corrupt("time");
            let time = DateTime::from_timestamp_micros(trip.departed_at).ok_or_else(corrupt)?;
            let time = time.naive_utc();
            let week = Week::of(time.date()).ok_or_else(corrupt)?;
            let key = TripKey::new(week, trip.region, trip.datasource);
            let origin = (trip.origin, trip.origin_cell);
            let destination = (trip.destination, trip.destination_cell);
            let other = Some([trip.destination.lon(), trip.destination.lat()]);
            for (ends, (this, other_cell, other)) in expected.iter_mut().zip([
                (origin, trip.destination_cell, other),
                (destination, trip.origin_cell, None),
            ]) {
                let point = PatchPoint {
                    lon: this.0.lon(),
                    lat: this.0.lat(),
                    key,
                };
                let rest = PatchRest {
                    other_cell,
                    other,
                    half_hour: half_hour(time)?,
                    line: trip.line,
                };
                ends.add(this.1, point, rest);
            }
            let summary = summaries
                .entry((trip.region, trip.datasource))
                .or_insert(TripSummary {
                    region: trip.region,
                    datasource: trip.datasource,
                    trips: 0,
                    first_departed_at: time,
                    last_departed_at: time,
                    departures: 0,
                });
            summary.trips += 1;
            summary.first_departed_at = summary.first_departed_at.min(time);
            summary.last_departed_at = summary.last_departed_at.max(time);
            let micros = trip.departed_at.cast_unsigned();
            summary.departures = summary.departures.wrapping_add(micros);
            Ok(())
        })
        .await?;

    let found = packed_ends(snapshot, id, sums).await?;

    verification.trips += expected[0].count;
    verification.compare(format!("ingestion {id}, rows"), &expected[0].count, &rows);
    compare_ends(id, &expected, &found, verification);
    let expected: Vec<_> = summaries.into_values().collect();
    compare_summaries(snapshot, id, &expected, verification).await
}

/// Compares patches and trip summaries that answers count, but that belong to no ingestion with
/// trips.
async fn verify_strays(snapshot: &Snapshot, verification: &mut Verification) -> Result<(), Error> {
    for id in snapshot.stray_patches().await? {
        // No histogram should count them.
        let found = packed_ends(snapshot, id, &mut Sums::default()).await?;
        compare_ends(id, &[Ends::default(); 2], &found, verification);
    }
    for id in snapshot.stray_summaries().await? {
        compare_summaries(snapshot, id, &[], verification).await?;
    }
    Ok(())
}

/// The trip ends in the patches of one ingestion: origins and destinations. Adds their share of the
/// histograms to the sums.
async fn packed_ends(
    snapshot: &Snapshot,
    id: IngestionId,
    sums: &mut Sums,
) -> Result<[Ends; 2], Error> {
    let mut found = [Ends::default(); 2];
    snapshot
        .patches_of(id, |patch| {
            let cell = CellIndex::try_from(patch.cell).ok();
            let ends = match patch.end {
                TripEnd::Origin => &mut found[0],
                TripEnd::Destination => &mut found[1],
            };
            let parts = PatchEnds::parts(patch.end, patch.points, patch.rest);
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            for packed in parts.iter().flat_map(PatchEnds::iter) {
                let point = Point::new(packed.0.lon, packed.0.lat).ok();
                let leaf = point.map(leaf_cell);
                // A trip end that is not in the cell of its patch differs from the trip's.
                let here = leaf.filter(|leaf| {
                    cell.is_some_and(|cell| leaf.parent(cell.resolution()) == Some(cell))
                });
                ends.add(here.map_or(0, u64::from), packed.0, packed.1);
                if let Some(leaf) = leaf {
                    sums.add(patch.end, patch.cell, leaf, &packed);
                }
            }
            Ok(())
        })
        .await?;
    Ok(found)
}

fn compare_ends(
    id: IngestionId,
    expected: &[Ends; 2],
    found: &[Ends; 2],
    verification: &mut Verification,
) {
    let names = ["origins", "destinations"];
    for (name, (expected, found)) in names.into_iter().zip(expected.iter().zip(found)) {
        let what = format!("ingestion {id}, patches of {name}");
        verification.compare(what, expected, found);
    }
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

//! Holding every summary against the trips themselves, the slow and obvious way.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display};
use std::hash::{BuildHasher, Hash};

use chrono::{DateTime, NaiveDateTime, Timelike};
use foldhash::fast::FixedState;
use h3o::CellIndex;

use crate::geo::{self, CellRange, LEVELS, Point, Resolution, leaf_cell, resolution_of};
use crate::model::{
    Counters, DayCounts, End, Entries, FlowEnd, IngestionId, KeyFilter, PatchEnds, PatchPoint,
    PatchRest, TripKey, Week, WeeklyKey, counter_key,
};
use crate::store::{Error, Snapshot, Store, TripSummary};

/// Differences that are described; all are counted.
const DESCRIBED: usize = 20;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Trips that were read.
    pub trips: u64,
    /// Summaries that were held against them: histograms, trip summaries and sets of patches.
    pub summaries: u64,
    /// How many of those differ, and how many rows are broken.
    pub differing: u64,
    /// What is broken: rows, by table and key, that do not hold what they should, and what the
    /// database says of its own structure.
    pub broken: Vec<String>,
    /// The first of those that differ, described for people.
    pub differences: Vec<String>,
}

impl Findings {
    fn compare<T: PartialEq + Debug>(&mut self, what: impl Display, trips: &T, stored: &T) {
        self.summaries += 1;
        if trips != stored {
            self.differing += 1;
            if self.differences.len() < DESCRIBED {
                let text = format!("{what}: the trips say {trips:?}, stored is {stored:?}");
                self.differences.push(text);
            }
        }
    }

    fn broken(&mut self, what: impl Display) {
        self.differing += 1;
        self.broken.push(what.to_string());
    }

    /// Goes on after a part that could not be read to its end, unless the database is away.
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

/// Reads all trips and compares patches and trip summaries with them; then adds up anew what the
/// patches hold, and compares the histograms with that. Names and indexes, which hold no trips, are
/// checked by the database, where it can do so.
/// Only reads, in one snapshot. Memory grows with places and weeks, not with trips. What is broken
/// is noted, and the rest is read on.
pub async fn verify(store: &Store) -> Result<Findings, Error> {
    let snapshot = store.lenient_snapshot().await?;
    let (mut findings, mut sums) = (Findings::default(), Sums::default());
    let mut ingestions = Vec::new();
    let checked = snapshot.check(|fault| findings.broken(fault)).await;
    findings.survive("the database's own check", checked)?;
    let visible = snapshot.visible_ingestions().await;
    let visible = visible.map(|visible| ingestions.extend(visible));
    findings.survive("ingestions", visible)?;
    for (id, rows) in ingestions {
        let verified = verify_ingestion(&snapshot, id, rows, &mut sums, &mut findings).await;
        findings.survive(format_args!("ingestion {id}"), verified)?;
    }
    let strays = verify_strays(&snapshot, &mut findings).await;
    findings.survive("what belongs to no ingestion", strays)?;
    let Sums {
        mut weekly,
        mut flows,
    } = sums;
    let compared = snapshot
        .all_weekly(|key, counters| {
            compare_counters(key, weekly.remove(&key), counters, &mut findings)
        })
        .await;
    findings.survive("weekly_histogram", compared)?;
    let compared = snapshot
        .flows(
            CellRange::all(Resolution::FLOW),
            &KeyFilter::default(),
            |origin, end, day| {
                let key = (origin, end);
                let sums = flows.remove(&key).unwrap_or_default();
                findings.compare(format_args!("Flow{key:?}"), &sums, &day.unpack());
                Ok(())
            },
        )
        .await;
    findings.survive("flow_histogram", compared)?;
    // What is left should be stored, and is not.
    let nothing = || Counters::entries(&[]);
    for (key, sums) in weekly {
        compare_counters(key, Some(sums), nothing(), &mut findings)?;
    }
    for (key, sums) in flows {
        findings.compare(format_args!("Flow{key:?}"), &sums, &DayCounts::new());
    }
    for row in snapshot.take_broken() {
        findings.broken(row);
    }
    Ok(findings)
}

/// Sums by counter key.
type Sum = BTreeMap<u32, u64>;

fn compare_counters(
    key: impl Debug,
    sums: Option<Sum>,
    stored: Entries<'_>,
    findings: &mut Findings,
) -> Result<(), Error> {
    findings.compare(
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
    /// Counts an end of a trip that is packed in a patch of that cell.
    fn add(&mut self, end: End, patch: u64, leaf: CellIndex, trip: &Packed) {
        let (point, rest) = trip;
        // No histogram can be of a week or a cell that there is not.
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
        let flows = end == End::Origin && resolution_of(patch) >= Resolution::FLOW.get();
        if flows && let Ok(destination) = CellIndex::try_from(rest.other_cell) {
            let end = FlowEnd {
                destination: geo::parent(destination, Resolution::FLOW).into(),
                region,
                datasource,
            };
            let key = (geo::parent(leaf, Resolution::FLOW).into(), end);
            self.flows.entry(key).or_default().add(rest.slot, 1);
        }
    }
}

type Packed = (PatchPoint, PatchRest);

/// Origin cell, and where the flow goes.
type FlowKey = (u64, FlowEnd);

fn half_hour(time: NaiveDateTime) -> Result<u8, Error> {
    u8::try_from(time.hour() * 2 + time.minute() / 30).map_err(|_| Error::Corrupt("time"))
}

/// A sum of hashes, which does not depend on the order, of the ends of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    count: u64,
    hash: u64,
}

impl Ends {
    fn add(&mut self, cell: u64, point: PatchPoint, rest: PatchRest) {
        // SQLite keeps no sign of a zero: adding zero makes -0 and 0 the same.
        let bits = |coordinates: [f64; 2]| coordinates.map(|degrees| (degrees + 0.0).to_bits());
        let (this, other) = (bits([point.lon, point.lat]), rest.other.map(bits));
        let end = (
            cell,
            this,
            point.key,
            rest.other_cell,
            other,
            rest.slot,
            rest.line,
        );
        self.count += 1;
        self.hash = self.hash.wrapping_add(hash(&end));
    }
}

fn hash(value: &impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}

/// Adds up the trips of one ingestion, and compares what it alone has: its number of rows, its
/// patches and its trip summaries.
async fn verify_ingestion(
    snapshot: &Snapshot,
    id: IngestionId,
    rows: u64,
    sums: &mut Sums,
    findings: &mut Findings,
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
                    slot: half_hour(time)?,
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

    findings.trips += expected[0].count;
    findings.compare(format!("ingestion {id}, rows"), &expected[0].count, &rows);
    compare_ends(id, &expected, &found, findings);
    let expected: Vec<_> = summaries.into_values().collect();
    compare_summaries(snapshot, id, &expected, findings).await
}

/// What is counted in answers, but belongs to no ingestion that has trips.
async fn verify_strays(snapshot: &Snapshot, findings: &mut Findings) -> Result<(), Error> {
    for id in snapshot.stray_patches().await? {
        // No histogram should count them.
        let found = packed_ends(snapshot, id, &mut Sums::default()).await?;
        compare_ends(id, &[Ends::default(); 2], &found, findings);
    }
    for id in snapshot.stray_summaries().await? {
        compare_summaries(snapshot, id, &[], findings).await?;
    }
    Ok(())
}

/// The ends in the patches of one ingestion: of origins, of destinations.
/// What they add to histograms is added to the sums.
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
                End::Origin => &mut found[0],
                End::Destination => &mut found[1],
            };
            let parts = PatchEnds::parts(patch.end, patch.points, patch.rest);
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            for packed in parts.iter().flat_map(PatchEnds::iter) {
                let point = Point::new(packed.0.lon, packed.0.lat).ok();
                let leaf = point.map(leaf_cell);
                // An end in a patch of a cell that it does not lie in is no end of the trip's.
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

fn compare_ends(id: IngestionId, expected: &[Ends; 2], found: &[Ends; 2], findings: &mut Findings) {
    let names = ["origins", "destinations"];
    for (name, (expected, found)) in names.into_iter().zip(expected.iter().zip(found)) {
        let what = format!("ingestion {id}, patches of {name}");
        findings.compare(what, expected, found);
    }
}

async fn compare_summaries(
    snapshot: &Snapshot,
    id: IngestionId,
    expected: &[TripSummary],
    findings: &mut Findings,
) -> Result<(), Error> {
    let stored = snapshot.summaries_of(id).await?;
    let what = format!("ingestion {id}, trip summaries");
    findings.compare(what, &expected, &stored.as_slice());
    Ok(())
}

//! Comparing everything that is stored twice, the slow and obvious way.

mod packed;
mod sql_trips;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};

use self::packed::{Packed, Sum, Sums, Trips, packed};
use crate::geo::{CellRange, Resolution};
use crate::model::{Counters, DayCounts, Entries, IngestionId, KeyFilter, Summary};
use crate::store::{Error, SegmentId, Snapshot, Store, TripSummary};

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
    let mut segments = BTreeMap::new();
    let checked = snapshot.check(|fault| verification.broken(fault)).await;
    verification.survive("the database's own check", checked)?;
    let visible = snapshot.visible_segments().await;
    let visible = visible.map(|visible| segments = visible);
    verification.survive("segments", visible)?;
    let mut expected = sql_trips::Expected::new();
    for (id, ingestions) in segments {
        let verified = verify_segment(&snapshot, id, &ingestions, &mut sums, &mut verification)
            .await
            .map(|rows| expected.extend(rows));
        verification.survive(format_args!("segment {id}"), verified)?;
    }
    let rows = sql_trips::verify(&snapshot, expected, &mut verification).await;
    verification.survive("the table trip", rows)?;
    let strays = verify_strays(&snapshot, &mut verification).await;
    verification.survive("rows without a segment or an ingestion", strays)?;
    let Sums {
        mut totals,
        mut weekly,
        mut flows,
    } = sums;
    let compared = snapshot
        .totals(|pair, stored| {
            compare_totals(pair, totals.remove(&pair), Some(stored), &mut verification);
        })
        .await;
    verification.survive("trip_total", compared)?;
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
    for (pair, sums) in totals {
        compare_totals(pair, Some(sums), None, &mut verification);
    }
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

fn compare_totals(
    (region, datasource): (u32, u32),
    sums: Option<Summary>,
    stored: Option<Summary>,
    verification: &mut Verification,
) {
    let what = format!("total of region {region}, datasource {datasource}");
    verification.compare(what, &sums, &stored);
}

/// Adds up the trips of one segment, and compares the patches of both ends with each other, with the
/// number of rows of each ingestion, and with its trip summaries. Returns what the table `trip` should
/// hold of each.
async fn verify_segment(
    snapshot: &Snapshot,
    id: SegmentId,
    ingestions: &[(IngestionId, u64)],
    sums: &mut Sums,
    verification: &mut Verification,
) -> Result<Vec<(IngestionId, Trips)>, Error> {
    let mut packed = packed(snapshot, id, sums).await?;
    let mut expected = Vec::new();
    for &(ingestion, rows) in ingestions {
        let packed = packed.remove(&ingestion).unwrap_or_default();
        let found = packed.origins[1].count;
        verification.trips += found;
        verification.compare(format!("ingestion {ingestion}, rows"), &found, &rows);
        packed.compare(ingestion, verification);
        let summaries: Vec<_> = packed.summaries.into_values().collect();
        for pair in &summaries {
            let total = sums.totals.entry((pair.region, pair.datasource));
            total
                .and_modify(|total| total.add(pair.summary))
                .or_insert(pair.summary);
        }
        compare_summaries(snapshot, ingestion, &summaries, verification).await?;
        expected.push((ingestion, packed.rows));
    }
    compare_strays(id, packed, verification);
    Ok(expected)
}

/// Compares patches and trip summaries that answers count, but that belong to no segment or ingestion
/// with trips.
async fn verify_strays(snapshot: &Snapshot, verification: &mut Verification) -> Result<(), Error> {
    for id in snapshot.stray_segments().await? {
        // No histogram should count them.
        let packed = packed(snapshot, id, &mut Sums::default()).await?;
        compare_strays(id, packed, verification);
    }
    for id in snapshot.stray_summaries().await? {
        compare_summaries(snapshot, id, &[], verification).await?;
    }
    Ok(())
}

/// Compares trips that should not be in a segment with none.
fn compare_strays(
    id: SegmentId,
    strays: BTreeMap<IngestionId, Packed>,
    verification: &mut Verification,
) {
    for (ingestion, packed) in strays {
        for (name, [_, stored]) in [
            ("origins", packed.origins),
            ("destinations", packed.destinations),
        ] {
            let what = format!("segment {id}, patches of {name} of ingestion {ingestion}");
            verification.compare(what, &Trips::default(), &stored);
        }
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

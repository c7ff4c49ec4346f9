//! Verification finds what does not fit together, and says what it is.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::support;

use std::fmt::Write as _;

use chrono::NaiveDate;
use support::backend::{Backend, ROLE, TestDatabase};
use support::data::{File, Shape};
use support::database::{Sql, on_postgres};
use support::random::Random;
use tripgraph::analytics::{Verification, verify, weekly_average};
use tripgraph::geo::{CellRange, Resolution};
use tripgraph::ingest::{Role, SqlTrips};
use tripgraph::model::{
    Counters, DayCounts, FlowEnd, Flows, KeyFilter, LocalTime, Patch, PatchBytes, PatchDepth,
    PatchTrip, Selection, TripEnd, TripKey, Week,
};

/// A database with two ingestions that fit.
struct Sound {
    backend: Backend,
    sql: Sql,
    trips: u64,
}

impl Sound {
    async fn new() -> Self {
        // Rows of the table trip would come meanwhile.
        let role = Role {
            sql_trips: SqlTrips::Off,
            ..ROLE
        };
        let backend = Backend::start_as(TestDatabase::new(), role).await;
        let mut random = Random::new(11);
        let mut trips = 0;
        for rows in [3_000, 600] {
            let shape = Shape {
                places: 5,
                ..Shape::new(rows)
            };
            trips += backend.ingest(&shape.file(&mut random)).await.rows_ingested;
        }
        let sql = backend.sql().await;
        let sound = Self {
            backend,
            sql,
            trips,
        };
        let verification = sound.verification().await;
        assert_eq!(verification.trips, trips);
        assert_eq!(verification.differing, 0, "{verification:?}");
        assert!(verification.differences.is_empty());
        assert_eq!(verification.summaries, sound.summaries().await);
        sound
    }

    async fn verification(&self) -> Verification {
        verify(&self.backend.store).await.unwrap()
    }

    /// What there is to verify: each histogram, each flow, each total, and five things of each
    /// ingestion.
    async fn summaries(&self) -> u64 {
        let mut summaries = 2 * 5;
        let snapshot = self.backend.store.snapshot().await.unwrap();
        snapshot.totals(|_, _| summaries += 1).await.unwrap();
        snapshot
            .all_weekly(|_, _| {
                summaries += 1;
                Ok(())
            })
            .await
            .unwrap();
        let (all, filter) = (CellRange::all(Resolution::FLOW), KeyFilter::default());
        snapshot
            .flows(all, &filter, |_, _, _| {
                summaries += 1;
                Ok(())
            })
            .await
            .unwrap();
        summaries
    }

    /// Tampers with exactly one row.
    async fn tamper(&self, statement: &str) {
        assert_eq!(self.sql.execute(statement).await, 1, "{statement}");
    }

    /// Tampers with exactly one row, and wants exactly these differences to be found: of each, the
    /// words that it begins with. Then puts everything back.
    async fn finds(&self, statement: &str, expected: &[&str]) {
        let verification = self.verification_after(statement).await;
        assert_eq!(
            verification.differing,
            expected.len() as u64,
            "{statement}: {verification:#?}"
        );
        hold(statement, verification.differences, expected);
    }

    /// The same for a statement that changes what histograms and totals are held against as well.
    async fn finds_beside_histograms(&self, statement: &str, expected: &[String]) {
        let verification = self.verification_after(statement).await;
        let (histograms, others): (Vec<_>, Vec<_>) = verification
            .differences
            .into_iter()
            .partition(|text| SUMS.iter().any(|sum| text.starts_with(sum)));
        hold(statement, others, expected);
        assert_eq!(
            !histograms.is_empty(),
            verification.differing > expected.len() as u64
        );
    }

    /// Tampers with exactly one row, verifies, and puts everything back.
    async fn verification_after(&self, statement: &str) -> Verification {
        self.sql.save().await;
        self.tamper(statement).await;
        let verification = self.verification().await;
        self.sql.restore().await;

        let after = self.verification().await;
        assert_eq!((after.differing, after.trips), (0, self.trips));
        verification
    }

    /// The bytes that a query finds.
    async fn bytes(&self, column: &str, table: &str, here: &str) -> Vec<u8> {
        let query = format!("SELECT {column} FROM {table} WHERE {here}");
        self.sql.value(&query).await
    }

    /// Another first entry in the first of the weekly histograms.
    async fn changed_histogram(&self, change: impl Fn(u32, u64) -> (u32, u64)) -> String {
        let here = first("weekly_histogram");
        let counters = self.bytes("counters", "weekly_histogram", &here).await;
        let changed = changed(&Counters::from_bytes(counters).unwrap(), change);
        let changed = literal(changed.as_bytes());
        format!("UPDATE weekly_histogram SET counters = {changed} WHERE {here}")
    }

    /// Another first entry in the first flow of the first origin, and perhaps another destination.
    async fn changed_flow(
        &self,
        end: impl Fn(FlowEnd) -> FlowEnd,
        change: impl Fn(u8, u64) -> (u8, u64),
    ) -> String {
        let here = first("flow_histogram");
        let bytes = self.bytes("flows", "flow_histogram", &here).await;
        let mut flows = Flows::default();
        for (index, flow) in Flows::entries(&bytes).enumerate() {
            let (to, day) = flow.unwrap();
            match index {
                0 => flows.add(end(to), &changed_day(&day.unpack(), &change)),
                _ => flows.add(to, &day.unpack()),
            }
        }
        let changed = flows.to_bytes();
        assert_ne!(bytes, changed);
        let changed = literal(&changed);
        format!("UPDATE flow_histogram SET flows = {changed} WHERE {here}")
    }

    /// Changes of the trips of a patch, with a checksum that fits.
    async fn changed_patch(
        &self,
        end: TripEnd,
        here: &str,
        change: impl Fn(&mut Vec<PatchTrip>),
    ) -> String {
        let mut groups: [Vec<u8>; 4] = Default::default();
        for (group, column) in groups.iter_mut().zip(GROUPS) {
            *group = self.bytes(column, "trip_patch", here).await;
        }
        let bytes = PatchBytes::new(groups.each_ref().map(Vec::as_slice), PatchDepth::Rest);
        let mut trips = Vec::new();
        for part in bytes.parts(end) {
            trips.extend(part.unwrap().trips().map(Result::unwrap));
        }
        change(&mut trips);
        let mut patch = Patch::default();
        patch.add(end, &trips);
        assert_ne!(patch.groups(), &groups);
        let mut changes = format!("checksum = {}", patch.checksum());
        for (column, group) in GROUPS.into_iter().zip(patch.groups()) {
            write!(changes, ", {column} = {}", literal(group)).unwrap();
        }
        format!("UPDATE trip_patch SET {changes} WHERE {here}")
    }
}

/// How differences in what is summed up over all ingestions begin.
const SUMS: [&str; 3] = ["WeeklyKey", "Flow(", "total of region"];

/// The groups of a patch's columns.
const GROUPS: [&str; 4] = ["keys", "points", "others", "rest"];

/// Counters with another first entry.
fn changed(counters: &Counters, change: impl Fn(u32, u64) -> (u32, u64)) -> Counters {
    let entries = counters.iter().enumerate();
    Counters::from_sorted(entries.map(|(index, (key, trips))| match index {
        0 => change(key, trips),
        _ => (key, trips),
    }))
}

/// The same day with another first entry.
fn changed_day(day: &DayCounts, change: impl Fn(u8, u64) -> (u8, u64)) -> DayCounts {
    let mut changed = DayCounts::new();
    let mut first = true;
    for (half_hour, &trips) in (0..).zip(day.half_hours()) {
        if trips > 0 && std::mem::take(&mut first) {
            let (half_hour, trips) = change(half_hour, trips);
            changed.add(half_hour, trips);
        } else {
            changed.add(half_hour, trips);
        }
    }
    changed
}

/// Wants just these differences: of each, the words that it begins with.
fn hold(statement: &str, mut found: Vec<String>, expected: &[impl AsRef<str>]) {
    for words in expected {
        let words = words.as_ref();
        let index = found.iter().position(|text| text.starts_with(words));
        let index = index.unwrap_or_else(|| panic!("{statement}: no {words:?} in {found:#?}"));
        found.remove(index);
    }
    assert!(found.is_empty(), "{statement}: {found:#?}");
}

/// Bytes in SQL.
fn literal(bytes: &[u8]) -> String {
    let mut literal = String::from(if on_postgres() { "bytea '\\x" } else { "x'" });
    for byte in bytes {
        write!(literal, "{byte:02x}").unwrap();
    }
    literal + "'"
}

/// A condition that holds for the first row of a table alone.
fn first(table: &str) -> String {
    nth(table, 0)
}

/// A condition that holds for one row of a table alone, by its place in the order of the key.
fn nth(table: &str, offset: u32) -> String {
    let key = match table {
        "weekly_histogram" => "trip_end, cell, region_id, iso_year",
        "flow_histogram" => "origin_cell",
        "trip_patch" => "trip_end, cell, segment_id, batch",
        "trip_total" => "region_id, datasource_id",
        _ => "ingestion_id, region_id, datasource_id",
    };
    format!("({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {offset})")
}

/// A condition that holds for one patch of destinations.
const A_DESTINATION: &str = "(trip_end, cell, segment_id, batch) = \
     (SELECT trip_end, cell, segment_id, batch FROM trip_patch \
     WHERE trip_end = 1 AND segment_id = 2 ORDER BY cell, batch LIMIT 1)";

#[tokio::test]
async fn changed_histograms_are_found() {
    let sound = Sound::new().await;
    let here = first("weekly_histogram");
    for change in [
        sound.changed_histogram(|key, trips| (key, trips + 1)).await,
        sound.changed_histogram(|key, trips| (key - 1, trips)).await,
        format!("DELETE FROM weekly_histogram WHERE {here}"),
    ] {
        sound.finds(&change, &["WeeklyKey"]).await;
    }
    // Under another key: one that is missing, one too many.
    let moved = format!("UPDATE weekly_histogram SET region_id = 1000 WHERE {here}");
    sound.finds(&moved, &["WeeklyKey", "WeeklyKey"]).await;
    let place = sound.sql.place().await;
    let one_too_many = format!(
        "INSERT INTO weekly_histogram \
         SELECT trip_end, cell, region_id, 1999, counters{place} FROM weekly_histogram LIMIT 1"
    );
    sound.finds(&one_too_many, &["WeeklyKey"]).await;
}

#[tokio::test]
async fn changed_flows_are_found() {
    let sound = Sound::new().await;
    let same = |end| end;
    for change in [
        sound
            .changed_flow(same, |key, trips| (key, trips + 1))
            .await,
        sound
            .changed_flow(same, |key, trips| ((key + 1) % 48, trips))
            .await,
        // None left.
        sound.changed_flow(same, |key, _| (key, 0)).await,
    ] {
        sound.finds(&change, &["Flow("]).await;
    }
    // To another place, of another region or datasource: one that is missing, one too many.
    let elsewhere = |end: FlowEnd| FlowEnd {
        destination: end.destination - 1,
        ..end
    };
    let other_region = |end: FlowEnd| FlowEnd {
        region: 1000,
        ..end
    };
    let other_datasource = |end: FlowEnd| FlowEnd {
        datasource: 1000,
        ..end
    };
    for change in [
        sound
            .changed_flow(elsewhere, |key, trips| (key, trips))
            .await,
        sound
            .changed_flow(other_region, |key, trips| (key, trips))
            .await,
        sound
            .changed_flow(other_datasource, |key, trips| (key, trips))
            .await,
    ] {
        sound.finds(&change, &["Flow(", "Flow("]).await;
    }
    // Of a whole place.
    let here = first("flow_histogram");
    let bytes = sound.bytes("flows", "flow_histogram", &here).await;
    let flows = Flows::entries(&bytes).count();
    let gone = format!("DELETE FROM flow_histogram WHERE {here}");
    let verification = sound.verification_after(&gone).await;
    assert_eq!(verification.differing, flows as u64);
}

const ROWS: &str = "rows";
const ORIGINS: &str = "patches of origins";
const DESTINATIONS: &str = "patches of destinations";
const SUMMARIES: &str = "trip summaries";

/// What is said of an ingestion.
fn of(ingestion: u32, differences: &[&str]) -> Vec<String> {
    let differences = differences.iter();
    differences
        .map(|difference| format!("ingestion {ingestion}, {difference}"))
        .collect()
}

type Change = fn(&mut Vec<PatchTrip>);

/// The least there is: by a fraction of a nanometre.
fn nudge(degrees: &mut f64) {
    *degrees = f64::from_bits(degrees.to_bits() ^ 1);
}

#[tokio::test]
async fn changed_patches_of_origins_are_found() {
    let sound = Sound::new().await;
    let here = first("trip_patch");
    let counted = [ROWS, DESTINATIONS, SUMMARIES];
    let changes: [(Change, &[&str]); 8] = [
        (|trips| trips[0].line += 1_000_000, &[DESTINATIONS]),
        (|trips| nudge(&mut trips[0].other[1]), &[DESTINATIONS]),
        (
            |trips| trips[0].micros_of_week ^= 1,
            &[DESTINATIONS, SUMMARIES],
        ),
        (
            |trips| trips[0].key = other_week(trips[0].key),
            &[DESTINATIONS, SUMMARIES],
        ),
        (|trips| trips[0].other_cell -= 1 << 18, &[ORIGINS]),
        (|trips| trips.truncate(trips.len() - 1), &counted),
        (|trips| trips.push(trips[0]), &counted),
        (Vec::clear, &counted),
    ];
    for (change, expected) in changes {
        let statement = sound.changed_patch(TripEnd::Origin, &here, change).await;
        sound
            .finds_beside_histograms(&statement, &of(1, expected))
            .await;
    }
    let other: Change = |trips| trips[0].ingestion += 1;
    let statement = sound.changed_patch(TripEnd::Origin, &here, other).await;
    let mut expected = of(1, &counted);
    expected.push("segment 1, patches of origins of ingestion 2".to_owned());
    sound.finds_beside_histograms(&statement, &expected).await;
    let delete = format!("DELETE FROM trip_patch WHERE {here}");
    sound
        .finds_beside_histograms(&delete, &of(1, &counted))
        .await;
    // Citus lets nobody change the column that rows are spread by.
    if !sound.sql.is_distributed().await {
        let elsewhere = format!("UPDATE trip_patch SET cell = cell + 1 WHERE {here}");
        sound
            .finds_beside_histograms(&elsewhere, &of(1, &[ORIGINS, DESTINATIONS]))
            .await;
    }
    // A patch that has gone over to another segment.
    let moved = format!("UPDATE trip_patch SET segment_id = 2, batch = 9 WHERE {here}");
    let mut expected = of(1, &counted);
    expected.push("segment 2, patches of origins of ingestion 1".to_owned());
    sound.finds_beside_histograms(&moved, &expected).await;
}

fn other_week(key: TripKey) -> TripKey {
    let week = Week::from_number(key.week_number() + 1).unwrap();
    TripKey::new(week, key.region(), key.datasource())
}

#[tokio::test]
async fn changed_patches_of_destinations_are_found() {
    let sound = Sound::new().await;
    let changes: [Change; 7] = [
        |trips| nudge(&mut trips[0].position[0]),
        |trips| trips[0].line += 1_000_000,
        |trips| trips[0].micros_of_week ^= 1,
        |trips| trips[0].other_cell -= 1 << 18,
        |trips| trips.truncate(trips.len() - 1),
        |trips| trips.push(trips[0]),
        Vec::clear,
    ];
    let expected = of(2, &[DESTINATIONS]);
    for change in changes {
        let statement = sound
            .changed_patch(TripEnd::Destination, A_DESTINATION, change)
            .await;
        sound.finds_beside_histograms(&statement, &expected).await;
    }
    let other: Change = |trips| trips[0].ingestion += 1;
    let statement = sound
        .changed_patch(TripEnd::Destination, A_DESTINATION, other)
        .await;
    let mut strayed = expected.clone();
    strayed.push("segment 2, patches of destinations of ingestion 3".to_owned());
    sound.finds_beside_histograms(&statement, &strayed).await;
    let delete = format!("DELETE FROM trip_patch WHERE {A_DESTINATION}");
    sound.finds_beside_histograms(&delete, &expected).await;
    if !sound.sql.is_distributed().await {
        let elsewhere = format!("UPDATE trip_patch SET cell = cell + 1 WHERE {A_DESTINATION}");
        sound.finds_beside_histograms(&elsewhere, &expected).await;
    }
}

/// What is stored only once is guarded by the checksum.
#[tokio::test]
async fn a_patch_that_does_not_fit_its_checksum_is_found() {
    let sound = Sound::new().await;
    let here = first("trip_patch");
    let changes: [Change; 2] = [
        |trips| nudge(&mut trips[0].position[0]),
        |trips| trips[0].arrived_at = LocalTime::from_micros(0),
    ];
    for change in changes {
        let statement = sound.changed_patch(TripEnd::Origin, &here, change).await;
        let kept = statement.split_once(", keys").unwrap().1;
        let statement = format!("UPDATE trip_patch SET keys{kept}");
        let verification = sound.verification_after(&statement).await;
        let [broken] = verification.broken.as_slice() else {
            panic!("{verification:#?}");
        };
        assert!(broken.starts_with("trip_patch, "), "{broken}");
    }
}

#[tokio::test]
async fn changed_summaries_are_found() {
    let sound = Sound::new().await;
    let here = first("trip_summary");
    for change in [
        "DELETE FROM trip_summary",
        "UPDATE trip_summary SET trips = trips + 1",
        "UPDATE trip_summary SET region_id = 1000",
        "UPDATE trip_summary SET departures = departures + 1",
        "UPDATE trip_summary SET first_departed_at = '2019-01-01 00:00:00'",
        "UPDATE trip_summary SET last_departed_at = '2031-01-01 00:00:00'",
    ] {
        sound
            .finds(
                &format!("{change} WHERE {here}"),
                &["ingestion 1, trip summaries"],
            )
            .await;
    }
    sound
        .finds(
            "UPDATE ingestion SET rows_ingested = rows_ingested - 1 WHERE id = 2",
            &["ingestion 2, rows"],
        )
        .await;
}

#[tokio::test]
async fn changed_totals_are_found() {
    let sound = Sound::new().await;
    let here = first("trip_total");
    for change in [
        "DELETE FROM trip_total",
        "UPDATE trip_total SET trips = trips - 1",
        "UPDATE trip_total SET first_departed_at = '2019-01-01 00:00:00'",
        "UPDATE trip_total SET last_departed_at = '2031-01-01 00:00:00'",
    ] {
        let change = format!("{change} WHERE {here}");
        sound.finds(&change, &["total of region"]).await;
    }
    let moved = format!("UPDATE trip_total SET region_id = 1000 WHERE {here}");
    let moved_total = ["total of region 1,", "total of region 1000,"];
    sound.finds(&moved, &moved_total).await;
}

/// `SQLite` keeps no sign of a zero in a row; patches do.
#[tokio::test]
async fn a_zero_with_a_sign_is_no_difference() {
    let backend = Backend::start().await;
    let mut file = File::default();
    let time = NaiveDate::from_ymd_opt(2021, 3, 4).unwrap();
    let time = time.and_hms_opt(5, 6, 7).unwrap();
    for (lon, lat) in [(-0.0, 51.5), (9.0, -0.0), (-0.0, 90.0), (-0.0, -0.0)] {
        file.push("Zero", "funny_car", (lon, lat), (lat, lon), time);
    }
    assert_eq!(backend.ingest(&file.csv).await.rows_ingested, 4);
    let verification = verify(&backend.store).await.unwrap();
    assert_eq!(
        (verification.trips, verification.differing),
        (4, 0),
        "{verification:#?}"
    );
}

/// Of each, the table, the key and the reason; and the others are found as well.
#[tokio::test]
async fn every_broken_row_is_named() {
    let sound = Sound::new().await;
    let set = |table: &str, column: &str, bytes: &[u8], offset: u32| {
        let (bytes, here) = (literal(bytes), nth(table, offset));
        format!("UPDATE {table} SET {column} = {bytes} WHERE {here}")
    };
    for statement in [
        set("weekly_histogram", "counters", &[0xff], 0),
        set("weekly_histogram", "counters", &[0x81], 3),
        set("flow_histogram", "flows", &[0xff], 0),
        set("trip_patch", "points", &[0], 0),
        set("trip_patch", "rest", &[], 1),
    ] {
        sound.tamper(&statement).await;
    }
    let broken = sound.verification().await.broken;
    assert_eq!(broken.len(), 5, "{broken:#?}");
    for (table, key, reason) in [
        (
            "weekly_histogram",
            "trip_end = 0, cell = ",
            "corrupt at byte 0",
        ),
        ("weekly_histogram", "region_id = ", "corrupt at byte 0"),
        ("flow_histogram", "origin_cell = ", "corrupt"),
        ("trip_patch", "segment_id = 1, batch = 0", "trip patch"),
    ] {
        let named = |text: &&String| {
            text.starts_with(&format!("{table}, ")) && text.contains(key) && text.contains(reason)
        };
        assert!(
            broken.iter().any(|text| named(&text)),
            "{table}: {broken:#?}"
        );
    }
    // A question that meets one names it, for the log.
    let everything = Selection::default();
    let average = weekly_average(&sound.backend.store, &everything, None, None);
    let error = average.await.unwrap_err().to_string();
    for words in ["weekly_histogram", "cell = ", "corrupt at byte 0"] {
        assert!(error.contains(words), "{error}");
    }
}

/// What belongs to no visible ingestion would be counted in answers all the same.
#[tokio::test]
async fn what_belongs_to_no_ingestion_is_found() {
    let sound = Sound::new().await;
    let summary = "INSERT INTO trip_summary SELECT 77, region_id, datasource_id, trips, \
                   first_departed_at, last_departed_at, departures, west, south, east, north \
                   FROM trip_summary LIMIT 1";
    sound
        .finds(summary, &["ingestion 77, trip summaries"])
        .await;
    let place = sound.sql.place().await;
    let patch = format!(
        "INSERT INTO trip_patch SELECT trip_end, cell, 77, batch, checksum, keys, points, \
         others, rest{place} FROM trip_patch WHERE trip_end = 0 LIMIT 1"
    );
    sound
        .finds(&patch, &["segment 77, patches of origins of ingestion 1"])
        .await;
}

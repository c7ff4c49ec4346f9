//! Comparing the table `trip` with the patches that it was filled from.

use std::collections::HashMap;

use super::Verification;
use super::packed::Trips;
use crate::model::IngestionId;
use crate::store::{Error, Snapshot, SqlRows, SqlTrip};

/// The trips of ingestions, as the rows of `trip` should be.
pub(super) type Expected = HashMap<IngestionId, Trips>;

impl Trips {
    /// Adds a row of `trip`.
    pub(super) fn add_row(&mut self, trip: &SqlTrip) {
        // SQLite stores -0.0 as 0.
        let [origin, destination] = [trip.origin, trip.destination]
            .map(|point| [point.lon(), point.lat()].map(|degrees| (degrees + 0.0).to_bits()));
        let key = (trip.line, trip.region, trip.datasource);
        self.add(&(key, origin, destination, trip.departed_at, trip.arrived_at));
    }
}

/// Compares the rows of each ingestion with its trips. Ingestions whose trips could not be read are
/// left out.
pub(super) async fn verify(
    snapshot: &Snapshot,
    mut expected: Expected,
    verification: &mut Verification,
) -> Result<(), Error> {
    let mut found = Expected::new();
    snapshot
        .sql_trips(|trip| {
            found.entry(trip.ingestion).or_default().add_row(&trip);
            Ok(())
        })
        .await?;
    let mut begun = HashMap::new();
    for (id, rows) in snapshot.sql_rows().await? {
        let found = found.remove(&id).unwrap_or_default();
        let what = format!("ingestion {id}, rows of the table trip");
        match (rows, expected.remove(&id)) {
            (SqlRows::All, Some(expected)) => verification.compare(what, &expected, &found),
            (SqlRows::Begun(segment), Some(_)) => *begun.entry(segment).or_default() += found.count,
            (SqlRows::None, _) if found.count > 0 => {
                verification.compare(what, &Trips::default(), &found);
            }
            _ => {}
        }
    }
    for (segment, rows) in snapshot.begun_sql_rows().await? {
        let found = begun.remove(&segment).unwrap_or_default();
        verification.compare(
            format!("segment {segment}, rows of the table trip"),
            &rows,
            &found,
        );
    }
    // The others belong to no ingestion.
    let mut strays: Vec<_> = found.into_iter().collect();
    strays.sort_unstable_by_key(|(id, _)| *id);
    for (id, found) in strays {
        let what = format!("ingestion {id}, rows of the table trip");
        verification.compare(what, &Trips::default(), &found);
    }
    Ok(())
}

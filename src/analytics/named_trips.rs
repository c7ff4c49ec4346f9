//! Trips of patches with the names of their regions and datasources.

use std::collections::{BTreeSet, HashMap};

use crate::model::{CorruptPatch, PatchTrip, Trip, TripKey};
use crate::store::{Error, Snapshot};

/// Trips with the names of their regions and datasources.
pub(super) async fn named(
    snapshot: &Snapshot,
    trips: impl Iterator<Item = PatchTrip> + Clone,
) -> Result<Vec<Trip>, Error> {
    let ids = |id: fn(TripKey) -> u32| {
        let ids: BTreeSet<_> = trips.clone().map(|trip| id(trip.key)).collect();
        ids.into_iter().collect::<Vec<_>>()
    };
    let regions = snapshot.region_names(&ids(TripKey::region)).await?;
    let datasources = snapshot.datasource_names(&ids(TripKey::datasource)).await?;
    let name = |names: &HashMap<u32, String>, id| {
        let name = names.get(&id).cloned();
        name.ok_or(Error::Corrupt("name"))
    };
    trips
        .map(|trip| {
            let [origin, destination] = trip.points()?;
            Ok(Trip {
                ingestion_id: trip.ingestion,
                line: trip.line,
                region: name(&regions, trip.key.region())?,
                datasource: name(&datasources, trip.key.datasource())?,
                origin,
                destination,
                departed_at: trip.departed_at().ok_or(CorruptPatch)?,
                arrived_at: trip.arrived_at,
            })
        })
        .collect()
}

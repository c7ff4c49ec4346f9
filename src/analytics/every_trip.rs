//! All trips of a selection with their names, read from the patches of their origins: only these hold
//! a trip whole.

use std::collections::HashMap;

use super::rows::NamedTrip;
use super::selected::each_by_origin;
use crate::model::{CorruptPatch, PatchDepth, PatchTrip, Selection};
use crate::store::{Error, Snapshot};

/// Visits each trip of a selection once, in no order.
pub(super) async fn every_trip(
    snapshot: &Snapshot,
    selection: &Selection,
    mut visit: impl FnMut(NamedTrip<'_>) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let regions = snapshot.all_region_names().await?;
    let datasources = snapshot.all_datasource_names().await?;
    each_by_origin(snapshot, selection, PatchDepth::Rest, |scanned| {
        let trip = scanned.part.trip(scanned.row, scanned.other_cell)?;
        visit(named(&trip, &regions, &datasources)?)
    })
    .await
}

fn named<'a>(
    trip: &PatchTrip,
    regions: &'a HashMap<u32, String>,
    datasources: &'a HashMap<u32, String>,
) -> Result<NamedTrip<'a>, Error> {
    let name = |names: &'a HashMap<u32, String>, id| {
        let name = names.get(&id).map(String::as_str);
        name.ok_or(Error::Corrupt("name"))
    };
    let [origin, destination] = trip.points()?;
    Ok(NamedTrip {
        region: name(regions, trip.key.region())?,
        datasource: name(datasources, trip.key.datasource())?,
        origin,
        destination,
        departed_at: trip.departed_at().ok_or(CorruptPatch)?,
        arrived_at: trip.arrived_at,
    })
}

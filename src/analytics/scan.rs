//! Reading trips from patches, from whichever end they are packed.

use crate::geo::Resolution;
use crate::geo::parent_index;
use crate::model::{End, KeyFilter, Selection, read_ends};
use crate::store::{Error, PatchRecord};

/// What a patch knows of a trip.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatchTrip {
    /// The leaf cell of the origin.
    pub(super) origin_cell: u64,
    /// The leaf cell of the destination.
    pub(super) destination_cell: u64,
    /// Whether the origin lies in the selection's area; true where it has none.
    pub(super) origin_inside: bool,
    /// Whether the destination does.
    pub(super) destination_inside: bool,
    /// Half-hour of the day, 0–47.
    pub(super) slot: u8,
    /// The line of its file.
    pub(super) line: u64,
}

impl PatchTrip {
    /// Its cells at a resolution: origin, destination.
    pub(super) fn cells(&self, resolution: Resolution) -> (u64, u64) {
        (
            parent_index(self.origin_cell, resolution),
            parent_index(self.destination_cell, resolution),
        )
    }
}

/// Hands on the trips of a patch that a selection keeps.
pub(super) fn visit_trips(
    patch: PatchRecord<'_>,
    selection: &Selection,
    filter: &KeyFilter,
    mut visit: impl FnMut(PatchTrip) -> Result<(), Error>,
) -> Result<(), Error> {
    for (point, rest) in read_ends(patch.points, patch.rest)? {
        if !filter.admits(point.key) {
            continue;
        }
        let inside = |lon, lat| {
            selection
                .area
                .is_none_or(|area| area.bbox.contains(lon, lat))
        };
        let this = (patch.cell, inside(point.lon, point.lat));
        let other = (rest.other_cell, inside(rest.other_lon, rest.other_lat));
        let (origin, destination) = match patch.end {
            End::Origin => (this, other),
            End::Destination => (other, this),
        };
        let ends = selection.area.map(|area| area.ends).unwrap_or_default();
        if ends.admit(origin.1, destination.1) {
            visit(PatchTrip {
                origin_cell: origin.0,
                destination_cell: destination.0,
                origin_inside: origin.1,
                destination_inside: destination.1,
                slot: rest.slot,
                line: rest.line,
            })?;
        }
    }
    Ok(())
}

//! Reading trips from patches, from whichever end they are packed.

use crate::geo::{Point, Resolution, leaf_cell, parent_index, resolution_of};
use crate::model::{CorruptPatch, End, KeyFilter, Selection, read_ends};
use crate::store::{Error, PatchRecord};

/// What a patch knows of a trip.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatchTrip {
    /// The leaf cell of the origin.
    origin_cell: u64,
    /// The leaf cell of the destination.
    destination_cell: u64,
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
    let ends = selection.area.map(|area| area.ends).unwrap_or_default();
    let is_leaf = resolution_of(patch.cell) == Resolution::LEAF.get();
    for (point, rest) in read_ends(patch.points, patch.rest)? {
        if !filter.admits(point.key) {
            continue;
        }
        let inside = |lon, lat| {
            selection
                .area
                .is_none_or(|area| area.bbox.contains(lon, lat))
        };
        let this_inside = inside(point.lon, point.lat);
        let other_inside = inside(rest.other_lon, rest.other_lat);
        let (origin_inside, destination_inside) = match patch.end {
            End::Origin => (this_inside, other_inside),
            End::Destination => (other_inside, this_inside),
        };
        if !ends.admit(origin_inside, destination_inside) {
            continue;
        }
        let this_cell = if is_leaf {
            patch.cell
        } else {
            let point = Point::new(point.lon, point.lat).map_err(|_| CorruptPatch)?;
            leaf_cell(point).into()
        };
        let (origin_cell, destination_cell) = match patch.end {
            End::Origin => (this_cell, rest.other_cell),
            End::Destination => (rest.other_cell, this_cell),
        };
        visit(PatchTrip {
            origin_cell,
            destination_cell,
            origin_inside,
            destination_inside,
            slot: rest.slot,
            line: rest.line,
        })?;
    }
    Ok(())
}

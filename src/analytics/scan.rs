//! Reading trips from patches of origins or destinations.

use crate::geo::{LeafCells, Point, Resolution, parent_index, resolution_of};
use crate::model::{CorruptPatch, KeyFilter, PatchEnds, Selection, TripEnd};
use crate::store::{Error, StoredPatch};

/// The properties of a trip that a patch holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct PatchTrip {
    /// The leaf cell of the origin.
    origin_cell: u64,
    /// The leaf cell of the destination.
    destination_cell: u64,
    /// Half-hour of the day, 0–47.
    pub(super) half_hour: u8,
    /// Line of the file.
    pub(super) line: u64,
}

impl PatchTrip {
    /// The cells of origin and destination at a resolution.
    pub(super) fn cells(&self, resolution: Resolution) -> (u64, u64) {
        (
            parent_index(self.origin_cell, resolution),
            parent_index(self.destination_cell, resolution),
        )
    }
}

/// Visits the trips of a patch that a selection includes. If it has an area, `admit` decides
/// whether a trip counts. Its arguments are whether the packed end is in the area, and whether the
/// other end is, which only patches of origins know; for others it is `false`.
pub(super) fn visit_trips(
    patch: StoredPatch<'_>,
    cells: &mut LeafCells,
    selection: &Selection,
    filter: &KeyFilter,
    admit: impl Fn(bool, bool) -> bool,
    mut visit: impl FnMut(PatchTrip) -> Result<(), Error>,
) -> Result<(), Error> {
    let is_leaf = resolution_of(patch.cell) == Resolution::LEAF.get();
    for ends in PatchEnds::parts(patch.end, patch.points, patch.rest) {
        let ends = ends?;
        for row in ends.rows() {
            if !filter.admits(ends.points().key(row)) {
                continue;
            }
            if let Some(area) = &selection.area {
                let inside = |[lon, lat]: [f64; 2]| area.bbox.contains(lon, lat);
                let this = inside(ends.points().position(row));
                if !admit(this, ends.other(row).is_some_and(inside)) {
                    continue;
                }
            }
            let this_cell = if is_leaf {
                patch.cell
            } else {
                let [lon, lat] = ends.points().position(row);
                cells.index(Point::new(lon, lat).map_err(|_| CorruptPatch)?)
            };
            let (origin_cell, destination_cell) = match patch.end {
                TripEnd::Origin => (this_cell, ends.other_cell(row)),
                TripEnd::Destination => (ends.other_cell(row), this_cell),
            };
            visit(PatchTrip {
                origin_cell,
                destination_cell,
                half_hour: ends.half_hour(row),
                line: ends.line(row),
            })?;
        }
    }
    Ok(())
}

//! Reading trips from patches of origins or destinations.

use crate::geo::{LeafCells, Point, Resolution, parent_index, resolution_of};
use crate::model::{CorruptPatch, KeyFilter, PatchPart, Selection, TripEnd};
use crate::store::{Error, StoredPatch};

/// A trip of a patch, where it lies in it.
pub(super) struct ScannedTrip<'p, 'a> {
    /// The part of the patch.
    pub(super) part: &'p PatchPart<'a>,
    /// The trip's row in it.
    pub(super) row: u32,
    /// The leaf cells of origin and destination.
    leaf_cells: [u64; 2],
    /// The leaf cell of the other end.
    pub(super) other_cell: u64,
}

impl ScannedTrip<'_, '_> {
    /// The cells of origin and destination at a resolution.
    pub(super) fn cells(&self, resolution: Resolution) -> [u64; 2] {
        self.leaf_cells.map(|leaf| parent_index(leaf, resolution))
    }

    /// Half-hour of the day of departure, 0–47.
    pub(super) fn half_hour(&self) -> u8 {
        self.part.half_hour(self.row)
    }
}

/// Visits the trips of a patch that a selection includes. If it has an area, `admit` decides
/// whether a trip counts. Its arguments are whether the packed end is in the area, and whether the
/// other end is, which is `false` where the position of the other end was not read.
pub(super) fn visit_trips(
    patch: StoredPatch<'_>,
    cells: &mut LeafCells,
    selection: &Selection,
    filter: &KeyFilter,
    admit: impl Fn(bool, bool) -> bool,
    mut visit: impl FnMut(ScannedTrip<'_, '_>) -> Result<(), Error>,
) -> Result<(), Error> {
    for part in patch.parts() {
        let part = part?;
        for (other_cell, rows) in part.runs() {
            for row in rows {
                if !filter.admits(part.key(row)) {
                    continue;
                }
                if let Some(area) = &selection.area {
                    let inside = |[lon, lat]: [f64; 2]| area.bbox.contains(lon, lat);
                    let this = inside(part.position(row).ok_or(CorruptPatch)?);
                    if !admit(this, part.other(row).is_some_and(inside)) {
                        continue;
                    }
                }
                let this_cell = leaf_of(patch.cell, &part, row, cells)?;
                let leaf_cells = match patch.end {
                    TripEnd::Origin => [this_cell, other_cell],
                    TripEnd::Destination => [other_cell, this_cell],
                };
                visit(ScannedTrip {
                    part: &part,
                    row,
                    leaf_cells,
                    other_cell,
                })?;
            }
        }
    }
    Ok(())
}

/// The leaf cell of the packed end of a trip: the patch's cell, or, if that is larger, the one of
/// its position.
pub(super) fn leaf_of(
    patch_cell: u64,
    part: &PatchPart<'_>,
    row: u32,
    cells: &mut LeafCells,
) -> Result<u64, CorruptPatch> {
    if resolution_of(patch_cell) == Resolution::LEAF.get() {
        return Ok(patch_cell);
    }
    let [lon, lat] = part.position(row).ok_or(CorruptPatch)?;
    Ok(cells.index(Point::new(lon, lat).map_err(|_| CorruptPatch)?))
}

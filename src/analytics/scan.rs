//! Reading trips from patches of origins or destinations.

use super::inside_leaves::InsideLeaves;
use crate::geo::{self, LeafCells, Point, Resolution, parent_index, resolution_of};
use crate::model::{Area, CorruptPatch, KeyFilter, PatchDepth, PatchPart, TripEnd, TripEndRule};
use crate::store::{Error, StoredPatch};

/// A trip of a patch, where it lies in it.
pub(super) struct ScannedTrip<'p, 'a> {
    /// The part of the patch.
    pub(super) part: &'p PatchPart<'a>,
    /// The trip's row in it.
    pub(super) row: u32,
    /// The leaf cell of the other end.
    pub(super) other_cell: u64,
    /// The cell of the patch, in which the packed end is.
    pub(super) patch_cell: u64,
    /// The packed end.
    end: TripEnd,
}

impl ScannedTrip<'_, '_> {
    /// The leaf cells of origin and destination. Of a patch that is larger than a leaf cell,
    /// positions must have been read.
    pub(super) fn leaf_cells(&self, cells: &mut LeafCells) -> Result<[u64; 2], CorruptPatch> {
        let this = leaf_of(self.patch_cell, self.part, self.row, cells)?;
        Ok(match self.end {
            TripEnd::Origin => [this, self.other_cell],
            TripEnd::Destination => [self.other_cell, this],
        })
    }

    /// The cells of origin and destination at a resolution.
    pub(super) fn cells(
        &self,
        resolution: Resolution,
        cells: &mut LeafCells,
    ) -> Result<[u64; 2], CorruptPatch> {
        let leaves = self.leaf_cells(cells)?;
        Ok(leaves.map(|leaf| parent_index(leaf, resolution)))
    }

    /// Half-hour of the day of departure, 0–47.
    pub(super) fn half_hour(&self) -> u8 {
        self.part.half_hour(self.row)
    }
}

/// Which trips of the patches of one end a question counts.
///
/// Patches are read end by end. A trip that counts by either end is counted where its destination is
/// read if that is in the area, else where its origin is.
pub(super) struct EndScan<'a> {
    end: TripEnd,
    filter: &'a KeyFilter,
    area: Option<(&'a geo::Area, TripEndRule)>,
    /// Leaf cells inside the area.
    inside: &'a InsideLeaves,
    /// Whether no patches of the other end are read.
    alone: bool,
}

impl<'a> EndScan<'a> {
    /// The scan of the patches of an end. `inside` may leave out leaf cells.
    pub(super) fn new(
        end: TripEnd,
        filter: &'a KeyFilter,
        area: Option<&'a Area>,
        inside: &'a InsideLeaves,
    ) -> Self {
        Self {
            end,
            filter,
            area: area.map(|area| (&area.place, area.ends)),
            inside,
            alone: false,
        }
    }

    /// The scan of the patches of origins alone, whatever the rule.
    pub(super) fn of_origins(
        filter: &'a KeyFilter,
        area: Option<&'a Area>,
        inside: &'a InsideLeaves,
    ) -> Self {
        Self {
            alone: true,
            ..Self::new(TripEnd::Origin, filter, area, inside)
        }
    }

    /// The ends whose patches must be read for a rule.
    pub(super) const fn ends(rule: TripEndRule) -> &'static [TripEnd] {
        match rule {
            TripEndRule::Origin | TripEndRule::Both => &[TripEnd::Origin],
            TripEndRule::Destination => &[TripEnd::Destination],
            TripEndRule::Either => &TripEnd::ALL,
        }
    }

    /// How deep patches must be read at least: those whose trip ends are all in the area, and
    /// others.
    pub(super) fn depth(&self, all_inside: bool) -> PatchDepth {
        if self.needs_other() {
            PatchDepth::Others
        } else if all_inside {
            PatchDepth::Keys
        } else {
            PatchDepth::Points
        }
    }

    /// Whether the other end of a trip decides, too.
    fn needs_other(&self) -> bool {
        let decides = match self.area {
            None | Some((_, TripEndRule::Origin)) => false,
            Some((_, TripEndRule::Both | TripEndRule::Either)) => true,
            Some((_, TripEndRule::Destination)) => self.alone,
        };
        decides && self.end == TripEnd::Origin
    }

    /// Whether a trip counts, given which of its ends are in the area; the other one is `false` if
    /// it does not decide.
    fn admits(&self, this: bool, other: bool) -> bool {
        match self.area {
            None => true,
            Some((_, rule)) if self.alone => rule.admit(this, other),
            Some((_, TripEndRule::Both)) => this && other,
            Some((_, TripEndRule::Either)) => this && !(self.needs_other() && other),
            Some((_, TripEndRule::Origin | TripEndRule::Destination)) => this,
        }
    }

    /// Visits the trips of a patch that count.
    pub(super) fn visit(
        &self,
        patch: StoredPatch<'_>,
        mut visit: impl FnMut(ScannedTrip<'_, '_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let all_inside = self.area.is_none() || self.inside.holds(patch.cell);
        let contains = |position: Option<[f64; 2]>| {
            let [lon, lat] = position.ok_or(CorruptPatch)?;
            Ok::<_, CorruptPatch>(self.area.is_none_or(|(area, _)| area.contains(lon, lat)))
        };
        for part in patch.parts() {
            let part = part?;
            let Some(filter) = self.filter.of_part(&part) else {
                continue;
            };
            for (other_cell, rows) in part.runs() {
                let needs_other = self.needs_other();
                let other_inside = needs_other && self.inside.contains(other_cell);
                for row in rows {
                    if !filter.admits(row) {
                        continue;
                    }
                    let this = all_inside || contains(part.position(row))?;
                    let other = (this || self.alone)
                        && needs_other
                        && (other_inside || contains(part.other(row))?);
                    if self.admits(this, other) {
                        visit(ScannedTrip {
                            part: &part,
                            row,
                            other_cell,
                            end: patch.end,
                            patch_cell: patch.cell,
                        })?;
                    }
                }
            }
        }
        Ok(())
    }
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

//! Which zone the trip ends of a place are in.

use std::collections::HashSet;

use h3o::CellIndex;

use super::cover::{CELL_BYTES, only, patches_within, prunes};
use crate::geo::{
    self, CellRange, LEVELS, Resolution, ZoneOfCell, Zones, parent_index, resolution_of,
};
use crate::model::{CorruptPatch, TripEnd};
use crate::store::{Error, Snapshot};

/// The cells that some zones touch; cells without trip ends may be left out.
#[derive(Debug, Default)]
pub(super) struct ZoneCover {
    /// Cells of any level whose trip ends are all in one zone, and the zone; or all in none.
    whole: Vec<(CellIndex, Option<u32>)>,
    /// Cells of any level whose trip ends may be in several zones.
    edge: Vec<CellIndex>,
}

impl ZoneCover {
    /// Covers zones as [`Cover`](super::cover::Cover) covers an area.
    pub(super) async fn of(
        snapshot: &Snapshot,
        end: TripEnd,
        zones: &Zones,
    ) -> Result<Self, Error> {
        let mut cover = Self::default();
        let mut found: Vec<_> = geo::roots()
            .map(|cell| (cell, zones.of_cell(cell)))
            .collect();
        loop {
            snapshot.count_work(CELL_BYTES * found.len());
            let mut edge = Vec::new();
            for (cell, zone) in found {
                match zone {
                    ZoneOfCell::Whole(zone) => cover.whole.push((cell, zone)),
                    ZoneOfCell::Edge => edge.push(cell),
                }
            }
            if edge.is_empty() {
                return Ok(cover);
            }
            if prunes(snapshot, &edge) {
                let indexes: Vec<_> = edge.iter().map(|&cell| cell.into()).collect();
                let occupied = snapshot.occupied(end, &indexes).await?;
                let occupied: HashSet<_> = occupied.into_iter().collect();
                edge.retain(|&cell| occupied.contains(&cell.into()));
            }
            cover.edge.extend(&edge);
            found = edge
                .into_iter()
                .flat_map(|cell| zones.refine(cell))
                .collect();
        }
    }

    /// The cells whose trip ends are all in one zone, and the zone.
    pub(super) fn in_zones(&self) -> impl Iterator<Item = (CellIndex, u32)> {
        let whole = self.whole.iter();
        whole.filter_map(|&(cell, zone)| Some((cell, zone?)))
    }

    /// The cells whose patches may hold trip ends in zones that no histogram of [`in_zones`]
    /// counts.
    ///
    /// [`in_zones`]: Self::in_zones
    pub(super) fn uncounted_ranges(&self) -> Vec<CellRange> {
        let cells = self.in_zones().map(|(cell, _)| cell);
        let sparse = cells.filter(|cell| cell.resolution() < Resolution::LEAF.into());
        sparse.chain(self.edge.iter().copied()).map(only).collect()
    }

    /// The cells whose patches hold only trip ends of one zone, or of none.
    pub(super) fn whole_ranges(&self) -> Vec<CellRange> {
        let whole = self.whole.iter();
        whole.flat_map(|&(cell, _)| patches_within(cell)).collect()
    }

    /// The cells whose patches may hold trip ends of several zones.
    pub(super) fn edge_ranges(&self) -> Vec<CellRange> {
        self.edge.iter().map(|&cell| only(cell)).collect()
    }
}

/// The zones of trip ends, found once for each cell where that is enough.
pub(super) struct ZoneFinder<'z> {
    zones: &'z Zones,
    cells: hashbrown::HashMap<u64, ZoneOfCell, foldhash::fast::FixedState>,
    last: (u64, ZoneOfCell),
}

impl<'z> ZoneFinder<'z> {
    pub(super) fn new(zones: &'z Zones) -> Self {
        Self {
            zones,
            cells: hashbrown::HashMap::default(),
            // No cell.
            last: (0, ZoneOfCell::Whole(None)),
        }
    }

    /// The zone of a trip end in a cell. Positions must have been read.
    pub(super) fn find(
        &mut self,
        cell: u64,
        position: Option<[f64; 2]>,
    ) -> Result<Option<u32>, CorruptPatch> {
        match self.of(cell)? {
            ZoneOfCell::Whole(zone) => Ok(zone),
            ZoneOfCell::Edge => {
                let [lon, lat] = position.ok_or(CorruptPatch)?;
                Ok(self.zones.find(lon, lat))
            }
        }
    }

    /// The zone of all trip ends in a cell of one of the levels. The largest cell around that is
    /// wholly in one zone decides, so that a cell is whole wherever a cover has it so.
    pub(super) fn of(&mut self, cell: u64) -> Result<ZoneOfCell, CorruptPatch> {
        if self.last.0 != cell {
            self.last = (cell, self.looked_up(cell)?);
        }
        Ok(self.last.1)
    }

    fn looked_up(&mut self, cell: u64) -> Result<ZoneOfCell, CorruptPatch> {
        if let Some(&zone) = self.cells.get(&cell) {
            return Ok(zone);
        }
        let resolution = resolution_of(cell);
        let mut coarser = LEVELS.into_iter().rev();
        let parent = coarser.find(|level| level.get() < resolution);
        let mut zone = match parent {
            Some(level) => self.looked_up(parent_index(cell, level))?,
            None => ZoneOfCell::Edge,
        };
        if zone == ZoneOfCell::Edge {
            let index = CellIndex::try_from(cell).map_err(|_| CorruptPatch)?;
            zone = self.zones.of_cell(index);
        }
        self.cells.insert(cell, zone);
        Ok(zone)
    }
}

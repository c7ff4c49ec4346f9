//! Covering an area with the cells that hold trips.

use std::collections::HashSet;

use h3o::CellIndex;

use crate::geo::{self, Area, CellRange, Containment, LEVELS, Resolution};
use crate::model::TripEnd;
use crate::store::{Error, Snapshot};

/// Whether cells without trips are removed from those on the edge before the others are refined; for
/// fewer cells, the lookup costs more than it saves. On a cluster, it waits for several nodes. Leaf cells are
/// not refined, so that it only shortens the list of patches.
pub(super) fn prunes(snapshot: &Snapshot, edge: &[CellIndex]) -> bool {
    let leaves = edge.first().map(|cell| cell.resolution()) == Some(Resolution::LEAF.into());
    let least = match (snapshot.is_by_place(), leaves) {
        (false, _) => 64,
        (true, false) => 128,
        (true, true) => 1_024,
    };
    edge.len() >= least
}

/// Cost of comparing a cell with an area, in bytes that are read in the same time.
pub(super) const CELL_BYTES: usize = 64;

/// The cells that an area touches; cells without trip ends may be left out.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Cells of any level whose trip ends are all in the area.
    pub(super) inside: Vec<CellIndex>,
    /// Cells of any level whose trip ends may be in the area or not. The trip ends in patches of
    /// these very cells must be tested one by one.
    pub(super) edge: Vec<CellIndex>,
}

impl Cover {
    /// Covers an area, from coarse cells to fine ones: large cells cover its interior, and small
    /// cells only its border, as far as there are trips.
    pub(super) async fn of(snapshot: &Snapshot, end: TripEnd, area: &Area) -> Result<Self, Error> {
        let mut cover = Self::default();
        let mut found: Vec<_> = geo::roots()
            .map(|cell| (cell, geo::containment(cell, area)))
            .collect();
        loop {
            snapshot.count_work(CELL_BYTES * found.len());
            let mut edge = Vec::new();
            for (cell, position) in found {
                match position {
                    Containment::Inside => cover.inside.push(cell),
                    Containment::Edge => edge.push(cell),
                    Containment::Outside => {}
                }
            }
            if edge.is_empty() {
                break;
            }
            if prunes(snapshot, &edge) {
                let indexes: Vec<_> = edge.iter().map(|&cell| cell.into()).collect();
                let occupied: HashSet<_> = snapshot
                    .occupied(end, &indexes)
                    .await?
                    .into_iter()
                    .collect();
                edge.retain(|&cell| occupied.contains(&cell.into()));
            }
            cover.edge.extend(&edge);
            found = edge
                .into_iter()
                .flat_map(|cell| geo::refine(cell, area))
                .collect();
        }
        cover.edge.sort_unstable();
        cover.inside.sort_unstable();
        Ok(cover)
    }

    /// The cells whose patches hold only trip ends in the area: `inside` with all their descendants.
    pub(super) fn inside_ranges(&self) -> Vec<CellRange> {
        let inside = self.inside.iter();
        inside.flat_map(|&cell| patches_within(cell)).collect()
    }

    /// The cells whose patches hold trip ends that may be in the area or not.
    pub(super) fn edge_ranges(&self) -> Vec<CellRange> {
        self.edge.iter().map(|&cell| only(cell)).collect()
    }

    /// The cells whose patches must be read in addition to the histograms of `inside`: cells on the
    /// edge, and cells inside that are larger than leaf cells, whose histograms do not count their
    /// own patches.
    pub(super) fn uncounted_ranges(&self) -> Vec<CellRange> {
        let inside = self.inside.iter();
        let sparse = inside.filter(|cell| cell.resolution() < Resolution::LEAF.into());
        sparse.chain(&self.edge).map(|&cell| only(cell)).collect()
    }

    /// Cells whose weekly histograms and own patches hold all trip ends of the area, and more: cells
    /// of a level on its edge, and cells of that or a coarser level inside. The patches of coarser
    /// cells on the edge, which no histogram of these cells counts, are added.
    pub(super) fn around(&self, level: Resolution) -> (Vec<u64>, Vec<CellRange>) {
        let coarse = |cell: &&CellIndex| cell.resolution() <= level.into();
        let inside = self.inside.iter().filter(coarse);
        let edge = self.edge.iter().filter(coarse);
        let on_level = edge
            .clone()
            .filter(|cell| cell.resolution() == level.into());
        let cells = inside.clone().chain(on_level).map(|&cell| cell.into());
        let patches = inside.chain(edge).map(|&cell| only(cell));
        (cells.collect(), patches.collect())
    }
}

/// The cells of the patches that are wholly within a cell, as a range per level.
pub(super) fn patches_within(cell: CellIndex) -> impl Iterator<Item = CellRange> {
    LEVELS
        .into_iter()
        .filter(move |&level| cell.resolution() <= level.into())
        .map(move |level| CellRange::descendants(cell, level))
}

/// The range of a single cell.
pub(super) fn only(cell: CellIndex) -> CellRange {
    CellRange::only(cell.into())
}

//! Covering a box with the cells that hold trips.

use std::collections::HashSet;

use h3o::CellIndex;

use crate::geo::{self, BoundingBox, CellRange, LEVELS, Position, Resolution};
use crate::model::End;
use crate::store::{Error, Snapshot};

/// From so many cells on the edge, those without trips are weeded out before they are refined:
/// below, asking costs more than it saves.
const WEED_FROM: usize = 64;

/// What it takes to place a cell, in bytes that are read in the same time.
const CELL_BYTES: usize = 64;

/// The cells a box touches, as far as they hold trip ends.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Cells of any level whose trip ends all lie in the box.
    pub(super) inside: Vec<CellIndex>,
    /// Cells of every level of which some trip ends may lie in the box and some not. Those that
    /// are packed in patches of these very cells are to be looked at one by one.
    pub(super) edge: Vec<CellIndex>,
}

impl Cover {
    /// Covers a box, from coarse cells to fine ones: where it is large, it is covered by large
    /// cells, and only along its border, as far as there are trips, by small ones.
    pub(super) async fn of(
        snapshot: &Snapshot,
        end: End,
        bbox: &BoundingBox,
    ) -> Result<Self, Error> {
        let mut cover = Self::default();
        let mut found: Vec<_> = geo::roots()
            .map(|cell| (cell, geo::position(cell, bbox)))
            .collect();
        loop {
            snapshot.count_work(CELL_BYTES * found.len());
            let mut edge = Vec::new();
            for (cell, position) in found {
                match position {
                    Position::Inside => cover.inside.push(cell),
                    Position::Edge => edge.push(cell),
                    Position::Outside => {}
                }
            }
            if edge.is_empty() {
                break;
            }
            if edge.len() >= WEED_FROM {
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
                .flat_map(|cell| geo::refine(cell, bbox))
                .collect();
        }
        cover.edge.sort_unstable();
        cover.inside.sort_unstable();
        Ok(cover)
    }

    /// The cells whose patches hold trip ends that may lie in the box: `inside` with all their
    /// descendants, and `edge`.
    pub(super) fn patch_ranges(&self) -> Vec<CellRange> {
        let inside = self.inside.iter().flat_map(|&cell| patches_within(cell));
        let edge = self.edge.iter().map(|&cell| only(cell));
        inside.chain(edge).collect()
    }

    /// The cells of the patches that are to be looked at beside the histograms of `inside`: those
    /// on the edge, and those inside whose own patches no histogram of theirs counts.
    pub(super) fn uncounted_ranges(&self) -> Vec<CellRange> {
        let inside = self.inside.iter();
        let sparse = inside.filter(|cell| cell.resolution() < Resolution::LEAF.into());
        sparse.chain(&self.edge).map(|&cell| only(cell)).collect()
    }

    /// Cells whose weekly histograms and own patches hold all trip ends of the box, and more: those of
    /// a level on its edge, and of that or coarser levels inside. Patches on coarser edges are added,
    /// which are in no histogram of these cells.
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

/// The cells of the patches that lie wholly within a cell.
pub(super) fn patches_within(cell: CellIndex) -> impl Iterator<Item = CellRange> {
    LEVELS
        .into_iter()
        .filter(move |&level| cell.resolution() <= level.into())
        .map(move |level| CellRange::descendants(cell, level))
}

/// One cell alone.
pub(super) fn only(cell: CellIndex) -> CellRange {
    let index = cell.into();
    CellRange {
        first: index,
        last: index,
    }
}

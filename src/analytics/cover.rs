//! Covering a box with the cells that hold trips.

use h3o::CellIndex;

use crate::geo::{self, BoundingBox, CellRange, Position, Resolution};
use crate::model::End;
use crate::store::{Error, Snapshot};

/// From so many cells on the edge, those without trips are weeded out before they are refined:
/// below, asking costs more than it saves.
const WEED_FROM: usize = 64;

/// The cells a box touches, as far as they hold trip ends.
#[derive(Debug, Default)]
pub(super) struct Cover {
    /// Cells of any level whose trip ends all lie in the box.
    pub(super) inside: Vec<CellIndex>,
    /// Leaf cells of which some trip ends may lie in the box and some not.
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
            let mut edge = Vec::new();
            for (cell, position) in found {
                match position {
                    Position::Inside => cover.inside.push(cell),
                    Position::Edge => edge.push(cell),
                    Position::Outside => {}
                }
            }
            let Some(first) = edge.first() else { break };
            if first.resolution() == Resolution::LEAF.into() {
                cover.edge = edge;
                break;
            }
            if edge.len() >= WEED_FROM {
                let indexes: Vec<_> = edge.iter().map(|&cell| cell.into()).collect();
                let occupied = snapshot.occupied(end, &indexes).await?;
                edge.retain(|&cell| occupied.binary_search(&cell.into()).is_ok());
            }
            found = edge
                .into_iter()
                .flat_map(|cell| geo::refine(cell, bbox))
                .collect();
        }
        cover.edge.sort_unstable();
        cover.inside.sort_unstable();
        Ok(cover)
    }

    /// The leaf cells of the cover as ranges of their indexes, ascending.
    pub(super) fn leaf_ranges(&self) -> Vec<CellRange> {
        let mut ranges: Vec<_> = self
            .inside
            .iter()
            .chain(&self.edge)
            .map(|&cell| CellRange::descendants(cell, Resolution::LEAF))
            .collect();
        ranges.sort_unstable_by_key(|range| range.first);
        ranges
    }
}

//! The levels of a descent, and how a cell is judged by where its points can be.

use std::sync::LazyLock;

use h3o::CellIndex;

use super::Resolution;
use super::extent::Extent;

/// The resolutions of a descent, coarse to fine; the last is that of leaf cells.
pub const LEVELS: [Resolution; 5] = [
    Resolution(h3o::Resolution::One),
    Resolution(h3o::Resolution::Three),
    Resolution(h3o::Resolution::Five),
    Resolution::FLOW,
    Resolution::LEAF,
];

/// All cells of the first level: 842, which together hold every point.
pub fn roots() -> impl Iterator<Item = CellIndex> {
    CellIndex::base_cells().flat_map(|base| base.children(LEVELS[0].into()))
}

/// The extents of all cells of the first level, by base cell and digit; a pentagon has no digit 1.
static ROOT_EXTENTS: LazyLock<Vec<Option<Extent>>> = LazyLock::new(|| {
    let mut extents = vec![None; ROOT_SLOTS];
    for root in roots() {
        extents[root_slot(root)] = Some(Extent::of_cap(root));
    }
    extents
});

/// 122 base cells with up to 7 children each.
const ROOT_SLOTS: usize = 122 * 7;

fn root_slot(root: CellIndex) -> usize {
    let digit = root.direction_at(LEVELS[0].into()).map_or(0, usize::from);
    usize::from(u8::from(root.base_cell())) * 7 + digit
}

/// Judges a cell of resolution 0–9 by an extent that holds all of its points; by a tighter one of a
/// leaf cell where the first one does not settle it. `None` if none does.
pub(super) fn judged<T>(cell: CellIndex, judge: impl Fn(&Extent) -> Option<T>) -> Option<T> {
    if cell.resolution() == LEVELS[0].into()
        && let Some(extent) = &ROOT_EXTENTS[root_slot(cell)]
    {
        return judge(extent);
    }
    // The cap is cheap and settles most cells.
    judge(&Extent::of_cap(cell)).or_else(|| {
        let is_leaf = cell.resolution() == Resolution::LEAF.into();
        let outline = is_leaf.then(|| Extent::of_leaf_outline(cell)).flatten();
        outline.as_ref().and_then(judge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_842_roots() {
        assert_eq!(roots().count(), 842);
        assert!(roots().all(|root| ROOT_EXTENTS[root_slot(root)].is_some()));
        assert_eq!(ROOT_EXTENTS.iter().flatten().count(), 842);
    }
}

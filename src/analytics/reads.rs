//! The order in which patches are read for groups, so that memory holds only the groups of a few
//! places.

use std::collections::BTreeMap;

use h3o::CellIndex;

use super::cover::{Cover, only, patches_within};
use super::inside_leaves::InsideLeaves;
use crate::geo::{Area, CellRange, LEVELS, Resolution, parent, parent_index};
use crate::model::TripEnd;
use crate::store::{Error, Snapshot};

/// Open groups from which on less is read at once.
const MANY_GROUPS: usize = 250_000;

/// The reads of a question.
pub(super) struct Plan {
    /// What is to be read of each cell of the first level, in the order of these cells.
    pub(super) roots: Vec<Root>,
    /// Leaf cells that are wholly inside the area.
    pub(super) inside: InsideLeaves,
}

/// What is to be read of one cell of the first level.
pub(super) struct Root {
    /// The cell of the first level.
    pub(super) cell: CellIndex,
    /// Patches of cells coarser than the resolution of flows: few trips each.
    pub(super) sparse: Vec<CellRange>,
    /// Patches of the other cells, by place: one place holds all trip ends of the cells that it
    /// touches, at the groups' resolution or at that of flows, whichever is coarser.
    pub(super) places: Vec<Vec<CellRange>>,
}

/// How much is read by one statement: more and more while few groups are open, so that a question
/// needs few statements, and less where there are many, so that memory holds them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    at_once: usize,
    most: usize,
}

impl Pace {
    /// Roots at once.
    pub(super) const ROOTS: Self = Self {
        at_once: 16,
        most: 512,
    };
    /// Places at once.
    pub(super) const PLACES: Self = Self {
        at_once: 512,
        most: 8_192,
    };

    /// The first part of what is to be read, and the rest.
    pub(super) fn split<'a, T>(&self, all: &'a [T]) -> (&'a [T], &'a [T]) {
        all.split_at(self.at_once.min(all.len()))
    }

    /// Goes on after a read that left so many groups open.
    pub(super) fn go_on(&mut self, groups: usize) {
        self.at_once = if groups < MANY_GROUPS {
            (self.at_once * 2).min(self.most)
        } else {
            (self.at_once / 2).max(1)
        };
    }

    /// Reads much less at once, after a read that found too many groups. Returns whether that is less
    /// than what was read.
    pub(super) fn slow_down(&mut self) -> bool {
        let slower = self.at_once > 1;
        self.at_once = (self.at_once / 16).max(1);
        slower
    }
}

/// Plans the reads that find every trip end that may be in an area; all trip ends if there is none.
pub(super) async fn plan(
    snapshot: &Snapshot,
    end: TripEnd,
    area: Option<&Area>,
    resolution: Resolution,
) -> Result<Plan, Error> {
    let cover = match area {
        Some(area) => Cover::of(snapshot, end, area).await?,
        None => Cover {
            inside: occupied(snapshot, end, &[CellRange::all(LEVELS[0])]).await?,
            edge: Vec::new(),
        },
    };
    let inside = InsideLeaves::of(&cover);
    let mut roots: BTreeMap<CellIndex, Places> = BTreeMap::new();
    let mut parts = Vec::new();
    for cell in cover.inside {
        let places = roots.entry(parent(cell, LEVELS[0])).or_default();
        if cell.resolution() >= Resolution::FLOW.into() {
            places
                .dense(parent(cell, Resolution::FLOW))
                .extend(patches_within(cell));
            continue;
        }
        parts.push(CellRange::descendants(cell, Resolution::FLOW));
        let larger = LEVELS
            .into_iter()
            .filter(|&level| level < Resolution::FLOW && cell.resolution() <= level.into());
        places
            .sparse
            .extend(larger.map(|level| CellRange::descendants(cell, level)));
    }
    for part in occupied(snapshot, end, &parts).await? {
        let places = roots.entry(parent(part, LEVELS[0])).or_default();
        places.dense(part).extend(patches_within(part));
    }
    for cell in cover.edge {
        let places = roots.entry(parent(cell, LEVELS[0])).or_default();
        if cell.resolution() < Resolution::FLOW.into() {
            places.sparse.push(only(cell));
        } else {
            places
                .dense(parent(cell, Resolution::FLOW))
                .push(only(cell));
        }
    }
    let roots = roots.into_iter().map(|(cell, places)| Root {
        cell,
        sparse: places.sparse,
        places: joined(places.dense, resolution),
    });
    Ok(Plan {
        roots: roots.collect(),
        inside,
    })
}

#[derive(Default)]
struct Places {
    sparse: Vec<CellRange>,
    /// By cell of the resolution of flows.
    dense: BTreeMap<CellIndex, Vec<CellRange>>,
}

impl Places {
    fn dense(&mut self, cell: CellIndex) -> &mut Vec<CellRange> {
        self.dense.entry(cell).or_default()
    }
}

async fn occupied(
    snapshot: &Snapshot,
    end: TripEnd,
    cells: &[CellRange],
) -> Result<Vec<CellIndex>, Error> {
    let cells = snapshot.occupied_between(end, cells).await?;
    let cell = |index| CellIndex::try_from(index).map_err(|_| Error::Corrupt("histogram"));
    cells.into_iter().map(cell).collect()
}

/// Joins cells of the resolution of flows that lie in one cell of the groups' resolution.
fn joined(
    cells: BTreeMap<CellIndex, Vec<CellRange>>,
    resolution: Resolution,
) -> Vec<Vec<CellRange>> {
    let mut places: Vec<Vec<CellRange>> = Vec::new();
    let mut last = None;
    for (cell, ranges) in cells {
        let group = Some(parent_index(cell.into(), resolution));
        match places.last_mut() {
            Some(place) if group == last => place.extend(ranges),
            _ => places.push(ranges),
        }
        last = group;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_groups_are_read_in_few_reads_and_many_in_many() {
        let all = [(); 842];
        let reads = |groups: usize| {
            let (mut rest, mut pace, mut reads) = (all.as_slice(), Pace::ROOTS, 0);
            while !rest.is_empty() {
                (_, rest) = pace.split(rest);
                pace.go_on(groups);
                reads += 1;
            }
            reads
        };
        assert_eq!(reads(0), 6);
        // 16, 8, 4, 2, and then one at a time.
        assert_eq!(reads(MANY_GROUPS), 4 + 842 - 30);
    }

    #[test]
    fn what_found_too_many_groups_is_read_again_in_smaller_parts() {
        let mut pace = Pace::PLACES;
        let read = |pace: &Pace| pace.split(&[(); 600]).0.len();
        for expected in [512, 32, 2, 1] {
            assert_eq!(read(&pace), expected);
            assert_eq!(pace.slow_down(), expected > 1);
        }
        assert_eq!(read(&pace), 1);
    }
}

//! The order in which patches are read for groups, so that memory holds only the groups of a few
//! places.

use std::collections::BTreeMap;

use h3o::CellIndex;

use super::cover::{Cover, only, patches_within};
use crate::geo::{BoundingBox, CellRange, LEVELS, Resolution, parent, parent_index};
use crate::model::TripEnd;
use crate::store::{Error, Snapshot};

/// Ranges that are read by one statement.
const RANGES_PER_READ: usize = 64;

/// The reads of one cell of the first level.
pub(super) struct Reads {
    /// The cell of the first level.
    pub(super) root: CellIndex,
    /// Patches of cells coarser than the resolution of flows: few trips each.
    pub(super) sparse: Vec<CellRange>,
    /// Patches of the other cells, split into reads. Each read holds all trip ends of the cells
    /// that it touches, at the groups' resolution or at that of flows, whichever is coarser.
    pub(super) dense: Vec<Vec<CellRange>>,
}

/// Plans the reads that find every trip end that may be in a box; all trip ends if there is no box.
pub(super) async fn plan(
    snapshot: &Snapshot,
    end: TripEnd,
    bbox: Option<&BoundingBox>,
    resolution: Resolution,
) -> Result<Vec<Reads>, Error> {
    let cover = match bbox {
        Some(bbox) => Cover::of(snapshot, end, bbox).await?,
        None => Cover {
            inside: occupied(snapshot, end, CellRange::all(LEVELS[0])).await?,
            edge: Vec::new(),
        },
    };
    let mut roots: BTreeMap<CellIndex, Places> = BTreeMap::new();
    for cell in cover.inside {
        let places = roots.entry(parent(cell, LEVELS[0])).or_default();
        if cell.resolution() >= Resolution::FLOW.into() {
            places
                .dense(parent(cell, Resolution::FLOW))
                .extend(patches_within(cell));
            continue;
        }
        let larger = LEVELS
            .into_iter()
            .filter(|&level| level < Resolution::FLOW && cell.resolution() <= level.into());
        places
            .sparse
            .extend(larger.map(|level| CellRange::descendants(cell, level)));
        let parts = CellRange::descendants(cell, Resolution::FLOW);
        for part in occupied(snapshot, end, parts).await? {
            places.dense(part).extend(patches_within(part));
        }
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
    let reads = roots.into_iter().map(|(root, places)| Reads {
        root,
        sparse: places.sparse,
        dense: chunks(places.dense, resolution),
    });
    Ok(reads.collect())
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
    cells: CellRange,
) -> Result<Vec<CellIndex>, Error> {
    let cells = snapshot.occupied_between(end, cells).await?;
    let cell = |index| CellIndex::try_from(index).map_err(|_| Error::Corrupt("histogram"));
    cells.into_iter().map(cell).collect()
}

/// Combines places into reads of about [`RANGES_PER_READ`] ranges; places of one group stay
/// together.
fn chunks(
    places: BTreeMap<CellIndex, Vec<CellRange>>,
    resolution: Resolution,
) -> Vec<Vec<CellRange>> {
    let mut reads: Vec<Vec<CellRange>> = Vec::new();
    let mut last = 0;
    for (place, ranges) in places {
        let group = parent_index(place.into(), resolution);
        match reads.last_mut() {
            Some(read) if read.len() < RANGES_PER_READ || group == last => read.extend(ranges),
            _ => reads.push(ranges),
        }
        last = group;
    }
    reads
}

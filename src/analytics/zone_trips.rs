//! Trips by the zones of their two ends.

use std::ops::Range;

use super::periods::{Counts, Periods};
use super::scan::leaf_of;
use super::selected::each_by_origin;
use super::week_counts::WeekCounts;
use super::zone_cover::{ZoneCover, ZoneFinder};
use crate::geo::{LeafCells, ZoneOfCell, Zones};
use crate::model::{CorruptPatch, KeyFilter, PatchDepth, PatchPart, RowFilter, Selection, TripEnd};
use crate::store::{Error, Snapshot};

/// Trips that start in one zone and end in one.
pub(super) struct ZoneTrips<'p, 'a> {
    /// The number of the zone of the origins; `None` outside the zones.
    pub(super) origin: Option<u32>,
    /// The number of the zone of the destinations; `None` outside the zones.
    pub(super) destination: Option<u32>,
    /// The part of the patch that holds them.
    part: &'p PatchPart<'a>,
    rows: Range<u32>,
    filter: &'p RowFilter<'p, 'a>,
}

impl ZoneTrips<'_, '_> {
    /// The trips that the selection of some periods includes, in each of them.
    pub(super) fn counts(&self, periods: &Periods) -> Counts {
        let rows = self.rows.clone();
        if periods.is_one() && self.filter.admits_all() {
            return [u64::from(rows.end - rows.start), 0];
        }
        rows.filter(|&row| self.filter.admits(row))
            .map(|row| periods.count(|| self.part.week_number(row)))
            .fold([0; 2], |sums, counts| {
                [sums[0] + counts[0], sums[1] + counts[1]]
            })
    }

    /// Adds the trips that the selection includes.
    pub(super) fn add_to(&self, counts: &mut WeekCounts) {
        counts.add_trips(self.part, self.rows.clone(), self.filter);
    }
}

/// Visits the trips of a selection, each once, with the zones of their ends.
pub(super) async fn each_by_zones(
    snapshot: &Snapshot,
    zones: &Zones,
    selection: &Selection,
    mut visit: impl FnMut(&ZoneTrips<'_, '_>) + Send,
) -> Result<(), Error> {
    let Some(filter) = snapshot.key_filter(selection).await? else {
        return Ok(());
    };
    if selection.area.is_none() {
        return each_by_cells(snapshot, zones, &filter, &mut visit).await;
    }
    let (mut origins, mut destinations) = (ZoneFinder::new(zones), ZoneFinder::new(zones));
    each_by_origin(snapshot, selection, PatchDepth::Others, |trip| {
        let (part, row) = (trip.part, trip.row);
        let other = part.other(row).ok_or(CorruptPatch)?;
        visit(&ZoneTrips {
            origin: origins.find(trip.patch_cell, part.position(row))?,
            destination: destinations.find(trip.other_cell, Some(other))?,
            part,
            rows: row..row + 1,
            filter: &RowFilter::default(),
        });
        Ok(())
    })
    .await
}

/// Visits all trips with the zones of their ends.
///
/// The cells of both ends decide where each is wholly in one zone, or wholly in none. Positions are
/// read along the borders only: a trip whose origin is in a cell on a border is read where it
/// starts; of the others, those whose destination is in such a cell are read where they end.
async fn each_by_cells(
    snapshot: &Snapshot,
    zones: &Zones,
    filter: &KeyFilter,
    visit: &mut (impl FnMut(&ZoneTrips<'_, '_>) + Send),
) -> Result<(), Error> {
    let (mut origins, mut destinations) = (ZoneFinder::new(zones), ZoneFinder::new(zones));
    let mut cells = LeafCells::default();
    let cover = ZoneCover::of(snapshot, TripEnd::Origin, zones).await?;

    let within = cover.whole_ranges();
    snapshot
        .patches(TripEnd::Origin, &within, PatchDepth::Keys, |patch| {
            let ZoneOfCell::Whole(origin) = origins.of(patch.cell)? else {
                return Err(CorruptPatch.into());
            };
            for part in patch.parts() {
                let part = part?;
                let Some(filter) = filter.of_part(&part) else {
                    continue;
                };
                for (cell, rows) in part.runs() {
                    // Otherwise the patches of destinations have them.
                    if let ZoneOfCell::Whole(destination) = destinations.of(cell)? {
                        visit(&ZoneTrips {
                            origin,
                            destination,
                            part: &part,
                            rows,
                            filter: &filter,
                        });
                    }
                }
            }
            Ok(())
        })
        .await?;

    let edge = cover.edge_ranges();
    snapshot
        .patches(TripEnd::Origin, &edge, PatchDepth::Others, |patch| {
            for part in patch.parts() {
                let part = part?;
                let Some(filter) = filter.of_part(&part) else {
                    continue;
                };
                for (cell, rows) in part.runs() {
                    let on_border = destinations.of(cell)? == ZoneOfCell::Edge;
                    for row in rows {
                        let leaf = leaf_of(patch.cell, &part, row, &mut cells)?;
                        if on_border && origins.of(leaf)? != ZoneOfCell::Edge {
                            continue;
                        }
                        visit(&ZoneTrips {
                            origin: origins.find(leaf, part.position(row))?,
                            destination: destinations.find(cell, part.other(row))?,
                            part: &part,
                            rows: row..row + 1,
                            filter: &filter,
                        });
                    }
                }
            }
            Ok(())
        })
        .await?;

    let cover = ZoneCover::of(snapshot, TripEnd::Destination, zones).await?;
    let edge = cover.edge_ranges();
    snapshot
        .patches(TripEnd::Destination, &edge, PatchDepth::Points, |patch| {
            for part in patch.parts() {
                let part = part?;
                let Some(filter) = filter.of_part(&part) else {
                    continue;
                };
                for (cell, rows) in part.runs() {
                    let ZoneOfCell::Whole(origin) = origins.of(cell)? else {
                        continue;
                    };
                    for row in rows {
                        let leaf = leaf_of(patch.cell, &part, row, &mut cells)?;
                        if destinations.of(leaf)? == ZoneOfCell::Edge {
                            visit(&ZoneTrips {
                                origin,
                                destination: destinations.find(leaf, part.position(row))?,
                                part: &part,
                                rows: row..row + 1,
                                filter: &filter,
                            });
                        }
                    }
                }
            }
            Ok(())
        })
        .await
}

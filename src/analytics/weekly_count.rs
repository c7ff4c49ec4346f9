//! Counting the trips of a selection by week: from histograms where these know, from patches where not.

use tokio::sync::OnceCell;

use super::cover::Cover;
use super::inside_leaves::InsideLeaves;
use super::scan::leaf_of;
use super::week_counts::WeekCounts;
use crate::geo::{self, CellRange, LEVELS, LeafCells, Resolution};
use crate::model::{
    CorruptPatch, KeyFilter, PatchDepth, PatchPart, RowFilter, Selection, TripEnd, TripEndRule,
};
use crate::store::{Error, Snapshot};

/// The level at which [`InArea::around`] counts the surroundings of an area: cells of 250 km².
const AROUND: Resolution = LEVELS[2];

/// Counts the trips of a selection by week.
pub(super) async fn count(
    snapshot: &Snapshot,
    selection: &Selection,
    filter: &KeyFilter,
) -> Result<WeekCounts, Error> {
    let Some(area) = &selection.area else {
        return count_everywhere(snapshot, filter).await;
    };
    let question = InArea {
        snapshot,
        area: &area.place,
        filter,
        covers: Default::default(),
    };
    match area.ends {
        TripEndRule::Origin => question.end(TripEnd::Origin).await,
        TripEndRule::Destination => question.end(TripEnd::Destination).await,
        TripEndRule::Both => question.both().await,
        TripEndRule::Either => question.either().await,
    }
}

/// A count of trips in an area.
struct InArea<'a> {
    snapshot: &'a Snapshot,
    area: &'a geo::Area,
    filter: &'a KeyFilter,
    /// The covers of both ends, once they were needed.
    covers: [OnceCell<Cover>; 2],
}

impl InArea<'_> {
    async fn cover(&self, end: TripEnd) -> Result<&Cover, Error> {
        let [origin, destination] = &self.covers;
        let cover = match end {
            TripEnd::Origin => origin,
            TripEnd::Destination => destination,
        };
        cover
            .get_or_try_init(|| Cover::of(self.snapshot, end, self.area))
            .await
    }

    /// Counts trips with an end in the area: cells inside from their histograms, the rest from
    /// patches, point by point. What histograms do not know is read from the patches inside.
    async fn end(&self, end: TripEnd) -> Result<WeekCounts, Error> {
        let cover = self.cover(end).await?;
        if !self.filter.is_of_weeks() {
            let mut counts = WeekCounts::default();
            count_keys(
                self.snapshot,
                end,
                &cover.inside_ranges(),
                self.filter,
                &mut counts,
            )
            .await?;
            let (edge, within) = (cover.edge_ranges(), |lon, lat| self.area.contains(lon, lat));
            count_points(self.snapshot, end, &edge, self.filter, within, &mut counts).await?;
            return Ok(counts);
        }
        let inside: Vec<_> = cover.inside.iter().map(|&cell| cell.into()).collect();
        let patches = cover.uncounted_ranges();
        let within = |lon, lat| self.area.contains(lon, lat);
        self.cells(end, &inside, &patches, within).await
    }

    /// Counts the trips of the area and some around it: those of all cells of 250 km² that it
    /// touches, or of larger cells inside.
    async fn around(&self, end: TripEnd) -> Result<WeekCounts, Error> {
        let cover = self.cover(end).await?;
        let (cells, patches) = cover.around(AROUND);
        self.cells(end, &cells, &patches, |_, _| true).await
    }

    /// Counts the trips of some cells, and the trips of some patches whose points `admit` accepts.
    async fn cells(
        &self,
        end: TripEnd,
        cells: &[u64],
        patches: &[CellRange],
        admit: impl Fn(f64, f64) -> bool + Send + Sync,
    ) -> Result<WeekCounts, Error> {
        let mut counts = WeekCounts::default();
        self.snapshot
            .weekly(end, cells, self.filter, |year, counters| {
                counts.add_histogram(year, counters, self.filter)
            })
            .await?;
        count_points(self.snapshot, end, patches, self.filter, admit, &mut counts).await?;
        Ok(counts)
    }

    /// Counts trips with either end in the area: those of both ends, minus trips that were counted
    /// twice.
    async fn either(&self) -> Result<WeekCounts, Error> {
        if !self.filter.is_of_weeks() {
            let mut counts = self.end(TripEnd::Origin).await?;
            counts.add_all(&self.end(TripEnd::Destination).await?, 1);
            counts.add_all(&self.scan_both().await?, -1);
            return Ok(counts);
        }
        let all = count_everywhere(self.snapshot, self.filter).await?.total();
        let mut counts = self.end(TripEnd::Origin).await?;
        if counts.total() == all {
            return Ok(counts);
        }
        let destinations = self.end(TripEnd::Destination).await?;
        if destinations.total() == all {
            return Ok(destinations);
        }
        let both = self.scan_both().await?;
        counts.add_all(&destinations, 1);
        counts.add_all(&both, -1);
        Ok(counts)
    }

    /// Counts trips with both ends in the area. If all trips have one end in it, as those of a
    /// region in an area around the region, the other end decides; otherwise patches must be read.
    async fn both(&self) -> Result<WeekCounts, Error> {
        if !self.filter.is_of_weeks() {
            return self.scan_both().await;
        }
        let all = count_everywhere(self.snapshot, self.filter).await?.total();
        for (end, other) in [
            (TripEnd::Origin, TripEnd::Destination),
            (TripEnd::Destination, TripEnd::Origin),
        ] {
            // In most cases, the cells that the area touches already show that there are trips
            // elsewhere.
            if self.around(end).await?.total() == all && self.end(end).await?.total() == all {
                return self.end(other).await;
            }
        }
        self.scan_both().await
    }

    /// Counts trips with both ends in the area from patches, since no histogram has both ends of a
    /// trip.
    ///
    /// The leaf cells of both ends decide for most trips; positions are tested only where a leaf cell
    /// is not wholly inside. Trips of which only the destination's is not are read from the patches
    /// of destinations on the edge, so that of all others in the area only the keys are read.
    async fn scan_both(&self) -> Result<WeekCounts, Error> {
        let origins = self.cover(TripEnd::Origin).await?;
        let destinations = self.cover(TripEnd::Destination).await?;
        let origin_leaves = InsideLeaves::of(origins);
        let destination_leaves = InsideLeaves::of(destinations);
        let mut counts = WeekCounts::default();

        let inside = origins.inside_ranges();
        self.each_part(
            TripEnd::Origin,
            &inside,
            PatchDepth::Keys,
            |_, part, filter| {
                for rows in part.rows_within(destination_leaves.ranges()) {
                    counts.add_trips(part, rows, filter);
                }
                Ok(())
            },
        )
        .await?;

        let mut cells = LeafCells::default();
        let edge = origins.edge_ranges();
        self.each_part(
            TripEnd::Origin,
            &edge,
            PatchDepth::Others,
            |cell, part, filter| {
                for (destination, rows) in part.runs() {
                    let ends_inside = destination_leaves.contains(destination);
                    for row in rows {
                        let counted = self.contains(part.position(row))?
                            && (ends_inside
                                || self.contains(part.other(row))?
                                // Otherwise the patches of destinations have it.
                                && !origin_leaves.contains(leaf_of(cell, part, row, &mut cells)?));
                        if counted {
                            counts.add_trip(part, row, filter);
                        }
                    }
                }
                Ok(())
            },
        )
        .await?;

        let edge = destinations.edge_ranges();
        self.each_part(
            TripEnd::Destination,
            &edge,
            PatchDepth::Points,
            |cell, part, filter| {
                for row in part.rows_within(origin_leaves.ranges()).flatten() {
                    if self.contains(part.position(row))?
                        && !destination_leaves.contains(leaf_of(cell, part, row, &mut cells)?)
                    {
                        counts.add_trip(part, row, filter);
                    }
                }
                Ok(())
            },
        )
        .await?;
        Ok(counts)
    }

    /// Whether a position that must have been read is in the area.
    fn contains(&self, position: Option<[f64; 2]>) -> Result<bool, CorruptPatch> {
        let [lon, lat] = position.ok_or(CorruptPatch)?;
        Ok(self.area.contains(lon, lat))
    }

    /// Visits the parts of some patches that hold trips of the selection, with the patch's cell.
    async fn each_part(
        &self,
        end: TripEnd,
        ranges: &[CellRange],
        depth: PatchDepth,
        mut visit: impl FnMut(u64, &PatchPart<'_>, &RowFilter<'_, '_>) -> Result<(), CorruptPatch>
        + Send,
    ) -> Result<(), Error> {
        self.snapshot
            .patches(end, ranges, depth, |patch| {
                for part in patch.parts() {
                    let part = part?;
                    if let Some(filter) = self.filter.of_part(&part) {
                        visit(patch.cell, &part, &filter)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

/// Counts all trips: each has one origin, in one of the cells of the first level.
async fn count_everywhere(snapshot: &Snapshot, filter: &KeyFilter) -> Result<WeekCounts, Error> {
    let mut counts = WeekCounts::default();
    if !filter.is_of_weeks() {
        let all = LEVELS.map(CellRange::all);
        count_keys(snapshot, TripEnd::Origin, &all, filter, &mut counts).await?;
        return Ok(counts);
    }
    let all = CellRange::all(LEVELS[0]);
    snapshot
        .weekly_between(TripEnd::Origin, all, filter, |year, counters| {
            counts.add_histogram(year, counters, filter)
        })
        .await?;
    // No histogram counts the patches of these cells themselves.
    count_points(
        snapshot,
        TripEnd::Origin,
        &[all],
        filter,
        |_, _| true,
        &mut counts,
    )
    .await?;
    Ok(counts)
}

/// Adds the trips of some patches, wherever they are.
async fn count_keys(
    snapshot: &Snapshot,
    end: TripEnd,
    patches: &[CellRange],
    filter: &KeyFilter,
    counts: &mut WeekCounts,
) -> Result<(), Error> {
    snapshot
        .patches(end, patches, PatchDepth::Keys, |patch| {
            for part in patch.parts() {
                let part = part?;
                if let Some(filter) = filter.of_part(&part) {
                    counts.add_trips(&part, part.rows(), &filter);
                }
            }
            Ok(())
        })
        .await
}

/// Adds the trips of some patches whose position `admit` accepts.
async fn count_points(
    snapshot: &Snapshot,
    end: TripEnd,
    patches: &[CellRange],
    filter: &KeyFilter,
    admit: impl Fn(f64, f64) -> bool + Send + Sync,
    counts: &mut WeekCounts,
) -> Result<(), Error> {
    snapshot
        .patches(end, patches, PatchDepth::Points, |patch| {
            for part in patch.parts() {
                let part = part?;
                let Some(filter) = filter.of_part(&part) else {
                    continue;
                };
                for row in part.rows() {
                    let [lon, lat] = part.position(row).ok_or(CorruptPatch)?;
                    if admit(lon, lat) {
                        counts.add_trip(&part, row, &filter);
                    }
                }
            }
            Ok(())
        })
        .await
}

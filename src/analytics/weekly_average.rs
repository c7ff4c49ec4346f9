//! Weekly averages: trips ÷ calendar weeks.

use tokio::sync::OnceCell;

use super::AnalyticsError;
use super::cover::Cover;
use super::inside_leaves::InsideLeaves;
use super::question::Question;
use super::scan::leaf_of;
use super::week_counts::WeekCounts;
use crate::geo::{BoundingBox, CellRange, LEVELS, LeafCells, Resolution};
use crate::model::{
    CorruptPatch, KeyFilter, PatchDepth, PatchPart, Selection, TripEnd, TripEndRule, Week,
};
use crate::store::{Error, Snapshot, Store};

/// The level at which [`InBox::around`] counts the surroundings of a box: cells of 250 km².
const AROUND: Resolution = LEVELS[2];

/// Trips by calendar week.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeeklyAverage {
    /// The first week of the period; `None` if there is no period.
    pub first: Option<Week>,
    /// Number of trips in each calendar week from `first` on, zeros included.
    pub trips: Vec<u64>,
}

impl WeeklyAverage {
    /// Number of trips in the period.
    #[must_use]
    pub fn total_trips(&self) -> u64 {
        self.trips.iter().sum()
    }

    /// Number of calendar weeks in the period.
    #[must_use]
    pub fn calendar_weeks(&self) -> usize {
        self.trips.len()
    }

    /// Number of weeks in the period with at least one trip.
    #[must_use]
    pub fn active_weeks(&self) -> usize {
        self.trips.iter().filter(|&&trips| trips > 0).count()
    }

    /// Average number of trips per calendar week; 0 if there is no week.
    #[must_use]
    pub fn average(&self) -> f64 {
        per(self.total_trips(), self.calendar_weeks())
    }

    /// Average number of trips per active week; 0 if there is no active week.
    #[must_use]
    pub fn average_of_active_weeks(&self) -> f64 {
        per(self.total_trips(), self.active_weeks())
    }

    /// The last week of the period.
    #[must_use]
    pub fn last(&self) -> Option<Week> {
        self.weeks().next_back().map(|(week, _)| week)
    }

    /// The weeks of the period and their number of trips.
    pub fn weeks(&self) -> impl DoubleEndedIterator<Item = (Week, u64)> + '_ {
        let first = self.first.map_or(0, Week::number);
        self.trips
            .iter()
            .enumerate()
            .filter_map(move |(index, &trips)| {
                let number = first.checked_add(u32::try_from(index).ok()?)?;
                Some((Week::from_number(number)?, trips))
            })
    }
}

fn per(trips: u64, weeks: usize) -> f64 {
    if weeks == 0 {
        0.0
    } else {
        trips as f64 / weeks as f64
    }
}

/// The weekly average of a selection. The period is from the week `from` to the week `to`, both
/// included; an end that is not given is the first or last week in which the selection has a trip.
/// A selection without any trip has no weeks at all.
pub async fn weekly_average(
    store: &Store,
    selection: &Selection,
    from: Option<Week>,
    to: Option<Week>,
) -> Result<WeeklyAverage, Error> {
    let snapshot = store.snapshot().await?;
    let question = WeeklyQuestion {
        selection: selection.clone(),
        from,
        to,
    };
    let average = question.read(&snapshot).await?;
    snapshot.close().await;
    Ok(average)
}

/// The question for a weekly average.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct WeeklyQuestion {
    pub(super) selection: Selection,
    pub(super) from: Option<Week>,
    pub(super) to: Option<Week>,
}

impl WeeklyQuestion {
    async fn read(&self, snapshot: &Snapshot) -> Result<WeeklyAverage, Error> {
        let counts = match snapshot.key_filter(&self.selection).await? {
            Some(filter) => count(snapshot, &self.selection, &filter).await?,
            None => WeekCounts::default(),
        };
        Ok(period(&counts, self.from, self.to))
    }
}

impl Question for WeeklyQuestion {
    type Answer = WeeklyAverage;

    async fn answer(&self, snapshot: &Snapshot) -> Result<WeeklyAverage, AnalyticsError> {
        Ok(self.read(snapshot).await?)
    }
}

/// Restricts the counts to the requested period.
fn period(counts: &WeekCounts, from: Option<Week>, to: Option<Week>) -> WeeklyAverage {
    let Some((first, last)) = counts.span() else {
        return WeeklyAverage::default();
    };
    let (first, last) = (
        from.map_or(first, Week::number),
        to.map_or(last, Week::number),
    );
    if first > last {
        return WeeklyAverage::default();
    }
    WeeklyAverage {
        first: Week::from_number(first),
        trips: (first..=last).map(|week| counts.trips(week)).collect(),
    }
}

async fn count(
    snapshot: &Snapshot,
    selection: &Selection,
    filter: &KeyFilter,
) -> Result<WeekCounts, Error> {
    let Some(area) = &selection.area else {
        return count_everywhere(snapshot, filter).await;
    };
    let question = InBox {
        snapshot,
        bbox: &area.bbox,
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

/// A count of trips in a box.
struct InBox<'a> {
    snapshot: &'a Snapshot,
    bbox: &'a BoundingBox,
    filter: &'a KeyFilter,
    /// The covers of both ends, once they were needed.
    covers: [OnceCell<Cover>; 2],
}

impl InBox<'_> {
    async fn cover(&self, end: TripEnd) -> Result<&Cover, Error> {
        let [origin, destination] = &self.covers;
        let cover = match end {
            TripEnd::Origin => origin,
            TripEnd::Destination => destination,
        };
        cover
            .get_or_try_init(|| Cover::of(self.snapshot, end, self.bbox))
            .await
    }

    /// Counts trips with an end in the box: cells inside from their histograms, the rest from
    /// patches, point by point.
    async fn end(&self, end: TripEnd) -> Result<WeekCounts, Error> {
        let cover = self.cover(end).await?;
        let inside: Vec<_> = cover.inside.iter().map(|&cell| cell.into()).collect();
        let patches = cover.uncounted_ranges();
        let within = |lon, lat| self.bbox.contains(lon, lat);
        self.cells(end, &inside, &patches, within).await
    }

    /// Counts the trips of the box and some around it: those of all cells of 250 km² that it
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

    /// Counts trips with either end in the box: those of both ends, minus trips that were counted
    /// twice.
    async fn either(&self) -> Result<WeekCounts, Error> {
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

    /// Counts trips with both ends in the box. If all trips have one end in it, as those of a
    /// region in a box around the region, the other end decides; otherwise patches must be read.
    async fn both(&self) -> Result<WeekCounts, Error> {
        let all = count_everywhere(self.snapshot, self.filter).await?.total();
        for (end, other) in [
            (TripEnd::Origin, TripEnd::Destination),
            (TripEnd::Destination, TripEnd::Origin),
        ] {
            // In most cases, the cells that the box touches already show that there are trips
            // elsewhere.
            if self.around(end).await?.total() == all && self.end(end).await?.total() == all {
                return self.end(other).await;
            }
        }
        self.scan_both().await
    }

    /// Counts trips with both ends in the box from patches, since no histogram has both ends of a
    /// trip.
    ///
    /// The leaf cells of both ends decide for most trips; positions are tested only where a leaf cell
    /// is not wholly inside. Trips of which only the destination's is not are read from the patches
    /// of destinations on the edge, so that of all others in the box only the keys are read.
    async fn scan_both(&self) -> Result<WeekCounts, Error> {
        let origins = self.cover(TripEnd::Origin).await?;
        let destinations = self.cover(TripEnd::Destination).await?;
        let origin_leaves = InsideLeaves::of(origins);
        let destination_leaves = InsideLeaves::of(destinations);
        let mut counts = WeekCounts::default();

        let inside = origins.inside_ranges();
        self.each_part(TripEnd::Origin, &inside, PatchDepth::Keys, |_, part| {
            for row in part.rows_within(destination_leaves.ranges()).flatten() {
                counts.add_trip(part.key(row), self.filter);
            }
            Ok(())
        })
        .await?;

        let mut cells = LeafCells::default();
        let edge = origins.edge_ranges();
        self.each_part(TripEnd::Origin, &edge, PatchDepth::Others, |cell, part| {
            for (destination, rows) in part.runs() {
                let ends_inside = destination_leaves.contains(destination);
                for row in rows {
                    let counted = self.contains(part.position(row))?
                        && (ends_inside
                            || self.contains(part.other(row))?
                                // Otherwise the patches of destinations have it.
                                && !origin_leaves.contains(leaf_of(cell, part, row, &mut cells)?));
                    if counted {
                        counts.add_trip(part.key(row), self.filter);
                    }
                }
            }
            Ok(())
        })
        .await?;

        let edge = destinations.edge_ranges();
        self.each_part(
            TripEnd::Destination,
            &edge,
            PatchDepth::Points,
            |cell, part| {
                for row in part.rows_within(origin_leaves.ranges()).flatten() {
                    if self.contains(part.position(row))?
                        && !destination_leaves.contains(leaf_of(cell, part, row, &mut cells)?)
                    {
                        counts.add_trip(part.key(row), self.filter);
                    }
                }
                Ok(())
            },
        )
        .await?;
        Ok(counts)
    }

    /// Whether a position that must have been read is in the box.
    fn contains(&self, position: Option<[f64; 2]>) -> Result<bool, CorruptPatch> {
        let [lon, lat] = position.ok_or(CorruptPatch)?;
        Ok(self.bbox.contains(lon, lat))
    }

    /// Visits the parts of some patches, with the patch's cell.
    async fn each_part(
        &self,
        end: TripEnd,
        ranges: &[CellRange],
        depth: PatchDepth,
        mut visit: impl FnMut(u64, &PatchPart<'_>) -> Result<(), CorruptPatch> + Send,
    ) -> Result<(), Error> {
        self.snapshot
            .patches(end, ranges, depth, |patch| {
                for part in patch.parts() {
                    visit(patch.cell, &part?)?;
                }
                Ok(())
            })
            .await
    }
}

/// Counts all trips: each has one origin, in one of the cells of the first level.
async fn count_everywhere(snapshot: &Snapshot, filter: &KeyFilter) -> Result<WeekCounts, Error> {
    let mut counts = WeekCounts::default();
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
                for row in part.rows() {
                    let [lon, lat] = part.position(row).ok_or(CorruptPatch)?;
                    if admit(lon, lat) {
                        counts.add_trip(part.key(row), filter);
                    }
                }
            }
            Ok(())
        })
        .await
}

//! Weekly averages: trips ÷ calendar weeks.

use super::AnalyticsError;
use super::cover::Cover;
use super::question::Question;
use super::week_counts::WeekCounts;
use crate::geo::{BoundingBox, CellRange, LEVELS, Resolution};
use crate::model::{End, KeyFilter, PatchEnds, PatchPoints, Selection, TripEnds, Week};
use crate::store::{Error, Snapshot, Store};

/// The level of the cells that a box may touch: 250 km².
const AROUND: Resolution = LEVELS[2];

/// Trips by calendar week.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeeklyAverage {
    /// The first week of the period; none where there is no period.
    pub first: Option<Week>,
    /// The trips of each calendar week from the first on, zeros included.
    pub trips: Vec<u64>,
}

impl WeeklyAverage {
    /// All trips of the period.
    #[must_use]
    pub fn total_trips(&self) -> u64 {
        self.trips.iter().sum()
    }

    /// The weeks of the period.
    #[must_use]
    pub fn calendar_weeks(&self) -> usize {
        self.trips.len()
    }

    /// The weeks of the period with at least one trip.
    #[must_use]
    pub fn active_weeks(&self) -> usize {
        self.trips.iter().filter(|&&trips| trips > 0).count()
    }

    /// Trips a calendar week; 0 where there is none.
    #[must_use]
    pub fn average(&self) -> f64 {
        per(self.total_trips(), self.calendar_weeks())
    }

    /// Trips a week with trips; 0 where there is none.
    #[must_use]
    pub fn average_of_active_weeks(&self) -> f64 {
        per(self.total_trips(), self.active_weeks())
    }

    /// The last week of the period.
    #[must_use]
    pub fn last(&self) -> Option<Week> {
        self.weeks().next_back().map(|(week, _)| week)
    }

    /// The weeks of the period and their trips.
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

/// The trips a week of a selection. The period is from the week `from` to the week `to`, both
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

/// Which trips, and the period.
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

/// Cuts the counts to the period that was asked for.
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
    };
    match area.ends {
        TripEnds::Origin => question.end(End::Origin).await,
        TripEnds::Destination => question.end(End::Destination).await,
        TripEnds::Both => question.both().await,
        TripEnds::Either => question.either().await,
    }
}

/// What is counted in a box.
struct InBox<'a> {
    snapshot: &'a Snapshot,
    bbox: &'a BoundingBox,
    filter: &'a KeyFilter,
}

impl InBox<'_> {
    /// Cells inside from their histograms; the rest, as on the edge, from patches, point by point.
    async fn end(&self, end: End) -> Result<WeekCounts, Error> {
        let cover = Cover::of(self.snapshot, end, self.bbox).await?;
        let inside: Vec<_> = cover.inside.iter().map(|&cell| cell.into()).collect();
        let patches = cover.uncounted_ranges();
        let within = |lon, lat| self.bbox.contains(lon, lat);
        self.cells(end, &inside, &patches, within).await
    }

    /// The trips of the box and some around it: of all cells of some 250 km² that it touches, or of
    /// larger ones inside.
    async fn around(&self, end: End) -> Result<WeekCounts, Error> {
        let cover = Cover::of(self.snapshot, end, self.bbox).await?;
        let (cells, patches) = cover.around(AROUND);
        self.cells(end, &cells, &patches, |_, _| true).await
    }

    /// The trips of some cells, and those of some patches that lie where they should.
    async fn cells(
        &self,
        end: End,
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

    /// The trips with an end in the box: those by each end, of which some were counted twice.
    async fn either(&self) -> Result<WeekCounts, Error> {
        let all = count_everywhere(self.snapshot, self.filter).await?.total();
        let mut counts = self.end(End::Origin).await?;
        if counts.total() == all {
            return Ok(counts);
        }
        let destinations = self.end(End::Destination).await?;
        if destinations.total() == all {
            return Ok(destinations);
        }
        let both = self.scan_both().await?;
        counts.add_all(&destinations, 1);
        counts.add_all(&both, -1);
        Ok(counts)
    }

    /// The trips with both ends in the box. Where all trips have one end in it, as those of a region
    /// have in a box around it, that is told by the other end; else patches must be read.
    async fn both(&self) -> Result<WeekCounts, Error> {
        let all = count_everywhere(self.snapshot, self.filter).await?.total();
        for (end, other) in [
            (End::Origin, End::Destination),
            (End::Destination, End::Origin),
        ] {
            // Mostly the cells that the box touches tell at once that there are more trips elsewhere.
            if self.around(end).await?.total() == all && self.end(end).await?.total() == all {
                return self.end(other).await;
            }
        }
        self.scan_both().await
    }

    /// No histogram knows both ends of a trip: all patches of the box are read.
    async fn scan_both(&self) -> Result<WeekCounts, Error> {
        let cover = Cover::of(self.snapshot, End::Origin, self.bbox).await?;
        let mut counts = WeekCounts::default();
        let inside = |[lon, lat]: [f64; 2]| self.bbox.contains(lon, lat);
        self.snapshot
            .patches(End::Origin, &cover.patch_ranges(), |patch| {
                for ends in PatchEnds::parts(patch.end, patch.points, patch.rest) {
                    let ends = ends?;
                    for row in ends.rows() {
                        let points = ends.points();
                        if ends.other(row).is_some_and(inside) && inside(points.position(row)) {
                            counts.add_trip(points.key(row), self.filter);
                        }
                    }
                }
                Ok(())
            })
            .await?;
        Ok(counts)
    }
}

/// Every trip has one origin in one of the coarsest cells.
async fn count_everywhere(snapshot: &Snapshot, filter: &KeyFilter) -> Result<WeekCounts, Error> {
    let mut counts = WeekCounts::default();
    let all = CellRange::all(LEVELS[0]);
    snapshot
        .weekly_between(End::Origin, all, filter, |year, counters| {
            counts.add_histogram(year, counters, filter)
        })
        .await?;
    // No histogram counts the patches of these cells themselves.
    count_points(
        snapshot,
        End::Origin,
        &[all],
        filter,
        |_, _| true,
        &mut counts,
    )
    .await?;
    Ok(counts)
}

/// Adds the points of some patches that lie where they should.
async fn count_points(
    snapshot: &Snapshot,
    end: End,
    patches: &[CellRange],
    filter: &KeyFilter,
    admit: impl Fn(f64, f64) -> bool + Send + Sync,
    counts: &mut WeekCounts,
) -> Result<(), Error> {
    snapshot
        .points(end, patches, |points| {
            for points in PatchPoints::parts(points) {
                let points = points?;
                for row in points.rows() {
                    let [lon, lat] = points.position(row);
                    if admit(lon, lat) {
                        counts.add_trip(points.key(row), filter);
                    }
                }
            }
            Ok(())
        })
        .await
}

//! Questions whose answers are handed on row by row, however many rows there are.

use std::io;
use std::sync::Arc;

use super::every_trip::every_trip;
use super::groups::Groups;
use super::od_matrix::{OdPair, OdQuestion};
use super::periods::Comparison;
use super::question::Question;
use super::similar_trips::GroupsQuestion;
use super::weekly_average::WeeklyQuestion;
use super::zone_averages::ZoneAveragesQuestion;
use super::{AnalyticsError, WeeklyAverage};
use crate::geo::Point;
use crate::model::{LocalTime, Selection, Similarity, TripEndRule, TripGroup, Week, ZoneSet};
use crate::store::{Error, Snapshot};

/// A question for rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowsQuestion {
    /// The weeks of a weekly average, in their order.
    Weeks {
        /// Which trips are counted.
        selection: Selection,
        /// The first week; that of the first trip if not given.
        from: Option<Week>,
        /// The last week; that of the last trip if not given.
        to: Option<Week>,
    },
    /// The groups of similar trips, place by place of their origins.
    Groups {
        /// Which trips are grouped.
        selection: Selection,
        /// When two trips are similar.
        similarity: Similarity,
        /// Minimum number of trips of a group.
        min_trips: u64,
    },
    /// The trips themselves, in no order.
    Trips {
        /// Which trips.
        selection: Selection,
    },
    /// The pairs of zones that have trips, most trips first.
    Pairs {
        /// The zones.
        set: Arc<ZoneSet>,
        /// Which trips are counted.
        selection: Selection,
        /// Minimum number of trips of a pair.
        min_trips: u64,
    },
    /// The weekly averages of all zones of a set over one period, most trips first.
    Zones {
        /// The zones.
        set: Arc<ZoneSet>,
        /// Which ends of a trip must be in a zone.
        ends: TripEndRule,
        /// Which trips are counted; the zones are the areas.
        selection: Selection,
        /// The first week; that of the first trip in any zone if not given.
        from: Option<Week>,
        /// The last week; that of the last trip in any zone if not given.
        to: Option<Week>,
    },
}

/// A row of an answer.
#[derive(Debug, Clone, Copy)]
pub enum Row<'a> {
    /// A week and its number of trips.
    Week(Week, u64),
    /// A group of similar trips.
    Group(TripGroup),
    /// A trip.
    Trip(NamedTrip<'a>),
    /// The trips from one zone of a set to another.
    Pair(&'a ZoneSet, OdPair),
    /// The zone of a number, of a set, and its weekly average.
    Zone(&'a ZoneSet, u32, &'a WeeklyAverage),
}

/// A trip with the names of its region and datasource.
#[derive(Debug, Clone, Copy)]
pub struct NamedTrip<'a> {
    /// Name of the region.
    pub region: &'a str,
    /// Name of the datasource.
    pub datasource: &'a str,
    /// Where it starts.
    pub origin: Point,
    /// Where it ends.
    pub destination: Point,
    /// Wall-clock time of departure.
    pub departed_at: LocalTime,
    /// Wall-clock time of arrival, if the file has it.
    pub arrived_at: Option<LocalTime>,
}

/// Takes rows, and may block. After an error it is not called again.
pub trait RowSink: Send {
    /// Begins: the question is valid, and the database is being read.
    fn begin(&mut self) -> io::Result<()>;
    /// Takes a row.
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;
    /// Ends: there are no more rows.
    fn end(&mut self) -> io::Result<()>;
}

impl RowsQuestion {
    /// Reads all rows from a snapshot.
    pub(super) async fn read(
        self,
        snapshot: &Snapshot,
        sink: &mut (dyn RowSink + 'static),
    ) -> Result<(), AnalyticsError> {
        sink.begin().map_err(Error::Output)?;
        match self {
            Self::Weeks {
                selection,
                from,
                to,
            } => {
                let question = WeeklyQuestion {
                    selection,
                    from,
                    to,
                };
                let average = question.read(snapshot).await?;
                for (week, trips) in average.weeks() {
                    sink.row(&Row::Week(week, trips)).map_err(Error::Output)?;
                }
            }
            Self::Groups {
                selection,
                similarity,
                min_trips,
            } => {
                let min_trips = min_trips.into();
                let question = GroupsQuestion {
                    selection,
                    similarity,
                    min_trips,
                    first: 0,
                    after: None,
                    comparison: Comparison::default(),
                };
                let groups = Groups::handed_on(min_trips, sink);
                question.count(snapshot, groups).await?;
            }
            Self::Trips { selection } => {
                every_trip(snapshot, &selection, |trip| {
                    sink.row(&Row::Trip(trip)).map_err(Error::Output)
                })
                .await?;
            }
            Self::Pairs {
                set,
                selection,
                min_trips,
            } => {
                let question = OdQuestion {
                    set,
                    selection,
                    comparison: Comparison::default(),
                    min_trips: min_trips.into(),
                    first: u64::MAX,
                    after: None,
                };
                for pair in question.answer(snapshot).await?.items {
                    let row = Row::Pair(&question.set, pair);
                    sink.row(&row).map_err(Error::Output)?;
                }
            }
            Self::Zones {
                set,
                ends,
                selection,
                from,
                to,
            } => {
                let question = ZoneAveragesQuestion {
                    set,
                    ends,
                    selection,
                    from,
                    to,
                };
                for (zone, average) in question.answer(snapshot).await? {
                    let row = Row::Zone(&question.set, zone, &average);
                    sink.row(&row).map_err(Error::Output)?;
                }
            }
        }
        Ok(sink.end().map_err(Error::Output)?)
    }
}

use async_graphql::{Context, Enum, ID, InputObject};
use chrono::Weekday;

use super::{AreaInput, BoundingBox, Date, parse_id};
use crate::graphql::ApiError;
use crate::model::{Area, DayRange, IngestionId, Selection, TripEndRule, Week, WeekTimes};
use crate::text::canonical_name;

/// Which ends of a trip must be in the area for the trip to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Enum)]
#[graphql(remote = "TripEndRule")]
pub(crate) enum TripEnd {
    /// The origin. In a sum over disjoint areas, each trip counts once.
    #[default]
    Origin,
    /// The destination.
    Destination,
    /// Both ends.
    Both,
    /// At least one end.
    Either,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Weekday")]
pub(crate) enum DayOfWeek {
    /// Monday.
    #[graphql(name = "MONDAY")]
    Mon,
    /// Tuesday.
    #[graphql(name = "TUESDAY")]
    Tue,
    /// Wednesday.
    #[graphql(name = "WEDNESDAY")]
    Wed,
    /// Thursday.
    #[graphql(name = "THURSDAY")]
    Thu,
    /// Friday.
    #[graphql(name = "FRIDAY")]
    Fri,
    /// Saturday.
    #[graphql(name = "SATURDAY")]
    Sat,
    /// Sunday.
    #[graphql(name = "SUNDAY")]
    Sun,
}

/// Every day of the week.
pub(super) const DAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

/// A range of the time of day, in wall-clock time. A range whose `to` is before its `from` runs over
/// midnight.
#[derive(Debug, Clone, InputObject)]
pub(crate) struct TimeRange {
    /// First time of the range, `HH:MM`: `07:00`.
    from: String,
    /// End of the range, exclusive, `HH:MM`: `09:30`; `24:00` is the end of the day.
    to: String,
}

/// Selects trips. Fields that are not given do not restrict the selection.
#[derive(Debug, Clone, Default, InputObject)]
pub(crate) struct TripFilter {
    /// Only trips whose `tripEnd` is in this box; instead of `area`.
    bbox: Option<BoundingBox>,
    /// Only trips whose `tripEnd` is in this area.
    area: Option<AreaInput>,
    /// Which ends of a trip must be in the area.
    #[graphql(default)]
    trip_end: TripEnd,
    /// Only trips of the region of this name.
    region: Option<String>,
    /// Only trips of the datasource of this name.
    datasource: Option<String>,
    /// Only trips of this week and later ones: any date in the week.
    from_week: Option<Date>,
    /// Only trips of this week and earlier ones: any date in the week.
    to_week: Option<Date>,
    /// Only trips that depart on these days.
    days_of_week: Option<Vec<DayOfWeek>>,
    /// Only trips that depart in one of these ranges of the time of day.
    time_ranges: Option<Vec<TimeRange>>,
    /// Only trips of this ingestion.
    ingestion: Option<ID>,
}

/// The arguments that select trips, but for weeks.
#[derive(Default)]
pub(crate) struct Conditions {
    pub(crate) area: Option<AreaInput>,
    pub(crate) bbox: Option<BoundingBox>,
    pub(crate) trip_end: TripEnd,
    pub(crate) region: Option<String>,
    pub(crate) datasource: Option<String>,
    pub(crate) days_of_week: Option<Vec<DayOfWeek>>,
    pub(crate) time_ranges: Option<Vec<TimeRange>>,
    pub(crate) ingestion: Option<ID>,
}

impl TripFilter {
    /// The selection; an error if a field is invalid.
    pub(crate) async fn selection(self, ctx: &Context<'_>) -> Result<Selection, ApiError> {
        let (from_week, to_week) = weeks(self.from_week, self.to_week)?;
        let conditions = Conditions {
            area: self.area,
            bbox: self.bbox,
            trip_end: self.trip_end,
            region: self.region,
            datasource: self.datasource,
            days_of_week: self.days_of_week,
            time_ranges: self.time_ranges,
            ingestion: self.ingestion,
        };
        Ok(Selection {
            from_week,
            to_week,
            ..conditions.selection(ctx).await?
        })
    }
}

impl Conditions {
    /// The selection of all weeks; an error if an argument is invalid.
    pub(crate) async fn selection(self, ctx: &Context<'_>) -> Result<Selection, ApiError> {
        let place = AreaInput::of(ctx, self.area, self.bbox).await?;
        let canonical = |name: String| canonical_name(&name).into_owned();
        Ok(Selection {
            area: place.map(|place| Area {
                place,
                ends: self.trip_end.into(),
            }),
            region: self.region.map(canonical),
            datasource: self.datasource.map(canonical),
            times: times(self.days_of_week, self.time_ranges)?,
            ingestion: self.ingestion.as_ref().map(ingestion),
            ..Selection::default()
        })
    }
}

/// The ingestion with this identifier; no ingestion's number if there can be none.
fn ingestion(id: &ID) -> IngestionId {
    parse_id(id).unwrap_or(0)
}

/// The weeks of two dates, in order.
pub(crate) fn weeks(
    from: Option<Date>,
    to: Option<Date>,
) -> Result<(Option<Week>, Option<Week>), ApiError> {
    let (from, to) = (week("fromWeek", from)?, week("toWeek", to)?);
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(ApiError::bad_input("`fromWeek` is after `toWeek`"))
        }
        weeks => Ok(weeks),
    }
}

fn week(name: &str, date: Option<Date>) -> Result<Option<Week>, ApiError> {
    date.map(|Date(date)| {
        Week::of(date).ok_or_else(|| {
            ApiError::bad_input(format_args!("`{name}` is outside the years 1–9999"))
        })
    })
    .transpose()
}

/// The times of the week; `None` if they are not restricted.
fn times(
    days: Option<Vec<DayOfWeek>>,
    ranges: Option<Vec<TimeRange>>,
) -> Result<Option<WeekTimes>, ApiError> {
    if days.is_none() && ranges.is_none() {
        return Ok(None);
    }
    let empty = |name| {
        ApiError::bad_input(format_args!(
            "`{name}` is empty: leave it out for no restriction"
        ))
    };
    let days: Vec<Weekday> = match days {
        None => DAYS.into(),
        Some(days) if days.is_empty() => return Err(empty("daysOfWeek")),
        Some(days) => days.into_iter().map(Into::into).collect(),
    };
    let ranges = match ranges {
        None => vec![DayRange::DAY],
        Some(ranges) if ranges.is_empty() => return Err(empty("timeRanges")),
        Some(ranges) if ranges.len() > 1_000 => {
            return Err(ApiError::bad_input(
                "`timeRanges` has more than 1000 ranges",
            ));
        }
        Some(ranges) => {
            let parse = |range: TimeRange| DayRange::parse(&range.from, &range.to);
            let ranges = ranges.into_iter().map(parse).collect::<Result<_, _>>();
            ranges.map_err(|error| ApiError::bad_input(format_args!("timeRanges: {error}")))?
        }
    };
    Ok(Some(WeekTimes::new(&days, &ranges)))
}

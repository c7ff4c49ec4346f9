//! From the parameters of an export to the question.

use std::str::FromStr;
use std::sync::Arc;

use chrono::{NaiveDate, Weekday};

use super::{Export, ExportError, ExportParams, Format, ParamError, Subject};
use crate::analytics::{RowsQuestion, ZoneSets};
use crate::geo::{self, BoundingBox, CellSet, Polygon, Resolution};
use crate::model::{
    Area, BucketMinutes, DayRange, IngestionId, Selection, Similarity, TripEndRule, Week,
    WeekTimes, ZoneSet,
};
use crate::text::canonical_name;

impl ExportParams {
    /// The export of a subject in a format; an error that names the parameter if one is invalid or
    /// does not apply.
    pub async fn export(
        self,
        subject: Subject,
        format: Format,
        zones: &ZoneSets,
    ) -> Result<Export, ExportError> {
        let question = self.question(subject, zones).await?;
        Ok(Export { question, format })
    }

    /// The question about a subject.
    pub async fn question(
        mut self,
        subject: Subject,
        zones: &ZoneSets,
    ) -> Result<RowsQuestion, ExportError> {
        self.check(subject)?;
        let ends = self.ends()?;
        let place = self.place(zones).await?;
        let selection = self.selection(place.map(|place| Area { place, ends }))?;
        let (from, to) = self.period()?;
        let in_period = |selection| Selection {
            from_week: from,
            to_week: to,
            ..selection
        };
        Ok(match subject {
            Subject::Weeks => RowsQuestion::Weeks {
                selection,
                from,
                to,
            },
            Subject::Groups => RowsQuestion::Groups {
                selection: in_period(selection),
                similarity: self.similarity()?,
                min_trips: self.min_trips()?,
            },
            Subject::Trips => RowsQuestion::Trips {
                selection: in_period(selection),
            },
            Subject::Od => RowsQuestion::Pairs {
                set: self.zone_set(zones).await?,
                selection: in_period(selection),
                min_trips: self.min_trips()?,
            },
            Subject::Zones => RowsQuestion::Zones {
                set: self.zone_set(zones).await?,
                ends,
                selection,
                from,
                to,
            },
        })
    }

    /// The area, of the four ways to give it.
    async fn place(&self, zones: &ZoneSets) -> Result<Option<geo::Area>, ExportError> {
        if self.borders.is_some() && self.bbox.is_none() {
            return Err(ParamError::new("borders", "needs `bbox`").into());
        }
        Ok(match (&self.bbox, &self.polygon, &self.cells, &self.zone) {
            (None, None, None, None) => None,
            (Some(text), None, None, None) => Some(bbox(text, self.borders.as_deref())?.into()),
            (None, Some(text), None, None) => Some(polygon(text)?.into()),
            (None, None, Some(text), None) => Some(cells(text)?.into()),
            (None, None, None, Some(id)) => {
                let boundary = zones.boundary(id).await?;
                let missing = || ExportError::NoZone(id.chars().take(200).collect());
                Some(geo::Area::Polygon(boundary.ok_or_else(missing)?))
            }
            _ => {
                let message = "more than one of `bbox`, `polygon`, `cells` and `zone` is given";
                return Err(ParamError::new("area", message).into());
            }
        })
    }

    async fn zone_set(&self, zones: &ZoneSets) -> Result<Arc<ZoneSet>, ExportError> {
        let Some(name) = &self.zone_set else {
            return Err(ParamError::new("zoneSet", "is missing").into());
        };
        let set = zones.named(name).await?;
        set.ok_or_else(|| ExportError::NoZoneSet(name.chars().take(100).collect()))
    }

    fn selection(&self, area: Option<Area>) -> Result<Selection, ParamError> {
        let canonical = |name: &String| canonical_name(name).into_owned();
        Ok(Selection {
            area,
            region: self.region.as_ref().map(canonical),
            datasource: self.datasource.as_ref().map(canonical),
            times: self.times()?,
            ingestion: self.ingestion.as_deref().map(ingestion),
            ..Selection::default()
        })
    }

    fn ends(&self) -> Result<TripEndRule, ParamError> {
        let rules = [
            ("ORIGIN", TripEndRule::Origin),
            ("DESTINATION", TripEndRule::Destination),
            ("BOTH", TripEndRule::Both),
            ("EITHER", TripEndRule::Either),
        ];
        let rule = self.trip_end.as_deref();
        rule.map_or(Ok(TripEndRule::default()), |text| {
            named("tripEnd", text, &rules)
        })
    }

    fn period(&self) -> Result<(Option<Week>, Option<Week>), ParamError> {
        let from = week("fromWeek", self.from_week.as_deref())?;
        let to = week("toWeek", self.to_week.as_deref())?;
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(ParamError::new("fromWeek", "is after `toWeek`"));
        }
        Ok((from, to))
    }

    /// The times of the week; `None` if they are not restricted.
    fn times(&self) -> Result<Option<WeekTimes>, ParamError> {
        if self.days_of_week.is_none() && self.time_ranges.is_none() {
            return Ok(None);
        }
        let days = match &self.days_of_week {
            Some(text) => items(text).map(day).collect::<Result<_, _>>()?,
            None => DAYS.map(|(_, day)| day).to_vec(),
        };
        let ranges = match &self.time_ranges {
            Some(text) => items(text).map(range).collect::<Result<_, _>>()?,
            None => vec![DayRange::DAY],
        };
        if ranges.len() > MAX_RANGES {
            let message = format!("has more than {MAX_RANGES} ranges");
            return Err(ParamError::new("timeRanges", message));
        }
        Ok(Some(WeekTimes::new(&days, &ranges)))
    }

    fn similarity(&self) -> Result<Similarity, ParamError> {
        let resolution = number("resolution", self.resolution.as_deref(), 7)?;
        let minutes = number("timeBucketMinutes", self.time_bucket_minutes.as_deref(), 60)?;
        Ok(Similarity {
            resolution: Resolution::new(resolution).ok_or_else(|| {
                ParamError::new("resolution", format!("{resolution} is outside 0–9"))
            })?,
            bucket: BucketMinutes::new(minutes).ok_or_else(|| {
                let message =
                    format!("{minutes} is not a multiple of 30 that divides 24 hours (1440)");
                ParamError::new("timeBucketMinutes", message)
            })?,
        })
    }

    fn min_trips(&self) -> Result<u64, ParamError> {
        number("minTrips", self.min_trips.as_deref(), 1)
    }
}

/// The ingestion with this identifier; no ingestion's number if there can be none.
fn ingestion(id: &str) -> IngestionId {
    let number: Option<IngestionId> = id.parse().ok();
    let canonical = number.filter(|number| number.to_string() == id);
    canonical.unwrap_or(0)
}

/// Maximum number of ranges of the time of day.
const MAX_RANGES: usize = 1_000;

const DAYS: [(&str, Weekday); 7] = [
    ("MONDAY", Weekday::Mon),
    ("TUESDAY", Weekday::Tue),
    ("WEDNESDAY", Weekday::Wed),
    ("THURSDAY", Weekday::Thu),
    ("FRIDAY", Weekday::Fri),
    ("SATURDAY", Weekday::Sat),
    ("SUNDAY", Weekday::Sun),
];

/// What one of several names stands for, in upper or lower case.
fn named<T: Copy>(parameter: &str, text: &str, names: &[(&str, T)]) -> Result<T, ParamError> {
    let mut known = names.iter();
    let found = known.find(|(name, _)| text.eq_ignore_ascii_case(name));
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        let shown: String = text.chars().take(40).collect();
        let message = match names.split_last() {
            Some((last, names)) => {
                format!("{shown:?} is none of {} and {last}", names.join(", "))
            }
            None => format!("{shown:?} is unknown"),
        };
        ParamError::new(parameter, message)
    })
}

/// The items of a list.
fn items(text: &str) -> impl ExactSizeIterator<Item = &str> {
    let items: Vec<_> = text.split(',').map(str::trim).collect();
    items.into_iter()
}

fn day(text: &str) -> Result<Weekday, ParamError> {
    named("daysOfWeek", text, &DAYS)
}

fn range(text: &str) -> Result<DayRange, ParamError> {
    let error = |message: String| ParamError::new("timeRanges", message);
    let Some((from, to)) = text.split_once('-') else {
        let shown: String = text.chars().take(40).collect();
        return Err(error(format!("{shown:?} is not a range: 07:00-09:30")));
    };
    DayRange::parse(from.trim(), to.trim()).map_err(|cause| error(cause.to_string()))
}

fn bbox(text: &str, borders: Option<&str>) -> Result<BoundingBox, ParamError> {
    let error = |message: String| ParamError::new("bbox", message);
    let degrees: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let Ok(&[west, south, east, north]) = degrees.as_deref() else {
        return Err(error(format!(
            "{text:?} is not four numbers: west,south,east,north"
        )));
    };
    let half_open = borders.map_or(Ok(false), |text| {
        named(
            "borders",
            text,
            &[("INCLUSIVE", false), ("HALF_OPEN", true)],
        )
    })?;
    let new = if half_open {
        BoundingBox::half_open
    } else {
        BoundingBox::new
    };
    new(west, south, east, north).map_err(|cause| error(cause.to_string()))
}

fn polygon(text: &str) -> Result<Polygon, ParamError> {
    let error = |message: String| ParamError::new("polygon", message);
    let value =
        serde_json::from_str(text).map_err(|cause| error(format!("is not JSON: {cause}")))?;
    Polygon::from_geojson(&value).map_err(|cause| error(cause.to_string()))
}

fn cells(text: &str) -> Result<CellSet, ParamError> {
    CellSet::parse(items(text)).map_err(|cause| ParamError::new("cells", cause.to_string()))
}

fn week(name: &str, text: Option<&str>) -> Result<Option<Week>, ParamError> {
    text.map(|text| {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d");
        let week = date.ok().and_then(Week::of);
        week.ok_or_else(|| {
            let message = format!("{text:?} is not a date of the years 1–9999: YYYY-MM-DD");
            ParamError::new(name, message)
        })
    })
    .transpose()
}

fn number<T: FromStr>(name: &str, text: Option<&str>, default: T) -> Result<T, ParamError> {
    text.map_or(Ok(default), |text| {
        let error = |_| ParamError::new(name, format!("{text:?} is not a whole number"));
        text.trim().parse().map_err(error)
    })
}

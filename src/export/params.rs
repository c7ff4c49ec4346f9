//! The parameters of an export, as texts: from the query string of a URL, a JSON body, or the
//! command line.

use clap::Args;

use super::{ParamError, Subject};

/// The parameters of an export. Those that are not given do not restrict, or have the default of
/// the GraphQL field that answers the same question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ExportParams {
    /// Only trips with the ends given by --trip-end in this box, in degrees; west > east crosses
    /// the antimeridian
    #[arg(
        long,
        env = "TRIPGRAPH_EXPORT_BBOX",
        value_name = "WEST,SOUTH,EAST,NORTH",
        allow_hyphen_values = true
    )]
    pub bbox: Option<String>,
    /// Which of its borders the box includes: inclusive, or `half_open` without the northern and
    /// the eastern one, so that the boxes of a grid add up [default: inclusive]
    #[arg(long, env = "TRIPGRAPH_EXPORT_BORDERS", value_name = "BORDERS")]
    pub borders: Option<String>,
    /// Only trips with the ends given by --trip-end in this area, as GeoJSON.
    #[arg(skip)]
    pub polygon: Option<String>,
    /// Only trips with the ends given by --trip-end in one of these H3 cells: indexes in
    /// hexadecimal
    #[arg(long, env = "TRIPGRAPH_EXPORT_CELLS", value_name = "INDEX,…")]
    pub cells: Option<String>,
    /// Only trips with the ends given by --trip-end in this zone
    #[arg(long, env = "TRIPGRAPH_EXPORT_ZONE", value_name = "SET/ID")]
    pub zone: Option<String>,
    /// Which ends of a trip must be in the area, or, for zones, in a zone: origin, destination,
    /// both or either [default: origin]
    #[arg(long, env = "TRIPGRAPH_EXPORT_TRIP_END", value_name = "END")]
    pub trip_end: Option<String>,
    /// Only trips of the region of this name
    #[arg(long, env = "TRIPGRAPH_EXPORT_REGION", value_name = "NAME")]
    pub region: Option<String>,
    /// Only trips of the datasource of this name
    #[arg(long, env = "TRIPGRAPH_EXPORT_DATASOURCE", value_name = "NAME")]
    pub datasource: Option<String>,
    /// Only trips of the ingestion with this identifier
    #[arg(long, env = "TRIPGRAPH_EXPORT_INGESTION", value_name = "ID")]
    pub ingestion: Option<String>,
    /// Any date in the first week
    #[arg(long, env = "TRIPGRAPH_EXPORT_FROM_WEEK", value_name = "DATE")]
    pub from_week: Option<String>,
    /// Any date in the last week
    #[arg(long, env = "TRIPGRAPH_EXPORT_TO_WEEK", value_name = "DATE")]
    pub to_week: Option<String>,
    /// Only trips that depart on these days: monday,friday
    #[arg(long, env = "TRIPGRAPH_EXPORT_DAYS_OF_WEEK", value_name = "DAY,…")]
    pub days_of_week: Option<String>,
    /// Only trips that depart in one of these ranges of the time of day, the ends excluded; a range
    /// may run over midnight
    #[arg(
        long,
        env = "TRIPGRAPH_EXPORT_TIME_RANGES",
        value_name = "HH:MM-HH:MM,…"
    )]
    pub time_ranges: Option<String>,
    /// H3 resolution of the cells, 0–9; for groups [default: 7]
    #[arg(long, env = "TRIPGRAPH_EXPORT_RESOLUTION", value_name = "NUMBER")]
    pub resolution: Option<String>,
    /// Length of a bucket of the day, in minutes: a multiple of 30 that divides 1440; for groups
    /// [default: 60]
    #[arg(
        long,
        env = "TRIPGRAPH_EXPORT_TIME_BUCKET_MINUTES",
        value_name = "MINUTES"
    )]
    pub time_bucket_minutes: Option<String>,
    /// Minimum number of trips in a group or between two zones; for groups and od [default: 1]
    #[arg(long, env = "TRIPGRAPH_EXPORT_MIN_TRIPS", value_name = "NUMBER")]
    pub min_trips: Option<String>,
    /// Name of the set of zones; for od and zones
    #[arg(long, env = "TRIPGRAPH_EXPORT_ZONE_SET", value_name = "NAME")]
    pub zone_set: Option<String>,
}

/// A parameter by its name in a URL.
struct Param {
    name: &'static str,
    /// What it applies to.
    subjects: &'static [Subject],
    /// Its field.
    field: fn(&mut ExportParams) -> &mut Option<String>,
}

/// Everything.
const ALL: &[Subject] = &Subject::ALL;
/// What is about an area.
const OF_AREA: &[Subject] = &[Subject::Weeks, Subject::Groups, Subject::Trips, Subject::Od];
const OF_GROUPS: &[Subject] = &[Subject::Groups];

const fn param(
    name: &'static str,
    subjects: &'static [Subject],
    field: fn(&mut ExportParams) -> &mut Option<String>,
) -> Param {
    Param {
        name,
        subjects,
        field,
    }
}

static PARAMS: [Param; 17] = [
    param("bbox", OF_AREA, |params| &mut params.bbox),
    param("borders", OF_AREA, |params| &mut params.borders),
    param("polygon", OF_AREA, |params| &mut params.polygon),
    param("cells", OF_AREA, |params| &mut params.cells),
    param("zone", OF_AREA, |params| &mut params.zone),
    param("tripEnd", ALL, |params| &mut params.trip_end),
    param("region", ALL, |params| &mut params.region),
    param("datasource", ALL, |params| &mut params.datasource),
    param("ingestion", ALL, |params| &mut params.ingestion),
    param("fromWeek", ALL, |params| &mut params.from_week),
    param("toWeek", ALL, |params| &mut params.to_week),
    param("daysOfWeek", ALL, |params| &mut params.days_of_week),
    param("timeRanges", ALL, |params| &mut params.time_ranges),
    param("resolution", OF_GROUPS, |params| &mut params.resolution),
    param("timeBucketMinutes", OF_GROUPS, |params| {
        &mut params.time_bucket_minutes
    }),
    param("minTrips", &[Subject::Groups, Subject::Od], |params| {
        &mut params.min_trips
    }),
    param("zoneSet", &[Subject::Od, Subject::Zones], |params| {
        &mut params.zone_set
    }),
];

impl ExportParams {
    /// Sets the parameters of a query string.
    pub fn set_query(&mut self, subject: Subject, query: &str) -> Result<(), ParamError> {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            self.set(subject, &name, value.into_owned())?;
        }
        Ok(())
    }

    /// Sets a parameter by its name in a URL.
    pub(super) fn set(
        &mut self,
        subject: Subject,
        name: &str,
        value: String,
    ) -> Result<(), ParamError> {
        let param = PARAMS.iter().find(|param| param.name == name);
        let param = param.ok_or_else(|| unknown(subject, name))?;
        match (param.field)(self).replace(value) {
            Some(_) => Err(ParamError::new(name, "is given twice")),
            None => Ok(()),
        }
    }

    /// Fails if a parameter is given that does not apply to a subject.
    pub(super) fn check(&mut self, subject: Subject) -> Result<(), ParamError> {
        for param in &PARAMS {
            if !param.subjects.contains(&subject) && (param.field)(self).is_some() {
                let message = format!("does not apply to {}", subject.name());
                return Err(ParamError::new(param.name, message));
            }
        }
        Ok(())
    }
}

fn unknown(subject: Subject, name: &str) -> ParamError {
    let known = PARAMS
        .iter()
        .filter(|param| param.subjects.contains(&subject));
    let known: Vec<_> = known.map(|param| param.name).collect();
    let shown: String = name.chars().take(40).collect();
    let message = format!(
        "is no parameter of {}, which has {}",
        subject.name(),
        known.join(", ")
    );
    ParamError::new(&shown, message)
}

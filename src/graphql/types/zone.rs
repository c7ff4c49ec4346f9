use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{
    Conditions, Date, DayOfWeek, GeoJson, Long, TimeRange, TotalCount, TripEnd, WeeklyAverage,
    connection, weeks,
};
use crate::analytics::{self, Answers, ZoneSets, rounded_zone_averages};
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::graphql::{ApiError, Code, Disclosure};
use crate::model::{self, Page};

/// A page of zones.
pub(crate) type ZoneConnection = Connection<Cursor, Zone, TotalCount>;
/// A page of pairs of zones.
pub(crate) type OdPairConnection = Connection<Cursor, OdPair, TotalCount>;

/// A set of zones.
pub(crate) struct ZoneSet(pub Arc<model::ZoneSet>);

/// A zone of a set.
pub(crate) struct Zone {
    set: Arc<model::ZoneSet>,
    number: u32,
}

impl Zone {
    /// The zone of that number; `None` if the set has none.
    fn new(set: &Arc<model::ZoneSet>, number: u32) -> Option<Self> {
        let set = Arc::clone(set);
        ((number as usize) < set.zones().len()).then_some(Self { set, number })
    }

    fn zone(&self) -> &model::Zone {
        &self.set.zones()[self.number as usize]
    }
}

/// A set of zones, imported under a name.
#[Object]
impl ZoneSet {
    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Zones in the order of the file. A trip end that lies in several is counted in the first.
    #[graphql(complexity = "weight(20, first, child_complexity)")]
    #[expect(
        clippy::unused_async,
        reason = "a resolver is async, whether it waits or not"
    )]
    async fn zones(
        &self,
        #[graphql(default = 20, desc = "Maximum number of zones, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last zone of the previous page.")] after: Option<String>,
    ) -> Result<ZoneConnection> {
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let start = match after {
            None => 0,
            Some(Cursor::Zone(number)) => number.saturating_add(1),
            Some(_) => return Err(cursor::broken().into()),
        };
        let total = self.0.zones().len() as u64;
        let end = u64::from(start).saturating_add(first).min(total);
        let numbers = (start..).take_while(|&number| u64::from(number) < end);
        let page = Page {
            items: numbers
                .filter_map(|number| Zone::new(&self.0, number))
                .collect(),
            has_next: end < total,
            total,
        };
        Ok(connection(
            page,
            after,
            |zone: &Zone| Cursor::Zone(zone.number),
            |zone| zone,
        ))
    }

    /// Weekly averages of all zones, most trips first. All are over one period: from `fromWeek` to
    /// `toWeek`, by default the first and the last week in which any zone has a trip. A trip end
    /// is in at most one zone, so for `ORIGIN` and `DESTINATION` the zones add up.
    #[graphql(complexity = "weight(500, 100, child_complexity)")]
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn weekly_averages(
        &self,
        ctx: &Context<'_>,
        #[graphql(default, desc = "Which ends of a trip must be in the zone.")] trip_end: TripEnd,
        #[graphql(desc = "Only trips of the region of this name.")] region: Option<String>,
        #[graphql(desc = "Only trips of the datasource of this name.")] datasource: Option<String>,
        #[graphql(desc = "Any date in the first week of the period.")] from_week: Option<Date>,
        #[graphql(desc = "Any date in the last week of the period.")] to_week: Option<Date>,
        #[graphql(desc = "Only trips that depart on these days.")] days_of_week: Option<
            Vec<DayOfWeek>,
        >,
        #[graphql(desc = "Only trips that depart in one of these ranges of the time of day.")]
        time_ranges: Option<Vec<TimeRange>>,
    ) -> Result<Vec<ZoneAverage>> {
        let conditions = Conditions {
            region,
            datasource,
            days_of_week,
            time_ranges,
            ..Conditions::default()
        };
        let selection = conditions.selection(ctx).await?;
        let (from, to) = weeks(from_week, to_week)?;
        let _turn = turn(ctx).await?;
        let averages = service::<Answers>(ctx)?
            .zone_averages(&self.0, trip_end.into(), &selection, from, to)
            .await
            .map_err(ApiError::from)?;
        let averages = match Disclosure::of(ctx)? {
            Disclosure::Everything => averages,
            Disclosure::Aggregates(unit) => {
                Arc::new(rounded_zone_averages(&averages, unit, from, to))
            }
        };
        let average = |(number, average): &(u32, Arc<analytics::WeeklyAverage>)| {
            Some(ZoneAverage {
                zone: Zone::new(&self.0, *number)?,
                weekly_average: WeeklyAverage(Arc::clone(average)),
            })
        };
        Ok(averages.iter().filter_map(average).collect())
    }
}

/// An area of a set.
#[Object]
impl Zone {
    /// Unique identifier: the name of the set, `/`, and what identifies the zone in its file.
    async fn id(&self) -> ID {
        ID(self.set.id(self.zone()))
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.zone().name
    }

    /// GeoJSON geometry: a Polygon or a MultiPolygon.
    async fn boundary(&self) -> GeoJson {
        GeoJson(self.zone().boundary.to_geojson())
    }
}

/// Weekly average of a zone.
#[derive(SimpleObject)]
pub(crate) struct ZoneAverage {
    /// The zone.
    zone: Zone,
    /// Trips per week in the zone.
    weekly_average: WeeklyAverage,
}

/// Trips from one zone to another.
#[derive(SimpleObject)]
pub(crate) struct OdPair {
    /// Zone in which the trips start; null for trips that start outside the zones of the set.
    origin: Option<Zone>,
    /// Zone in which the trips end; null for trips that end outside the zones of the set.
    destination: Option<Zone>,
    /// Number of trips.
    trips: Long,
    /// Number of trips in the period of `compareTo`; null if it is not given.
    trips_before: Option<Long>,
}

impl OdPair {
    /// A pair of a set; `compared` if there is a period to compare with.
    pub(crate) fn new(set: &Arc<model::ZoneSet>, pair: analytics::OdPair, compared: bool) -> Self {
        let zone = |number: Option<u32>| Zone::new(set, number?);
        Self {
            origin: zone(pair.origin),
            destination: zone(pair.destination),
            trips: pair.trips.into(),
            trips_before: compared.then(|| pair.trips_before.into()),
        }
    }
}

/// The set of this name; an error if there is none.
pub(crate) async fn zone_set(
    ctx: &Context<'_>,
    name: &str,
) -> Result<Arc<model::ZoneSet>, ApiError> {
    let set = service::<ZoneSets>(ctx)?.named(name).await?;
    set.ok_or_else(|| {
        let name: String = name.chars().take(100).collect();
        ApiError::new(Code::NotFound, format!("there is no zone set {name}"))
    })
}

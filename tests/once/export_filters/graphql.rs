//! The rows that GraphQL answers, in the columns and forms of CSV.

use serde_json::{Map, Value, json};

use super::Serving;
use super::rows::{Rows, field};

const WEEKS: &str = "query ($area: AreaInput, $tripEnd: TripEnd! = ORIGIN, $region: String, \
                $datasource: String, $fromWeek: Date, $toWeek: Date, $daysOfWeek: [DayOfWeek!], \
                $timeRanges: [TimeRange!], $ingestion: ID) { weeklyAverage(area: $area, \
                tripEnd: $tripEnd, region: $region, datasource: $datasource, fromWeek: $fromWeek, \
                toWeek: $toWeek, daysOfWeek: $daysOfWeek, timeRanges: $timeRanges, \
                ingestion: $ingestion) { weeks { week trips } } }";

const GROUPS: &str = "query ($filter: TripFilter, $resolution: Int!, $timeBucketMinutes: Int!, \
                $minTrips: Long!) { groupedTrips(filter: $filter, resolution: $resolution, \
                timeBucketMinutes: $timeBucketMinutes, minTrips: $minTrips, first: 1000) { nodes { \
                trips startTime endTime origin { index center { lat lon } } \
                destination { index center { lat lon } } } } }";

const TRIPS: &str = "query ($filter: TripFilter) { trips(filter: $filter, first: 1000) { nodes { \
                region datasource departedAt origin { lon lat } destination { lon lat } } } }";

const PAIRS: &str = "query ($filter: TripFilter, $zoneSet: String!, $minTrips: Long!) { \
                odMatrix(zoneSet: $zoneSet, filter: $filter, minTrips: $minTrips, first: 1000) { \
                nodes { trips origin { id name } destination { id name } } } }";

const ZONES: &str = "query ($zoneSet: String!, $tripEnd: TripEnd! = ORIGIN, $region: String, \
                $datasource: String, $fromWeek: Date, $toWeek: Date, $daysOfWeek: [DayOfWeek!], \
                $timeRanges: [TimeRange!]) { zoneSet(name: $zoneSet) { weeklyAverages(\
                tripEnd: $tripEnd, region: $region, datasource: $datasource, fromWeek: $fromWeek, \
                toWeek: $toWeek, daysOfWeek: $daysOfWeek, timeRanges: $timeRanges) { \
                zone { id name } weeklyAverage { totalTrips average averageOfActiveWeeks \
                calendarWeeks activeWeeks firstWeek lastWeek } } } }";

/// What GraphQL answers, as the rows of the CSV file.
pub(super) async fn of_graphql(
    server: &Serving,
    kind: &str,
    filter: &Map<String, Value>,
    others: &Map<String, Value>,
) -> Rows {
    let mut variables = others.clone();
    variables.insert("filter".to_owned(), json!(filter));
    let at = |node: &Value, path: &str| field(node.pointer(path).unwrap_or(&Value::Null));
    match kind {
        "weeks" => {
            let answer = server.ask(WEEKS, json!(filter)).await;
            let weeks = answer["weeklyAverage"]["weeks"].as_array().unwrap();
            let row = |week: &Value| vec![at(week, "/week"), at(week, "/trips")];
            weeks.iter().map(row).collect()
        }
        "groups" => {
            let answer = server.ask(GROUPS, json!(variables)).await;
            let groups = answer["groupedTrips"]["nodes"].as_array().unwrap();
            let paths = [
                "/origin/center/lat",
                "/origin/center/lon",
                "/destination/center/lat",
                "/destination/center/lon",
                "/trips",
                "/startTime",
                "/endTime",
                "/origin/index",
                "/destination/index",
            ];
            let row = |group: &Value| paths.map(|path| at(group, path)).to_vec();
            groups.iter().map(row).collect()
        }
        "trips" => {
            let answer = server.ask(TRIPS, json!(variables)).await;
            let trips = answer["trips"]["nodes"].as_array().unwrap();
            let point = |trip: &Value, end: &str| {
                format!(
                    "POINT ({} {})",
                    field(&trip[end]["lon"]),
                    field(&trip[end]["lat"])
                )
            };
            let row = |trip: &Value| {
                vec![
                    at(trip, "/region"),
                    point(trip, "origin"),
                    point(trip, "destination"),
                    at(trip, "/departedAt").replace('T', " "),
                    at(trip, "/datasource"),
                    String::new(),
                ]
            };
            trips.iter().map(row).collect()
        }
        "od" => {
            let answer = server.ask(PAIRS, json!(variables)).await;
            let pairs = answer["odMatrix"]["nodes"].as_array().unwrap();
            let paths = [
                "/trips",
                "/origin/id",
                "/origin/name",
                "/destination/id",
                "/destination/name",
            ];
            let row = |pair: &Value| paths.map(|path| at(pair, path)).to_vec();
            pairs.iter().map(row).collect()
        }
        _ => {
            let mut variables = filter.clone();
            variables.extend(others.clone());
            let answer = server.ask(ZONES, json!(variables)).await;
            let zones = answer["zoneSet"]["weeklyAverages"].as_array().unwrap();
            let paths = [
                "/zone/id",
                "/zone/name",
                "/weeklyAverage/totalTrips",
                "/weeklyAverage/average",
                "/weeklyAverage/averageOfActiveWeeks",
                "/weeklyAverage/calendarWeeks",
                "/weeklyAverage/activeWeeks",
                "/weeklyAverage/firstWeek",
                "/weeklyAverage/lastWeek",
            ];
            let row = |zone: &Value| paths.map(|path| at(zone, path)).to_vec();
            zones.iter().map(row).collect()
        }
    }
}

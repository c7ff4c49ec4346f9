//! What a token of scope `aggregate` reveals: counts of trips in multiples of a number, and nothing
//! else about them.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU64;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use support::Server;
use tripgraph::model::CountUnit;

const TOKENS: [&str; 3] = [
    "eve:aggregate:aggregate-012345",
    "ann:read:reader-0123456789",
    "bob:write:writer-0123456789",
];
const EVE: &str = "aggregate-012345";
const ANN: &str = "reader-0123456789";
const BOB: &str = "writer-0123456789";
const UNIT: u64 = 5;

const ZONES: &str = r#"{"type":"FeatureCollection","features":[
{"type":"Feature","id":"west","properties":{},"geometry":{"type":"Polygon","coordinates":[[[14.3,50],[14.45,50],[14.45,50.2],[14.3,50.2],[14.3,50]]]}},
{"type":"Feature","id":"east","properties":{},"geometry":{"type":"Polygon","coordinates":[[[14.45,50],[14.6,50],[14.6,50.2],[14.45,50.2],[14.45,50]]]}}]}"#;

/// Trips of Prague: 7 and 4 in two weeks from west to east in the morning, 6 back in the evening, 2
/// elsewhere; and 3 of Turin.
fn csv() -> String {
    let mut csv = "region,origin_coord,destination_coord,datetime,datasource\n".to_owned();
    let mut add =
        |count: usize, region: &str, origin: &str, destination: &str, day: &str, hour: u32| {
            for minute in 0..count {
                let time = format!("2018-05-{day} {hour:02}:{minute:02}:00");
                writeln!(
                    csv,
                    "{region},POINT ({origin}),POINT ({destination}),{time},car"
                )
                .unwrap();
            }
        };
    let (west, east) = ("14.4 50.05", "14.5 50.1");
    add(7, "Prague", west, east, "21", 8);
    add(4, "Prague", west, east, "28", 8);
    add(6, "Prague", east, west, "21", 18);
    add(2, "Prague", "14.41 50.15", "14.59 50.01", "07", 12);
    add(3, "Turin", "7.67 44.99", "7.72 45.06", "21", 8);
    csv
}

async fn ask(server: &Server, token: &str, body: &Value) -> Value {
    let request = Client::new().post(server.url("/graphql")).json(body);
    let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    request.send().await.unwrap().json().await.unwrap()
}

async fn query(server: &Server, token: &str, query: &str) -> Value {
    ask(server, token, &json!({ "query": query })).await
}

async fn upload(server: &Server, mutation: &str, text: String) -> Value {
    let operations = json!({ "query": mutation, "variables": { "file": null } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": ["variables.file"] }).to_string())
        .part("0", Part::text(text).file_name("file"));
    let request = Client::new().post(server.url("/graphql")).multipart(form);
    let request = request.header(AUTHORIZATION, format!("Bearer {BOB}"));
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert!(answer.get("errors").is_none(), "{answer}");
    answer["data"].clone()
}

/// A server with the trips and the zones.
async fn server() -> Server {
    let server = Server::set_up(&TOKENS, |settings| {
        settings.min_trips = CountUnit::new(NonZeroU64::new(UNIT).unwrap());
    })
    .await;
    let ingest = "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }";
    let answer = upload(&server, ingest, csv()).await;
    let id = answer["ingestTrips"]["ingestion"]["id"].as_str().unwrap();
    server.backend.ended(id.parse().unwrap()).await;
    let import = "mutation ($file: Upload!) { importZones(file: $file, set: \"sides\") { name } }";
    upload(&server, import, ZONES.to_owned()).await;
    server
}

fn code(answer: &Value) -> Option<&str> {
    answer["errors"][0]["extensions"]["code"].as_str()
}

/// A field of the schema.
struct Field {
    name: String,
    /// Arguments, for those that are required.
    arguments: String,
    /// Name of its type, without lists and nulls.
    ty: String,
}

/// The fields of every object type.
async fn schema(server: &Server) -> BTreeMap<String, Vec<Field>> {
    let wrapped = "kind name ofType { kind name ofType { kind name ofType { kind name } } }";
    let text = format!(
        "{{ __schema {{ types {{ kind name fields {{ name type {{ {wrapped} }} args {{ name \
         defaultValue type {{ kind }} }} }} }} }} }}"
    );
    let answer = query(server, EVE, &text).await;
    let types = answer["data"]["__schema"]["types"].as_array().unwrap();
    let is_walked =
        |name: &str| !name.starts_with("__") && !["Mutation", "Subscription"].contains(&name);
    let objects = types
        .iter()
        .filter(|ty| ty["kind"] == "OBJECT" && is_walked(ty["name"].as_str().unwrap()));
    objects
        .map(|ty| {
            let name = ty["name"].as_str().unwrap();
            let fields = ty["fields"].as_array().unwrap();
            (
                name.to_owned(),
                fields.iter().map(|field| described(name, field)).collect(),
            )
        })
        .collect()
}

fn described(parent: &str, field: &Value) -> Field {
    let name = field["name"].as_str().unwrap();
    let mut ty = &field["type"];
    while !ty["ofType"].is_null() {
        ty = &ty["ofType"];
    }
    let required = |argument: &&Value| {
        argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
    };
    let arguments = field["args"].as_array().unwrap().iter().filter(required);
    let arguments: Vec<_> = arguments
        .map(|argument| {
            let argument = argument["name"].as_str().unwrap();
            let value = match format!("{parent}.{name}({argument}:)").as_str() {
                "Query.region(name:)" => "\"Prague\"",
                "Query.datasource(name:)" => "\"car\"",
                "Query.zoneSet(name:)" | "Query.odMatrix(zoneSet:)" => "\"sides\"",
                "Query.ingestion(id:)" => "1",
                other => panic!("give {other} a value"),
            };
            format!("{argument}: {value}")
        })
        .collect();
    Field {
        name: name.to_owned(),
        arguments: if arguments.is_empty() {
            String::new()
        } else {
            format!("({})", arguments.join(", "))
        },
        ty: ty["name"].as_str().unwrap().to_owned(),
    }
}

/// A way from the query to a field that has no fields of its own.
struct Way<'a> {
    /// Schema coordinates.
    coordinates: Vec<String>,
    fields: Vec<&'a Field>,
}

/// All ways on which no type occurs more than twice.
fn ways<'a>(
    schema: &'a BTreeMap<String, Vec<Field>>,
    ty: &str,
    before: &mut Vec<(String, &'a Field)>,
    found: &mut Vec<Way<'a>>,
) {
    for field in &schema[ty] {
        before.push((ty.to_owned(), field));
        let visits = before
            .iter()
            .filter(|(_, known)| known.ty == field.ty)
            .count();
        if !schema.contains_key(&field.ty) {
            found.push(Way {
                coordinates: before
                    .iter()
                    .map(|(ty, field)| format!("{ty}.{}", field.name))
                    .collect(),
                fields: before.iter().map(|(_, field)| *field).collect(),
            });
        } else if visits <= 2 {
            ways(schema, &field.ty, before, found);
        }
        before.pop();
    }
}

impl Way<'_> {
    fn query(&self) -> String {
        let inner = self
            .fields
            .iter()
            .rev()
            .fold(String::new(), |inner, field| {
                let Field {
                    name, arguments, ..
                } = field;
                if inner.is_empty() {
                    name.clone()
                } else {
                    format!("{name}{arguments} {{ {inner} }}")
                }
            });
        format!("{{ {inner} }}")
    }
}

fn numbers(value: &Value, found: &mut Vec<f64>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| numbers(field, found)),
        _ => {}
    }
}

/// Walks over all fields of the schema, so it covers fields that are added.
#[tokio::test]
async fn every_field_is_withheld_or_rounded() {
    let server = server().await;
    let schema = schema(&server).await;
    let mut all = Vec::new();
    ways(&schema, "Query", &mut Vec::new(), &mut all);
    let (mut open, mut withheld, mut inexact) = (BTreeSet::new(), BTreeSet::new(), 0);
    for way in &all {
        if way.coordinates.iter().any(|name| withheld.contains(name)) {
            continue;
        }
        let last = way.fields.last().unwrap();
        let text = way.query();
        let answer = query(&server, EVE, &text).await;
        if let Some(code) = code(&answer) {
            assert_eq!(code, "FORBIDDEN", "{text}: {answer}");
            assert!(answer.get("data").is_none(), "{text}: {answer}");
            let message = answer["errors"][0]["message"].as_str().unwrap();
            let coordinate = message.split('`').nth(1).unwrap();
            withheld.insert(coordinate.to_owned());
            continue;
        }
        open.extend(way.coordinates.iter().cloned());
        let is_time = ["DateTime", "LocalDateTime"].contains(&last.ty.as_str());
        assert!(!is_time, "{text}: a time of a trip");
        // Groups and pairs are counted, not trips.
        if last.ty != "Long" || last.name == "totalCount" {
            continue;
        }
        let (mut shown, mut exact) = (Vec::new(), Vec::new());
        numbers(&answer["data"], &mut shown);
        let whole = query(&server, ANN, &text).await;
        numbers(&whole["data"], &mut exact);
        let is_multiple = |number: &f64| number % UNIT as f64 == 0.0;
        assert!(shown.iter().all(is_multiple), "{text}: {answer}");
        inexact += usize::from(!exact.iter().all(is_multiple));
    }
    assert!(all.len() > 100, "{}", all.len());
    assert!(inexact > 5, "{inexact}");
    for coordinate in [
        "Query.ingestion",
        "Query.ingestions",
        "Query.trips",
        "TripGroup.members",
        "Region.firstDepartedAt",
        "Region.latestDatasource",
        "Datasource.lastDepartedAt",
    ] {
        assert!(!open.contains(coordinate), "{coordinate}");
        assert!(withheld.contains(coordinate), "{coordinate}");
    }
    for coordinate in [
        "WeekCount.trips",
        "TripGroup.trips",
        "OdPair.trips",
        "Region.trips",
    ] {
        assert!(open.contains(coordinate), "{coordinate}");
    }
}

#[tokio::test]
async fn answers_are_computed_from_what_they_show() {
    let server = server().await;
    let fields = "totalTrips average calendarWeeks activeWeeks weeks { week trips }";
    let answer = query(&server, EVE, &format!("{{ weeklyAverage {{ {fields} }} }}")).await;
    // 2, 0, 16 and 4 trips in four weeks.
    assert_eq!(
        answer["data"]["weeklyAverage"],
        json!({
            "totalTrips": 15, "average": 15.0, "calendarWeeks": 1, "activeWeeks": 1,
            "weeks": [{ "week": "2018-05-21", "trips": 15 }],
        })
    );
    let few = json!({
        "totalTrips": 0, "average": 0.0, "calendarWeeks": 0, "activeWeeks": 0, "weeks": [],
    });
    let text = format!("{{ weeklyAverage(region: \"Turin\") {{ {fields} }} }}");
    assert_eq!(
        query(&server, EVE, &text).await["data"]["weeklyAverage"],
        few
    );
    let text = "{ regions { name trips } region(name: \"Turin\") { name } }";
    assert_eq!(
        query(&server, EVE, text).await["data"],
        json!({ "regions": [{ "name": "Prague", "trips": 15 }], "region": null })
    );
    // The groups have 11, 6, 3 and 2 trips. No minimum reveals more than what is shown.
    let mut after = String::new();
    for (min_trips, shown) in [(0, json!([10, 5])), (6, json!([10])), (11, json!([]))] {
        let text = format!(
            "{{ groupedTrips(minTrips: {min_trips}) {{ totalCount nodes {{ trips }} pageInfo {{ startCursor }} }} }}"
        );
        let answer = query(&server, EVE, &text).await;
        let groups = &answer["data"]["groupedTrips"];
        let trips: Vec<_> = groups["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| &group["trips"])
            .collect();
        assert_eq!(json!(trips), shown, "{min_trips}");
        assert_eq!(groups["totalCount"], trips.len(), "{min_trips}");
        if let Some(cursor) = groups["pageInfo"]["startCursor"].as_str() {
            cursor.clone_into(&mut after);
        }
    }
    let text = format!("{{ groupedTrips(first: 1, after: \"{after}\") {{ nodes {{ trips }} }} }}");
    let answer = query(&server, EVE, &text).await;
    assert_eq!(
        answer["data"]["groupedTrips"]["nodes"],
        json!([{ "trips": 5 }])
    );
    let text = "{ zoneSet(name: \"sides\") { weeklyAverages { zone { id } weeklyAverage { totalTrips firstWeek } } } odMatrix(zoneSet: \"sides\") { nodes { trips } } tripProfile { cells { trips } } }";
    let answer = query(&server, EVE, text).await;
    let zone = |id: &str, trips: u64| {
        json!({
            "zone": { "id": id },
            "weeklyAverage": { "totalTrips": trips, "firstWeek": "2018-05-21" },
        })
    };
    assert_eq!(
        answer["data"]["zoneSet"]["weeklyAverages"],
        json!([zone("sides/west", 5), zone("sides/east", 5)])
    );
    assert_eq!(
        answer["data"]["odMatrix"]["nodes"],
        json!([{ "trips": 10 }, { "trips": 5 }])
    );
    let mut profile = Vec::new();
    numbers(&answer["data"]["tripProfile"], &mut profile);
    profile.retain(|&trips| trips > 0.0);
    assert_eq!(json!(profile), json!([10.0, 5.0]));
}

#[tokio::test]
async fn exact_areas_and_times_are_refused() {
    let server = server().await;
    let cell = "871e3542cffffff";
    let allowed = [
        format!("{{ weeklyAverage(area: {{ cells: [\"{cell}\"] }}, fromWeek: \"2018-05-21\") {{ average }} }}"),
        "{ weeklyAverage(area: { zone: \"sides/west\" }, tripEnd: EITHER) { average } }".to_owned(),
        "{ groupedTrips(filter: { region: \"Prague\", area: { zone: \"sides/west\" } }) { totalCount } }".to_owned(),
        "{ weeklyAverage(bbox: null, daysOfWeek: null) { average } }".to_owned(),
        "{ __schema { queryType { name } } __typename }".to_owned(),
    ];
    for text in &allowed {
        let answer = query(&server, EVE, text).await;
        assert_eq!(code(&answer), None, "{text}: {answer}");
    }
    let bbox = "{ west: 14, south: 50, east: 15, north: 51 }";
    let refused = [
        format!("{{ weeklyAverage(bbox: {bbox}) {{ average }} }}"),
        format!("{{ weeklyAverage(area: {{ bbox: {bbox} }}) {{ average }} }}"),
        "{ weeklyAverage(area: { polygon: { type: \"Polygon\", coordinates: [[[14,50],[15,50],[15,51],[14,50]]] } }) { average } }".to_owned(),
        format!("{{ weeklyAverage(area: {{ cells: [\"{cell}\", \"871e3542dffffff\"] }}) {{ average }} }}"),
        "{ weeklyAverage(area: { cells: [\"881e3542c1fffff\"] }) { average } }".to_owned(),
        "{ weeklyAverage(daysOfWeek: [MONDAY]) { average } }".to_owned(),
        "{ weeklyAverage(ingestion: 1) { average } }".to_owned(),
        "{ groupedTrips(filter: { timeRanges: [{ from: \"08:00\", to: \"08:01\" }] }) { totalCount } }".to_owned(),
        "{ groupedTrips(filter: { fromWeek: \"2018-05-21\" }) { totalCount } }".to_owned(),
        "{ groupedTrips(resolution: 8) { totalCount } }".to_owned(),
        "{ groupedTrips(timeBucketMinutes: 30) { totalCount } }".to_owned(),
        "{ groupedTrips(compareTo: { fromWeek: \"2018-05-21\", toWeek: \"2018-05-21\" }) { totalCount } }".to_owned(),
        "{ ...F } fragment F on Query { ... on Query { all: trips { totalCount } } }".to_owned(),
        "mutation { removeIngestion(id: 1) { id } }".to_owned(),
        "subscription { ingestionUpdates { id } }".to_owned(),
    ];
    for text in &refused {
        let answer = query(&server, EVE, text).await;
        assert_eq!(code(&answer), Some("FORBIDDEN"), "{text}: {answer}");
        let request = Client::new().post(server.url("/graphql"));
        let request = request.header(AUTHORIZATION, format!("Bearer {EVE}"));
        let request = request.header(ACCEPT, "text/event-stream");
        let response = request.json(&json!({ "query": text })).send();
        let text = response.await.unwrap().text().await.unwrap();
        assert!(text.contains("FORBIDDEN"), "{text}");
    }
    // What variables contain counts as well.
    let text = "query ($filter: TripFilter, $bbox: BoundingBox) { groupedTrips(filter: $filter) { totalCount } weeklyAverage(bbox: $bbox) { average } }";
    let bbox = json!({ "west": 14, "south": 50, "east": 15, "north": 51 });
    for (variables, expected) in [
        (json!({}), None),
        (
            json!({ "filter": { "region": "Prague", "bbox": null } }),
            None,
        ),
        (json!({ "filter": { "bbox": bbox } }), Some("FORBIDDEN")),
        (
            json!({ "filter": { "daysOfWeek": ["MONDAY"] } }),
            Some("FORBIDDEN"),
        ),
        (json!({ "bbox": bbox }), Some("FORBIDDEN")),
    ] {
        let body = json!({ "query": text, "variables": variables });
        let answer = ask(&server, EVE, &body).await;
        assert_eq!(code(&answer), expected, "{variables}: {answer}");
        assert_eq!(code(&ask(&server, ANN, &body).await), None, "{variables}");
    }
    for path in [
        "/metrics",
        "/export/trips.csv",
        "/export/weeks.csv",
        "/export/groups.csv",
    ] {
        let get = |token: &str| {
            let request = Client::new().get(server.url(path));
            let request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            request.timeout(Duration::from_secs(20)).send()
        };
        assert_eq!(get(EVE).await.unwrap().status(), 403, "{path}");
        assert_eq!(get(ANN).await.unwrap().status(), 200, "{path}");
    }
}

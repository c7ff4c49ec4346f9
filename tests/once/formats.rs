//! Files as they are published: each is ingested without an option beyond region and time zone.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::suite::program::{Home, Ran, Serving};

/// The folder of committed files, whose rows are made up and whose headers are as published.
fn published(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats")
        .join(name)
}

/// What inspecting a file with some options finds.
fn inspected(home: &Home, file: &Path, options: &[&str]) -> Value {
    let file = file.to_str().unwrap();
    let ran = home.run(&[&["inspect", file, "--json"], options].concat());
    let mut all: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
    all[0].take()
}

/// Ingests a file with some options.
fn ingest(home: &Home, file: &Path, options: &[&str]) -> Ran {
    let file = file.to_str().unwrap();
    home.run(&[&["ingest", file], options].concat())
}

/// Departure, arrival, and both ends of a trip.
type Expected = (&'static str, &'static str, [f64; 4]);

/// A file, its name in `layout`, a time zone, the trips that it has, and how many rows are rejected.
type Published = (
    &'static str,
    &'static str,
    &'static str,
    &'static [Expected],
    u64,
);

const NEW_YORK: &str = "America/New_York";
const CHICAGO: &str = "America/Chicago";

const PUBLISHED: [Published; 20] = [
    (
        "citibike-2021.csv",
        "Lyft bike share",
        NEW_YORK,
        &[
            (
                "2021-02-01T00:04:23",
                "2021-02-01T00:27:20",
                [-73.967_843_84, 40.752_068_62, -73.974_986_96, 40.755_102_9],
            ),
            (
                "2021-02-28T23:59:59",
                "2021-03-01T00:10:00",
                [-74.0039, 40.7242, -73.9942, 40.7363],
            ),
        ],
        1,
    ),
    (
        "divvy-2020.csv",
        "Lyft bike share",
        CHICAGO,
        &[
            (
                "2020-04-26T17:45:14",
                "2020-04-26T18:12:03",
                [-87.661, 41.8964, -87.6586, 41.9322],
            ),
            (
                "2020-04-17T17:08:54",
                "2020-04-17T17:17:03",
                [-87.7154, 41.9244, -87.7238, 41.9306],
            ),
        ],
        0,
    ),
    (
        "capitalbikeshare-2020.csv",
        "Lyft bike share",
        NEW_YORK,
        &[
            (
                "2020-07-14T08:12:33",
                "2020-07-14T08:31:40",
                [-77.04, 38.9, -77.032_224, 38.928_552],
            ),
            (
                "2020-07-14T09:00:01",
                "2020-07-14T09:07:45",
                [-77.026_261, 38.902_405, -77.004_95, 38.910_972],
            ),
        ],
        0,
    ),
    (
        "bluebikes-2023.csv",
        "Lyft bike share",
        NEW_YORK,
        &[
            (
                "2023-04-06T12:41:04.512",
                "2023-04-06T12:57:19.027",
                [-71.093_198, 42.3581, -71.1031, 42.365_07],
            ),
            (
                "2023-04-07T07:02:10",
                "2023-04-07T07:20:11.500",
                [-71.084_955, 42.362_428, -71.094_64, 42.344_536],
            ),
        ],
        0,
    ),
    (
        "citibike-2013.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2013-07-01T00:00:00",
                "2013-07-01T00:10:34",
                [-73.970_325_17, 40.753_230_98, -73.981_655_57, 40.732_218_53],
            ),
            (
                "2013-07-01T00:00:02",
                "2013-07-01T00:25:49",
                [-74.002_950_346, 40.749_717_753, -74.007_756, 40.746_745],
            ),
            (
                "2013-07-01T00:01:04",
                "",
                [-73.990_764_7, 40.730_286_66, -73.986_723_78, 40.730_473_09],
            ),
        ],
        0,
    ),
    (
        "citibike-2014.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2014-09-01T00:00:25",
                "2014-09-01T00:47:33",
                [-74.002_344_82, 40.714_948_07, -73.987_882_05, 40.762_272_05],
            ),
            (
                "2014-09-13T00:00:28",
                "2014-09-13T00:06:36",
                [-74.004_607_3, 40.712_732_66, -74.016_776_85, 40.705_692_54],
            ),
        ],
        0,
    ),
    (
        "citibike-2015.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2015-01-01T00:01:00",
                "2015-01-01T00:24:00",
                [-73.969_053_01, 40.750_019_86, -73.991_475_35, 40.722_293_46],
            ),
            (
                "2015-01-01T00:02:00",
                "2015-01-01T00:08:00",
                [-74.003_664_43, 40.743_174_49, -73.999_317_83, 40.739_355_42],
            ),
        ],
        0,
    ),
    (
        "citibike-2016.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2016-10-01T00:00:07",
                "2016-10-01T00:05:35",
                [-73.956_981_19, 40.712_868_44, -73.950_952_59, 40.708_770_84],
            ),
            (
                "2016-10-01T00:00:11",
                "2016-10-01T00:06:49",
                [-73.954_071_49, 40.778_012_03, -73.953_516_6, 40.771_404_26],
            ),
        ],
        1,
    ),
    (
        "bluebikes-2018.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2018-05-01T00:00:16.854",
                "2018-05-01T00:09:29.691",
                [
                    -71.101_294_755_935_67,
                    42.359_573_201_090_44,
                    -71.088_22,
                    42.3625,
                ],
            ),
            (
                "2018-05-01T00:00:28.498",
                "2018-05-01T00:25:08.918",
                [-71.105_495_1, 42.366_425_6, -71.108_786, 42.380_323],
            ),
        ],
        0,
    ),
    (
        "bluebikes-2020.csv",
        "Citi Bike or Bluebikes, old",
        NEW_YORK,
        &[
            (
                "2020-09-01T00:00:12.372",
                "2020-09-01T00:15:03.145",
                [-71.1031, 42.365_07, -71.111_075, 42.373_379],
            ),
            (
                "2020-09-01T00:01:39.786",
                "2020-09-01T00:08:46.664",
                [-71.057_629, 42.358_92, -71.049_282, 42.351_004],
            ),
        ],
        0,
    ),
    (
        "fordgobike-2017.csv",
        "Ford GoBike",
        "America/Los_Angeles",
        &[
            (
                "2017-12-31T16:57:39.654",
                "2018-01-01T15:12:50.245",
                [
                    -122.426_244_020_462_04,
                    37.776_434_819_204_745,
                    -122.415_929_2,
                    37.778_767_7,
                ],
            ),
            (
                "2017-12-31T15:56:34.842",
                "2018-01-01T13:49:55.617",
                [
                    -122.400_875_687_599_18,
                    37.784_872_084_360_62,
                    -122.426_613_6,
                    37.766_210_2,
                ],
            ),
        ],
        0,
    ),
    (
        "tlc-yellow-2009.csv",
        "TLC yellow taxi, 2009",
        NEW_YORK,
        &[
            (
                "2009-01-04T02:52:00",
                "2009-01-04T03:02:00",
                [-73.991_957, 40.721_567, -73.993_803, 40.695_922],
            ),
            (
                "2009-01-04T03:31:00",
                "2009-01-04T03:38:00",
                [-73.982_102, 40.736_29, -73.955_85, 40.768_03],
            ),
        ],
        0,
    ),
    (
        "tlc-yellow-2011.csv",
        "TLC yellow taxi",
        NEW_YORK,
        &[
            (
                "2011-03-29T03:20:30",
                "2011-03-29T03:37:44",
                [-73.987, 40.7601, -73.8712, 40.774],
            ),
            (
                "2011-03-29T06:46:15",
                "2011-03-29T06:50:03",
                [-73.9772, 40.7644, -73.974, 40.7527],
            ),
        ],
        0,
    ),
    (
        "tlc-yellow-2014.csv",
        "TLC yellow taxi",
        NEW_YORK,
        &[
            (
                "2014-01-09T20:45:25",
                "2014-01-09T20:52:31",
                [-73.994_77, 40.736_828, -73.982_227, 40.731_79],
            ),
            (
                "2014-01-09T20:46:12",
                "2014-01-09T20:55:12",
                [-73.982_392, 40.773_382, -73.960_449, 40.763_995],
            ),
        ],
        0,
    ),
    (
        "tlc-yellow-2015.csv",
        "TLC yellow taxi",
        NEW_YORK,
        &[
            (
                "2015-01-15T19:05:39",
                "2015-01-15T19:23:42",
                [
                    -73.993_896_484_375,
                    40.750_110_626_220_7,
                    -73.974_784_851_074_22,
                    40.750_617_980_957_03,
                ],
            ),
            (
                "2015-01-10T20:33:38",
                "2015-01-10T20:53:28",
                [
                    -74.001_647_949_218_75,
                    40.724_243_164_062_5,
                    -73.994_415_283_203_12,
                    40.759_109_497_070_31,
                ],
            ),
        ],
        0,
    ),
    (
        "tlc-green-2014.csv",
        "TLC green taxi",
        NEW_YORK,
        &[
            (
                "2014-01-01T00:10:00",
                "2014-01-01T01:28:22",
                [-73.907, 40.8625, -73.8612, 40.8391],
            ),
            (
                "2014-01-01T00:47:31",
                "2014-01-01T00:54:45",
                [-73.9527, 40.7181, -73.9341, 40.7044],
            ),
        ],
        0,
    ),
    (
        "tlc-green-2016.csv",
        "TLC green taxi",
        NEW_YORK,
        &[
            (
                "2016-01-01T00:29:24",
                "2016-01-01T00:39:36",
                [
                    -73.928_642_272_949_22,
                    40.680_610_656_738_28,
                    -73.924_278_259_277_34,
                    40.698_043_823_242_19,
                ],
            ),
            (
                "2016-01-01T00:19:39",
                "2016-01-01T00:39:18",
                [
                    -73.952_674_865_722_66,
                    40.723_175_048_828_125,
                    -73.923_919_677_734_38,
                    40.761_379_241_943_36,
                ],
            ),
        ],
        0,
    ),
    (
        "chicago-taxi.csv",
        "Chicago taxi",
        CHICAGO,
        &[
            (
                "2016-05-04T00:15:00",
                "2016-05-04T00:30:00",
                [
                    -87.618_868_355,
                    41.890_922_026,
                    -87.620_992_913,
                    41.884_987_192,
                ],
            ),
            (
                "2016-05-04T12:45:00",
                "2016-05-04T13:00:00",
                [
                    -87.633_308_037,
                    41.899_602_111,
                    -87.655_998_182,
                    41.944_226_601,
                ],
            ),
        ],
        1,
    ),
    (
        "porto-taxi.csv",
        "Porto taxi",
        "Europe/Lisbon",
        &[
            (
                "2013-07-01T01:00:58",
                "",
                [-8.618_643, 41.141_412, -8.630_838, 41.154_489],
            ),
            (
                "2013-07-01T01:08:23",
                "",
                [-8.639_847, 41.159_826, -8.665_74, 41.170_671],
            ),
        ],
        1,
    ),
    (
        "mds-2.0.json",
        "MDS trips",
        "Europe/Paris",
        &[
            (
                "2021-03-28T01:59:59.999",
                "2021-03-28T03:10:00",
                [2.3522, 48.8566, 2.36, 48.86],
            ),
            (
                "2021-10-31T02:30:00",
                "2021-10-31T02:30:00",
                [2.34, 48.85, 2.33, 48.84],
            ),
        ],
        0,
    ),
];

/// Asserts that a trip as `inspect` shows it is as expected.
fn assert_trip(trip: &Value, (departed, arrived, ends): &Expected, name: &str) {
    let [x, y, z, w] = ends;
    assert_eq!(trip["origin"], json!([x, y]), "{name}: {trip}");
    assert_eq!(trip["destination"], json!([z, w]), "{name}: {trip}");
    assert_eq!(trip["departedAt"], *departed, "{name}: {trip}");
    let arrived = Some(*arrived).filter(|time| !time.is_empty());
    assert_eq!(trip["arrivedAt"], json!(arrived), "{name}: {trip}");
}

#[tokio::test]
async fn published_files_are_read_as_they_are() {
    let home = Home::new();
    for (name, layout, zone, expected, rejected) in PUBLISHED {
        let file = published(name);
        let stem = name.rsplit_once('.').unwrap().0;
        let found = inspected(&home, &file, &["--region", stem, "--time-zone", zone]);
        assert_eq!(found["format"]["layout"], layout, "{name}: {found}");
        assert_eq!(found["rowsRejected"], rejected, "{name}: {found}");
        let trips = found["trips"]
            .as_array()
            .unwrap_or_else(|| panic!("{name}: {found}"));
        assert_eq!(trips.len(), expected.len(), "{name}: {found}");
        for (trip, expected) in trips.iter().zip(expected) {
            assert_trip(trip, expected, name);
            assert_eq!(trip["region"], stem);
            assert_eq!(trip["datasource"], stem);
        }
        let ran = ingest(&home, &file, &["--region", stem, "--time-zone", zone]);
        assert!(ran.succeeded(), "{name}: {ran:?}");
        let database = home.sql().await;
        for (departed, _, [x, y, z, w]) in expected {
            let departed = departed.replace('T', " ");
            // Each database writes fractions in its own way.
            let (departed, _) = departed.split_once('.').unwrap_or((&departed, ""));
            let sql = format!(
                "SELECT COUNT(*) FROM visible_trip WHERE region = '{stem}' AND datasource = '{stem}' \
                 AND CAST(departed_at AS TEXT) LIKE '{departed}%' AND origin_lon = {x} \
                 AND origin_lat = {y} AND destination_lon = {z} AND destination_lat = {w}"
            );
            assert_eq!(database.number(&sql).await, 1, "{sql}");
        }
        let all = format!("SELECT COUNT(*) FROM visible_trip WHERE region = '{stem}'");
        let all = database.number(&all).await;
        assert_eq!(usize::try_from(all).unwrap(), expected.len(), "{name}");
        database.close().await;
    }
}

#[tokio::test]
async fn files_with_ids_of_locations_need_a_list_of_them() {
    let home = Home::new();
    let ways = [
        (
            "tfl-2017.csv",
            "tfl-stations.csv",
            "TfL cycle hire",
            (
                "2017-01-04T07:13:00",
                "2017-01-04T07:14:00",
                [-0.1085, 51.517_95, -0.1085, 51.517_95],
            ),
            1,
        ),
        (
            "capitalbikeshare-2016.csv",
            "station_information.json",
            "Capital Bikeshare, old",
            (
                "2016-03-31T23:59:00",
                "2016-04-01T00:04:00",
                [-77.0271, 38.9139, -77.0136, 38.9126],
            ),
            0,
        ),
        (
            "divvy-2014.csv",
            "divvy-stations.csv",
            "Divvy, old",
            (
                "2014-06-30T23:57:00",
                "2014-07-01T00:07:00",
                [-87.668_385, 41.939_365, -87.645_98, 41.945_512],
            ),
            0,
        ),
    ];
    for (name, list, layout, first, rejected) in ways {
        let (file, list) = (published(name), published(list));
        let without = inspected(&home, &file, &[]);
        assert_eq!(without["error"]["code"], "MISSING_COLUMNS", "{without}");
        let message = without["error"]["message"].as_str().unwrap();
        assert!(message.contains("--locations FILE"), "{message}");
        let options = ["--locations", list.to_str().unwrap()];
        let found = inspected(&home, &file, &options);
        assert_eq!(found["format"]["layout"], layout, "{found}");
        assert_eq!(found["rowsIngested"], 2, "{found}");
        assert_eq!(found["rowsRejected"], rejected, "{found}");
        assert_trip(&found["trips"][0], &first, name);
        let ran = ingest(&home, &file, &options);
        assert!(ran.succeeded(), "{ran:?}");
    }
    let all = "SELECT COUNT(*) FROM visible_trip WHERE region = 'unknown'";
    assert_eq!(home.number(all).await, 6);
    // Names are ids, too, if a column of them is chosen.
    let options = [
        "--locations",
        published("divvy-stations.csv").to_str().unwrap(),
        "--origin-id",
        "from_station_name",
        "--destination-id",
        "to_station_name",
    ]
    .map(str::to_owned);
    let options = options.each_ref().map(String::as_str);
    let found = inspected(&home, &published("divvy-2014.csv"), &options);
    assert_eq!(found["rowsIngested"], 2, "{found}");
}

#[test]
fn a_text_that_is_no_location_gives_way_to_an_id() {
    let home = Home::new();
    let list = home.write("list.csv", "id,lon,lat\nA1,4.83,45.76\nB2,4.86,45.74\n");
    let options = ["--locations", list.to_str().unwrap()];
    let header = "start_station_id,start_location,end_station_id,end_location,started_at\n";
    let names = format!("{header}A1,Main St,B2,2nd Ave,2021-03-01 08:00\n");
    let found = inspected(&home, &home.write("names.csv", &names), &options);
    assert_eq!(found["rowsRejected"], 0, "{found}");
    assert_eq!(found["trips"][0]["origin"], json!([4.83, 45.76]), "{found}");
    assert_eq!(found["format"]["originId"], "start_station_id", "{found}");
    assert_eq!(found["format"]["origin"], json!([]), "{found}");
    assert_eq!(found["columns"][0]["name"], "start_station_id", "{found}");
    assert_eq!(found["columns"].as_array().unwrap().len(), 3, "{found}");
    // A text that is a location is exact, an id is not.
    let points = format!("{header}A1,POINT (1 2),B2,2nd Ave,2021-03-01 08:00\n");
    let found = inspected(&home, &home.write("points.csv", &points), &options);
    assert_eq!(found["trips"][0]["origin"], json!([1.0, 2.0]), "{found}");
    assert_eq!(found["trips"][0]["destination"], json!([4.86, 45.74]));
    assert_eq!(found["format"]["originId"], Value::Null, "{found}");
    // What is chosen is read.
    let origin = ["--origin", "start_location"];
    let file = home.write("names.csv", &names);
    let found = inspected(&home, &file, &[&options[..], &origin].concat());
    assert_eq!(found["rowsRejected"], 1, "{found}");
}

#[test]
fn a_date_and_a_time_of_day_are_joined() {
    let home = Home::new();
    let ends = "start_lng,start_lat,end_lng,end_lat";
    for (times, values, expected) in [
        // As Biketown and Louisville publish them.
        (
            "StartDate,StartTime,EndDate,EndTime",
            "7/19/2016,10:22,7/19/2016,10:48",
            ["2016-07-19T10:22:00", "2016-07-19T10:48:00"],
        ),
        (
            "Start Date,Start Time,End Date,End Time",
            "2018-08-09,11:00,2018-08-09,11:15",
            ["2018-08-09T11:00:00", "2018-08-09T11:15:00"],
        ),
        (
            "end_time,end_date,start_time,start_date",
            "1:05:30 PM,13.3.2021,12:59 PM,13.3.2021",
            ["2021-03-13T12:59:00", "2021-03-13T13:05:30"],
        ),
    ] {
        let file = home.write("apart.csv", &format!("{times},{ends}\n{values},1,2,3,4\n"));
        let found = inspected(&home, &file, &[]);
        assert_eq!(found["trips"][0]["departedAt"], expected[0], "{found}");
        assert_eq!(found["trips"][0]["arrivedAt"], expected[1], "{found}");
        // The date is the column of the time; given back, it is joined as well.
        let given = as_options(&found["format"]);
        let given: Vec<_> = given.iter().map(String::as_str).collect();
        let again = inspected(&home, &file, &given);
        assert_eq!(again["trips"], found["trips"], "{again}");
    }
    let rows = "2021-03-01,08:00,,,1,2,3,4\n2021-03-01,,,,1,2,3,4\n,08:00,,,1,2,3,4\n";
    let text = format!("start_date,start_time,end_date,end_time,{ends}\n{rows}");
    let found = inspected(&home, &home.write("missing.csv", &text), &[]);
    assert_eq!(found["rowsIngested"], 1, "{found}");
    assert_eq!(found["trips"][0]["arrivedAt"], Value::Null, "{found}");
    // Two columns of whole times are not.
    let text = format!("start_date,start_time,{ends}\n2021-03-01 08:00,2021-03-01 09:00,1,2,3,4\n");
    let file = home.write("whole.csv", &text);
    let found = inspected(&home, &file, &[]);
    assert_eq!(found["error"]["code"], "AMBIGUOUS_COLUMNS", "{found}");
    for (name, expected) in [
        ("start_date", "2021-03-01T08:00:00"),
        ("start_time", "2021-03-01T09:00:00"),
    ] {
        let found = inspected(&home, &file, &["--time", name]);
        assert_eq!(found["trips"][0]["departedAt"], expected, "{found}");
    }
}

/// Two files in one request.
async fn upload_with_locations(
    server: &Serving,
    (file, trips): (&str, impl Into<Vec<u8>>),
    locations: impl Into<Vec<u8>>,
    format: Value,
) -> Value {
    let query = "mutation ($file: Upload!, $list: Upload, $format: TripFormat) { ingestTrips(
        file: $file, locations: $list, format: $format) { duplicate ingestion { id } } }";
    let variables = json!({ "file": null, "list": null, "format": format });
    let operations = json!({ "query": query, "variables": variables });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text(
            "map",
            r#"{ "f": ["variables.file"], "l": ["variables.list"] }"#,
        )
        .part("f", Part::bytes(trips.into()).file_name(file.to_owned()))
        .part("l", Part::bytes(locations.into()).file_name("list.csv"));
    let request = reqwest::Client::new().post(server.url("/graphql"));
    let sent = request.multipart(form).send().await.unwrap();
    sent.json().await.unwrap()
}

#[tokio::test]
async fn files_with_ids_are_uploaded_with_the_locations() {
    let home = Home::new();
    let server = home.serve();
    let read = |name: &str| std::fs::read(published(name)).unwrap();
    let without = server.upload(&published("divvy-2014.csv")).await;
    let error = &server.ended(&without).await["error"];
    assert_eq!(error["code"], "MISSING_COLUMNS", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("the upload `locations` of ingestTrips"),
        "{message}"
    );

    let trips = read("divvy-2014.csv");
    let ids = json!({ "originId": "from_station_id", "destinationId": "to_station_id" });
    let stations = read("divvy-stations.csv");
    let answer =
        upload_with_locations(&server, ("divvy.csv", trips.clone()), stations.clone(), ids).await;
    let id = &answer["data"]["ingestTrips"]["ingestion"]["id"];
    let ended = server
        .ended(id.as_str().unwrap_or_else(|| panic!("{answer}")))
        .await;
    assert_eq!(
        (&ended["state"], &ended["rowsIngested"]),
        (&json!("SUCCEEDED"), &json!(2))
    );
    assert_eq!(home.spooled(), Vec::<PathBuf>::new());

    // What is not listed is rejected, and lists that cannot be read are errors before the queue.
    let rows =
        "start_station_id,end_station_id,started_at\na,b,2021-03-01 08:00\na,c,2021-03-01 08:00\n";
    let list = "id;lon;lat\na;4,83;45,76\nb;4,86;45,74\n";
    let answer = upload_with_locations(&server, ("x.csv", rows), list, Value::Null).await;
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"]
        .as_str()
        .unwrap();
    assert_eq!(server.ended(id).await["rowsRejected"], 1);
    for (list, code, message) in [
        (
            "id,lat\n1,2\n".to_owned(),
            "BAD_USER_INPUT",
            "no column of longitudes",
        ),
        (
            "id,lon,lat\n7,1,2\n7,1,3\n".to_owned(),
            "BAD_USER_INPUT",
            "has the id 7 twice",
        ),
        (
            String::new(),
            "BAD_USER_INPUT",
            "the list of locations is empty",
        ),
        (
            "1".repeat((32 << 20) + 1),
            "TOO_LARGE",
            "limit of 33554432 bytes",
        ),
    ] {
        let answer = upload_with_locations(&server, ("y.csv", rows), list, Value::Null).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], code, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
    }
    assert_eq!(home.spooled(), Vec::<PathBuf>::new());
    assert_eq!(home.number("SELECT COUNT(*) FROM ingestion").await, 3);

    // A preview has the list in front of the file.
    let query = format!("/inspect?name=divvy.csv&locationsBytes={}", stations.len());
    let inspect = |body: Vec<u8>| {
        let request = reqwest::Client::new().post(server.url(&query));
        let request = request.header("content-type", "application/octet-stream");
        request.body(body).send()
    };
    let found = inspect([stations.clone(), trips].concat()).await.unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!(found["rowsIngested"], 2, "{found}");
    assert_eq!(inspect(stations[1..].to_vec()).await.unwrap().status(), 400);
}

/// What the list of locations is like does not matter more than what the trips are like.
#[tokio::test]
async fn lists_of_locations_are_read_as_trips_are() {
    let home = Home::new();
    let rows =
        "start_station_id,end_station_id,started_at\na,b,2021-03-01 08:00\nb,a,2021-03-01 09:00\n";
    let trips = home.write("trips.csv", rows);
    let plain = "id,lon,lat\na,4.83,45.76\nb,4.86,45.74\n";
    let utf_16: Vec<u8> = format!("\u{feff}{plain}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (list, options) in [
        (plain.as_bytes(), &[][..]),
        (b"id;lon;lat\na;4,83;45,76\nb;4,86;45,74\n", &[]),
        (b"sep=;\nid;lon;lat\na;4,83;45,76\nb;4,86;45,74\n", &[]),
        (
            b"id,geometry\na,POINT (4.83 45.76)\nb,POINT (4.86 45.74)\n",
            &[],
        ),
        (&utf_16, &[]),
        (&utf_16[2..], &["--encoding", "utf-16le"]),
        (
            b"id,name,lon,lat\na,Pr\xe9,4.83,45.76\nb,x,4.86,45.74\n",
            &["--encoding", "latin1"],
        ),
    ] {
        let path = home.path("stations.csv");
        std::fs::write(&path, list).unwrap();
        // The trips may be UTF-8 whatever the list is.
        let options = [&["--locations", path.to_str().unwrap()], options].concat();
        let ran = home.run(
            &[
                &["ingest", trips.to_str().unwrap(), "--allow-duplicate"],
                &options[..],
            ]
            .concat(),
        );
        let is_utf_16 = options.contains(&"utf-16le");
        assert_eq!(ran.succeeded(), !is_utf_16, "{ran:?}");
        assert!(is_utf_16 || ran.stdout.contains("2 trips in "), "{ran:?}");
        assert!(!ran.stderr.contains("list of locations"), "{ran:?}");
    }
    for (list, message) in [
        ("", "the list of locations is empty"),
        ("id,lon,lat\na,1,2\na,1,2\na,2,2\n", "has the id a twice"),
        (
            "id,lon,lat\na,1,x\n",
            "line 2 of the list of locations: not a number: x",
        ),
    ] {
        home.write("stations.csv", list);
        let ran = home.run(&["ingest", "trips.csv", "--locations", "stations.csv"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(message), "{ran:?}");
    }
}

#[test]
fn what_is_no_table_of_trips_is_named() {
    let home = Home::new();
    let azure = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code>\
                 <Message>The specified blob does not exist.</Message></Error>";
    let socrata = r#"[{"trip_id":"1","start_time":"2021-03-01T08:00:00.000","start_lng":"4.8"}]"#;
    for (text, code, message) in [
        (
            "<head>\n<title>Log in</title>",
            "NOT_A_TABLE",
            "the file is a web page",
        ),
        (
            "<!-- login --><div>",
            "NOT_A_TABLE",
            "the file is a web page",
        ),
        (
            azure,
            "NOT_A_TABLE",
            "an error message of an object store (BlobNotFound)",
        ),
        (
            socrata,
            "INVALID_JSON",
            "the file is JSON, but its rows are no trips of the Mobility Data",
        ),
        (
            "{\"type\": \"FeatureCollection\", \"features\": []}",
            "INVALID_JSON",
            "as CSV",
        ),
    ] {
        let file = home.write("trips.csv", text);
        let error = &inspected(&home, &file, &[])["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{error}"
        );
    }
}

const PLAIN: &str = "region,origin_coord,destination_coord,datetime,datasource";

#[tokio::test]
async fn what_is_recognised_warned_of_and_rejected_is_in_the_api() {
    let home = Home::new();
    let server = home.serve();
    let text = "start_lng;start_lat;end_lng;end_lat;started_at\n\
                4,83;45.76;4.86;45.74;2021-03-01T08:00:00+01:00\n\
                4.83;95;4.86;45.74;2021-03-01T08:00:00Z\n\
                4.83;NULL;4.86;45.74;2021-03-01T08:00:00Z\n\
                4.83;96;4.86;45.74;2021-03-01T08:00:00Z\n\
                4.83;45.76;4.86;45.74;never\n\
                4.83;45.76;4.86;45.74\n";
    let id = server.upload(&home.write("bikes.csv", text)).await;
    server.ended(&id).await;
    let query = "query ($id: ID!) { ingestion(id: $id) { state rowsIngested
        warnings { code rows } rejectedReasons { column reason rows }
        format { layout encoding delimiter origin destination departedAt arrivedAt region regionName
                 datasource datasourceName timeFormat timeZone originId destinationId } } }";
    let answer = server.ask(query, json!({ "id": id })).await;
    assert_eq!(
        answer["ingestion"],
        json!({
            "state": "SUCCEEDED",
            "rowsIngested": 1,
            "warnings": [
                { "code": "UNKNOWN_REGION", "rows": 0 },
                { "code": "DATASOURCE_OF_FILE_NAME", "rows": 0 },
                { "code": "NO_TIME_ZONE", "rows": 1 },
            ],
            "rejectedReasons": [
                { "column": "start_lat", "reason": "latitude outside -90…90", "rows": 2 },
                { "column": null, "reason": "fewer fields than the header has", "rows": 1 },
                { "column": "start_lat", "reason": "empty", "rows": 1 },
                {
                    "column": "started_at",
                    "reason": "not a time in the format of the file",
                    "rows": 1,
                },
            ],
            "format": {
                "layout": null,
                "encoding": "UTF-8",
                "delimiter": ";",
                "origin": ["start_lng", "start_lat"],
                "destination": ["end_lng", "end_lat"],
                "departedAt": "started_at",
                "arrivedAt": null,
                "region": null,
                "regionName": "unknown",
                "datasource": null,
                "datasourceName": "bikes",
                "timeFormat": "%Y-%m-%d %H:%M:%S",
                "timeZone": null,
                "originId": null,
                "destinationId": null,
            },
        })
    );
}

#[tokio::test]
async fn a_format_is_given_with_an_upload() {
    let home = Home::new();
    let server = home.serve();
    let text = "a,b,c,d,when,city\n4.83,45.76,4.86,45.74,01/02/2021 08:00,Lyon\n";
    let file = home.write("a.csv", text);
    let format = json!({
        "origin": ["a", "b"],
        "destination": ["c", "d"],
        "departedAt": "when",
        "region": "city",
        "datasourceName": "bikes",
        "timeFormat": "%d/%m/%Y %H:%M",
    });
    let answer = server.upload_as(&file, &format).await;
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"]
        .as_str()
        .unwrap();
    let ended = server.ended(id).await;
    assert_eq!(ended["state"], "SUCCEEDED", "{ended}");
    let answer = server
        .ask(
            "{ regions { name firstDepartedAt datasources { name } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        answer["regions"],
        json!([{
            "name": "Lyon",
            "firstDepartedAt": "2021-02-01T08:00:00",
            "datasources": [{ "name": "bikes" }],
        }])
    );
    for (format, message) in [
        (
            json!({ "timeZone": "Mars/Base" }),
            "there is no time zone \"Mars/Base\"",
        ),
        (
            json!({ "origin": ["a", "b", "c"] }),
            "origin names 3 columns",
        ),
        (json!({ "delimiter": "ab" }), "the delimiter \"ab\""),
    ] {
        let answer = server.upload_as(&file, &format).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert!(
            error["message"].as_str().unwrap().starts_with(message),
            "{answer}"
        );
    }
    assert!(home.spooled().is_empty());
}

#[test]
fn what_is_not_certain_is_an_error_that_names_the_option() {
    let home = Home::new();
    let dates = "start_x,start_y,end_x,end_y,started_at\n1,2,3,4,03/04/2021 08:00\n";
    for (text, options, code, part) in [
        (
            dates,
            &[][..],
            "AMBIGUOUS_DATES",
            "--time-format '%m/%d/%Y %H:%M' or '%d/%m/%Y %H:%M'",
        ),
        (
            "start_x,start_y,end_x,end_y,started_at,pickup_time\n",
            &[],
            "AMBIGUOUS_COLUMNS",
            "the columns started_at and pickup_time may both be the time of departure: choose one \
             of them with --time",
        ),
        (
            dates,
            &["--time", "t"],
            "UNKNOWN_COLUMN",
            "has no column t for --time",
        ),
        ("GIF89a", &[], "NOT_TEXT", ""),
        ("%PDF-1.7\n", &[], "NOT_TEXT", "PDF document"),
        (
            "<!DOCTYPE html><html><body>Log in",
            &[],
            "NOT_A_TABLE",
            "web page",
        ),
        (
            "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code></Error>",
            &[],
            "NOT_A_TABLE",
            "(NoSuchKey)",
        ),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n",
            &[],
            "NOT_A_TABLE",
            "git lfs pull",
        ),
        ("{\"data\": []}", &[], "INVALID_JSON", "no list of trips"),
    ] {
        let file = home.write("file", text);
        let found = inspected(&home, &file, options);
        assert_eq!(found["error"]["code"], code, "{text}: {found}");
        let message = found["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
        let ran = ingest(&home, &file, options);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains(code), "{ran:?}");
    }
}

/// The formats that the message of `AMBIGUOUS_DATES` names, as they are given to the option.
fn advised_formats(found: &Value) -> Vec<String> {
    assert_eq!(found["error"]["code"], "AMBIGUOUS_DATES", "{found}");
    let message = found["error"]["message"].as_str().unwrap();
    let (_, advice) = message.split_once("choose with --time-format ").unwrap();
    let (formats, _) = advice.split_once(" (timeFormat in TripFormat)").unwrap();
    let quoted = formats.split('\'').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

#[test]
fn the_advice_for_ambiguous_dates_reads_every_row() {
    let home = Home::new();
    let (march, april) = ("2021-03-04", "2021-04-03");
    for (times, expected) in [
        (&["3/4/2021 4:17"][..], &[march, april][..]),
        (
            &["03/04/2021 04:17", "03/04/2021 04:17:30"],
            &[march, april],
        ),
        (&["03/04/2021 04:17:30", "3/4/2021 4:17"], &[march, april]),
        (
            &["3/4/2021 4:17:05 AM", "3/4/2021 4:17 PM"],
            &[march, april],
        ),
        (
            &["03/04/2021 4:17:05.25", "3/4/2021 4:17:05"],
            &[march, april],
        ),
        (
            &["3/4/2021 4:17 p.m.", "3/4/2021 4:17", "2021-03-04 04:17:00"],
            &[march, april],
        ),
        (
            &["3-4-2021 4:17:05+02:00", "3-4-2021 4:17:05Z"],
            &[march, april],
        ),
        (&["3/4/21 4:17", "3/4/2021 4:17"], &[march, april]),
        (
            &["03/04/21 4:17", "03/04/21 4:17:05.5"],
            &[march, april, "2003-04-21"],
        ),
        (&["21/03/04 08:00"], &["2004-03-21", march]),
        (&["04.03.21 08:00"], &[march, "2004-03-21"]),
    ] {
        let mut text = "start_x,start_y,end_x,end_y,started_at\n".to_owned();
        for time in times {
            writeln!(text, "1,2,3,4,\"{time}\"").unwrap();
        }
        let file = home.write("dates.csv", &text);
        let formats = advised_formats(&inspected(&home, &file, &[]));
        assert_eq!(formats.len(), expected.len(), "{times:?}: {formats:?}");
        for (format, expected) in formats.iter().zip(expected) {
            let found = inspected(&home, &file, &["--time-format", format]);
            assert_eq!(found["rowsRejected"], 0, "{format}: {found}");
            assert_eq!(found["rowsIngested"], times.len(), "{format}: {found}");
            let departed = found["trips"][0]["departedAt"].as_str().unwrap();
            assert!(departed.starts_with(expected), "{format}: {found}");
        }
    }
}

/// A recognised format as options of the command line.
fn as_options(format: &Value) -> Vec<String> {
    let mut options = Vec::new();
    for (key, option) in [
        ("origin", "--origin"),
        ("destination", "--destination"),
        ("originId", "--origin-id"),
        ("destinationId", "--destination-id"),
        ("departedAt", "--time"),
        ("arrivedAt", "--arrival"),
        ("region", "--region-column"),
        ("regionName", "--region"),
        ("datasource", "--datasource-column"),
        ("datasourceName", "--datasource"),
        ("timeFormat", "--time-format"),
        ("timeZone", "--time-zone"),
        ("delimiter", "--delimiter"),
        ("encoding", "--encoding"),
    ] {
        let value = match &format[key] {
            Value::Array(names) => {
                let names: Vec<_> = names.iter().map(|name| name.as_str().unwrap()).collect();
                names.join(",")
            }
            value => value.as_str().unwrap_or_default().to_owned(),
        };
        if !value.is_empty() {
            options.extend([option.to_owned(), value]);
        }
    }
    options
}

#[test]
fn a_recognised_format_that_is_given_back_reads_the_same_trips() {
    let home = Home::new();
    let mut files = 0;
    for entry in published("").read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let list = match &*name {
            "station_information.json" | "tfl-stations.csv" | "divvy-stations.csv" => continue,
            "tfl-2017.csv" => Some("tfl-stations.csv"),
            "capitalbikeshare-2016.csv" => Some("station_information.json"),
            "divvy-2014.csv" => Some("divvy-stations.csv"),
            _ => None,
        };
        let mut options = vec!["--time-zone".to_owned(), "Europe/Paris".to_owned()];
        if let Some(list) = list {
            let list = published(list).to_str().unwrap().to_owned();
            options.extend(["--locations".to_owned(), list]);
        }
        let inspect = |options: &[String]| {
            let options: Vec<_> = options.iter().map(String::as_str).collect();
            inspected(&home, &published(&name), &options)
        };
        let found = inspect(&options);
        let given = as_options(&found["format"]);
        let again = inspect(&[given, options.split_off(2)].concat());
        for key in [
            "format",
            "trips",
            "rowsRead",
            "rowsIngested",
            "rowsRejected",
            "extent",
            "firstDepartedAt",
            "lastDepartedAt",
        ] {
            assert_eq!(again[key], found[key], "{name}: {key}");
        }
        files += 1;
    }
    assert!(files >= 20, "{files}");
}

#[test]
fn the_order_of_dates_is_that_of_the_file() {
    let home = Home::new();
    for (name, format) in [
        ("citibike-2013.csv", "%Y-%m-%d %H:%M:%S"),
        ("citibike-2014.csv", "%m/%d/%Y %H:%M:%S"),
        ("chicago-taxi.csv", "%m/%d/%Y %I:%M:%S %p"),
    ] {
        let found = inspected(&home, &published(name), &[]);
        assert_eq!(found["format"]["timeFormat"], format, "{name}: {found}");
    }
    // Files of several years may be joined: the order is known, though the first rows do not show it.
    let text = std::fs::read_to_string(published("citibike-2013.csv")).unwrap();
    let later = std::fs::read_to_string(published("citibike-2014.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let joined = format!("{header}\n{}{later}", rows.repeat(500));
    let found = inspected(&home, &home.write("joined.csv", &joined), &[]);
    assert_eq!(found["format"]["timeFormat"], "%Y-%m-%d %H:%M:%S");
    assert_eq!(found["rowsIngested"], 1_502, "{found}");
    assert_eq!(found["lastDepartedAt"], "2014-09-13T00:00:28", "{found}");
}

#[test]
fn times_are_read_as_programs_write_them() {
    let home = Home::new();
    for (time, expected) in [
        ("2019-02-11 22:00:00 +0000 UTC", "2019-02-11T22:00:00"),
        ("2019-02-11 22:00:00 GMT", "2019-02-11T22:00:00"),
        ("2019-02-11T22:00:00,125", "2019-02-11T22:00:00.125"),
        ("20190211T220000Z", "2019-02-11T22:00:00"),
        ("20190211T2200", "2019-02-11T22:00:00"),
        ("2019-02-11 00:15:00 AM", "2019-02-11T00:15:00"),
        ("2/13/2019 10:00 p.m.", "2019-02-13T22:00:00"),
        ("2/13/2019,\u{202f}10:00\u{202f}PM", "2019-02-13T22:00:00"),
        ("13.2.2019 10:00\u{a0}p.\u{a0}m.", "2019-02-13T22:00:00"),
    ] {
        let text = format!("start_x,start_y,end_x,end_y,started_at\n1,2,3,4,\"{time}\"\n");
        let found = inspected(&home, &home.write("times.csv", &text), &[]);
        assert_eq!(found["trips"][0]["departedAt"], expected, "{time}: {found}");
    }
    // A date alone is read where it is said that there are such.
    let text = "start_x,start_y,end_x,end_y,started_at\n1,2,3,4,2019-02-11\n";
    let file = home.write("dates.csv", text);
    let reason = &inspected(&home, &file, &[])["rejectedRows"][0]["reason"];
    let reason = reason.as_str().unwrap().to_owned();
    assert!(reason.contains("--time-format '%Y-%m-%d'"), "{reason}");
    let found = inspected(&home, &file, &["--time-format", "%Y-%m-%d"]);
    assert_eq!(found["trips"][0]["departedAt"], "2019-02-11T00:00:00");
}

#[test]
fn a_number_in_another_unit_is_rejected() {
    let home = Home::new();
    let row = |time: &str| format!("1,2,3,4,{time}\n");
    let text = "start_x,start_y,end_x,end_y,started_at\n".to_owned()
        + &row("1614585600000")
        + &row("1614585601000")
        + &row("1614585602");
    let file = home.write("units.csv", &text);
    let found = inspected(&home, &file, &[]);
    assert_eq!(found["format"]["timeFormat"], "epoch_ms", "{found}");
    assert_eq!(found["rowsRejected"], 1, "{found}");
    assert_eq!(found["firstDepartedAt"], "2021-03-01T08:00:00", "{found}");
    // What is declared is taken at its word.
    let found = inspected(&home, &file, &["--time-format", "epoch_ms"]);
    assert_eq!(found["rowsRejected"], 0, "{found}");
}

#[test]
fn text_in_other_encodings_is_read() {
    let home = Home::new();
    let text =
        format!("{PLAIN}\nZürich,POINT (8.5 47.4),POINT (8.6 47.3),2021-03-01 08:00:00,Vélo\n");
    let marked = format!("\u{feff}{text}");
    let latin: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let little: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (bytes, options, encoding) in [
        (little, &[][..], "UTF-16LE"),
        (big, &[], "UTF-16BE"),
        (latin, &["--encoding", "windows-1252"], "windows-1252"),
    ] {
        let file = home.path("trips.csv");
        std::fs::write(&file, bytes).unwrap();
        let found = inspected(&home, &file, options);
        assert_eq!(found["format"]["encoding"], encoding, "{found}");
        assert_eq!(found["trips"][0]["region"], "Zürich");
        assert_eq!(found["trips"][0]["datasource"], "Vélo");
        let ran = ingest(&home, &file, &[options, &["--allow-duplicate"]].concat());
        assert!(ran.succeeded(), "{ran:?}");
    }
}

#[test]
fn inspect_shows_what_would_be_read() {
    let home = Home::new();
    let ran = home.run(&[
        "inspect",
        published("chicago-taxi.csv").to_str().unwrap(),
        "--region",
        "Chicago",
    ]);
    assert!(ran.succeeded(), "{ran:?}");
    for line in [
        "  format: Chicago taxi",
        "  delimiter: \",\", encoding: UTF-8, times: %m/%d/%Y %I:%M:%S %p",
        "  time of departure: column Trip Start Timestamp (recognised by its name)",
        "  region: Chicago for every trip",
        "  3 rows: 2 trips, 1 rejected",
        "  departures: 2016-05-04T00:15:00 to 2016-05-04T12:45:00",
        "  rejected rows: 1 (Pickup Centroid Longitude: empty)",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
    assert!(!home.path("data").exists(), "nothing is ingested");
    let empty = home.write("empty.csv", &format!("{PLAIN}\n"));
    assert_eq!(
        home.run(&["inspect", empty.to_str().unwrap()]).code,
        Some(1)
    );
}

/// A trip of a generated file: both ends, seconds since 1970, minutes to the arrival.
type Trip = ([f64; 4], i64, Option<i64>);

/// How a generated file is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    delimiter: char,
    points: usize,
    times: usize,
    is_quoted: bool,
    null: &'static str,
    line_end: &'static str,
}

impl Style {
    fn time(self, seconds: i64) -> String {
        let time = chrono::DateTime::from_timestamp(seconds, 0).unwrap();
        let form = match self.times {
            0 => "%Y-%m-%d %H:%M:%S",
            1 => "%Y-%m-%dT%H:%M:%S",
            2 => "%-m/%-d/%Y %-H:%M:%S",
            3 => "%d/%m/%Y %H:%M:%S",
            4 => "%m/%d/%Y %I:%M:%S %p",
            5 => "%Y/%m/%d %H:%M:%S",
            _ => "%d.%m.%Y %H:%M:%S",
        };
        time.format(form).to_string()
    }

    fn point(self, x: f64, y: f64) -> Vec<String> {
        let hex = |value: f64| {
            let digits = value.to_le_bytes().map(|byte| format!("{byte:02x}"));
            digits.concat()
        };
        match self.points {
            0 => vec![x.to_string(), y.to_string()],
            1 => vec![format!("POINT ({x} {y})")],
            2 => vec![format!("{{\"type\":\"Point\",\"coordinates\":[{x},{y}]}}")],
            _ => vec![format!("0101000020e6100000{}{}", hex(x), hex(y))],
        }
    }

    fn row(self, fields: &[String]) -> String {
        let fields: Vec<_> = fields
            .iter()
            .map(|field| {
                if self.is_quoted || field.contains([self.delimiter, '"']) {
                    format!("\"{}\"", field.replace('"', "\"\""))
                } else {
                    field.clone()
                }
            })
            .collect();
        fields.join(&self.delimiter.to_string()) + self.line_end
    }

    fn file(self, trips: &[Trip]) -> String {
        let header = match self.points {
            0 => {
                "id,Start Station Longitude,start_lat,END_LNG,End Latitude,Start Time,note,Stop Time"
            }
            _ => "id,pickup_location,Dropoff Centroid  Location,started_at,note,ended_at",
        };
        let header: Vec<_> = header.split(',').map(str::to_owned).collect();
        let mut text = self.row(&header);
        for (number, ([x, y, z, w], seconds, minutes)) in trips.iter().enumerate() {
            let mut fields = vec![number.to_string()];
            fields.extend(self.point(*x, *y));
            fields.extend(self.point(*z, *w));
            fields.push(self.time(*seconds));
            fields.push("a note".to_owned());
            let arrival = minutes.map(|minutes| self.time(seconds + 60 * minutes));
            fields.push(arrival.unwrap_or_else(|| self.null.to_owned()));
            text += &self.row(&fields);
        }
        text
    }
}

fn plain(trips: &[Trip]) -> String {
    let mut text = format!("{PLAIN},arrived_at\n");
    let style = Style {
        delimiter: ',',
        points: 1,
        times: 0,
        is_quoted: false,
        null: "",
        line_end: "\n",
    };
    for ([x, y, z, w], seconds, minutes) in trips {
        let arrival = minutes.map(|minutes| style.time(seconds + 60 * minutes));
        let (departure, arrival) = (style.time(*seconds), arrival.unwrap_or_default());
        writeln!(
            text,
            "Lyon,POINT ({x} {y}),POINT ({z} {w}),{departure},bikes,{arrival}"
        )
        .unwrap();
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_file_in_any_dialect_has_the_trips_of_the_plain_format(
        mut trips in prop::collection::vec(
            (
                [-180.0..180.0, -90.0..90.0, -180.0..180.0, -90.0..90.0f64],
                0i64..2_000_000_000,
                prop::option::of(-60i64..6_000),
            ),
            0..5,
        ),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
        (points, times) in (0usize..4, 0usize..7),
        is_quoted in any::<bool>(),
        null in prop::sample::select(vec!["", "NULL", "\\N"]),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
    ) {
        // A date that shows the order of day and month: the 28th of May 2018.
        trips.push(([14.4, 50.0, 14.5, 50.1], 1_527_498_220, Some(5)));
        let style = Style { delimiter, points, times, is_quoted, null, line_end };
        let home = Home::new();
        let names = ["--region", "Lyon", "--datasource", "bikes"];
        let recognised = inspected(&home, &home.write("a.csv", &style.file(&trips)), &names);
        let expected = inspected(&home, &home.write("b.csv", &plain(&trips)), &[]);
        prop_assert_eq!(recognised["rowsRejected"].clone(), json!(0), "{}", recognised);
        for key in ["trips", "rowsRead", "extent", "firstDepartedAt", "lastDepartedAt"] {
            prop_assert_eq!(&recognised[key], &expected[key], "{}", recognised);
        }
    }
}

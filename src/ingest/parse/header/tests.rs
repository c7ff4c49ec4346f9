use super::super::mapping::{SHOWN_CHARS, SHOWN_NAMES};
use super::*;

fn read_as(text: &str, format: &TripFormat) -> Result<Header, OpenError> {
    let options = FileOptions::new(format, "trips.csv").unwrap();
    let options = options.with_locations(format.origin_id.is_some().then(Arc::default));
    Header::read(
        text.as_bytes(),
        Shape::Plain,
        Dialect::default(),
        &Arc::new(options),
    )
}

fn read(text: &str) -> Result<Header, OpenError> {
    read_as(text, &TripFormat::default())
}

#[test]
fn columns_are_found_by_name() {
    let header =
        read(" DATASOURCE ,id,Date_Time,Destination_Coord,origin_coord,x,Region,y,z").unwrap();
    assert_eq!(header.position("datasource"), Some(0));
    assert_eq!(header.position("datetime"), Some(2));
    assert_eq!(header.position("destination_coord"), Some(3));
    assert_eq!(header.position("origin_coord"), Some(4));
    assert_eq!(header.position("region"), Some(6));
    assert!(header.is_plain);
    assert_eq!(
        header.slots.len(),
        7,
        "columns behind the last needed one are not looked at"
    );
}

#[test]
fn the_arrival_is_optional() {
    let required = "region,origin_coord,destination_coord,datetime,datasource";
    for (name, position) in [
        ("Arrived_At", Some(5)),
        ("end_datetime", Some(5)),
        ("x", None),
    ] {
        let header = read(&format!("{required},{name}")).unwrap();
        assert_eq!(header.position("arrived_at"), position);
    }
}

#[test]
fn missing_columns_are_named() {
    let error = read("region,origin_coord,when,datasource").unwrap_err();
    assert_eq!(error.code(), "MISSING_COLUMNS");
    assert_eq!(
        error.to_string(),
        "the header has no column destination_coord, datetime; it has: region, origin_coord, \
         when, datasource. Name it with --destination (destination in TripFormat), --time \
         (departedAt in TripFormat)"
    );
    let error = read("start_station_id,end_station_id,starttime").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("give their coordinates with --locations FILE")
    );
    let error = read("start_lat,end_lat,end_lng,starttime").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the header has no column origin_coord;")
    );
}

#[test]
fn ids_are_named_by_options_where_there_are_locations() {
    let options = FileOptions::default().with_locations(Some(Arc::default()));
    let read = |text: &str| {
        let (shape, dialect) = (Shape::Plain, Dialect::default());
        let error = Header::read(text.as_bytes(), shape, dialect, &Arc::new(options.clone()));
        error.unwrap_err().to_string()
    };
    let message = read("dock_a,end_station_id,starttime");
    assert!(
        message.ends_with(
            "Name it with --origin-id (originId in TripFormat) or --origin (origin in TripFormat)"
        ),
        "{message}"
    );
    let message = read("dock_a,dock_b");
    assert!(
        message.ends_with(
            "Name it with --origin-id (originId in TripFormat) or --origin (origin in \
             TripFormat), --destination-id (destinationId in TripFormat) or --destination \
             (destination in TripFormat), --time (departedAt in TripFormat)"
        ),
        "{message}"
    );
}

#[test]
fn a_date_and_a_time_of_day_may_be_in_two_columns() {
    for (text, joined) in [
        (
            "StartDate,StartTime,End Date,End Time",
            &[Column::Departure, Column::Arrival][..],
        ),
        ("start_time,start_date,ended_at", &[Column::Departure]),
        ("date,time", &[Column::Departure]),
        ("datetime,date,time", &[]),
        ("start_date,end_time,end_date", &[Column::Arrival]),
    ] {
        let header = read(&format!("start_point,end_point,{text}")).unwrap();
        assert_eq!(header.joined, joined, "{text}");
    }
    for text in [
        "started_at,start_time",
        "start_date,pickup_time",
        "start_date,start_time,started_at",
        "start_date,begin_date",
    ] {
        let error = read(&format!("start_point,end_point,{text}")).unwrap_err();
        assert_eq!(error.code(), "AMBIGUOUS_COLUMNS", "{text}");
    }
}

#[test]
fn a_wide_header_is_shown_cut() {
    let OpenError::MissingColumns { found, .. } =
        read(&vec!["column".repeat(50); 500].join(",")).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(found.len(), SHOWN_NAMES + 1);
    assert!(
        found
            .iter()
            .all(|name| name.chars().count() <= SHOWN_CHARS + 1)
    );
    assert_eq!(found.last().unwrap(), "… (500 in all)");
}

#[test]
fn a_column_of_trips_may_be_there_once() {
    let twice = |text: &str, names: [&str; 2], option: &str| {
        let error = read(text).unwrap_err();
        assert_eq!(error.code(), "DUPLICATE_COLUMN");
        let message = error.to_string();
        let [first, second] = names;
        let start = format!("the columns {first} and {second} are named alike");
        assert!(message.starts_with(&start), "{message}");
        assert!(message.contains(option), "{message}");
    };
    twice(
        "region,origin_coord,destination_coord,datetime,date_time,datasource",
        ["datetime", "date_time"],
        "--time (departedAt",
    );
    twice(
        "region,origin_coord,destination_coord,datetime,datasource,End_DateTime,end_datetime",
        ["End_DateTime", "end_datetime"],
        "--arrival (arrivedAt",
    );
    let spelled = "start_lng,start_lat,end_lng,end_lat,Start Lng,starttime";
    twice(spelled, ["start_lng", "Start Lng"], "--origin (origin");
    // What the message says resolves it; a third spelling does not.
    let choose = |name: &str| {
        let format = TripFormat {
            origin: vec![name.to_owned(), "start_lat".to_owned()],
            ..TripFormat::default()
        };
        read_as(spelled, &format)
    };
    for (name, index) in [("start_lng", 0), ("Start Lng", 4)] {
        let header = choose(name).unwrap();
        assert_eq!(header.position("origin_lon"), Some(index), "{name}");
    }
    assert_eq!(
        choose("start-lng").unwrap_err().to_string(),
        "the columns start_lng and Start Lng are named alike and may both be the longitude of \
         the origin: choose one of them with --origin (origin in TripFormat), spelled as in the \
         header, or remove or rename the other"
    );
    let same = read("start_lng,start_lat,end_lng,end_lat,start_lng,starttime").unwrap_err();
    assert_eq!(
        same.to_string(),
        "the header names the column start_lng twice: remove or rename one of them"
    );
    let extra = read("x,x,region,origin_coord,destination_coord,datetime,datasource");
    assert!(extra.is_ok());
}

#[test]
fn ambiguous_columns_are_an_error_that_an_option_resolves() {
    let text = "start_lng,start_lat,end_lng,end_lat,from_longitude,started_at";
    let error = read(text).unwrap_err();
    assert_eq!(error.code(), "AMBIGUOUS_COLUMNS");
    assert_eq!(
        error.to_string(),
        "the columns start_lng and from_longitude may both be the longitude of the origin: \
         choose one of them with --origin (origin in TripFormat)"
    );
    let format = TripFormat {
        origin: vec!["From Longitude".to_owned(), "start_lat".to_owned()],
        ..TripFormat::default()
    };
    let header = read_as(text, &format).unwrap();
    assert_eq!(header.position("origin_lon"), Some(4));
    assert_eq!(header.format().origin, ["from_longitude", "start_lat"]);

    let error = read("started_at,start_time,start_point,end_point").unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("with --time (departedAt in TripFormat)")
    );
    // What is not needed may be ambiguous.
    read("started_at,start_point,start_wkt,start_x,start_y,end_x,end_y").unwrap();
}

#[test]
fn numbers_are_preferred_to_text_and_specific_names_to_general_ones() {
    let header = read(
        "Pickup Centroid Location,Pickup Centroid Longitude,Pickup Centroid Latitude,timestamp,\
         Dropoff Centroid  Location,Trip Start Timestamp",
    )
    .unwrap();
    assert_eq!(
        (header.origin, header.destination),
        (Place::Pair, Place::Text)
    );
    assert_eq!(header.position("datetime"), Some(5));
    assert_eq!(header.position("origin_coord"), None);
    let header = read("POLYLINE,TIMESTAMP").unwrap();
    assert_eq!(
        (header.origin, header.destination),
        (Place::Line, Place::Line)
    );
}

#[test]
fn options_name_columns() {
    let some = |text: &str| Some(text.to_owned());
    let format = TripFormat {
        origin: vec!["a".to_owned()],
        destination: vec!["A B".to_owned()],
        departed_at: some("t"),
        region: some("city"),
        datasource_name: some("bikes"),
        ..TripFormat::default()
    };
    let header = read_as("t,A,a_b,city,datasource", &format).unwrap();
    let recognised = header.format();
    assert_eq!(recognised.origin, ["A"]);
    assert_eq!(recognised.destination, ["a_b"]);
    assert_eq!(recognised.departed_at, some("t"));
    assert_eq!(recognised.region, some("city"));
    assert_eq!(
        (recognised.datasource, recognised.datasource_name),
        (None, some("bikes"))
    );
    let error = read_as("t,A,city", &format).unwrap_err();
    assert_eq!(error.code(), "UNKNOWN_COLUMN");
    assert_eq!(
        error.to_string(),
        "the header has no column A B for --destination (destination in TripFormat); it has: \
         t, A, city"
    );
}

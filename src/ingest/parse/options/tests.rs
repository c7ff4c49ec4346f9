use super::*;

#[test]
fn a_datasource_is_a_file_name_without_its_endings() {
    for (source, expected) in [
        ("202101-citibike-tripdata.csv", "202101-citibike-tripdata"),
        ("trips.2021.CSV.gz", "trips.2021"),
        ("trips", "trips"),
        (".csv", ".csv"),
        ("trips.v2", "trips.v2"),
        (" trips.parquet", "trips"),
        ("", "unknown"),
    ] {
        assert_eq!(datasource(source), expected);
    }
}

#[test]
fn formats_are_checked() {
    let fails = |format: TripFormat| {
        FileOptions::new(&format, "trips.csv")
            .unwrap_err()
            .to_string()
    };
    let some = |text: &str| Some(text.to_owned());
    for (format, message) in [
        (
            TripFormat {
                delimiter: some("ab"),
                ..TripFormat::default()
            },
            "the delimiter \"ab\" is not",
        ),
        (
            TripFormat {
                time_zone: some("Mars/Base"),
                ..TripFormat::default()
            },
            "there is no time zone \"Mars/Base\"",
        ),
        (
            TripFormat {
                time_format: some("M/D/Y"),
                ..TripFormat::default()
            },
            "the time format \"M/D/Y\" is neither",
        ),
        (
            TripFormat {
                region_name: some(" "),
                ..TripFormat::default()
            },
            "the region must have 1 to 255 characters",
        ),
        (
            TripFormat {
                region_name: some("a"),
                region: some("b"),
                ..TripFormat::default()
            },
            "region and regionName exclude each other",
        ),
        (
            TripFormat {
                origin: vec![String::new(); 3],
                ..TripFormat::default()
            },
            "origin names 3 columns",
        ),
        (
            TripFormat {
                encoding: some("utf-5"),
                ..TripFormat::default()
            },
            "there is no character encoding \"utf-5\"",
        ),
    ] {
        let error = fails(format);
        assert!(error.starts_with(message), "{error}");
    }
}

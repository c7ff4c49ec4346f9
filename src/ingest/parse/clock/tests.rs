use super::*;

fn read(format: &str, zone: Option<&str>, text: &str) -> Result<(String, bool), String> {
    let clock = Clock {
        format: TimeFormat::declared(format).unwrap(),
        zone: zone.map(|name| name.parse().unwrap()),
    };
    let read = clock.read(text.as_bytes());
    read.map(|read| (read.time.to_naive().to_string(), read.is_unzoned))
        .map_err(|error| error.to_string())
}

fn wall(text: &str) -> (String, bool) {
    (text.to_owned(), false)
}

#[test]
fn formats_are_declared() {
    for (format, text, expected) in [
        (
            "%m/%d/%Y %I:%M:%S %p",
            "03/04/2016 01:02:03 PM",
            "2016-03-04 13:02:03",
        ),
        ("%d/%m/%Y %H:%M", "3/4/2016 13:02", "2016-04-03 13:02:00"),
        ("%Y%m%d", "20160304", "2016-03-04 00:00:00"),
        ("%Y%m%d%H%M%S", "20160304130203", "2016-03-04 13:02:03"),
        (
            "%d %b %Y, %H:%M:%S%.f",
            "4 Mar 2016, 13:02:03.5",
            "2016-03-04 13:02:03.500",
        ),
    ] {
        assert_eq!(read(format, None, text), Ok(wall(expected)), "{format}");
    }
    assert_eq!(
        read("%d %b %Y", None, "13/04/2016 01:02").unwrap_err(),
        "not a time: expected %d %b %Y, found 13/04/2016 01:02"
    );
    assert_eq!(
        read("%m/%d/%Y %H:%M", None, "13/04/2016 01:02").unwrap_err(),
        "month 13 does not exist"
    );
    assert_eq!(
        read("%m/%d/%Y %H:%M", None, "13h").unwrap_err(),
        "not a time: expected M/D/YYYY HH:MM:SS, found 13h"
    );
    for format in ["", "M/D/YYYY", "%", "%Q", "epoch_ns"] {
        assert_eq!(TimeFormat::declared(format), None, "{format}");
    }
}

#[test]
fn a_declared_order_is_read_in_all_variants() {
    for format in ["%m/%d/%Y %H:%M:%S", "%m-%d-%y %I:%M %p"] {
        for (text, expected) in [
            ("7/4/2016 4:17", "2016-07-04 04:17:00"),
            ("7/4/2016 04:17:30", "2016-07-04 04:17:30"),
            ("07/04/2016 4:17:30.25", "2016-07-04 04:17:30.250"),
            ("07/04/2016 4:17 PM", "2016-07-04 16:17:00"),
            ("07/04/16 04:17", "2016-07-04 04:17:00"),
            ("7-4-2016 4:17", "2016-07-04 04:17:00"),
            ("2016-07-04 04:17:00", "2016-07-04 04:17:00"),
        ] {
            assert_eq!(read(format, None, text), Ok(wall(expected)), "{text}");
        }
    }
    let read = |text| read("%Y-%m-%d %H:%M:%S", None, text);
    assert_eq!(
        read("2016-07-04T04:17:00.125"),
        Ok(wall("2016-07-04 04:17:00.125"))
    );
    assert!(read("7/4/2016 4:17").is_err());
}

#[test]
fn a_date_alone_names_the_format_that_reads_it() {
    for (format, text, advised) in [
        ("%Y-%m-%d %H:%M", "2021-03-04", &["%Y-%m-%d"][..]),
        ("%d/%m/%Y %H:%M", "4/3/2021", &["%d/%m/%Y"]),
        ("%m/%d/%Y %H:%M", "3/4/21", &["%m/%d/%y"]),
        ("%Y-%m-%d %H:%M", "15.3.2021", &["%d.%m.%Y"]),
        ("%Y-%m-%d %H:%M", "3/4/2021", &["%m/%d/%Y", "%d/%m/%Y"]),
    ] {
        let message = read(format, None, text).unwrap_err();
        let formats = advised.join("' or '");
        assert_eq!(
            message,
            format!(
                "{text} is a date without a time of day: expected both, or --time-format \
                 '{formats}' (timeFormat in TripFormat), which reads dates as midnight"
            )
        );
        for format in advised {
            let (read, _) = read(format, None, text).unwrap();
            assert!(read.ends_with(" 00:00:00"), "{text}: {read}");
        }
    }
    assert_eq!(
        read("%Y-%m-%d %H:%M", None, "13/13/2021").unwrap_err(),
        "not a time: expected YYYY-MM-DD HH:MM:SS, found 13/13/2021"
    );
}

#[test]
fn a_recognised_unit_reads_only_numbers_in_its_range() {
    let read = |format: &TimeFormat, text: &str| {
        let read = format.read(text.as_bytes());
        read.map(|written| written.wall.to_naive().to_string())
            .map_err(|error| error.to_string())
    };
    let likely = TimeFormat::LikelyEpoch(EpochUnit::Millis);
    assert_eq!(
        read(&likely, "1614585600000"),
        Ok("2021-03-01 08:00:00".to_owned())
    );
    for text in ["1614585600", "1614585600000000", "0", "-1614585600000", "x"] {
        assert_eq!(
            read(&likely, text),
            Err(format!(
                "not a time: expected milliseconds since 1970, in the years 1973 to 2099, \
                 found {text}"
            ))
        );
    }
    let declared = TimeFormat::declared("epoch_ms").unwrap();
    assert_eq!(
        read(&declared, "1614585600"),
        Ok("1970-01-19 16:29:45.600".to_owned())
    );
    assert_eq!(declared.notation(false), likely.notation(false));
}

#[test]
fn instants_are_converted_to_the_declared_time_zone() {
    let paris = Some("Europe/Paris");
    for (format, text, expected) in [
        ("epoch", "1614585600", "2021-03-01 09:00:00"),
        ("epoch", "1614585600.25", "2021-03-01 09:00:00.250"),
        ("epoch_ms", "1614585600123", "2021-03-01 09:00:00.123"),
        ("epoch_us", "1614585600123456", "2021-03-01 09:00:00.123456"),
        ("epoch", "-1", "1970-01-01 00:59:59"),
        (
            "%Y-%m-%d %H:%M:%S %z",
            "2021-03-01 08:00:00 +0000",
            "2021-03-01 09:00:00",
        ),
        ("%s", "1614585600", "2021-03-01 09:00:00"),
        (
            "%Y-%m-%d %H:%M:%S",
            "2021-03-01 08:00:00",
            "2021-03-01 08:00:00",
        ),
    ] {
        assert_eq!(read(format, paris, text), Ok(wall(expected)), "{format}");
    }
    let utc = read("epoch", None, "1614585600");
    assert_eq!(utc, Ok(("2021-03-01 08:00:00".to_owned(), true)));
    assert!(read("epoch", None, "99999999999999").is_err());
    assert!(read("epoch", None, "12h").is_err());
}

#[test]
fn clocks_are_put_forward_and_back() {
    let clock = Clock {
        format: TimeFormat::Text(None),
        zone: Some("America/New_York".parse().unwrap()),
    };
    for (instant, expected) in [
        // The hour from 2 to 3 does not exist on this day.
        ("2021-03-14T06:59:59Z", "2021-03-14 01:59:59"),
        ("2021-03-14T07:00:00Z", "2021-03-14 03:00:00"),
        // That from 1 to 2 occurs twice.
        ("2021-11-07T05:30:00Z", "2021-11-07 01:30:00"),
        ("2021-11-07T06:30:00Z", "2021-11-07 01:30:00"),
        ("2021-11-07T07:00:00Z", "2021-11-07 02:00:00"),
        // In an offset of its own, and as a wall clock without one, also one that is skipped.
        ("2021-11-07T01:30:00-05:00", "2021-11-07 01:30:00"),
        ("2021-11-07T01:30:00-08", "2021-11-07 04:30:00"),
        ("2021-03-14T02:30:00", "2021-03-14 02:30:00"),
    ] {
        let read = clock.read(instant.as_bytes()).unwrap();
        assert_eq!(read.time.to_naive().to_string(), expected, "{instant}");
        assert!(!read.is_unzoned);
    }
}

//! Single rows that can't be read, and what is said of them.

use super::*;

fn with(old: &str, new: &str) -> (Option<&'static str>, String) {
    rejection(ROW.replace(old, new))
}

#[test]
fn bad_coordinates() {
    for (text, reason) in [
        ("", "empty: expected POINT (lon lat)"),
        (
            "POINT EMPTY",
            "POINT EMPTY has no coordinates: expected POINT (lon lat)",
        ),
        (
            "POINT ()",
            "not a WKT point: expected POINT (lon lat), found POINT ()",
        ),
        (
            "POINT (NaN 50)",
            "NaN is not a number: expected POINT (lon lat)",
        ),
        ("POINT (14 91)", "latitude 91 is outside -90…90"),
        ("POINT (14 50E293)", "latitude 5e294 is outside -90…90"),
    ] {
        assert_eq!(
            with("POINT (14.4 50.0)", text),
            (Some("origin_coord"), reason.to_owned())
        );
        assert_eq!(
            with("POINT (14.5 50.1)", text),
            (Some("destination_coord"), reason.to_owned())
        );
    }
    let (column, reason) = with("POINT (14.4 50.0)", "POINT (1e999 50)");
    assert_eq!(column, Some("origin_coord"));
    assert!(reason.starts_with("longitude"), "{reason}");
}

#[test]
fn bad_times() {
    let (column, reason) = with("2018-05-28", "2018-02-31");
    assert_eq!(
        (column, reason.as_str()),
        (Some("datetime"), "31 February 2018 does not exist")
    );
    assert_eq!(
        with("2018-05-28 09:03:40", "").1,
        "empty: expected YYYY-MM-DD HH:MM:SS"
    );
}

#[test]
fn arrivals() {
    let parsed = |name: &str, arrival: &str| {
        let file = format!("{},{name}\n{ROW},{arrival}\n", HEADER.trim_end());
        let mut reader = open(file).unwrap();
        let mut chunk = RecordChunk::new();
        assert!(reader.fill(&mut chunk, 2).unwrap());
        assert_eq!(chunk.len(), 1);
        let trip = reader.header().parse(chunk.get(0).unwrap());
        trip.map(|trip| (trip.departed_at, trip.arrived_at))
    };
    for name in ["arrived_at", "END_DateTime"] {
        for (arrival, seconds) in [
            ("2018-05-28 09:03:40", Some(0)),
            (" 2018-05-28T09:13:40Z ", Some(600)),
            ("\"2018-05-29 09:03\"", Some(86_400 - 40)),
            // Before the departure: kept.
            ("2018-05-28 09:03:39", Some(-1)),
            ("", None),
            (" \t\u{a0}", None),
            ("\"\"", None),
        ] {
            let (departed_at, arrived_at) = parsed(name, arrival).unwrap();
            let later = arrived_at.map(|time| (time.micros() - departed_at.micros()) / 1_000_000);
            assert_eq!(later, seconds, "{arrival}");
        }
        let rejection = parsed(name, "2018-05-32 09:03:40").unwrap_err();
        assert_eq!(rejection.column.as_deref(), Some("arrived_at"));
        assert_eq!(rejection.reason, "32 May 2018 does not exist");
    }
    assert_eq!(parsed("note", "never").unwrap().1, None);
}

#[test]
fn bad_names() {
    assert_eq!(with("Prague", ""), (Some("region"), "empty".to_owned()));
    assert_eq!(
        with("funny_car", " \u{a0} "),
        (Some("datasource"), "empty".to_owned())
    );
    assert_eq!(
        with("Prague", "Pra\0gue"),
        (Some("region"), "contains a NUL character".to_owned())
    );
    let (_, reason) = with("Prague", &"ž".repeat(256));
    assert_eq!(reason, "256 characters long, at most 255 are allowed");
    assert_eq!(good(&rows(ROW.replace("Prague", &"ž".repeat(255)))), [2]);
    let latin = [b"M\xfcnchen", &ROW.as_bytes()[6..]].concat();
    assert_eq!(
        rejection(latin),
        (Some("region"), "not UTF-8: M\u{fffd}nchen".to_owned())
    );
}

#[test]
fn rows_have_as_many_fields_as_the_header() {
    for (row, reason) in [
        (
            "Prague,POINT (14.4 50.0),POINT (14.5 50.1)",
            "the row has 3 fields, the header has 5",
        ),
        ("x", "the row has 1 field, the header has 5"),
        (
            &format!("{ROW},more"),
            "the row has 6 fields, the header has 5: a field that contains the delimiter must be \
             quoted",
        ),
        (
            &format!("{ROW},,\"and, more\""),
            "the row has 7 fields, the header has 5: a field that contains the delimiter must be \
             quoted",
        ),
    ] {
        assert_eq!(rejection(row), (None, reason.to_owned()));
    }
    assert_eq!(good(&rows(format!("{ROW},\n{ROW},, ,\"\"\n"))), [2, 3]);
}

#[test]
fn columns_without_names_at_the_end_may_be_left_out() {
    let file = format!(
        "{},,\n{ROW}\n{ROW},\n{ROW},x,y\n{ROW},,,z",
        HEADER.trim_end()
    );
    let outcomes = outcomes(&mut open(file).unwrap());
    assert_eq!((good(&outcomes), bad(&outcomes)), (vec![2, 3, 4], vec![5]));
}

#[test]
fn another_header_is_no_trip() {
    let again = format!("\u{feff}{HEADER}");
    let swapped = "datasource,origin_coord,destination_coord,datetime,region\n";
    // Its rows have an arrival, which those above have not.
    let wider = HEADER.replace("datasource", "datasource,end_datetime");
    let outcomes = rows(format!("{ROW}\n{again}{ROW}\n{swapped}{wider}"));
    assert_eq!(
        (good(&outcomes), bad(&outcomes)),
        (vec![2, 4], vec![3, 5, 6])
    );
    for (outcome, is_other) in [(1, false), (3, true), (4, true)] {
        let outcome = &outcomes[outcome];
        let rejection = outcome.as_ref().unwrap_err();
        assert_eq!(rejection.reason, "the row is a header, not a trip");
        assert_eq!(rejection.is_other_header, is_other);
    }
}

#[test]
fn names_are_spelled_in_one_way() {
    let outcomes = rows(
        [
            "Zürich",
            "Zu\u{308}rich",
            "\u{feff}Zürich\u{200b}",
            "\"\u{a0}Zu\u{308}rich \"",
        ]
        .map(|name| ROW.replace("Prague", name))
        .join("\n"),
    );
    assert!(
        outcomes
            .iter()
            .all(|row| row.as_ref().unwrap().1 == "Zürich")
    );
    let (_, reason) = rejection(ROW.replace("POINT (14.4 50.0)", "\u{200b}x\u{1b}"));
    assert_eq!(
        reason,
        "not a WKT point: expected POINT (lon lat), found x<U+001B>"
    );
    let blanks = ROW
        .replace(",POINT", ",\u{feff}POINT")
        .replace(",2018", ",\u{a0}2018");
    assert_eq!(good(&rows(blanks)), [2]);
}

#[test]
fn names_are_unquoted_and_trimmed() {
    let outcomes = rows(format!(
        "{}\n{}\n{}",
        ROW.replace("Prague", " Prague\t"),
        ROW.replace("Prague", "\" Prague, \"\"East\"\" \""),
        ROW.split(',')
            .map(|field| format!("\"{field}\""))
            .collect::<Vec<_>>()
            .join(","),
    ));
    let names: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().unwrap().1.as_str())
        .collect();
    assert_eq!(names, ["Prague", "Prague, \"East\"", "Prague"]);
}

#[test]
fn the_raw_row_is_cut_and_readable() {
    let outcomes = rows([b"a\0b\xff\"\r\n", "ž".repeat(5_000).as_bytes()].concat());
    let raw: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome.as_ref().unwrap_err().raw.as_str())
        .collect();
    assert_eq!(raw[0], "a\u{fffd}b\u{fffd}\"");
    assert_eq!(raw[1], "ž".repeat(1_000));
}

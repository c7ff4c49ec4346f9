use proptest::prelude::*;

use super::*;
use crate::model::LocalTime;

fn read(text: &str, order: Option<DateOrder>) -> Option<String> {
    let written = parse_date_time(text.as_bytes(), order)?.ok()?;
    Some(written.wall.to_naive().to_string())
}

#[test]
fn dates_are_read_in_the_order_of_the_file() {
    use DateOrder::{DayMonth, MonthDay, YearMonth};
    for (text, order, expected) in [
        ("7/1/2015 0:03", Some(MonthDay), "2015-07-01 00:03:00"),
        ("7/1/2015 00:03:07", Some(DayMonth), "2015-01-07 00:03:07"),
        ("07/01/15 00:03", Some(MonthDay), "2015-07-01 00:03:00"),
        ("07/01/15 00:03", Some(YearMonth), "2007-01-15 00:03:00"),
        ("99/1/5 00:03", Some(YearMonth), "1999-01-05 00:03:00"),
        ("01.07.2015 8:03", Some(DayMonth), "2015-07-01 08:03:00"),
        (
            "01/05/2016 12:15:00 AM",
            Some(MonthDay),
            "2016-01-05 00:15:00",
        ),
        (
            "01/05/2016 12:15:00 pm",
            Some(MonthDay),
            "2016-01-05 12:15:00",
        ),
        ("1/5/2016 1:15PM", Some(MonthDay), "2016-01-05 13:15:00"),
        ("2016/1/5 1:15:02.25", None, "2016-01-05 01:15:02.250"),
        ("2016/1/5 1:15:02,25", None, "2016-01-05 01:15:02.250"),
        ("2016-1-5 9:15", None, "2016-01-05 09:15:00"),
    ] {
        assert_eq!(read(text, order).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "7/1/2015 0:03",
        "13/13/2015 0:03",
        "1/1/2015",
        "1/1/2015 13:00 PM",
        "1/1-2015 0:03",
        "2015/31/1 0:03",
        "1/1/2015 0:3",
        "1/1/2015 0:03 x",
        "1/1/20150:03",
        "1614585600",
        "",
        "1/1/215 0:03",
        "1/1/1 0:03",
    ] {
        assert_eq!(read(text, None), None, "{text}");
    }
    assert_eq!(read("13/2/2015 0:03", Some(MonthDay)), None);
    assert_eq!(read("1/2/21 0:03", Some(YearMonth)), None);
    assert_eq!(read("1/2/2021 0:03", Some(YearMonth)), None);
}

#[test]
fn halves_of_a_day_are_written_in_many_ways() {
    for (text, expected) in [
        ("0:15 AM", "00:15:00"),
        ("00:15:00 AM", "00:15:00"),
        ("0:15 PM", "12:15:00"),
        ("12:15 a.m.", "00:15:00"),
        ("1:15 p.m.", "13:15:00"),
        ("1:15 P. M.", "13:15:00"),
        ("1:15\u{a0}PM", "13:15:00"),
        ("1:15\u{202f}pm", "13:15:00"),
        ("1:15 p.\u{a0}m.", "13:15:00"),
    ] {
        let text = format!("2021-3-1 {text}");
        let expected = format!("2021-03-01 {expected}");
        assert_eq!(read(&text, None), Some(expected), "{text}");
    }
    assert_eq!(
        read("3/1/21,\u{202f}1:15\u{202f}PM", Some(DateOrder::MonthDay)),
        Some("2021-03-01 13:15:00".to_owned())
    );
    for text in ["1:15 p", "1:15 x.m.", "1:15 p m", "1:15 p.m.m", "13:15 PM"] {
        assert_eq!(read(&format!("2021-3-1 {text}"), None), None, "{text}");
    }
}

#[test]
fn dates_allow_some_orders() {
    use DateOrder::{DayMonth, MonthDay, YearMonth};
    for (text, expected) in [
        ("7/13/2015", &[MonthDay][..]),
        ("13/7/2015", &[DayMonth]),
        ("1.7.2015", &[DayMonth]),
        ("12/12/2015", &[MonthDay, DayMonth]),
        ("13/13/2015", &[]),
        // Any of the numbers may be a year of two digits.
        ("03/04/21", &[MonthDay, DayMonth, YearMonth]),
        ("21/03/01", &[DayMonth, YearMonth]),
        ("21/03/1", &[YearMonth]),
        ("72-03-01", &[YearMonth]),
        ("03-15-21", &[MonthDay]),
        ("03-04-72", &[MonthDay, DayMonth]),
        ("28.05.18", &[DayMonth, YearMonth]),
        ("3/4/21", &[MonthDay, DayMonth]),
    ] {
        let date = date_alone(text.as_bytes()).unwrap();
        let allowed: Vec<_> = DateOrder::ALL
            .into_iter()
            .filter(|order| date.allows(*order))
            .collect();
        assert_eq!(allowed, expected, "{text}");
    }
}

#[test]
fn a_date_or_a_time_of_day_may_be_alone() {
    for text in ["2021-03-01", "3/1/2021", "1.3.21"] {
        assert!(date_alone(text.as_bytes()).is_some(), "{text}");
    }
    for text in ["2021-03-01 08:00", "2021-03", "20210301", ""] {
        assert!(date_alone(text.as_bytes()).is_none(), "{text}");
    }
    for text in ["08:00", "8:00:30.5", "8:00 PM", "08:00+01:00"] {
        assert!(is_clock_alone(text.as_bytes()), "{text}");
    }
    for text in ["2021-03-01 08:00", "0800", "8", ""] {
        assert!(!is_clock_alone(text.as_bytes()), "{text}");
    }
}

proptest! {
    #[test]
    fn the_basic_format_is_read_as_the_extended_one(
        micros in LocalTime::MIN.micros()..=LocalTime::MAX.micros(),
        (basic, extended) in prop::sample::select(vec![
            ("%Y%m%dT%H%M%S", "%Y-%m-%dT%H:%M:%S"),
            ("%Y%m%dt%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ"),
            ("%Y%m%dT%H%M", "%Y-%m-%dT%H:%M"),
            ("%Y%m%dT%H%M%S%.6f", "%Y-%m-%dT%H:%M:%S%.6f"),
            ("%Y%m%dT%H%M%S,%3f+0200", "%Y-%m-%dT%H:%M:%S%.3f+02:00"),
        ]),
    ) {
        let time = LocalTime::from_micros(micros).unwrap().to_naive();
        let text = |form: &str| time.format(form).to_string();
        let read = parse_date_time(text(basic).as_bytes(), None);
        prop_assert_eq!(read, Some(parse_time(text(extended).as_bytes())));
    }
}

#[test]
fn digits_alone_are_not_in_the_basic_format() {
    for text in [
        "20200812050000",
        "20200812T05",
        "20200812T0500000",
        "20200812 050000",
        "20200812T05:00",
    ] {
        assert_eq!(read(text, None), None, "{text}");
    }
    assert_eq!(
        parse_date_time(b"20201312T050000", None),
        Some(Err(TimeError::Month(13)))
    );
}

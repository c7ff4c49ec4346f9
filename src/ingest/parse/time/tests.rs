use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};
use proptest::prelude::*;

use super::*;

const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

fn time(text: &str) -> Option<NaiveDateTime> {
    parse_time(text.as_bytes())
        .ok()
        .map(|written| written.wall.to_naive())
}

fn reason(text: &str) -> String {
    parse_time(text.as_bytes()).unwrap_err().to_string()
}

fn at(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").unwrap()
}

#[test]
fn times_in_many_hands() {
    for text in [
        "2018-05-28 09:03:40",
        "2018-05-28T09:03:40",
        "  2018-05-28t09:03:40\t",
        "2018-05-28 09:03:40.0",
        "2018-05-28T09:03:40Z",
        "2018-05-28 09:03:40 z",
        "2018-05-28 09:03:40+02",
        "2018-05-28 09:03:40-0930",
        "2018-05-28 09:03:40.000 +02:00",
        "2018-05-28 09:03:40 UTC",
        "2018-05-28T09:03:40.000utc",
        "2018-05-28 09:03:40 GMT",
        "2018-05-28 09:03:40 +0000 UTC",
        "2018-05-28 09:03:40,000+00:00 gmt",
        "2018-05-28T09:03:40,0Z",
        "\u{feff}\u{a0}2018-05-28 09:03:40\u{200b}",
    ] {
        assert_eq!(time(text), Some(at("2018-05-28 09:03:40")), "{text}");
    }
    for text in [
        "2018-05-28 09:03",
        "2018-05-28T09:03",
        "2018-05-28T09:03Z",
        "2018-05-28 09:03 UTC",
        "2018-05-28 09:03 GMT",
        "2018-05-28 09:03-0930",
        " 2018-05-28 09:03 +02:00 ",
    ] {
        assert_eq!(time(text), Some(at("2018-05-28 09:03:00")), "{text}");
    }
    for text in [
        "2018-05-28 09:03:",
        "2018-05-28 09:03:4",
        "2018-05-28 09:03.5",
        "2018-05-28 09:0",
        "2018-05-28 09",
        "2018-05-28 09:03,5",
        "2018-05-28 09:03:40,",
        "2018-05-28 09:03:40 UTC+2",
        "2018-05-28 09:03:40 +0200 UTC",
        "2018-05-28 09:03:40 +0000 CET",
        "2018-05-28 09:03:40 UTC UTC",
        "2018-05-28 09:03:40 UT",
    ] {
        assert_eq!(time(text), None, "{text}");
    }
    assert_eq!(
        time("2018-05-28T09:03:40,123"),
        Some(at("2018-05-28 09:03:40.123000"))
    );
    assert_eq!(
        time("2018-05-28 09:03:40.1"),
        Some(at("2018-05-28 09:03:40.100000"))
    );
    let long = format!("2018-05-28 09:03:40.123456{}Z", "9".repeat(1000));
    assert_eq!(
        time(&long),
        Some(at("2018-05-28 09:03:40.123456")),
        "cut, not rounded"
    );
}

#[test]
fn reasons_are_for_people() {
    for (text, expected) in [
        ("", "empty: expected YYYY-MM-DD HH:MM:SS"),
        (
            "yesterday",
            "not a time: expected YYYY-MM-DD HH:MM:SS, found yesterday",
        ),
        (
            "28.05.2018 09:03:40",
            "not a time: expected YYYY-MM-DD HH:MM:SS, found 28.05.2018 09:03:40",
        ),
        (
            "2018-05-28",
            "not a time: expected YYYY-MM-DD HH:MM:SS, found 2018-05-28",
        ),
        (
            "2018-05-28 09:03:40.",
            "not a time: expected YYYY-MM-DD HH:MM:SS, found 2018-05-28 09:03:40.",
        ),
        (
            "2018-05-28 09:03:40 +2",
            "not a time: expected YYYY-MM-DD HH:MM:SS, found 2018-05-28 09:03:40 +2",
        ),
        ("2018-02-31 09:03:40", "31 February 2018 does not exist"),
        ("2019-02-29 09:03:40", "29 February 2019 does not exist"),
        ("2018-04-00 09:03:40", "0 April 2018 does not exist"),
        ("2018-13-01 09:03:40", "month 13 does not exist"),
        ("0000-01-01 00:00:00", "the year 0000 is outside 0001…9999"),
        (
            "2018-05-28 24:00:00",
            "the time of day 24:00:00 does not exist (00:00:00…23:59:59)",
        ),
        (
            "2016-12-31 23:59:60",
            "the time of day 23:59:60 does not exist (00:00:00…23:59:59)",
        ),
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
}

#[test]
fn every_day_is_where_chrono_has_it() {
    let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
    assert_eq!(LocalTime::MIN.to_naive().date(), date);
    while date.year() < 10_000 {
        let (month, day) = (
            u8::try_from(date.month()).unwrap(),
            u8::try_from(date.day()).unwrap(),
        );
        let year = u16::try_from(date.year()).unwrap();
        let days = days(year, month, day).unwrap();
        assert_eq!(days, i64::from(date.num_days_from_ce()) - 719_163);
        let time = LocalTime::from_micros(days * MICROS_PER_DAY + MICROS_PER_DAY - 1).unwrap();
        assert_eq!(time.to_naive().date(), date);
        assert_eq!(time.days(), days);
        assert_eq!(
            i64::from(time.week().number()),
            i64::from(date.num_days_from_ce() - 1) / 7
        );
        date = date.succ_opt().unwrap();
    }
    let last = LocalTime::MAX.to_naive();
    assert_eq!(last.date(), date.pred_opt().unwrap());
    assert_eq!(
        (last.num_seconds_from_midnight(), last.nanosecond()),
        (86_399, 999_999_000)
    );
    assert_eq!(LocalTime::from_micros(LocalTime::MAX.micros() + 1), None);
    assert_eq!(LocalTime::from_micros(LocalTime::MIN.micros() - 1), None);
}

/// A time by chrono, its wall clock cut to the microsecond, in any of the forms.
fn by_chrono(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim_ascii();
    let time = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%dt%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%dt%H:%M",
    ]
    .into_iter()
    .find_map(|form| {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(time);
        }
        let zoned = DateTime::parse_from_str(text, &format!("{form}%#z"));
        let spaced = || DateTime::parse_from_str(text, &format!("{form} %#z"));
        zoned
            .or_else(|_| spaced())
            .ok()
            .map(|time| time.naive_local())
    })?;
    // A leap second has more than a second's nanoseconds.
    let leap = time.nanosecond() >= 1_000_000_000;
    let nanos = time.nanosecond() / 1000 * 1000;
    if leap || !(1..=9999).contains(&time.year()) {
        None
    } else {
        time.with_nanosecond(nanos)
    }
}

/// Where we part from chrono on purpose; chrono is more tolerant. It reads numbers of fewer or more
/// digits and with signs (`2018-5-1`, `+2018`), white space between the parts, `UTC`, an offset's
/// minus as U+2212, and its colon anywhere; a fraction of a dot alone or of more than nine digits
/// it may refuse, we read the latter.
fn intended_difference(text: &str) -> bool {
    let text = text.trim_ascii();
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let stems = ["0000-00-00 00:00", "0000-00-00T00:00", "0000-00-00t00:00"];
    let Some(tail) = stems.iter().find_map(|stem| shape.strip_prefix(stem)) else {
        return true;
    };
    let (seconds, tail) = match tail.strip_prefix(":00") {
        Some(tail) => (true, tail),
        None => (false, tail),
    };
    let rest = tail
        .strip_prefix('.')
        .filter(|_| seconds)
        .map_or(tail, |rest| rest.trim_start_matches('0'));
    let offset = rest.strip_prefix(' ').unwrap_or(rest);
    tail.len() - rest.len() > 10
        || tail.starts_with('.') && tail.len() - rest.len() < 2
        || !matches!(
            offset,
            "" | "Z" | "z" | "+00" | "-00" | "+0000" | "-0000" | "+00:00" | "-00:00"
        )
}

fn time_text() -> impl Strategy<Value = String> {
    let form = prop::sample::select(vec![
        "%Y-%m-%d %H:%M:%S",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%dt%H:%M:%S",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.3f",
        "%Y-%m-%d %H:%M:%S%.6f",
        "%Y-%m-%d %H:%M:%S%.9f",
        " %Y-%m-%d %H:%M:%S",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
    ]);
    let offset = prop::sample::select(vec![
        "", "Z", "z", " Z", "+02", "-11", "+0200", "-0930", "+02:00", " +05:45", " -03",
    ]);
    let micros = prop_oneof![
        LocalTime::MIN.micros()..=LocalTime::MAX.micros(),
        1_400_000_000_000_000..1_600_000_000_000_000i64,
    ];
    (micros, 0..1000i64, form, offset).prop_map(|(micros, nanos, form, offset)| {
        let time = LocalTime::from_micros(micros).unwrap().to_naive();
        let time = time + chrono::TimeDelta::nanoseconds(nanos);
        format!("{}{}", time.format(form), offset)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn valid_times_agree_with_chrono(text in time_text()) {
        let expected = by_chrono(&text);
        prop_assert_eq!(time(&text), expected, "{:?}", text);
        prop_assert!(expected.is_some(), "{:?}", text);
    }

    #[test]
    fn mutated_times_agree_with_chrono(
        text in time_text(),
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(b"0123456789-+:.TZ tz".to_vec()), 0..6u8),
            1..3,
        ),
    ) {
        let mut bytes = text.into_bytes();
        for (index, byte, edit) in edits {
            let at = index.index(bytes.len());
            match edit {
                0 => bytes.insert(at, byte),
                1 => { bytes.remove(at); }
                // Mostly keep the shape: only then is there something to compare.
                _ if bytes[at].is_ascii_digit() => bytes[at] = b'0' + byte % 10,
                _ => {}
            }
        }
        let text = String::from_utf8(bytes).unwrap();
        if !intended_difference(&text) {
            prop_assert_eq!(time(&text), by_chrono(&text), "{:?}", text);
        } else if let Some(ours) = time(&text) {
            // What we read and chrono perhaps does not: never another time.
            prop_assert!(by_chrono(&text).is_none_or(|theirs| theirs == ours), "{:?}", text);
        }
    }

    #[test]
    fn microseconds_come_back(micros in LocalTime::MIN.micros()..=LocalTime::MAX.micros()) {
        let time = LocalTime::from_micros(micros).unwrap();
        let naive = time.to_naive();
        prop_assert_eq!(LocalTime::from_naive(naive), Some(time));
        prop_assert_eq!(u32::from(time.half_hour()), naive.num_seconds_from_midnight() / 1800);
    }
}

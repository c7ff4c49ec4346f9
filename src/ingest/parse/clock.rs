//! Reads the times of a file: in the format that was recognised or declared, as wall-clock times.

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDateTime, NaiveTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::date::{DateOrder, parse_date_time};
use super::snippet::snippet;
use super::time::{MICROS_PER_SECOND, SHOWN_CHARS, TimeError, Written, parse_time};
use crate::model::LocalTime;
use crate::text::trim_bytes;

/// The format of the times of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimeFormat {
    /// `YYYY-MM-DD HH:MM:SS` and its variants, or a date with slashes in the order of its parts, if
    /// that is known.
    Text(Option<DateOrder>),
    /// A number of units since 1970-01-01T00:00:00Z.
    Epoch(EpochUnit),
    /// Declared, in strftime's notation.
    Declared(Declared),
}

/// A format in strftime's notation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declared {
    text: String,
    items: Vec<Item<'static>>,
}

/// The unit of numbers since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EpochUnit {
    Seconds,
    Millis,
    Micros,
}

impl EpochUnit {
    const fn micros(self) -> i64 {
        match self {
            Self::Seconds => MICROS_PER_SECOND,
            Self::Millis => 1_000,
            Self::Micros => 1,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "epoch",
            Self::Millis => "epoch_ms",
            Self::Micros => "epoch_us",
        }
    }

    const ALL: [Self; 3] = [Self::Seconds, Self::Millis, Self::Micros];
}

impl TimeFormat {
    /// The format of that notation: strftime, or the name of a unit since 1970. `None` if it is
    /// neither.
    pub(super) fn declared(text: &str) -> Option<Self> {
        if let Some(unit) = EpochUnit::ALL.into_iter().find(|unit| unit.name() == text) {
            return Some(Self::Epoch(unit));
        }
        let items = StrftimeItems::new(text).parse_to_owned().ok()?;
        let has_fields = items
            .iter()
            .any(|item| matches!(item, Item::Numeric(..) | Item::Fixed(_)));
        has_fields.then(|| {
            Self::Declared(Declared {
                text: text.to_owned(),
                items,
            })
        })
    }

    /// The format in the notation of [`Self::declared`]. `twelve_hours`: whether times have AM or
    /// PM.
    pub(super) fn notation(&self, twelve_hours: bool) -> String {
        let clock = if twelve_hours {
            "%I:%M:%S %p"
        } else {
            "%H:%M:%S"
        };
        match self {
            Self::Text(None) => format!("%Y-%m-%d {clock}"),
            Self::Text(Some(order)) => format!("{} {clock}", order.notation()),
            Self::Epoch(unit) => unit.name().to_owned(),
            Self::Declared(declared) => declared.text.clone(),
        }
    }

    /// The form of times in messages.
    fn form(&self) -> String {
        match self {
            Self::Text(None) => "YYYY-MM-DD HH:MM:SS".to_owned(),
            Self::Text(Some(order)) => format!("{} HH:MM:SS", order.form()),
            Self::Epoch(unit) => {
                let unit = match unit {
                    EpochUnit::Seconds => "seconds",
                    EpochUnit::Millis => "milliseconds",
                    EpochUnit::Micros => "microseconds",
                };
                format!("{unit} since 1970")
            }
            Self::Declared(declared) => declared.text.clone(),
        }
    }

    /// Reads a time.
    #[inline]
    pub(super) fn read(&self, field: &[u8]) -> Result<Written, TimeError> {
        match self {
            Self::Text(order) => match parse_time(field) {
                Err(TimeError::Form(found)) => match parse_date_time(trim_bytes(field), *order) {
                    None => Err(self.other_form(found)),
                    Some(read) => read,
                },
                read => read,
            },
            Self::Epoch(unit) => self.epoch(trim_bytes(field), *unit),
            Self::Declared(declared) => self.strftime(trim_bytes(field), &declared.items),
        }
    }

    fn other_form(&self, found: String) -> TimeError {
        match self {
            Self::Text(None) => TimeError::Form(found),
            _ => TimeError::OtherForm {
                expected: self.form(),
                found,
            },
        }
    }

    fn wrong(&self, field: &[u8]) -> TimeError {
        if field.is_empty() {
            TimeError::Missing
        } else {
            self.other_form(snippet(field, SHOWN_CHARS))
        }
    }

    fn epoch(&self, field: &[u8], unit: EpochUnit) -> Result<Written, TimeError> {
        let micros = epoch_micros(field, unit).ok_or_else(|| self.wrong(field))?;
        let wall = LocalTime::from_micros(micros)
            .ok_or_else(|| TimeError::Range(snippet(field, SHOWN_CHARS)))?;
        Ok(Written {
            wall,
            offset: Some(0),
        })
    }

    fn strftime(&self, field: &[u8], items: &[Item<'static>]) -> Result<Written, TimeError> {
        let read = || {
            let mut parsed = Parsed::new();
            let text = std::str::from_utf8(field).ok()?;
            chrono::format::parse(&mut parsed, text, items.iter()).ok()?;
            if let Some(timestamp) = parsed.timestamp() {
                let micros = i64::from(parsed.nanosecond().unwrap_or(0)) / 1_000;
                let instant = DateTime::from_timestamp(timestamp, 0)?.naive_utc();
                let wall = instant + chrono::TimeDelta::microseconds(micros);
                return Some((wall, Some(0)));
            }
            let has_clock = parsed.hour_mod_12().is_some() || parsed.hour_div_12().is_some();
            let time = match parsed.to_naive_time() {
                Ok(time) => time,
                Err(_) if !has_clock => NaiveTime::MIN,
                Err(_) => return None,
            };
            let wall = NaiveDateTime::new(parsed.to_naive_date().ok()?, time);
            Some((wall, parsed.offset()))
        };
        let (wall, offset) = read().ok_or_else(|| self.wrong(field))?;
        let wall = LocalTime::from_naive(wall)
            .ok_or_else(|| TimeError::Range(snippet(field, SHOWN_CHARS)))?;
        Ok(Written { wall, offset })
    }
}

/// Microseconds since 1970 of a number in some unit. A fraction is truncated to microseconds.
pub(super) fn epoch_micros(field: &[u8], unit: EpochUnit) -> Option<i64> {
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, field),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, decimals) = digits.split_at(point.unwrap_or(digits.len()));
    let decimals = decimals.strip_prefix(b".").unwrap_or(decimals);
    if whole.is_empty() || !decimals.iter().chain(whole).all(u8::is_ascii_digit) {
        return None;
    }
    let add = |value: i64, digit: &u8| value.checked_mul(10)?.checked_add(i64::from(digit - b'0'));
    let mut micros = whole.iter().try_fold(0, add)?.checked_mul(unit.micros())?;
    let mut place = unit.micros() / 10;
    for digit in decimals {
        micros = micros.checked_add(place * i64::from(digit - b'0'))?;
        place /= 10;
    }
    Some(if negative { -micros } else { micros })
}

/// Reads the times of a file as wall-clock times.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clock {
    pub(super) format: TimeFormat,
    pub(super) zone: Option<Tz>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            format: TimeFormat::Text(None),
            zone: None,
        }
    }
}

/// A wall-clock time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) time: LocalTime,
    /// Whether the file gives an instant, whose wall clock is as written since the time zone of
    /// the trips is not known.
    pub(super) is_unzoned: bool,
}

impl Clock {
    /// Reads a time.
    #[inline]
    pub(super) fn read(&self, field: &[u8]) -> Result<Read, TimeError> {
        self.wall_clock(self.format.read(field)?)
    }

    /// The wall clock of a time as written: that of the declared time zone if it is an instant.
    #[inline]
    pub(super) fn wall_clock(&self, Written { wall, offset }: Written) -> Result<Read, TimeError> {
        match (offset, self.zone) {
            (None, _) => Ok(Read {
                time: wall,
                is_unzoned: false,
            }),
            (Some(_), None) => Ok(Read {
                time: wall,
                is_unzoned: true,
            }),
            (Some(offset), Some(zone)) => in_zone(wall, offset, zone),
        }
    }
}

/// The wall clock in a time zone at an instant, which another wall clock and its UTC offset name.
/// There is exactly one, also where clocks are put forward or back.
fn in_zone(wall: LocalTime, offset: i32, zone: Tz) -> Result<Read, TimeError> {
    let range = || TimeError::Range(wall.to_naive().to_string());
    let micros = wall.micros() - i64::from(offset) * MICROS_PER_SECOND;
    let instant = DateTime::from_timestamp_micros(micros).ok_or_else(range)?;
    let there = zone.offset_from_utc_datetime(&instant.naive_utc()).fix();
    let micros = micros + i64::from(there.local_minus_utc()) * MICROS_PER_SECOND;
    Ok(Read {
        time: LocalTime::from_micros(micros).ok_or_else(range)?,
        is_unzoned: false,
    })
}

#[cfg(test)]
mod tests {
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
            read("%m/%d/%Y %H:%M", None, "13/04/2016 01:02").unwrap_err(),
            "not a time: expected %m/%d/%Y %H:%M, found 13/04/2016 01:02"
        );
        for format in ["", "M/D/YYYY", "%", "%Q", "epoch_ns"] {
            assert_eq!(TimeFormat::declared(format), None, "{format}");
        }
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
}

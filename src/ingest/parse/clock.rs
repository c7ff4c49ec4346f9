//! Reads the times of a file: in the format that was recognised or declared, as wall-clock times.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use super::date::{DateOrder, date_alone, either, parse_date_time};
use super::declared::Declared;
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
    /// A number of units since 1970-01-01T00:00:00Z, declared.
    Epoch(EpochUnit),
    /// The same, recognised by the range of the numbers: others are in another unit, or no times.
    LikelyEpoch(EpochUnit),
    /// Declared, in strftime's notation, and of another kind than [`Self::Text`].
    Declared(Declared),
}

/// The unit of numbers since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EpochUnit {
    Seconds,
    Millis,
    Micros,
}

impl EpochUnit {
    /// Numbers since 1970 are recognised in the years 1973 to 2099, in seconds. No number is in this
    /// range in two units.
    const LIKELY_SECONDS: std::ops::Range<i64> = 100_000_000..4_102_444_800;

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

    const fn plural(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
        }
    }

    pub(super) const ALL: [Self; 3] = [Self::Seconds, Self::Millis, Self::Micros];

    /// The instant of a number that is likely to be in this unit, in microseconds since 1970.
    pub(super) fn likely(self, field: &[u8]) -> Option<i64> {
        let is_likely = |micros: &i64| Self::LIKELY_SECONDS.contains(&(micros / MICROS_PER_SECOND));
        epoch_micros(field, self).filter(is_likely)
    }
}

impl TimeFormat {
    /// The format of that notation: strftime, or the name of a unit since 1970. `None` if it is
    /// neither. A format of the kind that is recognised declares the order of the date; times are
    /// then read with all variants, as those whose order was recognised.
    pub(super) fn declared(text: &str) -> Option<Self> {
        if let Some(unit) = EpochUnit::ALL.into_iter().find(|unit| unit.name() == text) {
            return Some(Self::Epoch(unit));
        }
        let declared = Declared::new(text)?;
        Some(match declared.recognised_order() {
            Some(order) => Self::Text(order),
            None => Self::Declared(declared),
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
            Self::Text(Some(order)) => format!("{} {clock}", order.notation('/', "%Y")),
            Self::Epoch(unit) | Self::LikelyEpoch(unit) => unit.name().to_owned(),
            Self::Declared(declared) => declared.text().to_owned(),
        }
    }

    /// The form of times in messages.
    fn form(&self) -> String {
        match self {
            Self::Text(None) => "YYYY-MM-DD HH:MM:SS".to_owned(),
            Self::Text(Some(order)) => format!("{} HH:MM:SS", order.form()),
            Self::Epoch(unit) => format!("{} since 1970", unit.plural()),
            Self::LikelyEpoch(unit) => {
                format!("{} since 1970, in the years 1973 to 2099", unit.plural())
            }
            Self::Declared(declared) => declared.text().to_owned(),
        }
    }

    /// Reads a time.
    #[inline]
    pub(super) fn read(&self, field: &[u8]) -> Result<Written, TimeError> {
        match self {
            Self::Text(order) => match parse_time(field) {
                Err(TimeError::Form(_)) => self.variant(trim_bytes(field), *order),
                read => read,
            },
            Self::Epoch(unit) => self.epoch(trim_bytes(field), *unit),
            Self::LikelyEpoch(unit) => {
                let field = trim_bytes(field);
                match unit.likely(field) {
                    Some(_) => self.epoch(field, *unit),
                    None => Err(self.wrong(field)),
                }
            }
            Self::Declared(declared) => {
                let field = trim_bytes(field);
                let (wall, offset) = declared.read(field).ok_or_else(|| self.wrong(field))?;
                let wall = LocalTime::from_naive(wall)
                    .ok_or_else(|| TimeError::Range(snippet(field, SHOWN_CHARS)))?;
                Ok(Written { wall, offset })
            }
        }
    }

    /// Reads a time that is not in the plain format, in one of the others.
    fn variant(&self, field: &[u8], order: Option<DateOrder>) -> Result<Written, TimeError> {
        if let Some(read) = parse_date_time(field, order) {
            return read;
        }
        let Some(date) = date_alone(field) else {
            return Err(self.wrong(field));
        };
        let orders = date.orders(order).into_iter();
        let mut formats: Vec<_> = orders
            .map(|order| format!("'{}'", date.notation(order)))
            .collect();
        // A year of four digits comes first in every order.
        formats.dedup();
        if formats.is_empty() {
            return Err(self.wrong(field));
        }
        Err(TimeError::DateAlone {
            found: snippet(field, SHOWN_CHARS),
            formats: either(&formats),
        })
    }

    #[cold]
    fn wrong(&self, field: &[u8]) -> TimeError {
        let found = || snippet(field, SHOWN_CHARS);
        match self {
            _ if field.is_empty() => TimeError::Missing,
            Self::Text(None) => TimeError::Form(found()),
            _ => TimeError::OtherForm {
                expected: self.form(),
                found: found(),
            },
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
mod tests;

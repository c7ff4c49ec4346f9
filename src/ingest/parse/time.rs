use super::snippet::snippet;
use crate::model::LocalTime;
use crate::text::trim_bytes;

pub(super) const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Maximum number of characters of a field in an error message.
pub(super) const SHOWN_CHARS: usize = 40;

/// Why a field is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The field is empty.
    #[error("empty: expected YYYY-MM-DD HH:MM:SS")]
    Missing,
    /// Not of the expected form; the field, truncated.
    #[error("not a time: expected YYYY-MM-DD HH:MM:SS, found {0}")]
    Form(String),
    /// Not of the form that the file's times have; the form, and the field, truncated.
    #[error("not a time: expected {expected}, found {found}")]
    OtherForm {
        /// The form.
        expected: String,
        /// The field.
        found: String,
    },
    /// A date without a time of day.
    #[error(
        "{found} is a date without a time of day: expected both, or --time-format {formats} \
         (timeFormat in TripFormat), which reads dates as midnight"
    )]
    DateAlone {
        /// The field, truncated.
        found: String,
        /// The formats that such dates may have.
        formats: String,
    },
    /// An instant before the year 1 or after 9999.
    #[error("the instant {0} is outside the years 0001…9999")]
    Range(String),
    /// The year 0.
    #[error("the year 0000 is outside 0001…9999")]
    Year,
    /// A month outside 1–12.
    #[error("month {0:02} does not exist")]
    Month(u8),
    /// A day that the month does not have.
    #[error("{day} {} {year:04} does not exist", month_name(*month))]
    Day {
        /// Day of the month.
        day: u8,
        /// Month, 1–12.
        month: u8,
        /// Year.
        year: u16,
    },
    /// A time of day after 23:59:59: hour, minute, second.
    #[error("the time of day {0:02}:{1:02}:{2:02} does not exist (00:00:00…23:59:59)")]
    Clock(u8, u8, u8),
}

impl TimeError {
    /// The kind of the error, without the field's text.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "empty",
            Self::Form(_) | Self::OtherForm { .. } => "not a time in the format of the file",
            Self::DateAlone { .. } => "a date without a time of day",
            Self::Year | Self::Range(_) => "a year outside 0001…9999",
            Self::Month(_) | Self::Day { .. } => "a date that does not exist",
            Self::Clock(..) => "a time of day that does not exist",
        }
    }
}

/// A time as it is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// The wall clock.
    pub(super) wall: LocalTime,
    /// The UTC offset in seconds, east positive, if the time has one: it is then an instant.
    pub(super) offset: Option<i32>,
}

/// Parses `YYYY-MM-DD HH:MM` or, with seconds, `YYYY-MM-DD HH:MM:SS`.
///
/// `T` or `t` may replace the blank. Seconds may have a fraction of any length, after a point or a
/// comma, truncated to microseconds. `UTC`, `GMT` or a UTC offset (`Z`, `+02`, `+0200`, `+02:00`,
/// `+0000 UTC`) may follow, also after a blank; the wall-clock time is as written. Blanks around the
/// time are skipped.
/// 24:00:00 and leap seconds (`:60`) are rejected: neither has its own value in microseconds.
#[inline]
pub(super) fn parse_time(bytes: &[u8]) -> Result<Written, TimeError> {
    let bytes = trim_bytes(bytes);
    let Some((stem, rest)) = bytes.split_first_chunk::<16>() else {
        return Err(no_time(bytes));
    };
    let form = stem[4] == b'-'
        && stem[7] == b'-'
        && matches!(stem[10], b' ' | b'T' | b't')
        && stem[13] == b':';
    let pairs = (
        pair(stem[0], stem[1]),
        pair(stem[2], stem[3]),
        pair(stem[5], stem[6]),
        pair(stem[8], stem[9]),
        pair(stem[11], stem[12]),
        pair(stem[14], stem[15]),
        seconds(rest),
    );
    let (
        Some(century),
        Some(year),
        Some(month),
        Some(day),
        Some(hour),
        Some(minute),
        Some((second, micros, offset)),
        true,
    ) = (
        pairs.0, pairs.1, pairs.2, pairs.3, pairs.4, pairs.5, pairs.6, form,
    )
    else {
        return Err(no_time(bytes));
    };
    let year = u16::from(century) * 100 + u16::from(year);
    let wall = wall_clock((year, month, day), (hour, minute, second), micros)?;
    Ok(Written { wall, offset })
}

/// The wall-clock time of a date (year, month, day) and a time of day (hour, minute, second).
#[inline]
pub(super) fn wall_clock(
    (year, month, day): (u16, u8, u8),
    (hour, minute, second): (u8, u8, u8),
    micros: i64,
) -> Result<LocalTime, TimeError> {
    let days = days(year, month, day)?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(TimeError::Clock(hour, minute, second));
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let micros = (days * SECONDS_PER_DAY + seconds) * MICROS_PER_SECOND + micros;
    LocalTime::from_micros(micros).ok_or(TimeError::Year)
}

#[cold]
fn no_time(bytes: &[u8]) -> TimeError {
    if bytes.is_empty() {
        TimeError::Missing
    } else {
        TimeError::Form(snippet(bytes, SHOWN_CHARS))
    }
}

#[inline]
pub(super) fn pair(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| tens * 10 + ones)
}

/// Parses the text after the minutes: optional seconds and microseconds, and the offset.
#[inline]
fn seconds(rest: &[u8]) -> Option<(u8, i64, Option<i32>)> {
    match rest {
        [b':', tens, ones] => Some((pair(*tens, *ones)?, 0, None)),
        [b':', tens, ones, rest @ ..] => {
            let (micros, offset) = fraction(rest)?;
            Some((pair(*tens, *ones)?, micros, offset))
        }
        _ => Some((0, 0, offset(rest)?)),
    }
}

/// Parses the text after the seconds; returns the microseconds and the offset.
pub(super) fn fraction(mut rest: &[u8]) -> Option<(i64, Option<i32>)> {
    let mut micros = 0;
    if let [b'.' | b',', digits @ ..] = rest {
        let end = digits
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(digits.len());
        if end == 0 {
            return None;
        }
        for place in 0..6 {
            let digit = digits[..end]
                .get(place)
                .map_or(0, |digit| i64::from(digit - b'0'));
            micros = micros * 10 + digit;
        }
        rest = &digits[end..];
    }
    Some((micros, offset(rest)?))
}

/// Parses a UTC offset or the name of UTC, in seconds; `Some(None)` if the text is empty.
#[expect(clippy::option_option, reason = "read, or not; and there, or not")]
pub(super) fn offset(rest: &[u8]) -> Option<Option<i32>> {
    let offset = rest.strip_prefix(b" ").unwrap_or(rest);
    let (hours, minutes) = match *offset {
        [] => return Some(None),
        [b'Z' | b'z'] => return Some(Some(0)),
        [b'+' | b'-', a, b] => (pair(a, b)?, 0),
        [b'+' | b'-', a, b, c, d] | [b'+' | b'-', a, b, b':', c, d] => (pair(a, b)?, pair(c, d)?),
        _ => return is_utc(offset).then_some(Some(0)),
    };
    let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
    let sign = if offset[0] == b'-' { -1 } else { 1 };
    (hours < 24 && minutes < 60).then_some(Some(sign * seconds))
}

/// Whether a text is the name of UTC, also behind its offset.
fn is_utc(text: &[u8]) -> bool {
    const NUMBERS: [&[u8]; 3] = [b"+00 ", b"+0000 ", b"+00:00 "];
    let name = NUMBERS
        .iter()
        .find_map(|number| text.strip_prefix(*number))
        .unwrap_or(text);
    name.eq_ignore_ascii_case(b"UTC") || name.eq_ignore_ascii_case(b"GMT")
}

/// Days from 1970-01-01 to a date, by the proleptic Gregorian calendar.
///
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin in
/// March, so that the leap day is the last.
#[inline]
fn days(year: u16, month: u8, day: u8) -> Result<i64, TimeError> {
    if year == 0 {
        return Err(TimeError::Year);
    }
    if !(1..=12).contains(&month) {
        return Err(TimeError::Month(month));
    }
    if !(1..=days_of_month(year, month)).contains(&day) {
        return Err(TimeError::Day { day, month, year });
    }
    let (year, month) = (u32::from(year), u32::from(month));
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * month + 2) / 5 + u32::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Ok(i64::from(era * 146_097 + day_of_era) - 719_468)
}

const fn days_of_month(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn month_name(month: u8) -> &'static str {
    match month {
        1 => "January",
        2 => "February",
        3 => "March",
        4 => "April",
        5 => "May",
        6 => "June",
        7 => "July",
        8 => "August",
        9 => "September",
        10 => "October",
        11 => "November",
        _ => "December",
    }
}

#[cfg(test)]
mod tests;

//! Dates whose parts are in one of several orders, as spreadsheets write them, and times of day.

use super::time::{TimeError, Written, fraction, offset, pair, parse_time, wall_clock};
use crate::text::blank_len;

/// The order of the parts of a date that does not begin with a year of four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    MonthDay,
    DayMonth,
    /// A year of two digits comes first.
    YearMonth,
}

impl DateOrder {
    pub(super) const ALL: [Self; 3] = [Self::MonthDay, Self::DayMonth, Self::YearMonth];

    /// The order in strftime's notation. `year`: how years that come last are written.
    pub(super) fn notation(self, separator: char, year: &str) -> String {
        let parts = match self {
            Self::MonthDay => ["%m", "%d", year],
            Self::DayMonth => ["%d", "%m", year],
            Self::YearMonth => ["%y", "%m", "%d"],
        };
        parts.join(&String::from(separator))
    }

    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::MonthDay => "M/D/YYYY",
            Self::DayMonth => "D/M/YYYY",
            Self::YearMonth => "YY/M/D",
        }
    }

    /// What dates begin with, in messages.
    pub(super) const fn first_part(self) -> &'static str {
        match self {
            Self::MonthDay => "with the month",
            Self::DayMonth => "with the day",
            Self::YearMonth => "with the year",
        }
    }
}

/// A date that was split into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DateParts {
    /// The numbers, in the order of the text.
    numbers: [u16; 3],
    /// How many digits the first and the last have.
    digits: [usize; 2],
    separator: u8,
}

impl DateParts {
    /// Splits a date whose parts are separated by `/`, `-` or `.`, from the text behind it. `None` if
    /// the text does not begin with one.
    fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = number(text, 4)?;
        let (&separator, rest) = rest.split_first()?;
        if !matches!(separator, b'/' | b'-' | b'.') {
            return None;
        }
        let (second, rest) = number(rest, 2)?;
        let (third, rest) = number(rest.strip_prefix(&[separator])?, 4)?;
        let digits = [first.1, third.1];
        // Years have two digits, or four.
        let has_year = matches!(digits, [4 | 2, 1 | 2] | [1 | 2, 4] | [1, 2]);
        let date = Self {
            numbers: [first.0, second.0, third.0],
            digits,
            separator,
        };
        has_year.then_some((date, rest))
    }

    /// Whether it begins with a year of four digits, after which the month comes.
    pub(super) const fn starts_with_year(&self) -> bool {
        self.digits[0] == 4
    }

    /// Whether the date may be in that order. Dates with dots do not begin with the month.
    pub(super) fn allows(&self, order: DateOrder) -> bool {
        let is_date = |(_, month, day)| (1..=12).contains(&month) && (1..=31).contains(&day);
        let by_custom = self.separator != b'.' || order != DateOrder::MonthDay;
        by_custom && self.read(Some(order)).is_some_and(is_date)
    }

    /// Year, month and day, by their places alone.
    fn read(&self, order: Option<DateOrder>) -> Option<(u16, u8, u8)> {
        let [first, second, third] = self.numbers;
        let [first_digits, last_digits] = self.digits;
        let (year, digits, month, day) = if self.starts_with_year() {
            (first, 4, second, third)
        } else {
            match order? {
                DateOrder::MonthDay => (third, last_digits, first, second),
                DateOrder::DayMonth => (third, last_digits, second, first),
                DateOrder::YearMonth => (first, first_digits, second, third),
            }
        };
        let year = match digits {
            4 => year,
            // As POSIX reads them.
            2 if year < 69 => 2000 + year,
            2 => 1900 + year,
            _ => return None,
        };
        Some((year, month.try_into().ok()?, day.try_into().ok()?))
    }

    /// The orders in which the date may be: those of the file, if that is known.
    pub(super) fn orders(&self, known: Option<DateOrder>) -> Vec<DateOrder> {
        let may_be = |order: &DateOrder| known.is_none_or(|known| known == *order);
        let all = DateOrder::ALL.into_iter().filter(may_be);
        all.filter(|order| self.allows(*order)).collect()
    }

    /// The date in strftime's notation, if it is in that order.
    pub(super) fn notation(&self, order: DateOrder) -> String {
        let separator = char::from(self.separator);
        if self.starts_with_year() {
            return ["%Y", "%m", "%d"].join(&String::from(separator));
        }
        order.notation(separator, if self.digits[1] == 4 { "%Y" } else { "%y" })
    }
}

/// A time of day that was split into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClockParts {
    /// Hour, minute and second.
    clock: (u8, u8, u8),
    has_seconds: bool,
    micros: i64,
    /// Whether AM or PM follows.
    has_half_day: bool,
    offset: Option<i32>,
}

impl ClockParts {
    /// Splits `H:MM[:SS[.ffffff]][ AM]` and an offset.
    fn split(text: &[u8]) -> Option<Self> {
        let ((hour, _), rest) = number(text, 2)?;
        let (minute, rest) = two_digits(rest.strip_prefix(b":")?)?;
        let (second, rest) = match rest.strip_prefix(b":") {
            Some(rest) => two_digits(rest).map(|(second, rest)| (Some(second), rest))?,
            None => (None, rest),
        };
        let digits = match rest {
            [b'.' | b',', digits @ ..] => {
                let is_digit = |byte: &&u8| byte.is_ascii_digit();
                1 + digits.iter().take_while(is_digit).count()
            }
            _ => 0,
        };
        let (micros, rest) = rest.split_at(digits);
        let (micros, _) = fraction(micros)?;
        let (half_day, rest) = half_day(rest);
        let hour = u8::try_from(hour).ok()?;
        let hour = match half_day {
            None => hour,
            // The hour after midnight or noon is written as 12, and by some as 0.
            Some(_) if hour > 12 => return None,
            Some(after_noon) => hour % 12 + if after_noon { 12 } else { 0 },
        };
        Some(Self {
            clock: (hour, minute, second.unwrap_or(0)),
            has_seconds: second.is_some(),
            micros,
            has_half_day: half_day.is_some(),
            offset: offset(rest)?,
        })
    }

    const fn notation(&self) -> &'static str {
        match (self.has_half_day, self.has_seconds) {
            (false, false) => "%H:%M",
            (false, true) => "%H:%M:%S",
            (true, false) => "%I:%M %p",
            (true, true) => "%I:%M:%S %p",
        }
    }
}

/// A date and time of day that was split into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) date: DateParts,
    clock: ClockParts,
}

impl Parts {
    /// Splits `D/M/YYYY H:MM[:SS[.ffffff]][ AM]`, with `/`, `-` or `.` between the parts of the
    /// date in any order, a year of two or four digits, and an offset. `None` if the text is not of
    /// this form.
    pub(super) fn split(text: &[u8]) -> Option<Self> {
        let (date, rest) = DateParts::split(text)?;
        let clock = if let [b'T', clock @ ..] = rest {
            clock
        } else {
            let rest = rest.strip_prefix(b",").unwrap_or(rest);
            Some(without_blanks(rest)).filter(|clock| clock.len() < rest.len())?
        };
        let clock = ClockParts::split(without_blanks(clock))?;
        Some(Self { date, clock })
    }

    pub(super) const fn has_half_day(&self) -> bool {
        self.clock.has_half_day
    }

    /// The time in strftime's notation, if its date is in that order.
    pub(super) fn notation(&self, order: DateOrder) -> String {
        format!("{} {}", self.date.notation(order), self.clock.notation())
    }

    fn written(&self, order: Option<DateOrder>) -> Option<Result<Written, TimeError>> {
        let ClockParts {
            clock,
            micros,
            offset,
            ..
        } = self.clock;
        let wall = wall_clock(self.date.read(order)?, clock, micros);
        Some(wall.map(|wall| Written { wall, offset }))
    }
}

/// Parses a date in the given order, or one that begins with its year, and a time of day. `None` if
/// the text is not of this form.
pub(super) fn parse_date_time(
    text: &[u8],
    order: Option<DateOrder>,
) -> Option<Result<Written, TimeError>> {
    match Parts::split(text) {
        Some(parts) => parts.written(order),
        None => match parse_time(&extended(text)?) {
            Err(TimeError::Form(_)) => None,
            read => Some(read),
        },
    }
}

/// A time in the basic format of ISO 8601, `YYYYMMDDTHHMM[SS]`, in the extended one.
fn extended(text: &[u8]) -> Option<Vec<u8>> {
    let (date, rest) = text.split_first_chunk::<8>()?;
    let [b'T' | b't', rest @ ..] = rest else {
        return None;
    };
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !date.iter().all(u8::is_ascii_digit) || !matches!(len, 4 | 6) {
        return None;
    }
    let (clock, rest) = rest.split_at(len);
    let clock: Vec<_> = clock.chunks(2).collect();
    let date = [&date[..4], &date[4..6], &date[6..]].join(&b'-');
    Some([&date, &b"T"[..], &clock.join(&b':'), rest].concat())
}

/// Alternatives in a message.
pub(super) fn either(options: &[String]) -> String {
    match options {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => options.concat(),
    }
}

/// The date, if the text is one, without a time of day.
pub(super) fn date_alone(text: &[u8]) -> Option<DateParts> {
    let (date, rest) = DateParts::split(text)?;
    rest.is_empty().then_some(date)
}

/// Whether the text is a time of day without a date.
pub(super) fn is_clock_alone(text: &[u8]) -> bool {
    ClockParts::split(text).is_some()
}

/// The number at the beginning, of at most so many digits, with their count, and the rest.
fn number(bytes: &[u8], digits: usize) -> Option<((u16, usize), &[u8])> {
    let len = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if len == 0 || len > digits {
        return None;
    }
    let value = bytes[..len]
        .iter()
        .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some(((value, len), &bytes[len..]))
}

fn two_digits(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let ([tens, ones], rest) = bytes.split_first_chunk()?;
    Some((pair(*tens, *ones)?, rest))
}

/// The text without the blanks that it begins with, no-break ones included.
fn without_blanks(mut text: &[u8]) -> &[u8] {
    while let len @ 1.. = blank_len(text) {
        text = &text[len..];
    }
    text
}

/// Whether AM or PM follows, also as `a.m.` or `p. m.`, and that it is PM; and the rest.
fn half_day(rest: &[u8]) -> (Option<bool>, &[u8]) {
    let read = || {
        let (half, text) = without_blanks(rest).split_first()?;
        let is_pm = match half {
            b'A' | b'a' => false,
            b'P' | b'p' => true,
            _ => return None,
        };
        let text = text.strip_prefix(b".").map_or(text, without_blanks);
        let [b'M' | b'm', text @ ..] = text else {
            return None;
        };
        Some((Some(is_pm), text.strip_prefix(b".").unwrap_or(text)))
    };
    read().unwrap_or((None, rest))
}

#[cfg(test)]
mod tests;

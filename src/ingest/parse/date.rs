//! Dates whose parts are in one of several orders, as spreadsheets write them.

use super::time::{TimeError, Written, fraction, offset, pair, wall_clock};

/// The order of the parts of a date that does not begin with its year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateOrder {
    MonthDay,
    DayMonth,
}

impl DateOrder {
    pub(super) const fn notation(self) -> &'static str {
        match self {
            Self::MonthDay => "%m/%d/%Y",
            Self::DayMonth => "%d/%m/%Y",
        }
    }

    pub(super) const fn form(self) -> &'static str {
        match self {
            Self::MonthDay => "M/D/YYYY",
            Self::DayMonth => "D/M/YYYY",
        }
    }
}

/// A date and time of day that was split into numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// The parts of the date, in the order of the text.
    pub(super) date: [u16; 3],
    /// Whether the first part is the year.
    pub(super) starts_with_year: bool,
    /// What separates the parts of the date.
    separator: u8,
    clock: (u8, u8, u8),
    micros: i64,
    /// Whether AM or PM follows.
    pub(super) has_half_day: bool,
    offset: Option<i32>,
}

impl Parts {
    /// Splits `D/M/YYYY H:MM[:SS[.ffffff]][ AM]`, with `/`, `-` or `.` between the parts of the
    /// date in any order, a year of two or four digits, and an offset. `None` if the text is not of
    /// this form.
    pub(super) fn split(text: &[u8]) -> Option<Self> {
        let (first, rest) = number(text, 4)?;
        let (&separator, rest) = rest.split_first()?;
        if !matches!(separator, b'/' | b'-' | b'.') {
            return None;
        }
        let (second, rest) = number(rest, 2)?;
        let (third, rest) = number(rest.strip_prefix(&[separator])?, 4)?;
        let starts_with_year = first.1 == 4;
        let year = match (first.1, third.1) {
            (4, 1 | 2) => first.0,
            (1 | 2, 4) => third.0,
            // As POSIX reads them.
            (1 | 2, 2) if third.0 < 69 => 2000 + third.0,
            (1 | 2, 2) => 1900 + third.0,
            _ => return None,
        };
        let date = if starts_with_year {
            [year, second.0, third.0]
        } else {
            [first.0, second.0, year]
        };
        let rest = rest
            .strip_prefix(b"T")
            .or_else(|| rest.strip_prefix(b", "))
            .or_else(|| rest.strip_prefix(b" "))?
            .trim_ascii_start();
        let ((hour, _), rest) = number(rest, 2)?;
        let (minute, rest) = two_digits(rest.strip_prefix(b":")?)?;
        let (second, rest) = match rest.strip_prefix(b":") {
            Some(rest) => two_digits(rest)?,
            None => (0, rest),
        };
        let digits = rest.strip_prefix(b".").map_or(0, |digits| {
            let is_digit = |byte: &&u8| byte.is_ascii_digit();
            1 + digits.iter().take_while(is_digit).count()
        });
        let (micros, rest) = rest.split_at(digits);
        let (micros, _) = fraction(micros)?;
        let (half_day, rest) = half_day(rest);
        let hour = u8::try_from(hour).ok()?;
        let hour = match half_day {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(after_noon) => hour % 12 + if after_noon { 12 } else { 0 },
        };
        Some(Self {
            date,
            starts_with_year,
            separator,
            clock: (hour, minute, second),
            micros,
            has_half_day: half_day.is_some(),
            offset: offset(rest)?,
        })
    }

    /// The order of the parts that the date itself shows: a number above 12 is a day, and dates
    /// with dots begin with the day. `None` if it shows none.
    pub(super) const fn shown_order(&self) -> Option<DateOrder> {
        let [first, second, _] = self.date;
        if self.separator == b'.' || first > 12 {
            Some(DateOrder::DayMonth)
        } else if second > 12 {
            Some(DateOrder::MonthDay)
        } else {
            None
        }
    }

    fn written(&self, order: Option<DateOrder>) -> Option<Result<Written, TimeError>> {
        let [first, second, third] = self.date;
        let (year, month, day) = if self.starts_with_year {
            (first, second, third)
        } else {
            match order? {
                DateOrder::MonthDay => (third, first, second),
                DateOrder::DayMonth => (third, second, first),
            }
        };
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let wall = wall_clock((year, month, day), self.clock, self.micros);
        Some(wall.map(|wall| Written {
            wall,
            offset: self.offset,
        }))
    }
}

/// Parses a date in the given order, or one that begins with its year, and a time of day. `None` if
/// the text is not of this form.
pub(super) fn parse_date_time(
    text: &[u8],
    order: Option<DateOrder>,
) -> Option<Result<Written, TimeError>> {
    Parts::split(text)?.written(order)
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

/// Whether AM or PM follows, and that it is PM; and the rest.
fn half_day(rest: &[u8]) -> (Option<bool>, &[u8]) {
    let text = rest.trim_ascii_start();
    match text {
        [half @ (b'A' | b'a' | b'P' | b'p'), b'M' | b'm', rest @ ..] => {
            (Some(half.eq_ignore_ascii_case(&b'P')), rest)
        }
        _ => (None, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, order: Option<DateOrder>) -> Option<String> {
        let written = parse_date_time(text.as_bytes(), order)?.ok()?;
        Some(written.wall.to_naive().to_string())
    }

    #[test]
    fn dates_are_read_in_the_order_of_the_file() {
        use DateOrder::{DayMonth, MonthDay};
        for (text, order, expected) in [
            ("7/1/2015 0:03", Some(MonthDay), "2015-07-01 00:03:00"),
            ("7/1/2015 00:03:07", Some(DayMonth), "2015-01-07 00:03:07"),
            ("07/01/15 00:03", Some(MonthDay), "2015-07-01 00:03:00"),
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
            "1614585600",
            "",
            "1/1/215 0:03",
        ] {
            assert_eq!(read(text, None), None, "{text}");
        }
        assert_eq!(read("13/2/2015 0:03", Some(MonthDay)), None);
    }

    #[test]
    fn some_dates_show_their_order() {
        let order = |text: &str| Parts::split(text.as_bytes()).unwrap().shown_order();
        assert_eq!(order("7/13/2015 0:03"), Some(DateOrder::MonthDay));
        assert_eq!(order("13/7/2015 0:03"), Some(DateOrder::DayMonth));
        assert_eq!(order("1.7.2015 0:03"), Some(DateOrder::DayMonth));
        assert_eq!(order("12/12/2015 0:03"), None);
    }
}

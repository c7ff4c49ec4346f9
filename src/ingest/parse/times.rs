//! What the first times of a file show of their format.

use super::clock::{EpochUnit, TimeFormat, epoch_micros};
use super::date::{DateOrder, Parts};
use super::snippet::snippet;
use super::time::parse_time;
use crate::text::trim_bytes;

/// Maximum number of characters of a time in an error message.
const SHOWN_CHARS: usize = 40;
/// Numbers since 1970 are recognised in the years 1973 to 2099, in seconds.
const EPOCH_SECONDS: std::ops::Range<i64> = 100_000_000..4_102_444_800;

/// The first times of a file.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// How many there are.
    count: usize,
    /// Dates that do not begin with the year.
    ordered: usize,
    /// Whether one of them certainly begins with the month, and one with the day.
    has_month_first: bool,
    has_day_first: bool,
    /// The first of them.
    example: Option<String>,
    half_days: usize,
    /// Numbers of seconds, milliseconds and microseconds since 1970.
    epochs: [usize; 3],
}

impl Times {
    /// Adds a time that is not empty.
    pub(super) fn add(&mut self, field: &[u8]) {
        let field = trim_bytes(field);
        self.count += 1;
        if parse_time(field).is_ok() {
            return;
        }
        if let Some(parts) = Parts::split(field) {
            self.half_days += usize::from(parts.has_half_day);
            if !parts.starts_with_year {
                self.ordered += 1;
                self.has_month_first |= parts.shown_order() == Some(DateOrder::MonthDay);
                self.has_day_first |= parts.shown_order() == Some(DateOrder::DayMonth);
                self.example
                    .get_or_insert_with(|| snippet(field, SHOWN_CHARS));
            }
        } else if let Some(number) = epoch_micros(field, EpochUnit::Micros) {
            for (count, scale) in self.epochs.iter_mut().zip([1, 1_000, 1_000_000]) {
                *count += usize::from(EPOCH_SECONDS.contains(&(number / scale)));
            }
        }
    }

    /// Whether most of them have AM or PM.
    pub(super) const fn has_half_days(&self) -> bool {
        self.half_days * 2 > self.count
    }

    /// Their format. `order` is that of the published format of the file, if it shows none itself.
    /// Fails with an example if the order of day and month is not certain.
    pub(super) fn format(&self, order: Option<DateOrder>) -> Result<TimeFormat, String> {
        let units = [EpochUnit::Seconds, EpochUnit::Millis, EpochUnit::Micros];
        let mut epochs = self.epochs.iter().zip(units);
        if let Some((_, unit)) = epochs.find(|(count, _)| **count * 2 > self.count) {
            return Ok(TimeFormat::Epoch(unit));
        }
        let order = match (self.has_month_first, self.has_day_first) {
            (true, false) => Some(DateOrder::MonthDay),
            (false, true) => Some(DateOrder::DayMonth),
            (false, false) if order.is_some() => order,
            // Where most times are of another form, the others are rejected one by one.
            _ if self.ordered * 2 <= self.count => None,
            _ => return Err(self.example.clone().unwrap_or_default()),
        };
        Ok(TimeFormat::Text(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(fields: &[&str]) -> Times {
        let mut times = Times::default();
        for field in fields {
            times.add(field.as_bytes());
        }
        times
    }

    fn format(fields: &[&str]) -> Result<TimeFormat, String> {
        times(fields).format(None)
    }

    #[test]
    fn formats_are_recognised() {
        let [month_day, day_month] =
            [DateOrder::MonthDay, DateOrder::DayMonth].map(|order| TimeFormat::Text(Some(order)));
        for (fields, expected) in [
            (&["2021-03-01 08:00:00", "x"][..], TimeFormat::Text(None)),
            (&[], TimeFormat::Text(None)),
            (&["1/2/2015 0:01", "1/13/2015 0:01"], month_day.clone()),
            (&["1/2/2015 0:01", "13/1/2015 0:01"], day_month.clone()),
            (&["2015-01-02 0:01", "1/13/2015 0:01"], month_day),
            (&["1.2.2015 0:01"], day_month),
            (
                &["1372636858", "1372637303"],
                TimeFormat::Epoch(EpochUnit::Seconds),
            ),
            (&["1372636858.5"], TimeFormat::Epoch(EpochUnit::Seconds)),
            (&["1372636858000"], TimeFormat::Epoch(EpochUnit::Millis)),
            (&["1372636858000000"], TimeFormat::Epoch(EpochUnit::Micros)),
            // Neither is a number since 1970: a duration, and a date without separators.
            (&["300", "12"], TimeFormat::Text(None)),
            (&["20140301080000"], TimeFormat::Text(None)),
            (
                &["2021-03-01 08:00", "2021-03-02 08:00", "1/2/2015 0:01"],
                TimeFormat::Text(None),
            ),
        ] {
            assert_eq!(format(fields), Ok(expected), "{fields:?}");
        }
    }

    #[test]
    fn an_order_that_is_not_shown_is_not_guessed() {
        let same = ["12/1/2015 0:01", "12/12/2015 0:01"];
        assert_eq!(format(&same), Err("12/1/2015 0:01".to_owned()));
        assert_eq!(
            times(&same).format(Some(DateOrder::MonthDay)),
            Ok(TimeFormat::Text(Some(DateOrder::MonthDay)))
        );
        assert!(format(&["13/1/2015 0:01", "1/13/2015 0:01"]).is_err());
        // What is shown outweighs what such files mostly are.
        assert_eq!(
            times(&["13/1/2015 0:01"]).format(Some(DateOrder::MonthDay)),
            Ok(TimeFormat::Text(Some(DateOrder::DayMonth)))
        );
    }

    #[test]
    fn half_days_are_seen() {
        assert!(times(&["01/02/2016 12:15:00 AM"]).has_half_days());
        assert!(!times(&["01/02/2016 12:15:00"]).has_half_days());
    }
}

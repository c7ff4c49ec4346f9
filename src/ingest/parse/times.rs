//! What the first times of a file show of their format.

use super::clock::{EpochUnit, TimeFormat};
use super::date::{DateOrder, Parts, either};
use super::snippet::snippet;
use super::time::parse_time;
use crate::text::trim_bytes;

/// Maximum number of characters of a time in an error message.
const SHOWN_CHARS: usize = 40;

/// The first times of a file.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// How many there are.
    count: usize,
    /// Dates whose parts may be in one of several orders.
    ordered: usize,
    /// For each of [`DateOrder::ALL`], whether one of them may be in it, and whether one cannot.
    allowed: [bool; 3],
    excluded: [bool; 3],
    /// The first of them.
    example: Option<(String, Parts)>,
    half_days: usize,
    /// Numbers that are likely to be in each of [`EpochUnit::ALL`].
    epochs: [usize; 3],
}

/// Dates whose order is not certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmbiguousDates {
    /// The first such time.
    pub(super) example: String,
    /// What the dates may begin with.
    pub(super) beginnings: String,
    /// The format for each of these, as it is given to an option.
    pub(super) formats: String,
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
            self.half_days += usize::from(parts.has_half_day());
            if !parts.date.starts_with_year() {
                self.add_ordered(field, parts);
            }
        } else {
            for (count, unit) in self.epochs.iter_mut().zip(EpochUnit::ALL) {
                *count += usize::from(unit.likely(field).is_some());
            }
        }
    }

    fn add_ordered(&mut self, field: &[u8], parts: Parts) {
        let allowed = DateOrder::ALL.map(|order| parts.date.allows(order));
        // What is a date in no order shows none.
        if allowed == [false; 3] {
            return;
        }
        self.ordered += 1;
        for (index, is_allowed) in allowed.into_iter().enumerate() {
            self.allowed[index] |= is_allowed;
            self.excluded[index] |= !is_allowed;
        }
        self.example
            .get_or_insert_with(|| (snippet(field, SHOWN_CHARS), parts));
    }

    /// Their format. `order` is that of the published format of the file, if the dates may be in it
    /// and in others. Fails if the order of the dates is not certain.
    pub(super) fn format(&self, order: Option<DateOrder>) -> Result<TimeFormat, AmbiguousDates> {
        let mut epochs = self.epochs.iter().zip(EpochUnit::ALL);
        if let Some((_, unit)) = epochs.find(|(count, _)| **count * 2 > self.count) {
            return Ok(TimeFormat::LikelyEpoch(unit));
        }
        let Some((example, parts)) = &self.example else {
            // Later rows may have what the first have not.
            return Ok(TimeFormat::Text(order));
        };
        let orders = |is_possible: &dyn Fn(usize) -> bool| -> Vec<DateOrder> {
            let all = DateOrder::ALL.into_iter().enumerate();
            all.filter(|(index, _)| is_possible(*index))
                .map(|(_, order)| order)
                .collect()
        };
        let allowed = orders(&|index| self.allowed[index]);
        let possible = orders(&|index| self.allowed[index] && !self.excluded[index]);
        match possible[..] {
            [only] => return Ok(TimeFormat::Text(Some(only))),
            _ if order.is_some_and(|order| possible.contains(&order)) => {
                return Ok(TimeFormat::Text(order));
            }
            // Where most times are of another form, the others are rejected one by one.
            _ if self.ordered * 2 <= self.count => return Ok(TimeFormat::Text(None)),
            _ => {}
        }
        // If there is no order that all of them may be in, each is right for some.
        let choice = if possible.is_empty() {
            allowed
        } else {
            possible
        };
        let beginnings = choice.iter().map(|order| order.first_part().to_owned());
        let formats = choice
            .iter()
            .map(|order| format!("'{}'", parts.notation(*order)));
        Err(AmbiguousDates {
            example: example.clone(),
            beginnings: either(&beginnings.collect::<Vec<_>>()),
            formats: either(&formats.collect::<Vec<_>>()),
        })
    }

    /// Their format in strftime's notation, as far as they show it.
    pub(super) fn notation(&self, format: &TimeFormat) -> String {
        let twelve_hours = self.half_days * 2 > self.count;
        match format {
            TimeFormat::Text(_) if self.ordered == 0 => TimeFormat::Text(None),
            format => format.clone(),
        }
        .notation(twelve_hours)
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

    fn format(fields: &[&str]) -> Result<TimeFormat, AmbiguousDates> {
        times(fields).format(None)
    }

    /// The example and the formats of an error.
    fn ambiguous(fields: &[&str]) -> (String, String) {
        let AmbiguousDates {
            example, formats, ..
        } = format(fields).unwrap_err();
        (example, formats)
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
            (&["2015-01-02 0:01", "1/13/2015 0:01"], month_day.clone()),
            (&["1.2.2015 0:01"], day_month.clone()),
            (&["03/04/21 0:01", "03/15/21 0:01"], month_day.clone()),
            (&["3/4/21 0:01", "13/4/21 0:01"], day_month),
            (
                &["21/03/01 0:01", "72/03/01 0:01"],
                TimeFormat::Text(Some(DateOrder::YearMonth)),
            ),
            // A date in no order is rejected, and shows nothing.
            (&["13/13/2015 0:01", "1/13/2015 0:01"], month_day.clone()),
            (&["13/13/2015 0:01"], TimeFormat::Text(None)),
            (
                &["1372636858", "1372637303"],
                TimeFormat::LikelyEpoch(EpochUnit::Seconds),
            ),
            (
                &["1372636858.5"],
                TimeFormat::LikelyEpoch(EpochUnit::Seconds),
            ),
            (
                &["1372636858000"],
                TimeFormat::LikelyEpoch(EpochUnit::Millis),
            ),
            (
                &["1372636858000000"],
                TimeFormat::LikelyEpoch(EpochUnit::Micros),
            ),
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
        assert_eq!(
            format(&same),
            Err(AmbiguousDates {
                example: "12/1/2015 0:01".to_owned(),
                beginnings: "with the month or with the day".to_owned(),
                formats: "'%m/%d/%Y %H:%M' or '%d/%m/%Y %H:%M'".to_owned(),
            })
        );
        assert_eq!(
            times(&same).format(Some(DateOrder::MonthDay)),
            Ok(TimeFormat::Text(Some(DateOrder::MonthDay)))
        );
        assert_eq!(
            ambiguous(&["13/1/2015 0:01", "1/13/2015 0:01"]).1,
            "'%m/%d/%Y %H:%M' or '%d/%m/%Y %H:%M'"
        );
        // What is shown outweighs what such files mostly are.
        assert_eq!(
            times(&["13/1/2015 0:01"]).format(Some(DateOrder::MonthDay)),
            Ok(TimeFormat::Text(Some(DateOrder::DayMonth)))
        );
        // Later rows may have it.
        let iso = times(&["2013-07-01 00:00:00"]);
        let format = iso.format(Some(DateOrder::MonthDay)).unwrap();
        assert_eq!(format, TimeFormat::Text(Some(DateOrder::MonthDay)));
        assert_eq!(iso.notation(&format), "%Y-%m-%d %H:%M:%S");
    }

    #[test]
    fn a_year_of_two_digits_may_be_first() {
        for (fields, formats) in [
            (
                &["03/04/21 8:00"][..],
                "'%m/%d/%y %H:%M', '%d/%m/%y %H:%M' or '%y/%m/%d %H:%M'",
            ),
            (
                &["21/03/01 08:00:00", "22/03/01 08:00:00"],
                "'%d/%m/%y %H:%M:%S' or '%y/%m/%d %H:%M:%S'",
            ),
            (&["28.05.18 9:03"], "'%d.%m.%y %H:%M' or '%y.%m.%d %H:%M'"),
            (
                &["03-04-72 1:00 AM"],
                "'%m-%d-%y %I:%M %p' or '%d-%m-%y %I:%M %p'",
            ),
        ] {
            assert_eq!(
                ambiguous(fields),
                (fields[0].to_owned(), formats.to_owned())
            );
        }
        assert_eq!(
            times(&["03/04/21 8:00"]).format(Some(DateOrder::DayMonth)),
            Ok(TimeFormat::Text(Some(DateOrder::DayMonth)))
        );
    }

    #[test]
    fn the_advice_reads_the_times() {
        for text in [
            "7/4/2016 4:17",
            "07/04/2016 4:17:05",
            "7/4/2016 4:17 PM",
            "7/4/2016 4:17:05 p.m.",
            "7/4/2016 4:17:05.25",
            "7/4/2016 4:17:05 +0200",
            "7/4/2016, 4:17",
            "7/4/2016T04:17",
            "07/04/16 4:17",
            "7-4-16 4:17:05 AM",
            "07.04.16 4:17",
        ] {
            let (_, formats) = ambiguous(&[text]);
            let formats = formats.replace(" or ", ", ");
            for advised in formats.split("', '") {
                let advised = advised.trim_matches('\'');
                let format = TimeFormat::declared(advised).unwrap();
                let read = format.read(text.as_bytes());
                assert!(read.is_ok(), "{text} as {advised}: {read:?}");
            }
        }
    }

    #[test]
    fn half_days_are_seen() {
        for (text, expected) in [
            ("01/13/2016 12:15:00 AM", "%m/%d/%Y %I:%M:%S %p"),
            ("01/13/2016 12:15:00", "%m/%d/%Y %H:%M:%S"),
            ("2016/1/13 1:15 pm", "%Y-%m-%d %I:%M:%S %p"),
            ("1372636858", "epoch"),
        ] {
            let times = times(&[text]);
            let format = times.format(None).unwrap();
            assert_eq!(times.notation(&format), expected, "{text}");
        }
    }
}

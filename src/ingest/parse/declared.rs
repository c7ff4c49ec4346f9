//! Formats of times that are declared, in strftime's notation.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDateTime, NaiveTime};

use super::date::DateOrder;

/// A format in strftime's notation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declared {
    text: String,
    items: Vec<Item<'static>>,
}

impl Declared {
    /// The format, or `None` if it is not in strftime's notation, or has no parts of a time.
    pub(super) fn new(text: &str) -> Option<Self> {
        let items = StrftimeItems::new(text).parse_to_owned().ok()?;
        let has_fields = items
            .iter()
            .any(|item| matches!(item, Item::Numeric(..) | Item::Fixed(_)));
        has_fields.then(|| Self {
            text: text.to_owned(),
            items,
        })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The order of its date, if it is a date and a time of day of the kind that is recognised, so that
    /// only the order has to be declared. `Some(None)` if a year of four digits comes first.
    #[expect(
        clippy::option_option,
        reason = "of this kind, or not; and with an order, or not"
    )]
    pub(super) fn recognised_order(&self) -> Option<Option<DateOrder>> {
        let letters: String = self.items.iter().map(letter).collect::<Option<_>>()?;
        let (date, clock) = letters.split_once(['T', ' '])?;
        let clock = clock.replace(' ', "");
        let is_clock = matches!(
            clock.strip_suffix('z').unwrap_or(&clock),
            "H:M" | "H:M:S" | "I:Mp" | "I:M:Sp"
        );
        let date = date.strip_suffix(',').unwrap_or(date);
        let separator = *date.as_bytes().get(1)?;
        let parts: Vec<_> = date.split(char::from(separator)).collect();
        let order = match parts[..] {
            ["Y", "m", "d"] => None,
            ["m", "d", "Y" | "y"] => Some(DateOrder::MonthDay),
            ["d", "m", "Y" | "y"] => Some(DateOrder::DayMonth),
            ["y", "m", "d"] => Some(DateOrder::YearMonth),
            _ => return None,
        };
        (is_clock && matches!(separator, b'/' | b'-' | b'.')).then_some(order)
    }

    /// The wall clock of a time, and its offset, if it has one.
    pub(super) fn read(&self, field: &[u8]) -> Option<(NaiveDateTime, Option<i32>)> {
        let mut parsed = Parsed::new();
        let text = std::str::from_utf8(field).ok()?;
        chrono::format::parse(&mut parsed, text, self.items.iter()).ok()?;
        if let Some(timestamp) = parsed.timestamp() {
            let micros = i64::from(parsed.nanosecond().unwrap_or(0)) / 1_000;
            let instant = DateTime::from_timestamp(timestamp, 0)?.naive_utc();
            return Some((instant + chrono::TimeDelta::microseconds(micros), Some(0)));
        }
        let has_clock = parsed.hour_mod_12().is_some() || parsed.hour_div_12().is_some();
        let time = match parsed.to_naive_time() {
            Ok(time) => time,
            Err(_) if !has_clock => NaiveTime::MIN,
            Err(_) => return None,
        };
        let wall = NaiveDateTime::new(parsed.to_naive_date().ok()?, time);
        Some((wall, parsed.offset()))
    }
}

/// A part of a format as a letter or as it is; nothing for a fraction of a second, which always may
/// follow. `None` for parts that recognised times do not have.
fn letter(item: &Item<'static>) -> Option<String> {
    let letter = match item {
        Item::Literal(text) | Item::Space(text) => between(text)?,
        Item::OwnedLiteral(text) | Item::OwnedSpace(text) => between(text)?,
        Item::Numeric(Numeric::Year, _) => "Y",
        Item::Numeric(Numeric::YearMod100, _) => "y",
        Item::Numeric(Numeric::Month, _) => "m",
        Item::Numeric(Numeric::Day, _) => "d",
        Item::Numeric(Numeric::Hour, _) => "H",
        Item::Numeric(Numeric::Hour12, _) => "I",
        Item::Numeric(Numeric::Minute, _) => "M",
        Item::Numeric(Numeric::Second, _) => "S",
        Item::Fixed(
            Fixed::Nanosecond | Fixed::Nanosecond3 | Fixed::Nanosecond6 | Fixed::Nanosecond9,
        ) => "",
        Item::Fixed(Fixed::LowerAmPm | Fixed::UpperAmPm) => "p",
        Item::Fixed(
            Fixed::TimezoneOffset | Fixed::TimezoneOffsetColon | Fixed::TimezoneOffsetZ,
        ) => "z",
        _ => return None,
    };
    Some(letter.to_owned())
}

/// A text between the parts of a format, unless it is taken for a part.
fn between(text: &str) -> Option<&str> {
    let is_part = text != "T" && text.contains(char::is_alphanumeric);
    (!is_part).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_common_formats_is_known() {
        use DateOrder::{DayMonth, MonthDay, YearMonth};
        for (format, order) in [
            ("%Y-%m-%d %H:%M:%S", None),
            ("%Y/%m/%d %H:%M", None),
            ("%FT%T%.f%z", None),
            ("%F %I:%M %p", None),
            ("%m/%d/%Y %H:%M", Some(MonthDay)),
            ("%-m/%-d/%Y %-H:%M", Some(MonthDay)),
            ("%m/%d/%y, %I:%M:%S %p", Some(MonthDay)),
            ("%D %T", Some(MonthDay)),
            ("%d.%m.%Y %R", Some(DayMonth)),
            ("%d-%m-%y %H:%M:%S %:z", Some(DayMonth)),
            ("%y/%m/%d %H:%M", Some(YearMonth)),
        ] {
            let declared = Declared::new(format).unwrap();
            assert_eq!(declared.recognised_order(), Some(order), "{format}");
        }
        for format in [
            "%Y-%m-%d",
            "%Y%m%d %H:%M",
            "%Y-%d-%m %H:%M",
            "%m/%d-%Y %H:%M",
            "%m/%d/%Y %H",
            "%m/%d/%Y %I:%M",
            "%m/%d/%Y at %H:%M",
            "%d %b %Y %H:%M",
            "%H:%M %m/%d/%Y",
            "%Y-%m-%d H:M",
            "%s",
        ] {
            let declared = Declared::new(format).unwrap();
            assert_eq!(declared.recognised_order(), None, "{format}");
        }
    }
}

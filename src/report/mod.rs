//! The report for people: one page of HTML that needs nothing but a browser.
//!
//! [`Collector`] counts the trips of a selection in one pass; [`page`] draws what it has counted.

mod collect;
mod map;
mod page;
mod profile;
mod trend;
mod zones;

pub use self::collect::{Collector, Counts};
pub use self::page::{Heading, page};

/// A number with a thin space between groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{2009}');
        }
        text.push(digit);
    }
    text
}

/// A number of pixels, with one decimal.
fn pixels(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{2009}234\u{2009}567");
        assert_eq!(pixels(12.0), "12");
        assert_eq!(pixels(12.345), "12.3");
    }
}

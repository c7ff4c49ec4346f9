use chrono::{Days as ChronoDays, NaiveDate};

use super::city::UNITS;

/// Digits behind the point of a coordinate.
const PLACES: usize = 14;

/// 00 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0u8;
    while number < 100 {
        pairs[number as usize] = [b'0' + number / 10, b'0' + number % 10];
        number += 1;
    }
    pairs
};

/// Writes two digits of a number below 100.
pub(super) fn push_pair(buffer: &mut Vec<u8>, number: u64) {
    buffer.extend_from_slice(&PAIRS[(number % 100) as usize]);
}

/// Writes a coordinate in [`UNITS`] as degrees, without zeros at the end but with one digit behind
/// the point at least.
pub(super) fn push_coordinate(buffer: &mut Vec<u8>, units: i64) {
    if units < 0 {
        buffer.push(b'-');
    }
    let units = units.unsigned_abs();
    let (degrees, mut fraction) = (units / UNITS.unsigned_abs(), units % UNITS.unsigned_abs());
    if degrees >= 100 {
        buffer.push(b'1');
    }
    let pair = PAIRS[(degrees % 100) as usize];
    buffer.extend_from_slice(if degrees < 10 { &pair[1..] } else { &pair });

    let mut digits = [b'.'; 1 + PLACES];
    for pair in digits[1..].rchunks_exact_mut(2) {
        pair.copy_from_slice(&PAIRS[(fraction % 100) as usize]);
        fraction /= 100;
    }
    let mut end = digits.len();
    while end > 2 && digits[end - 1] == b'0' {
        end -= 1;
    }
    buffer.extend_from_slice(&digits[..end]);
}

/// The dates of the weeks that trips fall into, written out.
#[derive(Debug)]
pub(super) struct Days(Vec<String>);

impl Days {
    pub(super) const WEEKS: u64 = 104;

    /// 104 weeks from Monday 2017-01-02 on.
    pub(super) fn of_104_weeks() -> Self {
        let monday = NaiveDate::from_isoywd_opt(2017, 1, chrono::Weekday::Mon).unwrap_or_default();
        let dates = (0..7 * Self::WEEKS).map(|day| (monday + ChronoDays::new(day)).to_string());
        Self(dates.collect())
    }

    /// The date of a day of the week, 0 for Monday.
    pub(super) fn get(&self, week: u64, weekday: usize) -> &[u8] {
        let week = usize::try_from(week).unwrap_or_default();
        self.0[week * 7 + weekday].as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinate(units: i64) -> String {
        let mut buffer = Vec::new();
        push_coordinate(&mut buffer, units);
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn coordinates_are_decimal_degrees() {
        assert_eq!(coordinate(1_449_737_943_819_500), "14.497379438195");
        assert_eq!(coordinate(5_000_136_875_782_316), "50.00136875782316");
        assert_eq!(coordinate(767_283_791_328_688), "7.67283791328688");
        assert_eq!(coordinate(-17_900_000_000_000_000), "-179.0");
        assert_eq!(coordinate(-1), "-0.00000000000001");
        assert_eq!(coordinate(0), "0.0");
    }

    #[test]
    fn days_begin_on_a_monday() {
        let days = Days::of_104_weeks();
        assert_eq!(days.get(0, 0), b"2017-01-02");
        assert_eq!(days.get(103, 6), b"2018-12-30");
    }
}

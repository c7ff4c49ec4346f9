use chrono::{DateTime, NaiveDateTime};

use super::Week;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Microseconds of a week.
pub const MICROS_PER_WEEK: u64 = 7 * MICROS_PER_DAY.cast_unsigned();
/// Days from 0001-01-01, a Monday, to 1970-01-01.
const EPOCH_DAYS: i64 = 719_162;

/// A local wall-clock time without time zone, in the years 1–9999, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(i64);

impl LocalTime {
    /// 0001-01-01T00:00:00.
    pub const MIN: LocalTime = LocalTime(-EPOCH_DAYS * MICROS_PER_DAY);
    /// 9999-12-31T23:59:59.999999.
    pub const MAX: LocalTime = LocalTime(2_932_897 * MICROS_PER_DAY - 1);

    /// Microseconds since 1970-01-01T00:00:00 local time.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The time with this value of [`Self::micros`]; `None` outside the years 1–9999.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Option<Self> {
        if micros >= Self::MIN.0 && micros <= Self::MAX.0 {
            Some(Self(micros))
        } else {
            None
        }
    }

    /// The time as a `chrono` value.
    #[must_use]
    pub fn to_naive(self) -> NaiveDateTime {
        DateTime::from_timestamp_micros(self.0)
            .unwrap_or_default()
            .naive_utc()
    }

    /// The time, truncated to the microsecond; `None` outside the years 1–9999.
    #[must_use]
    pub fn from_naive(time: NaiveDateTime) -> Option<Self> {
        Self::from_micros(time.and_utc().timestamp_micros())
    }

    /// Days from 1970-01-01 to the date.
    #[must_use]
    pub const fn days(self) -> i64 {
        self.0.div_euclid(MICROS_PER_DAY)
    }

    /// The date's ISO week.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0…521722: the years are 1…9999"
    )]
    pub fn week(self) -> Week {
        let number = ((self.days() + EPOCH_DAYS) / 7) as u32;
        Week::from_number(number).unwrap_or(Week::MAX)
    }

    /// Microseconds since Monday 00:00:00 of its week, less than [`MICROS_PER_WEEK`].
    #[must_use]
    pub const fn micros_of_week(self) -> u64 {
        (self.0 - Self::MIN.0).unsigned_abs() % MICROS_PER_WEEK
    }

    /// The time that is so many microseconds after the beginning of a week; `None` outside the
    /// years 1–9999.
    #[must_use]
    pub fn in_week(week: Week, micros: u64) -> Option<Self> {
        let weeks = i64::from(week.number()) * MICROS_PER_WEEK.cast_signed();
        Self::from_micros(Self::MIN.0 + weeks.checked_add_unsigned(micros)?)
    }

    /// Half-hour of the day, 0–47.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "a day has 48 half-hours")]
    pub const fn half_hour(self) -> u8 {
        (self.0.rem_euclid(MICROS_PER_DAY) / (1800 * MICROS_PER_SECOND)) as u8
    }
}

impl From<LocalTime> for NaiveDateTime {
    fn from(time: LocalTime) -> Self {
        time.to_naive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_time_is_a_moment_of_its_week(
            micros in LocalTime::MIN.micros()..=LocalTime::MAX.micros(),
        ) {
            let time = LocalTime::from_micros(micros).unwrap();
            prop_assert_eq!(Some(time.week()), Week::of(time.to_naive().date()));
            prop_assert!(time.micros_of_week() < MICROS_PER_WEEK);
            prop_assert_eq!(LocalTime::in_week(time.week(), time.micros_of_week()), Some(time));
        }
    }

    #[test]
    fn there_is_no_time_past_the_year_9999() {
        let last = LocalTime::MAX;
        let next = last.micros_of_week() + 1;
        assert_eq!(LocalTime::in_week(last.week(), next), None);
        assert_eq!(LocalTime::in_week(Week::MAX, u64::MAX), None);
    }
}

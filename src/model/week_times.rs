use chrono::Weekday;
use thiserror::Error;

const MINUTE: u64 = 60_000_000;
const MINUTES_OF_DAY: u16 = 24 * 60;
/// Words of 64 bits that have one for each minute of the week.
const WORDS: usize = (7 * MINUTES_OF_DAY as usize).div_ceil(64);

/// Times of the week, to the microsecond: days of the week, and ranges of the time of day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeekTimes {
    /// A bit for each minute of the week.
    minutes: Box<[u64; WORDS]>,
}

/// A range of the time of day, which may run over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayRange {
    /// Minutes after midnight, less than 1440; included.
    from: u16,
    /// Minutes after midnight, at most 1440; excluded.
    to: u16,
}

/// Why two texts are not a range of the time of day.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DayRangeError {
    /// A text is not a time of day.
    #[error("`{0}` is not a time of day from 00:00 to 24:00, HH:MM")]
    Time(String),
    /// A day ends at 24:00; no range begins then.
    #[error("a range cannot begin at 24:00")]
    BeginsAtTheEnd,
    /// The range has no length.
    #[error("the range from {0} to {0} is empty; a whole day is from 00:00 to 24:00")]
    Empty(String),
}

impl DayRange {
    /// The range between two times of day, `HH:MM`.
    pub fn parse(from: &str, to: &str) -> Result<Self, DayRangeError> {
        let range = Self {
            from: minutes(from)?,
            to: minutes(to)?,
        };
        if range.from == 24 * 60 {
            Err(DayRangeError::BeginsAtTheEnd)
        } else if range.from == range.to {
            Err(DayRangeError::Empty(from.to_owned()))
        } else {
            Ok(range)
        }
    }

    /// The minutes of a day in the range.
    fn minutes(self) -> impl Iterator<Item = u16> {
        let (before, after) = if self.from < self.to {
            (self.from..self.to, 0..0)
        } else {
            (0..self.to, self.from..MINUTES_OF_DAY)
        };
        before.chain(after)
    }
}

/// The minutes of a time of day, `HH:MM`.
fn minutes(text: &str) -> Result<u16, DayRangeError> {
    let error = || DayRangeError::Time(text.chars().take(40).collect());
    let &[a, b, b':', c, d] = text.as_bytes() else {
        return Err(error());
    };
    let number = |tens: u8, ones: u8| {
        let digits = [tens, ones].map(|digit| char::from(digit).to_digit(10));
        let number = digits[0]
            .zip(digits[1])
            .map(|(tens, ones)| 10 * tens + ones);
        number.and_then(|number| u16::try_from(number).ok())
    };
    match (number(a, b), number(c, d)) {
        (Some(hour @ 0..24), Some(minute @ 0..60)) => Ok(hour * 60 + minute),
        (Some(24), Some(0)) => Ok(24 * 60),
        _ => Err(error()),
    }
}

impl WeekTimes {
    /// The times of these ranges on these days. Each is by itself a condition: a range that runs
    /// over midnight has the hours before and after it of each of the days.
    #[must_use]
    pub fn new(days: &[Weekday], day_ranges: &[DayRange]) -> Self {
        let mut minutes = Box::new([0; WORDS]);
        for day in days {
            let day = usize::from(MINUTES_OF_DAY) * day.num_days_from_monday() as usize;
            for minute in day_ranges.iter().flat_map(|range| range.minutes()) {
                let minute = day + usize::from(minute);
                minutes[minute / 64] |= 1 << (minute % 64);
            }
        }
        Self { minutes }
    }

    /// Whether a moment, in microseconds since the beginning of the week, is one of the times.
    #[inline]
    #[must_use]
    pub fn contains(&self, micros_of_week: u64) -> bool {
        let minute = micros_of_week / MINUTE;
        let word = usize::try_from(minute / 64).ok();
        let word = word.and_then(|word| self.minutes.get(word));
        word.is_some_and(|word| word >> (minute % 64) & 1 != 0)
    }
}

impl DayRange {
    /// All day.
    pub const DAY: Self = Self {
        from: 0,
        to: MINUTES_OF_DAY,
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 24 * 60 * MINUTE;

    const DAYS: [Weekday; 7] = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];

    proptest! {
        #[test]
        fn times_are_those_of_the_days_and_ranges(
            days in proptest::sample::subsequence(DAYS.to_vec(), 0..=7),
            ranges in proptest::collection::vec((0..1440_u16, 0..=1440_u16), 0..4),
            micros in 0..7 * DAY,
            to_the_minute: bool,
        ) {
            let micros = if to_the_minute { micros / MINUTE * MINUTE } else { micros };
            let ranges = ranges.into_iter().filter(|(from, to)| from != to);
            let ranges: Vec<_> = ranges.map(|(from, to)| DayRange { from, to }).collect();
            let of_day = micros % DAY;
            let on_day = days.iter().any(|day| u64::from(day.num_days_from_monday()) == micros / DAY);
            let in_range = ranges.iter().any(|range| {
                let (from, to) = (u64::from(range.from) * MINUTE, u64::from(range.to) * MINUTE);
                if from < to {
                    from <= of_day && of_day < to
                } else {
                    from <= of_day || of_day < to
                }
            });
            let times = WeekTimes::new(&days, &ranges);
            prop_assert_eq!(times.contains(micros), on_day && in_range);
        }
    }

    #[test]
    fn equal_times_are_equal_questions() {
        let range = |from, to| DayRange::parse(from, to).unwrap();
        let halves = [range("12:00", "24:00"), range("00:00", "12:00")];
        let mut days = DAYS;
        let whole = WeekTimes::new(&days, &[DayRange::DAY]);
        days.reverse();
        assert_eq!(WeekTimes::new(&days, &halves), whole);
        assert!(
            (0..7 * DAY)
                .step_by(30_000_000)
                .all(|micros| whole.contains(micros))
        );
        assert!(!whole.contains(7 * DAY) && !whole.contains(u64::MAX));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for text in [
            "", "7:00", "24:01", "25:00", "12:60", "12-00", "12:0é", "+1:00", "12:00:00",
        ] {
            let message = DayRange::parse(text, "24:00").unwrap_err().to_string();
            assert_eq!(
                message,
                format!("`{text}` is not a time of day from 00:00 to 24:00, HH:MM")
            );
        }
        let message = |from, to| DayRange::parse(from, to).unwrap_err().to_string();
        assert_eq!(message("24:00", "01:00"), "a range cannot begin at 24:00");
        assert_eq!(
            message("09:00", "09:00"),
            "the range from 09:00 to 09:00 is empty; a whole day is from 00:00 to 24:00"
        );
    }
}

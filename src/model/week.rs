use chrono::{Datelike, NaiveDate, Weekday};

/// An ISO week (Monday first), never merged across years: week 0 begins on Monday 0001-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Week(u32);

impl Week {
    /// The last week whose Monday is in the year 9999: it begins on 9999-12-27.
    pub const MAX: Week = Week(521_722);

    /// The week a date lies in; `None` outside the years 1–9999.
    #[must_use]
    pub fn of(date: NaiveDate) -> Option<Self> {
        if !(1..=9999).contains(&date.year()) {
            return None;
        }
        // Days are counted from 0001-01-01 = 1, a Monday.
        let days = date.num_days_from_ce() - 1;
        u32::try_from(days / 7).ok().map(Self)
    }

    /// The week of that number; `None` past [`Week::MAX`].
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// Weeks since the week of 0001-01-01.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The Monday it begins on.
    #[must_use]
    pub fn monday(self) -> NaiveDate {
        // Never out of range: there is no week past `Week::MAX`.
        i32::try_from(self.0 * 7 + 1)
            .ok()
            .and_then(NaiveDate::from_num_days_from_ce_opt)
            .unwrap_or(NaiveDate::MAX)
    }

    /// ISO year and week of the year (1–53).
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "53 at most")]
    pub fn iso(self) -> (i32, u8) {
        let week = self.monday().iso_week();
        (week.year(), week.week() as u8)
    }

    /// The week of an ISO year and a week of that year; `None` where there is none.
    #[must_use]
    pub fn from_iso(year: i32, week: u32) -> Option<Self> {
        NaiveDate::from_isoywd_opt(year, week, Weekday::Mon).and_then(Self::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn weeks_are_those_of_the_iso_calendar() {
        // Every 13th day: every day of the week, every year, every season.
        for date in date(1, 1, 1)
            .iter_days()
            .step_by(13)
            .take_while(|date| date.year() <= 9999)
        {
            let week = Week::of(date).unwrap();
            let iso = date.iso_week();
            let (year, number) = week.iso();
            assert_eq!(
                (year, u32::from(number)),
                (iso.year(), iso.week()),
                "{date}"
            );
            assert_eq!(Week::from_iso(iso.year(), iso.week()), Some(week), "{date}");
            assert_eq!(Week::from_number(week.number()), Some(week), "{date}");
            let into = date.weekday().num_days_from_monday();
            assert_eq!(
                date - week.monday(),
                chrono::TimeDelta::days(into.into()),
                "{date}"
            );
        }
    }

    #[test]
    fn weeks_run_on_over_every_new_year() {
        for year in 1..9999 {
            let last = Week::of(date(year, 12, 31)).unwrap();
            let first = Week::of(date(year + 1, 1, 1)).unwrap();
            let same = date(year, 12, 31).weekday() != Weekday::Sun;
            assert_eq!(first.number(), last.number() + u32::from(!same), "{year}");
        }
    }

    #[test]
    fn a_year_has_52_or_53_weeks() {
        for year in 1..=9999 {
            // The 53rd week exists where the year begins or ends on a Thursday.
            let long = date(year, 1, 1).weekday() == Weekday::Thu
                || date(year, 12, 31).weekday() == Weekday::Thu;
            assert_eq!(Week::from_iso(year, 53).is_some(), long, "{year}");
            assert!(Week::from_iso(year, 52).is_some(), "{year}");
            assert_eq!(Week::from_iso(year, 0), None);
            assert_eq!(Week::from_iso(year, 54), None);
        }
        let week = Week::of(date(2021, 1, 3)).unwrap();
        assert_eq!(week.iso(), (2020, 53));
        assert_eq!(week.monday(), date(2020, 12, 28));
    }

    #[test]
    fn the_first_and_the_last_week_are_the_calendars() {
        assert_eq!(Week::of(date(1, 1, 1)).map(Week::number), Some(0));
        assert_eq!(Week(0).monday(), date(1, 1, 1));
        assert_eq!(Week::of(date(0, 12, 31)), None);
        assert_eq!(Week::of(date(9999, 12, 31)), Some(Week::MAX));
        assert_eq!(Week::MAX.monday(), date(9999, 12, 27));
        assert_eq!(Week::of(date(10_000, 1, 1)), None);
        assert_eq!(Week::from_number(Week::MAX.number()), Some(Week::MAX));
        assert_eq!(Week::from_number(Week::MAX.number() + 1), None);
        assert_eq!(Week::from_iso(10_000, 1), None);
    }
}

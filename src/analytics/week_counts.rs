//! Counts of trips by week, while they are added up.

use std::ops::Range;

use crate::model::{Entries, KeyFilter, PatchPart, RowFilter, Week, split_counter_key};
use crate::store::Error;

/// Trips by week number, one count for each week from the first to the last that was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct WeekCounts {
    first: u32,
    counts: Vec<i64>,
    year: Option<(i32, u32)>,
}

impl WeekCounts {
    /// Adds trips to a week; subtracts them if the number is negative.
    #[inline]
    pub(super) fn add(&mut self, week: u32, trips: i64) {
        let index = week.checked_sub(self.first).map(|index| index as usize);
        match index.and_then(|index| self.counts.get_mut(index)) {
            Some(count) => *count += trips,
            None => self.add_new(week, trips),
        }
    }

    /// As [`WeekCounts::add`], for a week that has no count yet.
    #[cold]
    fn add_new(&mut self, week: u32, trips: i64) {
        if self.counts.is_empty() {
            self.first = week;
        }
        if week < self.first {
            let missing = (self.first - week) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = week;
        }
        let index = (week - self.first) as usize;
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] += trips;
    }

    /// Adds a trip of a part, if the filter admits it.
    #[inline]
    pub(super) fn add_trip(&mut self, part: &PatchPart<'_>, row: u32, filter: &RowFilter<'_, '_>) {
        if filter.admits(row) {
            self.add(part.week_number(row), 1);
        }
    }

    /// Adds the trips of some rows of a part that the filter admits.
    pub(super) fn add_trips(
        &mut self,
        part: &PatchPart<'_>,
        rows: Range<u32>,
        filter: &RowFilter<'_, '_>,
    ) {
        match part.only_week() {
            Some(week) if filter.admits_all() => self.add(week, i64::from(rows.end - rows.start)),
            _ => {
                for row in rows {
                    self.add_trip(part, row, filter);
                }
            }
        }
    }

    /// Adds a weekly histogram of an ISO year.
    pub(super) fn add_histogram(
        &mut self,
        iso_year: i32,
        counters: Entries<'_>,
        filter: &KeyFilter,
    ) -> Result<(), Error> {
        let corrupt = || Error::Corrupt("histogram");
        let first = match self.year {
            Some((year, first)) if year == iso_year => first,
            _ => Week::from_iso(iso_year, 1).ok_or_else(corrupt)?.number(),
        };
        self.year = Some((iso_year, first));
        for entry in counters {
            let (key, trips) = entry?;
            let (datasource, week) = split_counter_key(key);
            if filter.admits_datasource(datasource) {
                let week = u32::from(week).checked_sub(1).ok_or_else(corrupt)?;
                if filter.admits_week(first + week) {
                    self.add(first + week, trips.cast_signed());
                }
            }
        }
        Ok(())
    }

    /// Adds other counts, each multiplied by a factor.
    pub(super) fn add_all(&mut self, other: &WeekCounts, factor: i64) {
        for (week, &trips) in (other.first..).zip(&other.counts) {
            if trips != 0 {
                self.add(week, factor * trips);
            }
        }
    }

    /// Number of trips in all weeks.
    pub(super) fn total(&self) -> i64 {
        self.counts.iter().sum()
    }

    /// The first and the last week with trips.
    pub(super) fn span(&self) -> Option<(u32, u32)> {
        let start = self.counts.iter().position(|&trips| trips != 0)?;
        let end = self.counts.iter().rposition(|&trips| trips != 0)?;
        Some((
            self.first + u32::try_from(start).ok()?,
            self.first + u32::try_from(end).ok()?,
        ))
    }

    /// Number of trips in a week.
    pub(super) fn trips(&self, week: u32) -> u64 {
        let index = week.checked_sub(self.first).map(|index| index as usize);
        let trips = index
            .and_then(|index| self.counts.get(index))
            .copied()
            .unwrap_or(0);
        u64::try_from(trips).unwrap_or(0)
    }
}

use super::columns::Column;
use super::{IngestionId, PatchPart, Week, WeekTimes};

/// Keeps the trips that meet all of some conditions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// The region's number, where only its trips count.
    pub region: Option<u32>,
    /// The datasource's number, where only its trips count.
    pub datasource: Option<u32>,
    /// The first week, where only trips of it and later ones count.
    pub from_week: Option<Week>,
    /// The last week, where only trips of it and earlier ones count.
    pub to_week: Option<Week>,
    /// The times of the week, where only trips that depart then count.
    pub times: Option<WeekTimes>,
    /// The ingestion, where only its trips count.
    pub ingestion: Option<IngestionId>,
}

impl KeyFilter {
    /// The conditions that decide which trips of a part of a patch count; `None` if none of them
    /// does.
    #[must_use]
    pub fn of_part<'p, 'a>(&'p self, part: &PatchPart<'a>) -> Option<RowFilter<'p, 'a>> {
        let only = |number: Option<u64>| number.map(|number| [number, number]);
        let week = |week: Option<Week>| week.map(|week| u64::from(week.number()));
        let weeks = (self.from_week.is_some() || self.to_week.is_some()).then(|| {
            let to = week(self.to_week).unwrap_or(u64::MAX);
            [week(self.from_week).unwrap_or(0), to]
        });
        let [week, micros, region, datasource, ingestion] = part.keys();
        let mut rows = RowFilter::default();
        for (column, wanted) in [
            (region, only(self.region.map(u64::from))),
            (datasource, only(self.datasource.map(u64::from))),
            (week, weeks),
            (ingestion, only(self.ingestion.map(i64::cast_unsigned))),
        ] {
            let Some([from, to]) = wanted else { continue };
            let [least, greatest] = column.bounds();
            if greatest < from || to < least {
                return None;
            }
            if least < from || to < greatest {
                rows.ranges.push((*column, from, to));
            }
        }
        rows.times = self.times.as_ref().map(|times| (*micros, times));
        Some(rows)
    }

    /// Whether a histogram by region, datasource and week knows which trips count.
    #[must_use]
    pub const fn is_of_weeks(&self) -> bool {
        self.times.is_none() && self.ingestion.is_none()
    }

    /// Whether a histogram by region and datasource knows which trips count.
    #[must_use]
    pub const fn is_of_names(&self) -> bool {
        self.is_of_weeks() && self.from_week.is_none() && self.to_week.is_none()
    }

    /// Whether trips of the week of this number count.
    #[inline]
    #[must_use]
    pub fn admits_week(&self, week: u32) -> bool {
        self.from_week.is_none_or(|from| from.number() <= week)
            && self.to_week.is_none_or(|to| week <= to.number())
    }

    /// Whether trips of this region count.
    #[must_use]
    pub fn admits_region(&self, region: u32) -> bool {
        self.region.is_none_or(|only| only == region)
    }

    /// Whether trips of this datasource count.
    #[must_use]
    pub fn admits_datasource(&self, datasource: u32) -> bool {
        self.datasource.is_none_or(|only| only == datasource)
    }
}

/// The conditions of a [`KeyFilter`] that the bounds of a part's columns leave open.
#[derive(Debug, Default)]
pub struct RowFilter<'p, 'a> {
    /// Columns, and between which numbers a trip's must be, both included.
    ranges: Vec<(Column<'a>, u64, u64)>,
    /// Microseconds of the week, and when they must be.
    times: Option<(Column<'a>, &'p WeekTimes)>,
}

impl RowFilter<'_, '_> {
    /// Whether all trips of the part count.
    #[must_use]
    pub const fn admits_all(&self) -> bool {
        self.ranges.is_empty() && self.times.is_none()
    }

    /// Whether a trip of the part counts.
    #[must_use]
    #[inline]
    pub fn admits(&self, row: u32) -> bool {
        let within = |(column, from, to): &(Column<'_>, u64, u64)| {
            let number = column.get(row);
            *from <= number && number <= *to
        };
        self.ranges.iter().all(within)
            && self
                .times
                .as_ref()
                .is_none_or(|(micros, times)| times.contains(micros.get(row)))
    }
}

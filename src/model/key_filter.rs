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
    /// Whether a trip of a patch counts.
    #[inline]
    #[must_use]
    pub fn admits(&self, part: &PatchPart<'_>, row: u32) -> bool {
        let key = part.key(row);
        let times = self.times.as_ref();
        self.admits_region(key.region())
            && self.admits_datasource(key.datasource())
            && self.admits_week(key.week_number())
            && times.is_none_or(|times| times.contains(part.micros_of_week(row)))
            && self
                .ingestion
                .is_none_or(|only| only == part.ingestion(row))
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

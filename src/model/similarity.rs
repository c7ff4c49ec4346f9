use h3o::CellIndex;

use crate::geo::Resolution;

/// Length of a time-of-day bucket: a divisor of 24 hours in steps of 30 minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketMinutes(u16);

impl BucketMinutes {
    /// Half-hours a day: the finest bucket, and what flow histograms count in.
    pub const SLOTS_PER_DAY: u16 = 48;
    /// One hour.
    pub const HOUR: BucketMinutes = BucketMinutes(60);

    /// Minutes that divide 24 hours and are a multiple of 30; `None` for others.
    #[must_use]
    pub fn new(minutes: i32) -> Option<Self> {
        let minutes = u16::try_from(minutes).ok()?;
        (minutes > 0 && minutes % 30 == 0 && 1440 % minutes == 0).then_some(Self(minutes))
    }

    /// The length in minutes, 30–1440.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }

    /// The bucket of a half-hour of the day, 0–47.
    #[must_use]
    pub const fn of_half_hour(self, half_hour: u8) -> u16 {
        half_hour as u16 / (self.0 / 30)
    }

    /// The half-hour slots of a bucket, 1–48.
    #[must_use]
    pub const fn slots(self) -> usize {
        self.0 as usize / 30
    }

    /// When a bucket begins and ends, as times of day; the last one ends at `24:00`.
    #[must_use]
    pub fn clock(self, bucket: u16) -> (String, String) {
        let time = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        (time(bucket * self.0), time((bucket + 1) * self.0))
    }
}

/// When two trips count as alike: the same cell of either end at `resolution`, the same bucket of
/// the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Similarity {
    /// H3 resolution of the cells, 0–9.
    pub resolution: Resolution,
    /// Length of the time-of-day bucket.
    pub bucket: BucketMinutes,
}

/// Trips that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TripGroup {
    /// The cell all its trips start in.
    pub origin: CellIndex,
    /// The cell all its trips end in.
    pub destination: CellIndex,
    /// The number of the bucket of the day, from 0.
    pub bucket: u16,
    /// How many trips there are.
    pub trips: u64,
    /// How many there are in the period that is compared with; 0 without.
    pub trips_before: u64,
}

use chrono::NaiveDateTime;

use super::Extent;

/// What is known of some trips, at least one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of trips.
    pub trips: u64,
    /// The earliest departure, wall clock.
    pub first_departed_at: NaiveDateTime,
    /// The latest departure, wall clock.
    pub last_departed_at: NaiveDateTime,
    /// Of all trip ends.
    pub extent: Extent,
}

impl Summary {
    /// One trip that departs then, between these ends.
    #[must_use]
    pub const fn of(departed_at: NaiveDateTime, ends: Extent) -> Self {
        Self {
            trips: 1,
            first_departed_at: departed_at,
            last_departed_at: departed_at,
            extent: ends,
        }
    }

    /// Adds other trips.
    pub fn add(&mut self, other: Self) {
        self.trips += other.trips;
        self.first_departed_at = self.first_departed_at.min(other.first_departed_at);
        self.last_departed_at = self.last_departed_at.max(other.last_departed_at);
        self.extent = self.extent.and(other.extent);
    }
}

/// What is known of the trips of one datasource in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSummary {
    /// The region's name.
    pub region: String,
    /// The datasource's name.
    pub datasource: String,
    /// What is known of its trips.
    pub summary: Summary,
}

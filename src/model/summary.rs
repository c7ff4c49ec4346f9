use chrono::NaiveDateTime;

/// What is known of the trips of one datasource in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairSummary {
    /// The region's name.
    pub region: String,
    /// The datasource's name.
    pub datasource: String,
    /// Number of trips, at least 1.
    pub trips: u64,
    /// The earliest departure, wall clock.
    pub first_departed_at: NaiveDateTime,
    /// The latest departure, wall clock.
    pub last_departed_at: NaiveDateTime,
}

//! Trips on their way into the database.

use crate::geo::Point;
use crate::model::{IngestionId, LocalTime};

/// A trip on its way into the database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TripRow {
    /// The ingestion that brings it.
    pub ingestion: IngestionId,
    /// The line of the file; the header is line 1.
    pub line: u64,
    /// The region's number.
    pub region: u32,
    /// The datasource's number.
    pub datasource: u32,
    /// Where it starts.
    pub origin: Point,
    /// Where it ends.
    pub destination: Point,
    /// The leaf cell of the origin.
    pub origin_cell: u64,
    /// The leaf cell of the destination.
    pub destination_cell: u64,
    /// Wall-clock time of departure.
    pub departed_at: LocalTime,
    /// Wall-clock time of arrival, if the file has it.
    pub arrived_at: Option<LocalTime>,
}

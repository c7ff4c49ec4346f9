//! Trips as rows: what a file's rows become, and what patches give back.

use super::Error;
use crate::geo::{Point, leaf_cell};
use crate::model::{CorruptPatch, LocalTime, PatchTrip};

/// A trip on its way into the database, or from there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TripRow {
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

impl TripRow {
    /// The trip that a patch of origins holds, the origin's cell computed anew.
    pub fn of(trip: &PatchTrip) -> Result<Self, Error> {
        let point = |[lon, lat]: [f64; 2]| Point::new(lon, lat).map_err(|_| CorruptPatch);
        let origin = point(trip.position)?;
        Ok(Self {
            line: trip.line,
            region: trip.key.region(),
            datasource: trip.key.datasource(),
            origin,
            destination: point(trip.other)?,
            origin_cell: leaf_cell(origin).into(),
            destination_cell: trip.other_cell,
            departed_at: trip.departed_at().ok_or(CorruptPatch)?,
            arrived_at: trip.arrived_at,
        })
    }
}

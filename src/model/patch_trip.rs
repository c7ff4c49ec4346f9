use super::{CorruptPatch, IngestionId, LocalTime, TripKey, Week};
use crate::geo::Point;

/// A trip as it is packed into the patch of one of its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchTrip {
    /// The leaf cell of the other end.
    pub other_cell: u64,
    /// Week of departure, region and datasource.
    pub key: TripKey,
    /// Time of departure in microseconds since the beginning of its week.
    pub micros_of_week: u64,
    /// The ingestion that brought it.
    pub ingestion: IngestionId,
    /// Longitude and latitude of this end in degrees.
    pub position: [f64; 2],
    /// Longitude and latitude of the other end in degrees; packed for origins only, since one of a
    /// trip's two patches is enough to know both ends.
    pub other: [f64; 2],
    /// Line of the file.
    pub line: u64,
    /// Time of arrival, if the file has it; packed for origins only.
    pub arrived_at: Option<LocalTime>,
}

impl PatchTrip {
    /// This end and the other one, of a trip of a patch of origins: origin and destination.
    pub fn points(&self) -> Result<[Point; 2], CorruptPatch> {
        let point = |[lon, lat]: [f64; 2]| Point::new(lon, lat).map_err(|_| CorruptPatch);
        Ok([point(self.position)?, point(self.other)?])
    }

    /// Time of departure; `None` if the numbers are not a time of the years 1–9999.
    #[must_use]
    pub fn departed_at(&self) -> Option<LocalTime> {
        let week = Week::from_number(self.key.week_number())?;
        LocalTime::in_week(week, self.micros_of_week)
    }
}

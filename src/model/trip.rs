use super::{IngestionId, LocalTime, TripEndRule, Week, WeekTimes};
use crate::geo::{self, Point};

/// One trip: one row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Trip {
    /// The ingestion that brought it.
    pub ingestion_id: IngestionId,
    /// The line of the file it stands on; the header is line 1.
    pub line: u64,
    /// The region's name.
    pub region: String,
    /// The datasource's name.
    pub datasource: String,
    /// Where it starts.
    pub origin: Point,
    /// Where it ends.
    pub destination: Point,
    /// Local wall-clock time of departure, to the microsecond.
    pub departed_at: LocalTime,
    /// Local wall-clock time of arrival, to the microsecond, if the file has it.
    pub arrived_at: Option<LocalTime>,
}

/// An area, and which ends of a trip must lie in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Area {
    /// The area itself.
    pub place: geo::Area,
    /// The ends that must lie in it.
    pub ends: TripEndRule,
}

/// Which trips a question is about; what is not given does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selection {
    /// Trips for this area.
    pub area: Option<Area>,
    /// Trips of the region of this name.
    pub region: Option<String>,
    /// Trips of the datasource of this name.
    pub datasource: Option<String>,
    /// Trips of this week and later ones.
    pub from_week: Option<Week>,
    /// Trips of this week and earlier ones.
    pub to_week: Option<Week>,
    /// Trips that depart at these times.
    pub times: Option<WeekTimes>,
    /// Trips of this ingestion.
    pub ingestion: Option<IngestionId>,
}

impl Selection {
    /// Approximate size in memory beyond the fields themselves, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.area.as_ref().map_or(0, |area| area.place.size())
    }
}

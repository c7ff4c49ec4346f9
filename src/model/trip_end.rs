/// One of the two ends of a trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TripEnd {
    /// Where the trip starts.
    Origin,
    /// Where the trip stops.
    Destination,
}

impl TripEnd {
    /// Both ends, origin first.
    pub const ALL: [TripEnd; 2] = [TripEnd::Origin, TripEnd::Destination];

    /// The number an end is stored as.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            TripEnd::Origin => 0,
            TripEnd::Destination => 1,
        }
    }

    /// The end stored as that number.
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(TripEnd::Origin),
            1 => Some(TripEnd::Destination),
            _ => None,
        }
    }
}

/// Which ends of a trip must lie in an area for the trip to count there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TripEndRule {
    /// The origin lies in the area. Summed over disjoint areas, each trip counts once.
    #[default]
    Origin,
    /// The destination lies in the area.
    Destination,
    /// Both ends lie in the area.
    Both,
    /// At least one end lies in the area.
    Either,
}

impl TripEndRule {
    /// Whether a trip counts, given which of its ends lie in the area.
    #[must_use]
    pub const fn admit(self, origin_inside: bool, destination_inside: bool) -> bool {
        match self {
            TripEndRule::Origin => origin_inside,
            TripEndRule::Destination => destination_inside,
            TripEndRule::Both => origin_inside && destination_inside,
            TripEndRule::Either => origin_inside || destination_inside,
        }
    }
}

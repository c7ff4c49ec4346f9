/// One of the two ends of a trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Where the trip starts.
    Origin,
    /// Where the trip stops.
    Destination,
}

impl End {
    /// Both ends, origin first.
    pub const ALL: [End; 2] = [End::Origin, End::Destination];

    /// The number an end is stored as.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            End::Origin => 0,
            End::Destination => 1,
        }
    }

    /// The end stored as that number.
    #[must_use]
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(End::Origin),
            1 => Some(End::Destination),
            _ => None,
        }
    }
}

/// Which ends of a trip must lie in an area for the trip to count there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TripEnds {
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

impl TripEnds {
    /// Whether a trip counts, given which of its ends lie in the area.
    #[must_use]
    pub const fn admit(self, origin_inside: bool, destination_inside: bool) -> bool {
        match self {
            TripEnds::Origin => origin_inside,
            TripEnds::Destination => destination_inside,
            TripEnds::Both => origin_inside && destination_inside,
            TripEnds::Either => origin_inside || destination_inside,
        }
    }
}

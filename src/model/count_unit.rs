use std::num::NonZeroU64;

/// The unit of the counts in an answer: each is rounded down to a multiple of it.
///
/// So a count below the unit is 0, and sums and differences of counts are multiples of the unit, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountUnit(NonZeroU64);

impl CountUnit {
    /// Exact counts.
    pub const EXACT: Self = Self(NonZeroU64::MIN);

    /// Counts in multiples of a number of trips.
    #[must_use]
    pub const fn new(trips: NonZeroU64) -> Self {
        Self(trips)
    }

    /// The largest multiple of the unit that does not exceed a count.
    #[must_use]
    pub const fn round(self, count: u64) -> u64 {
        count - count % self.0.get()
    }
}

/// The groups that an answer lists, by their number of trips.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MinTrips {
    /// Minimum number of trips, after rounding.
    least: u64,
    unit: CountUnit,
}

impl MinTrips {
    /// Groups of at least `least` trips in units; never groups whose rounded count is 0.
    #[must_use]
    pub const fn in_units(least: u64, unit: CountUnit) -> Self {
        let least = if unit.0.get() > 1 && least == 0 {
            1
        } else {
            least
        };
        Self { least, unit }
    }

    /// The counts of a group as the answer shows them; `None` if it does not list the group because
    /// none of them reaches the minimum.
    #[must_use]
    pub fn shown(self, counts: [u64; 2]) -> Option<[u64; 2]> {
        let counts = counts.map(|count| self.unit.round(count));
        (counts[0].max(counts[1]) >= self.least).then_some(counts)
    }
}

/// Groups of at least this many trips, with exact counts.
impl From<u64> for MinTrips {
    fn from(least: u64) -> Self {
        Self::in_units(least, CountUnit::EXACT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_below_the_unit_are_never_shown() {
        let unit = CountUnit::new(NonZeroU64::new(5).unwrap());
        for least in [0, 1, 5] {
            let min_trips = MinTrips::in_units(least, unit);
            assert_eq!(min_trips.shown([4, 4]), None, "{least}");
            assert_eq!(min_trips.shown([14, 3]), Some([10, 0]), "{least}");
        }
        // The minimum is compared with what is shown, so it reveals nothing more.
        for (least, shown) in [(10, true), (11, false), (14, false)] {
            let min_trips = MinTrips::in_units(least, unit);
            assert_eq!(min_trips.shown([14, 0]).is_some(), shown, "{least}");
        }
        assert_eq!(MinTrips::from(0).shown([0, 0]), Some([0, 0]));
        assert_eq!(MinTrips::from(3).shown([3, 1]), Some([3, 1]));
    }
}

//! Keys of trips in patches: week, region and datasource.

use super::Week;

const ID_BITS: u32 = 22;

/// Regions and datasources are numbered from 1 up to this.
pub const MAX_DIMENSION_ID: u32 = (1 << ID_BITS) - 1;

/// Week, region and datasource of a trip in one number, ordered by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TripKey(u64);

impl TripKey {
    /// Packs a week and the numbers of a region and a datasource, both at most
    /// [`MAX_DIMENSION_ID`].
    #[must_use]
    pub const fn new(week: Week, region: u32, datasource: u32) -> Self {
        Self::from_numbers(week.number() as u64, region as u64, datasource as u64)
    }

    /// Packs the numbers of a week, a region and a datasource, as they are read.
    pub(super) const fn from_numbers(week: u64, region: u64, datasource: u64) -> Self {
        Self(week << (2 * ID_BITS) | region << ID_BITS | datasource)
    }

    /// The number of the ISO week, see [`Week::number`].
    #[must_use]
    pub const fn week_number(self) -> u32 {
        (self.0 >> (2 * ID_BITS)) as u32
    }

    /// The region's number.
    #[must_use]
    pub const fn region(self) -> u32 {
        low_bits(self.0 >> ID_BITS)
    }

    /// The datasource's number.
    #[must_use]
    pub const fn datasource(self) -> u32 {
        low_bits(self.0)
    }
}

/// The bits of one id.
#[expect(clippy::cast_possible_truncation, reason = "an id has 22 bits")]
const fn low_bits(bits: u64) -> u32 {
    (bits & MAX_DIMENSION_ID as u64) as u32
}

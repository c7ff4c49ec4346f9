use std::fmt;

use super::{BucketMinutes, CountersError};

const HALF_HOURS: usize = BucketMinutes::SLOTS_PER_DAY as usize;
const HEAD_BYTES: usize = 3;

/// Trips by half-hour of the day.
///
/// They are packed as bytes in this order: the first half-hour that has trips (1 byte), how many
/// half-hours there are from it to the last that has (1), the bytes of a count (1): 1, 2, 4 or 8,
/// as few as the greatest takes; then the counts, little-endian. Equal counts have equal bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DayCounts([u64; HALF_HOURS]);

impl DayCounts {
    /// No trips.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; HALF_HOURS])
    }

    /// Adds trips of a half-hour, 0–47; others are passed over.
    pub fn add(&mut self, half_hour: u8, trips: u64) {
        if let Some(count) = self.0.get_mut(usize::from(half_hour)) {
            *count = count.wrapping_add(trips);
        }
    }

    /// Adds others. Sums beyond 64 bits, which no database holds, begin at 0 again.
    pub fn add_all(&mut self, others: PackedDay<'_>) {
        fn add<const N: usize>(sums: &mut [u64], counts: &[u8], count: impl Fn([u8; N]) -> u64) {
            for (sum, bytes) in sums.iter_mut().zip(counts.as_chunks().0) {
                *sum = sum.wrapping_add(count(*bytes));
            }
        }
        let sums = self.0.get_mut(others.first..).unwrap_or_default();
        match others.width {
            1 => add(sums, others.counts, |bytes| u8::from_le_bytes(bytes).into()),
            2 => add(sums, others.counts, |bytes| {
                u16::from_le_bytes(bytes).into()
            }),
            4 => add(sums, others.counts, |bytes| {
                u32::from_le_bytes(bytes).into()
            }),
            _ => add(sums, others.counts, u64::from_le_bytes),
        }
    }

    /// Takes others off.
    pub fn subtract_all(&mut self, others: PackedDay<'_>) -> Result<(), CountersError> {
        for ((key, held), taken) in (0..).zip(&mut self.0).zip(others.unpack().0) {
            let left = held.checked_sub(taken);
            *held = left.ok_or(CountersError::Underflow {
                key,
                held: *held,
                taken,
            })?;
        }
        Ok(())
    }

    /// The counts of the half-hours from midnight on.
    #[must_use]
    pub const fn half_hours(&self) -> &[u64; HALF_HOURS] {
        &self.0
    }

    /// Whether there are no trips.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; HALF_HOURS]
    }

    /// The packed bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let first = self.0.iter().take_while(|count| **count == 0).count();
        let counts = self.0.get(first..).unwrap_or_default();
        let quiet = counts.iter().rev().take_while(|count| **count == 0).count();
        let counts = counts.get(..counts.len() - quiet).unwrap_or_default();
        let greatest = counts.iter().copied().max().unwrap_or(0);
        let width: u8 = match greatest {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFFFF_FFFF => 4,
            _ => 8,
        };
        #[expect(clippy::cast_possible_truncation, reason = "48 at most")]
        let head = [first as u8, counts.len() as u8, width];
        let mut bytes = Vec::with_capacity(HEAD_BYTES + counts.len() * usize::from(width));
        bytes.extend_from_slice(&head);
        for count in counts {
            let count = count.to_le_bytes().into_iter();
            bytes.extend(count.take(width.into()));
        }
        bytes
    }
}

impl Default for DayCounts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for DayCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        f.debug_map().entries(counts).finish()
    }
}

/// Packed [`DayCounts`], where they lie.
#[derive(Debug, Clone, Copy)]
pub struct PackedDay<'a> {
    first: usize,
    width: u8,
    counts: &'a [u8],
}

impl<'a> PackedDay<'a> {
    /// The counts that bytes begin with, and the other bytes; `None` where there are none.
    pub(super) fn split_first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&[first, length, width], rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let known = matches!(width, 1 | 2 | 4 | 8);
        let (first, length) = (usize::from(first), usize::from(length));
        if !known || first + length > HALF_HOURS {
            return None;
        }
        let (counts, rest) = rest.split_at_checked(length * usize::from(width))?;
        let day = Self {
            first,
            width,
            counts,
        };
        Some((day, rest))
    }

    /// The counts.
    #[must_use]
    pub fn unpack(self) -> DayCounts {
        let mut day = DayCounts::new();
        day.add_all(self);
        day
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day() -> impl Strategy<Value = DayCounts> {
        let count = prop_oneof![
            Just(0),
            1..4_u64,
            200..300_u64,
            65_000..66_000_u64,
            any::<u32>().prop_map(|count| u64::from(count) + 1_000),
            1..u64::MAX / 2,
        ];
        let trips = proptest::collection::vec((0..48_u8, count), 0..20);
        trips.prop_map(|trips| {
            let mut day = DayCounts::new();
            for (half_hour, count) in trips {
                // Once, so that no sum is too great.
                if day.0[usize::from(half_hour)] == 0 {
                    day.add(half_hour, count);
                }
            }
            day
        })
    }

    fn packed(bytes: &[u8]) -> PackedDay<'_> {
        let (day, rest) = PackedDay::split_first(bytes).unwrap();
        assert!(rest.is_empty());
        day
    }

    proptest! {
        #[test]
        fn packing_keeps_every_count(day in day()) {
            let mut bytes = day.to_bytes();
            prop_assert_eq!(packed(&bytes).unpack(), day);
            for length in 0..bytes.len() {
                prop_assert!(PackedDay::split_first(&bytes[..length]).is_none());
            }
            bytes.push(7);
            let (_, rest) = PackedDay::split_first(&bytes).unwrap();
            prop_assert_eq!(rest, [7]);
        }

        #[test]
        fn adding_and_taking_off_is_count_by_count(a in day(), b in day()) {
            let (some, others) = (a.to_bytes(), b.to_bytes());
            let mut sums = a;
            sums.add_all(packed(&others));
            for (half_hour, sum) in sums.half_hours().iter().enumerate() {
                prop_assert_eq!(*sum, a.0[half_hour] + b.0[half_hour]);
            }
            sums.subtract_all(packed(&some)).unwrap();
            prop_assert_eq!(sums, b);
            sums.subtract_all(packed(&others)).unwrap();
            prop_assert!(sums.is_empty());
            prop_assert_eq!(sums.subtract_all(packed(&others)).is_err(), !b.is_empty());
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some((day, rest)) = PackedDay::split_first(&bytes) {
                let _ = day.unpack();
                prop_assert_eq!(day.counts.len() + rest.len() + HEAD_BYTES, bytes.len());
            }
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let mut day = DayCounts::new();
        assert_eq!(day.to_bytes(), [48, 0, 1]);
        day.add(5, 1);
        day.add(7, 2);
        day.add(48, 9);
        assert_eq!(day.to_bytes(), [5, 3, 1, 1, 0, 2]);
        day.add(7, 0x1_FF);
        assert_eq!(day.to_bytes(), [5, 3, 2, 1, 0, 0, 0, 1, 2]);
        assert_eq!(format!("{day:?}"), "{5: 1, 7: 513}");
    }
}

//! The flows from one place: see [`Flows`].

use std::collections::BTreeMap;
use std::iter;

use super::{Counters, CountersError, Entries};

/// Destination cell, region, and the length of the counters.
const HEAD_BYTES: usize = 16;

/// Where a flow from some place goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowEnd {
    /// The H3 index of the destination at [`Resolution::FLOW`](crate::geo::Resolution::FLOW).
    pub destination: u64,
    /// The region's number.
    pub region: u32,
}

/// The flows from one origin cell: counters of each destination and region, none of them empty.
///
/// They are packed as bytes in this order: destination cell (8 bytes), region (4), the length of
/// the packed [`Counters`] (4), and those. Numbers are little-endian. Equal flows have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flows(BTreeMap<FlowEnd, Counters>);

impl Flows {
    /// Flows from their bytes, which are checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CountersError> {
        let mut flows = Self::default();
        for flow in Self::entries(bytes) {
            let (end, entries) = flow?;
            let counters = Counters::from_bytes(entries.into_bytes().to_vec())?;
            let last = flows.0.last_key_value().map(|(last, _)| *last);
            if last >= Some(end) || counters.is_empty() {
                return Err(CountersError::Corrupt(bytes.len()));
            }
            flows.0.insert(end, counters);
        }
        Ok(flows)
    }

    /// Reads the flows out of packed ones that need not be kept, in their order.
    pub fn entries(
        mut bytes: &[u8],
    ) -> impl Iterator<Item = Result<(FlowEnd, Entries<'_>), CountersError>> {
        let length = bytes.len();
        iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let flow = first(bytes);
            bytes = flow.as_ref().map_or(&[], |(_, rest)| rest);
            let flow = flow.map(|(flow, _)| flow);
            Some(flow.ok_or(CountersError::Corrupt(length)))
        })
    }

    /// The packed bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let counters = self.0.values().map(|counters| counters.as_bytes().len());
        let mut bytes = Vec::with_capacity(counters.map(|length| HEAD_BYTES + length).sum());
        for (end, counters) in &self.0 {
            let counters = counters.as_bytes();
            #[expect(clippy::cast_possible_truncation, reason = "far from 4 GB")]
            let length = counters.len() as u32;
            bytes.extend_from_slice(&end.destination.to_le_bytes());
            bytes.extend_from_slice(&end.region.to_le_bytes());
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(counters);
        }
        bytes
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the trips of a flow.
    pub fn add(&mut self, end: FlowEnd, counters: &Counters) {
        if !counters.is_empty() {
            let held = self.0.entry(end).or_default();
            *held = held.add(counters);
        }
    }

    /// Adds the trips of others.
    pub fn add_all(&mut self, others: &Self) {
        for (end, counters) in &others.0 {
            self.add(*end, counters);
        }
    }

    /// Takes others off; flows without trips are dropped.
    pub fn subtract_all(&mut self, others: &Self) -> Result<(), CountersError> {
        for (end, counters) in &others.0 {
            let held = self.0.remove(end).unwrap_or_default();
            let left = held.subtract(counters)?;
            if !left.is_empty() {
                self.0.insert(*end, left);
            }
        }
        Ok(())
    }
}

/// The first of packed flows, and the bytes of the others; `None` where it is cut off.
fn first(bytes: &[u8]) -> Option<((FlowEnd, Entries<'_>), &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let (destination, head) = head.split_first_chunk()?;
    let (region, length) = head.split_first_chunk()?;
    let length = u32::from_le_bytes(*length.first_chunk()?);
    let (counters, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let end = FlowEnd {
        destination: u64::from_le_bytes(*destination),
        region: u32::from_le_bytes(*region),
    };
    Some(((end, Counters::entries(counters)), rest))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Trips by destination, region and key.
    type Twin = BTreeMap<(u64, u32, u32), u64>;

    fn twin() -> impl Strategy<Value = Twin> {
        let flow = ((0..4_u64, 0..3_u32, 0..5_u32), 1..200_u64);
        vec(flow, 0..30).prop_map(|flows| flows.into_iter().collect())
    }

    fn packed(twin: &Twin) -> Flows {
        let mut flows = Flows::default();
        for (&(destination, region, key), &trips) in twin {
            let end = FlowEnd {
                destination,
                region,
            };
            flows.add(end, &Counters::from_sorted([(key, trips)]));
        }
        flows
    }

    fn unpacked(bytes: &[u8]) -> Twin {
        Flows::entries(bytes)
            .flat_map(|flow| {
                let (end, entries) = flow.unwrap();
                entries.map(move |entry| {
                    let (key, trips) = entry.unwrap();
                    ((end.destination, end.region, key), trips)
                })
            })
            .collect()
    }

    proptest! {
        #[test]
        fn packing_keeps_every_flow(twin in twin()) {
            let flows = packed(&twin);
            let bytes = flows.to_bytes();
            prop_assert_eq!(flows.is_empty(), twin.is_empty());
            prop_assert_eq!(unpacked(&bytes), twin);
            prop_assert_eq!(Flows::from_bytes(&bytes), Ok(flows));
            for length in 1..bytes.len() {
                // A part is an error, or holds fewer flows.
                if let Ok(part) = Flows::from_bytes(&bytes[..length]) {
                    prop_assert_eq!(part.to_bytes(), &bytes[..length]);
                }
            }
        }

        #[test]
        fn adding_and_taking_off_is_flow_by_flow(a in twin(), b in twin()) {
            let mut sums = a.clone();
            for (&key, &trips) in &b {
                *sums.entry(key).or_default() += trips;
            }
            let mut flows = packed(&a);
            flows.add_all(&packed(&b));
            prop_assert_eq!(unpacked(&flows.to_bytes()), sums);
            flows.subtract_all(&packed(&a)).unwrap();
            prop_assert_eq!(&flows, &packed(&b));
            flows.subtract_all(&packed(&b)).unwrap();
            prop_assert!(flows.is_empty());
            prop_assert_eq!(flows.subtract_all(&packed(&b)).is_err(), !b.is_empty());
        }
    }

    #[test]
    fn what_is_not_packed_flows_is_corrupt() {
        let twin = Twin::from([((1, 1, 1), 1), ((1, 2, 1), 1)]);
        let bytes = packed(&twin).to_bytes();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        assert!(Flows::from_bytes(&bytes).is_ok());
        // Out of order; the same twice; cut off.
        assert!(Flows::from_bytes(&[second, first].concat()).is_err());
        assert!(Flows::from_bytes(&[first, first].concat()).is_err());
        assert!(Flows::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        // Without counters; with broken ones.
        let mut empty = first[..HEAD_BYTES].to_vec();
        empty[12..].fill(0);
        assert!(Flows::from_bytes(&empty).is_err());
        let mut broken = first.to_vec();
        *broken.last_mut().unwrap() = 0;
        assert!(Flows::from_bytes(&broken).is_err());
    }
}

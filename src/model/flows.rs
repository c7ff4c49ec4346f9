//! The flows from one place: see [`Flows`].

use std::collections::BTreeMap;
use std::iter;

use super::CountersError;
use super::day_counts::{DayCounts, PackedDay};

const HEAD_BYTES: usize = 16;

/// Where a flow from some place goes, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowEnd {
    /// The H3 index of the destination at [`Resolution::FLOW`](crate::geo::Resolution::FLOW).
    pub destination: u64,
    /// The region's number.
    pub region: u32,
    /// The datasource's number.
    pub datasource: u32,
}

/// The flows from one origin cell: trips by half-hour of each destination, region and datasource,
/// none of them empty.
///
/// They are packed as bytes in this order: destination cell (8 bytes), region (4), datasource (4),
/// and the packed [`DayCounts`]. Numbers are little-endian. Equal flows have equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flows(BTreeMap<FlowEnd, Vec<u8>>);

impl Flows {
    /// Flows from their bytes, which are checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CountersError> {
        let mut flows = Self::default();
        for flow in Self::entries(bytes) {
            let (end, day) = flow?;
            flows.0.insert(end, day.unpack().to_bytes());
        }
        // Neither out of order, nor twice, empty or in more bytes than it takes.
        let sound = flows.to_bytes() == bytes && !flows.0.values().any(|day| is_empty(day));
        sound
            .then_some(flows)
            .ok_or(CountersError::Corrupt(bytes.len()))
    }

    /// Reads the flows out of packed ones that need not be kept, in their order.
    pub fn entries(
        mut bytes: &[u8],
    ) -> impl Iterator<Item = Result<(FlowEnd, PackedDay<'_>), CountersError>> {
        let length = bytes.len();
        iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let flow = first(bytes);
            bytes = flow.map_or(&[], |(_, rest)| rest);
            let flow = flow.map(|(flow, _)| flow);
            Some(flow.ok_or(CountersError::Corrupt(length)))
        })
    }

    /// The packed bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let days = self.0.values().map(Vec::len);
        let mut bytes = Vec::with_capacity(days.map(|length| HEAD_BYTES + length).sum());
        for (end, day) in &self.0 {
            bytes.extend_from_slice(&end.destination.to_le_bytes());
            bytes.extend_from_slice(&end.region.to_le_bytes());
            bytes.extend_from_slice(&end.datasource.to_le_bytes());
            bytes.extend_from_slice(day);
        }
        bytes
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the trips of a flow.
    pub fn add(&mut self, end: FlowEnd, day: &DayCounts) {
        if !day.is_empty() {
            let held = self.0.entry(end).or_default();
            let mut sums = *day;
            if let Some(held) = packed(held) {
                sums.add_all(held);
            }
            *held = sums.to_bytes();
        }
    }

    /// Adds the trips of others.
    pub fn add_all(&mut self, others: &Self) {
        for (end, day) in &others.0 {
            if let Some(day) = packed(day) {
                self.add(*end, &day.unpack());
            }
        }
    }

    /// Takes others off; flows without trips are dropped.
    pub fn subtract_all(&mut self, others: &Self) -> Result<(), CountersError> {
        for (end, taken) in &others.0 {
            let held = self.0.remove(end).unwrap_or_default();
            let mut day = packed(&held).map_or_else(DayCounts::new, PackedDay::unpack);
            if let Some(taken) = packed(taken) {
                day.subtract_all(taken)?;
            }
            if !day.is_empty() {
                self.0.insert(*end, day.to_bytes());
            }
        }
        Ok(())
    }
}

/// A day of which the bytes are packed.
fn packed(day: &[u8]) -> Option<PackedDay<'_>> {
    Some(PackedDay::split_first(day)?.0)
}

fn is_empty(day: &[u8]) -> bool {
    packed(day).is_none_or(|day| day.unpack().is_empty())
}

/// The first of packed flows, and the bytes of the others; `None` where it is cut off.
fn first(bytes: &[u8]) -> Option<((FlowEnd, PackedDay<'_>), &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let (destination, head) = head.split_first_chunk()?;
    let (region, datasource) = head.split_first_chunk()?;
    let end = FlowEnd {
        destination: u64::from_le_bytes(*destination),
        region: u32::from_le_bytes(*region),
        datasource: u32::from_le_bytes(*datasource.first_chunk()?),
    };
    let (day, rest) = PackedDay::split_first(rest)?;
    Some(((end, day), rest))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Trips by destination, region, datasource and half-hour.
    type Reference = BTreeMap<(u64, u32, u32, u8), u64>;

    fn reference() -> impl Strategy<Value = Reference> {
        let flow = ((0..4_u64, 0..3_u32, 0..3_u32, 40..48_u8), 1..200_u64);
        vec(flow, 0..30).prop_map(|flows| flows.into_iter().collect())
    }

    fn packed(reference: &Reference) -> Flows {
        let mut flows = Flows::default();
        for (&(destination, region, datasource, half_hour), &trips) in reference {
            let end = FlowEnd {
                destination,
                region,
                datasource,
            };
            let mut day = DayCounts::new();
            day.add(half_hour, trips);
            flows.add(end, &day);
        }
        flows
    }

    fn unpacked(bytes: &[u8]) -> Reference {
        Flows::entries(bytes)
            .flat_map(|flow| {
                let (end, day) = flow.unwrap();
                let day = *day.unpack().half_hours();
                (0..).zip(day).map(move |(half_hour, trips)| {
                    let key = (end.destination, end.region, end.datasource, half_hour);
                    (key, trips)
                })
            })
            .filter(|(_, trips)| *trips > 0)
            .collect()
    }

    proptest! {
        #[test]
        fn packing_keeps_every_flow(reference in reference()) {
            let flows = packed(&reference);
            let bytes = flows.to_bytes();
            prop_assert_eq!(flows.is_empty(), reference.is_empty());
            prop_assert_eq!(unpacked(&bytes), reference);
            prop_assert_eq!(Flows::from_bytes(&bytes), Ok(flows));
            for length in 1..bytes.len() {
                // A part is an error, or holds fewer flows.
                if let Ok(part) = Flows::from_bytes(&bytes[..length]) {
                    prop_assert_eq!(part.to_bytes(), &bytes[..length]);
                }
            }
        }

        #[test]
        fn adding_and_taking_off_is_flow_by_flow(a in reference(), b in reference()) {
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
        let reference = Reference::from([((1, 1, 1, 9), 1), ((1, 2, 1, 9), 1)]);
        let bytes = packed(&reference).to_bytes();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        assert!(Flows::from_bytes(&bytes).is_ok());
        // Out of order; the same twice; cut off.
        assert!(Flows::from_bytes(&[second, first].concat()).is_err());
        assert!(Flows::from_bytes(&[first, first].concat()).is_err());
        assert!(Flows::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        // Without trips; with more bytes than it takes; with counts of three bytes.
        for day in [
            &[48, 0, 1][..],
            &[9, 1, 1, 0],
            &[9, 1, 2, 1, 0],
            &[9, 1, 3, 1, 0, 0],
        ] {
            let flow = [&first[..HEAD_BYTES], day].concat();
            assert!(Flows::from_bytes(&flow).is_err(), "{day:?}");
        }
    }
}

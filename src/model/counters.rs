use super::CountersError;
use super::counter_codec::{Encoder, Entries};

/// Many small counters, each with a key, packed as bytes: entries in strictly ascending order of
/// the key, each the difference to the key before (the first: the key itself), then the count,
/// which is never 0; both as LEB128 (7 bits a byte, low ones first, the high bit set on all bytes
/// but the last). Equal counters have equal bytes.
///
/// A typical entry takes 2–3 bytes, where a fixed-size one would take 12.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters(Vec<u8>);

impl Counters {
    /// No counters.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Counters of keys in ascending order. Equal keys are summed, counts of 0 left out.
    ///
    /// # Panics
    ///
    /// If a key is less than the one before it.
    #[must_use]
    pub fn from_sorted(entries: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let mut entries = entries.into_iter().filter(|&(_, count)| count > 0);
        let Some((mut key, mut count)) = entries.next() else {
            return Self::new();
        };
        let mut packed = Encoder::with_capacity(0);
        for (next, more) in entries {
            if next == key {
                count = count.saturating_add(more);
            } else {
                assert!(next > key, "keys must ascend");
                packed.push(key, count);
                (key, count) = (next, more);
            }
        }
        packed.push(key, count);
        Self(packed.finish())
    }

    /// How often each key occurs among keys in ascending order.
    ///
    /// # Panics
    ///
    /// If a key is less than the one before it.
    #[must_use]
    pub fn from_sorted_keys(keys: impl IntoIterator<Item = u32>) -> Self {
        Self::from_sorted(keys.into_iter().map(|key| (key, 1)))
    }

    /// Counters from their bytes, which are checked: a pass over them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, CountersError> {
        Self::entries(&bytes).try_for_each(|entry| entry.map(drop))?;
        Ok(Self(bytes))
    }

    /// Reads the entries out of packed counters that need not be kept: keys and counts, ascending
    /// by key. After an error there are no more.
    #[must_use]
    pub const fn entries(bytes: &[u8]) -> Entries<'_> {
        Entries::new(bytes)
    }

    /// The packed bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The packed bytes, moved out.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keys and counts (at least 1), ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        // The bytes are well-formed, so nothing is lost.
        Self::entries(&self.0).map_while(Result::ok)
    }

    /// The sums of both. A sum past `u64::MAX` stays there.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let (mut left, mut right) = (Self::entries(&self.0), Self::entries(&other.0));
        // Enough: sums and smaller differences take no more bytes than their terms.
        let mut sums = Encoder::with_capacity(self.0.len() + other.0.len());
        let (mut a, mut b) = (left.entry(), right.entry());
        loop {
            match (a, b) {
                (Some((key, count)), Some((other_key, other_count))) => {
                    if key <= other_key {
                        a = left.entry();
                    }
                    if other_key <= key {
                        b = right.entry();
                    }
                    sums.push(
                        key.min(other_key),
                        match key.cmp(&other_key) {
                            std::cmp::Ordering::Less => count,
                            std::cmp::Ordering::Equal => count.saturating_add(other_count),
                            std::cmp::Ordering::Greater => other_count,
                        },
                    );
                }
                (Some((key, count)), None) => {
                    return Self(sums.finish_with(key, count, left.rest()));
                }
                (None, Some((key, count))) => {
                    return Self(sums.finish_with(key, count, right.rest()));
                }
                (None, None) => return Self(sums.finish()),
            }
        }
    }

    /// Subtracts `other`; counters that become 0 are removed.
    pub fn subtract(&self, other: &Self) -> Result<Self, CountersError> {
        let mut held = Self::entries(&self.0);
        let mut left = Encoder::with_capacity(self.0.len());
        for (key, taken) in other.iter() {
            loop {
                match held.entry() {
                    Some((before, count)) if before < key => left.push(before, count),
                    Some((same, count)) if same == key && count >= taken => {
                        if count > taken {
                            left.push(key, count - taken);
                        }
                        break;
                    }
                    found => {
                        let held = found
                            .filter(|&(same, _)| same == key)
                            .map_or(0, |entry| entry.1);
                        return Err(CountersError::Underflow { key, held, taken });
                    }
                }
            }
        }
        Ok(Self(match held.entry() {
            Some((key, count)) => left.finish_with(key, count, held.rest()),
            None => left.finish(),
        }))
    }
}

impl FromIterator<(u32, u64)> for Counters {
    /// As [`Counters::from_sorted`].
    fn from_iter<I: IntoIterator<Item = (u32, u64)>>(entries: I) -> Self {
        Self::from_sorted(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    type Reference = BTreeMap<u32, u64>;

    fn reference() -> impl Strategy<Value = Reference> {
        let key = prop_oneof![0..60_u32, 0..100_000_u32, any::<u32>(), Just(u32::MAX)];
        let count = prop_oneof![1..4_u64, 1..1_000_u64, 1..=u64::MAX / 4];
        btree_map(key, count, 0..60)
    }

    fn packed(reference: &Reference) -> Counters {
        Counters::from_sorted(reference.iter().map(|(&key, &count)| (key, count)))
    }

    fn unpacked(counters: &Counters) -> Reference {
        let entries: Vec<_> = counters.iter().collect();
        assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
        entries.into_iter().collect()
    }

    proptest! {
        #[test]
        fn packing_keeps_every_counter(reference in reference()) {
            let counters = packed(&reference);
            prop_assert_eq!(&unpacked(&counters), &reference);
            prop_assert_eq!(counters.is_empty(), reference.is_empty());
            let again = Counters::from_bytes(counters.as_bytes().to_vec());
            prop_assert_eq!(again.as_ref(), Ok(&counters));
            prop_assert_eq!(again.map(Counters::into_bytes), Ok(counters.as_bytes().to_vec()));
        }

        #[test]
        fn adding_sums_counter_by_counter(a in reference(), b in reference()) {
            let mut sums = a.clone();
            for (&key, &count) in &b {
                *sums.entry(key).or_default() += count;
            }
            let added = packed(&a).add(&packed(&b));
            // Equal bytes, not only equal counters.
            prop_assert_eq!(&added, &packed(&sums));
            prop_assert_eq!(added.subtract(&packed(&b)), Ok(packed(&a)));
            prop_assert_eq!(added.subtract(&packed(&a)), Ok(packed(&b)));
            prop_assert_eq!(added.subtract(&added), Ok(Counters::new()));
        }

        #[test]
        fn taking_off_too_much_is_an_error(a in reference(), b in reference()) {
            let short = b.iter().find(|&(key, taken)| a.get(key).copied().unwrap_or(0) < *taken);
            let expected = short.map(|(&key, &taken)| {
                CountersError::Underflow { key, held: a.get(&key).copied().unwrap_or(0), taken }
            });
            prop_assert_eq!(packed(&a).subtract(&packed(&b)).err(), expected);
        }

        #[test]
        fn runs_of_keys_are_counted(mut keys in vec(0..300_u32, 0..2_000)) {
            keys.sort_unstable();
            let mut reference = Reference::new();
            for &key in &keys {
                *reference.entry(key).or_default() += 1;
            }
            prop_assert_eq!(Counters::from_sorted_keys(keys), packed(&reference));
        }

        #[test]
        fn any_bytes_are_refused_or_read_as_they_are_packed(bytes in vec(any::<u8>(), 0..40)) {
            if let Ok(counters) = Counters::from_bytes(bytes.clone()) {
                prop_assert_eq!(packed(&unpacked(&counters)).into_bytes(), bytes);
            } else {
                prop_assert_eq!(Counters::entries(&bytes).filter(Result::is_err).count(), 1);
                prop_assert!(Counters::entries(&bytes).last().is_some_and(|last| last.is_err()));
            }
        }

        #[test]
        fn damaged_bytes_never_panic(reference in reference(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = packed(&reference).into_bytes();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
                let _ = Counters::from_bytes(bytes.clone());
                bytes.truncate(at);
                let _ = Counters::from_bytes(bytes);
            }
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let counters = Counters::from_sorted(
            [(5, 1), (6, 300), (1_000, 0), (6 + 128, 2)]
                .into_iter()
                .filter(|&(key, _)| key != 1_000),
        );
        assert_eq!(counters.as_bytes(), [5, 1, 1, 0xAC, 0x02, 0x80, 0x01, 2]);
    }

    #[test]
    fn equal_keys_are_summed_and_zeros_left_out() {
        let counters = Counters::from_sorted([(1, 0), (2, 3), (2, 0), (2, 4), (9, 1), (10, 0)]);
        assert_eq!(counters.iter().collect::<Vec<_>>(), [(2, 7), (9, 1)]);
        assert!(Counters::from_sorted([(1, 0)]).is_empty());
    }

    #[test]
    #[should_panic(expected = "keys must ascend")]
    fn descending_keys_are_a_bug() {
        let _ = Counters::from_sorted([(2, 1), (1, 1)]);
    }

    #[test]
    fn what_is_not_packed_counters_is_corrupt() {
        let corrupt = |bytes: &[u8]| Counters::from_bytes(bytes.to_vec()).unwrap_err();
        // A count of 0; a key twice; a cut entry; a cut number; a number longer than it need be.
        assert_eq!(corrupt(&[5, 0]), CountersError::Corrupt(1));
        assert_eq!(corrupt(&[5, 1, 0, 1]), CountersError::Corrupt(2));
        assert_eq!(corrupt(&[5]), CountersError::Corrupt(0));
        assert_eq!(corrupt(&[5, 0x80]), CountersError::Corrupt(1));
        assert_eq!(corrupt(&[5, 0x81, 0x00]), CountersError::Corrupt(2));
        // Keys past 32 bits, a count past 64.
        assert_eq!(
            corrupt(&[0xFF, 0xFF, 0xFF, 0xFF, 0x10, 1]),
            CountersError::Corrupt(4)
        );
        assert_eq!(
            corrupt(&[0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 1, 1]),
            CountersError::Corrupt(6)
        );
        let mut count = vec![5];
        count.extend([0xFF; 9]);
        count.push(0x02);
        assert_eq!(corrupt(&count), CountersError::Corrupt(10));
        count[10] = 0x01;
        let greatest = Counters::from_bytes(count).unwrap();
        assert_eq!(greatest.iter().collect::<Vec<_>>(), [(5, u64::MAX)]);
        assert_eq!(greatest.add(&greatest), greatest);
    }
}

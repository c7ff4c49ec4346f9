//! How counters are packed as bytes: see [`Counters`](super::Counters).

use super::CountersError;

/// The entries of packed counters, read as they are asked for. See
/// [`Counters::entries`](super::Counters::entries).
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The last key that was read.
    key: Option<u32>,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            key: None,
        }
    }

    /// The next entry of well-formed bytes.
    #[inline]
    pub(super) fn entry(&mut self) -> Option<(u32, u64)> {
        self.next().and_then(Result::ok)
    }

    /// The bytes not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next number; `None` where it is cut off, does not fit 64 bits or is longer than it need
    /// be.
    #[inline]
    fn varint(&mut self) -> Option<u64> {
        // One byte or two without a branch: which of them comes next is hard to predict.
        if let Some(&[first, second]) = self.bytes.get(self.at..)?.first_chunk() {
            let long = first >> 7;
            let second_is_last = second.wrapping_sub(1) < 0x7F;
            if (long == 0) | second_is_last {
                self.at += 1 + usize::from(long);
                let high = second & long.wrapping_neg();
                return Some(u64::from(first & 0x7F) | u64::from(high) << 7);
            }
        }
        self.long_varint()
    }

    /// The next number, of any length.
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            let bits = u64::from(byte & 0x7F);
            if (bits << shift) >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return (byte != 0 || shift == 0).then_some(value);
            }
        }
        None
    }

    #[inline]
    fn read(&mut self) -> Option<(u32, u64)> {
        // Keys are close together as a rule: one byte is a good guess, and costs no waiting for it.
        let difference = match self.bytes.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                u32::from(byte)
            }
            _ => u32::try_from(self.long_varint()?).ok()?,
        };
        let key = match self.key {
            None => difference,
            Some(_) if difference == 0 => return None,
            Some(key) => key.checked_add(difference)?,
        };
        self.key = Some(key);
        match self.varint()? {
            0 => None,
            count => Some((key, count)),
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Result<(u32, u64), CountersError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        Some(self.read().ok_or_else(|| {
            let at = self.at - 1;
            self.at = self.bytes.len();
            CountersError::Corrupt(at)
        }))
    }
}

impl std::iter::FusedIterator for Entries<'_> {}

/// Packs entries that come in strictly ascending order of the key.
pub(super) struct Encoder {
    /// The first `at` bytes are packed, the others room for more.
    bytes: Vec<u8>,
    at: usize,
    /// The last key that was packed, 0 before the first.
    key: u32,
}

impl Encoder {
    /// The most bytes an entry takes: 5 for a difference of 32 bits, 10 for a count of 64.
    const LONGEST_ENTRY: usize = 15;

    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes + Self::LONGEST_ENTRY],
            at: 0,
            key: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, key: u32, count: u64) {
        if self.bytes.len() - self.at < Self::LONGEST_ENTRY {
            self.bytes.resize(2 * self.bytes.len(), 0);
        }
        let difference = key - self.key;
        if difference < 0x80 {
            #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
            let byte = difference as u8;
            self.bytes[self.at] = byte;
            self.at += 1;
        } else {
            self.varint(difference.into());
        }
        self.varint(count);
        self.key = key;
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
    fn varint(&mut self, mut value: u64) {
        while value >= 1 << 14 {
            self.bytes[self.at] = value as u8 | 0x80;
            self.at += 1;
            value >>= 7;
        }
        // One byte or two without a branch, as they are read. The second is overwritten by the next
        // number where it is not needed.
        let long = u8::from(value >= 0x80);
        let two = [value as u8 & 0x7F | long << 7, (value >> 7) as u8];
        self.bytes[self.at..self.at + 2].copy_from_slice(&two);
        self.at += 1 + usize::from(long);
    }

    /// Packs one more entry and what follows it in packed counters, whose bytes stay the same.
    pub(super) fn finish_with(mut self, key: u32, count: u64, rest: &[u8]) -> Vec<u8> {
        self.push(key, count);
        self.bytes.truncate(self.at);
        self.bytes.extend_from_slice(rest);
        self.bytes
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.at);
        self.bytes
    }
}

//! Unsigned LEB128 integers in their shortest form.

/// Appends a number.
#[expect(clippy::cast_possible_truncation, reason = "seven bits at a time")]
pub(super) fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The number that bytes begin with, and the other bytes; `None` if it is cut off, exceeds 64 bits
/// or is longer than necessary.
pub(super) fn split_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, shift) in (0..u64::BITS).step_by(7).enumerate() {
        let byte = *bytes.get(index)?;
        let bits = u64::from(byte & 0x7F);
        if (bits << shift) >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return (byte != 0 || index == 0).then(|| (number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number in any::<u64>(), bits in 0..64_u32) {
            let number = number >> bits;
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            for length in 0..bytes.len() {
                prop_assert_eq!(split_varint(&bytes[..length]), None);
            }
            bytes.push(9);
            prop_assert_eq!(split_varint(&bytes), Some((number, &[9][..])));
        }
    }

    #[test]
    fn numbers_have_one_form() {
        assert_eq!(split_varint(&[0x80, 0]), None);
        assert_eq!(split_varint(&[0xFF; 10]), None);
        assert_eq!(split_varint(&[0]), Some((0, &[][..])));
    }
}

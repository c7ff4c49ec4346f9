//! Parses decimal numbers as 64-bit floats, correctly rounded.

/// Powers of ten that a 64-bit float represents exactly.
const POWERS: [f64; 20] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19,
];

/// The number at the beginning of `bytes`, if it has the form `-123.456` with at most 19 digits,
/// and its length in bytes.
///
/// The quotient of two exactly represented floats is correctly rounded: W. D. Clinger, "How to
/// read floating point numbers accurately", PLDI 1990. Numbers with too many digits for that are
/// parsed by the standard library.
#[inline]
pub(super) fn decimal(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let mut digits: u64 = 0;
    let mut at = start;
    while let Some(digit) = digit(bytes, at) {
        digits = digits.wrapping_mul(10).wrapping_add(digit);
        at += 1;
    }
    let whole = at - start;
    let mut decimals = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let point = at;
        while let Some(eight) = eight_digits(bytes, at) {
            digits = digits.wrapping_mul(100_000_000).wrapping_add(eight);
            at += 8;
        }
        while let Some(digit) = digit(bytes, at) {
            digits = digits.wrapping_mul(10).wrapping_add(digit);
            at += 1;
        }
        decimals = at - point;
        if decimals == 0 {
            return None;
        }
    }
    if whole == 0 || whole + decimals > 19 {
        return None;
    }
    if digits > 1 << f64::MANTISSA_DIGITS {
        return Some((number(&bytes[..at])?, at));
    }
    let value = digits as f64 / POWERS[decimals];
    Some((if negative { -value } else { value }, at))
}

#[inline]
fn digit(bytes: &[u8], at: usize) -> Option<u64> {
    let digit = bytes.get(at)?.wrapping_sub(b'0');
    (digit < 10).then_some(u64::from(digit))
}

/// Parses eight consecutive digits at once: in a 64-bit word, digits are combined into pairs, pairs
/// into fours, fours into eights (D. Lemire, "Number parsing at a gigabyte per second", 2021).
#[inline]
fn eight_digits(bytes: &[u8], at: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk::<8>()?);
    let digits = word ^ 0x3030_3030_3030_3030;
    // Digits are now 0…9: neither they nor they plus 118 reach bit 7.
    if (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    Some(low.wrapping_add(high) >> 32)
}

/// The number in `bytes`, written with digits, sign, point and exponent; names such as `NaN` are
/// not accepted. A number beyond the range of floats is infinite.
pub(super) fn number(bytes: &[u8]) -> Option<f64> {
    if !bytes
        .iter()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_plain_is_left_alone() {
        for text in ["", "-", ".5", "5.", "+5", "e5", "12345678901234567890", "x"] {
            assert_eq!(decimal(text.as_bytes()), None, "{text}");
        }
        assert_eq!(decimal(b"5e3"), Some((5.0, 1)));
        assert_eq!(decimal(b"-0"), Some((0.0, 2)));
        assert!(decimal(b"-0").is_some_and(|(zero, _)| zero.is_sign_negative()));
    }

    #[test]
    fn names_are_no_numbers() {
        for text in [
            "NaN", "inf", "-inf", "infinity", "", "-", "1_0", "0x1", "1e", "+-5",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
        assert_eq!(number(b"1e999"), Some(f64::INFINITY));
    }

    #[test]
    fn every_byte_that_is_no_digit_is_seen() {
        for at in 0..8 {
            for byte in 0..=u8::MAX {
                let mut bytes = *b"12345678";
                bytes[at] = byte;
                let expected = std::str::from_utf8(&bytes)
                    .ok()
                    .filter(|_| byte.is_ascii_digit())
                    .and_then(|text| text.parse().ok());
                assert_eq!(eight_digits(&bytes, 0), expected, "{bytes:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn equals_the_standard_library(text in "-?[0-9]{1,3}(\\.[0-9]{1,18})?") {
            let expected: f64 = text.parse().unwrap();
            if let Some((value, len)) = decimal(text.as_bytes()) {
                prop_assert_eq!(len, text.len());
                prop_assert_eq!(value.to_bits(), expected.to_bits());
            } else {
                prop_assert!(text.bytes().filter(u8::is_ascii_digit).count() > 19);
            }
        }

        #[test]
        fn reads_back_what_was_written(value in -180.0..180.0f64) {
            let text = value.to_string();
            if let Some((read, _)) = decimal(text.as_bytes()) {
                prop_assert_eq!(read.to_bits(), value.to_bits());
            }
        }
    }
}

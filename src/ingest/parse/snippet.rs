use crate::text::Printable;

/// The beginning of a field, for a message: at most so many characters as they are shown, and an
/// ellipsis if there are more. A character that is shown by its code point counts as several.
pub(super) fn snippet(bytes: &[u8], chars: usize) -> String {
    let cut = &bytes[..bytes.len().min(4 * (chars + 1))];
    let (mut shown, mut left) = (String::new(), chars);
    for c in String::from_utf8_lossy(cut).chars() {
        let printed = Printable(c.encode_utf8(&mut [0; 4])).to_string();
        let Some(rest) = left.checked_sub(printed.chars().count()) else {
            return shown + "…";
        };
        shown += &printed;
        left = rest;
    }
    if cut.len() < bytes.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_shown() {
        for (field, expected) in [
            (&b""[..], ""),
            (b"ten chars!", "ten chars!"),
            (b"eleven char", "eleven cha…"),
            ("äöüäöüäöüä".as_bytes(), "äöüäöüäöüä"),
            ("äöüäöüäöüäö".as_bytes(), "äöüäöüäöüä…"),
            (b"not \xff UTF-8", "not \u{fffd} UTF-…"),
            (
                &"\u{1f6b2}".repeat(11).into_bytes(),
                &format!("{}…", "\u{1f6b2}".repeat(10)),
            ),
            // Eight characters each, as they are shown.
            (b"\0\0", "<U+0000>…"),
            (b"a\0", "a<U+0000>"),
            (b"abc\0", "abc…"),
            (&[0; 1_000], "<U+0000>…"),
        ] {
            assert_eq!(snippet(field, 10), expected, "{field:?}");
        }
    }
}

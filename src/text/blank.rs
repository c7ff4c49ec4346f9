//! White space and invisible characters.

/// Whether a character is white space or invisible: at the ends of a name or a number, neither is a
/// part of it.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || is_invisible(c)
}

/// Whether a character has no width and no shape of its own: byte order marks, zero-width spaces
/// and joiners, marks of writing direction, soft hyphens.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0001}'
    )
}

/// The text without blank characters at its ends.
#[must_use]
pub fn trim(text: &str) -> &str {
    if ends_are_graphic(text.as_bytes()) {
        return text;
    }
    text.trim_matches(is_blank)
}

/// The bytes without blank characters at their ends. They need not be UTF-8.
#[must_use]
pub fn trim_bytes(mut bytes: &[u8]) -> &[u8] {
    if ends_are_graphic(bytes) {
        return bytes;
    }
    loop {
        match blank_len(bytes) {
            0 => break,
            len => bytes = &bytes[len..],
        }
    }
    while let Some((c, len)) = last_char(bytes)
        && is_blank(c)
    {
        bytes = &bytes[..bytes.len() - len];
    }
    bytes
}

/// The length of the blank character that the bytes begin with; 0 if there is none.
#[must_use]
pub fn blank_len(bytes: &[u8]) -> usize {
    match bytes {
        [] => 0,
        [byte, ..] if byte.is_ascii() => usize::from(is_blank(char::from(*byte))),
        _ => {
            let chunk = bytes[..bytes.len().min(4)].utf8_chunks().next();
            let c = chunk.and_then(|chunk| chunk.valid().chars().next());
            c.filter(|c| is_blank(*c)).map_or(0, char::len_utf8)
        }
    }
}

fn last_char(bytes: &[u8]) -> Option<(char, usize)> {
    (1..=bytes.len().min(4)).find_map(|len| {
        let text = std::str::from_utf8(&bytes[bytes.len() - len..]).ok()?;
        Some((text.chars().next()?, len))
    })
}

/// Whether there is certainly nothing to trim, by the first and the last byte: a fast path for most
/// texts.
#[inline]
fn ends_are_graphic(bytes: &[u8]) -> bool {
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last))
        if first.is_ascii_graphic() && last.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_are_trimmed() {
        for (text, expected) in [
            ("Lyon", "Lyon"),
            (" \t\u{a0}\u{3000}Lyon\r\n\u{b}", "Lyon"),
            (
                "\u{feff}\u{200b}Ly\u{200b}on\u{2060}\u{200e}",
                "Ly\u{200b}on",
            ),
            ("\u{feff}", ""),
            ("", ""),
            ("\u{1b}[2J", "\u{1b}[2J"),
        ] {
            assert_eq!(trim(text), expected);
            assert_eq!(trim_bytes(text.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn bytes_need_not_be_text() {
        assert_eq!(trim_bytes(b" \xff "), b"\xff");
        assert_eq!(trim_bytes(b"\xef\xbb\xbf\xef\xbb"), b"\xef\xbb");
        assert_eq!(trim_bytes(b"\xbb\xbf \x80"), b"\xbb\xbf \x80");
    }

    proptest! {
        #[test]
        fn bytes_are_trimmed_as_text(text in "[a \u{a0}\u{feff}\u{200b}\u{fffd}ž\t\n]{0,12}") {
            let expected = text.trim_matches(is_blank);
            prop_assert_eq!(trim(&text), expected);
            prop_assert_eq!(trim_bytes(text.as_bytes()), expected.as_bytes());
        }
    }
}

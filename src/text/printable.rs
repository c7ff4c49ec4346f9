//! Safe display of untrusted text.

use std::fmt::{self, Display, Formatter, Write};

use super::is_invisible;

/// Displays a text with each control character, invisible character and white space other than a
/// space replaced by its code point, such as `<U+001B>`. So the text cannot move a terminal's
/// cursor, change its colours or reverse its writing direction, and names that differ look
/// different.
#[derive(Debug, Clone, Copy)]
pub struct Printable<T>(pub T);

impl<T: AsRef<str>> Display for Printable<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut text = self.0.as_ref();
        while let Some((at, c)) = text.char_indices().find(|(_, c)| !is_printable(*c)) {
            f.write_str(&text[..at])?;
            write!(f, "<U+{:04X}>", u32::from(c))?;
            text = &text[at + c.len_utf8()..];
        }
        f.write_str(text)
    }
}

/// The JSON text with characters that a terminal would not show, or would act on, replaced by `\u`
/// escapes: the same JSON value. Line feeds between its tokens are kept.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_printable(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

fn is_printable(c: char) -> bool {
    c == ' ' || !(c.is_control() || c.is_whitespace() || is_invisible(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_seen_is_named() {
        for (text, shown) in [
            ("Lyon 1er", "Lyon 1er"),
            ("Ly\u{1b}[31mon", "Ly<U+001B>[31mon"),
            ("Lille\rPARIS\n", "Lille<U+000D>PARIS<U+000A>"),
            ("\u{feff}Ly\u{200b}on\u{a0}", "<U+FEFF>Ly<U+200B>on<U+00A0>"),
            (
                "\u{9b}2J\u{7f}\u{7}a\tb",
                "<U+009B>2J<U+007F><U+0007>a<U+0009>b",
            ),
            ("\u{202e}.neuoR", "<U+202E>.neuoR"),
            ("東京 🚲 Zu\u{308}rich", "東京 🚲 Zu\u{308}rich"),
        ] {
            assert_eq!(Printable(text).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn json_stays_the_same_value(text in any::<String>()) {
            let json = serde_json::to_string_pretty(&[&text]).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(escaped.chars().all(|c| c == '\n' || is_printable(c)));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), [text]);
        }
    }
}

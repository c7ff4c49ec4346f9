//! Names of regions and datasources.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::trim;

/// The canonical spelling of a name: without white space and invisible characters at its ends, in
/// Unicode NFC. Names in files and in queries are compared, stored and returned in this form.
#[must_use]
pub fn canonical_name(name: &str) -> Cow<'_, str> {
    let name = trim(name);
    if name.is_ascii() || is_nfc_quick(name.chars()) == IsNormalized::Yes {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name() {
        for (spelling, name) in [
            ("Lyon", "Lyon"),
            ("\u{feff} Lyon\u{a0}", "Lyon"),
            ("Zu\u{308}rich", "Zürich"),
            ("Zürich", "Zürich"),
            ("\u{212b}rhus", "\u{c5}rhus"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            // Compatibility forms are other characters.
            ("\u{fb01}", "\u{fb01}"),
            (" \u{200b} ", ""),
        ] {
            assert_eq!(canonical_name(spelling), name);
        }
        assert!(matches!(canonical_name(" Zürich "), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn a_canonical_name_stays_as_it_is(
            name in prop_oneof!["\\PC{0,12}", "[au\u{308}\u{323}\u{34f}\u{2000}\u{feff} ]{0,8}"],
        ) {
            let canonical = canonical_name(&name);
            prop_assert_eq!(&canonical_name(&canonical), &canonical);
            let decomposed: String = name.nfd().collect();
            prop_assert_eq!(&canonical_name(&decomposed), &canonical);
        }
    }
}

//! Quotes: where a record with quotes ends, and what its fields hold.
//!
//! Both are the four-state machine that RFC 4180 implies and the `csv` crate runs.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Where a reader stands inside a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// At the first byte of a field.
    FieldStart,
    /// In a field, outside quotes.
    Field,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes: the closing one, or the first of a doubled one.
    QuoteInQuoted,
}

/// What a look for the end of a record found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The record ends at the line feed of this index.
    End(usize),
    /// The bytes ran out in this state.
    Open(State),
}

/// Looks for the line feed that ends the record, from the index `at`, where `state` holds.
pub(super) fn scan(bytes: &[u8], mut at: usize, mut state: State) -> Scan {
    while let Some(&byte) = bytes.get(at) {
        match state {
            State::FieldStart | State::QuoteInQuoted => {
                state = match byte {
                    b'\n' => return Scan::End(at),
                    b'"' => State::Quoted,
                    b',' => State::FieldStart,
                    _ => State::Field,
                };
                at += 1;
            }
            State::Field => match memchr2(b',', b'\n', &bytes[at..]) {
                None => return Scan::Open(state),
                Some(found) if bytes[at + found] == b'\n' => return Scan::End(at + found),
                Some(found) => {
                    at += found + 1;
                    state = State::FieldStart;
                }
            },
            State::Quoted => match memchr(b'"', &bytes[at..]) {
                None => return Scan::Open(state),
                Some(found) => {
                    at += found + 1;
                    state = State::QuoteInQuoted;
                }
            },
        }
    }
    Scan::Open(state)
}

/// The fields of one record, left to right, unquoted.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    quoted: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a record without its line end; `quoted` says whether there is a quote in it.
    pub(super) const fn new(bytes: &'a [u8], quoted: bool) -> Self {
        Self {
            rest: Some(bytes),
            quoted,
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest?;
        if self.quoted && bytes.first() == Some(&b'"') {
            let (field, rest) = quoted_field(bytes);
            self.rest = rest;
            return Some(field);
        }
        let (field, rest) = plain_field(bytes);
        self.rest = rest;
        Some(Cow::Borrowed(field))
    }
}

/// Cuts off what stands before the next comma.
#[inline]
fn plain_field(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b',', bytes) {
        Some(comma) => (&bytes[..comma], Some(&bytes[comma + 1..])),
        None => (bytes, None),
    }
}

/// Cuts off the field at whose opening quote `bytes` begins. It is copied only where it holds
/// doubled quotes, or goes on behind its closing quote.
fn quoted_field(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<&[u8]>) {
    let mut copy: Option<Vec<u8>> = None;
    let mut from = 1;
    loop {
        let Some(quote) = memchr(b'"', &bytes[from..]).map(|found| from + found) else {
            // Only where the record was cut: its closing quote is missing.
            return (join(copy, &bytes[from..]), None);
        };
        let part = &bytes[from..quote];
        match bytes.get(quote + 1) {
            Some(b'"') => {
                let copy = copy.get_or_insert_default();
                copy.extend_from_slice(part);
                copy.push(b'"');
                from = quote + 2;
            }
            Some(b',') => return (join(copy, part), Some(&bytes[quote + 2..])),
            None => return (join(copy, part), None),
            Some(_) => {
                let (tail, rest) = plain_field(&bytes[quote + 1..]);
                let mut copy = copy.unwrap_or_default();
                copy.extend_from_slice(part);
                copy.extend_from_slice(tail);
                return (Cow::Owned(copy), rest);
            }
        }
    }
}

fn join(copy: Option<Vec<u8>>, part: &[u8]) -> Cow<'_, [u8]> {
    match copy {
        None => Cow::Borrowed(part),
        Some(mut copy) => {
            copy.extend_from_slice(part);
            Cow::Owned(copy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<String> {
        Fields::new(text.as_bytes(), text.contains('"'))
            .map(|field| String::from_utf8(field.into_owned()).unwrap())
            .collect()
    }

    #[test]
    fn fields_without_quotes() {
        assert_eq!(fields("a,,c"), ["a", "", "c"]);
        assert_eq!(fields("a,b,"), ["a", "b", ""]);
        assert_eq!(fields(""), [""]);
    }

    #[test]
    fn fields_with_quotes() {
        assert_eq!(fields(r#""a,b",c"#), ["a,b", "c"]);
        assert_eq!(fields(r#"a,"say ""hi""","#), ["a", r#"say "hi""#, ""]);
        assert_eq!(fields(r#""a"b,"","""""#), ["ab", "", "\""]);
        assert_eq!(fields(r#"a"b, "c""#), [r#"a"b"#, r#" "c""#]);
        assert_eq!(fields(r#""open"#), ["open"]);
    }

    #[test]
    fn only_fields_that_must_be_are_copied() {
        let kinds: Vec<bool> = Fields::new(br#"a,"b","c""d""#, true)
            .map(|field| matches!(field, Cow::Owned(_)))
            .collect();
        assert_eq!(kinds, [false, false, true]);
    }

    #[test]
    fn a_record_ends_at_a_line_feed_outside_quotes() {
        assert_eq!(scan(b"a,\"b\nc\"\nd", 0, State::FieldStart), Scan::End(7));
        assert_eq!(
            scan(b"a,\"b\nc", 0, State::FieldStart),
            Scan::Open(State::Quoted)
        );
        assert_eq!(scan(b"a\"\n", 0, State::FieldStart), Scan::End(2));
        assert_eq!(
            scan(b"\"a\"", 0, State::FieldStart),
            Scan::Open(State::QuoteInQuoted)
        );
        assert_eq!(scan(b"b\"\nc", 0, State::Quoted), Scan::End(2));
    }
}

//! Quotes: finds the end of a record with quotes, and unquotes its fields.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memchr3};

use super::chunk::{Fault, Shape};
use super::dialect::{Dialect, LineEnd};
use crate::text::blank_len;

/// The state of a reader inside a record. `spans`: whether a line end is inside the current or
/// preceding quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// At the beginning of a field, or after blanks there.
    FieldStart,
    /// In a field, outside quotes.
    Field,
    /// Inside quotes.
    Quoted { spans: bool },
    /// After a quote inside quotes: the closing quote, or the first of a doubled quote.
    QuoteInQuoted { spans: bool },
    /// After blanks that follow a closing quote.
    Closed { spans: bool },
    /// After carriage returns, which are part of the line end if a line feed follows.
    Return { spans: bool },
    /// In the rest of a line after a violation of the dialect.
    Broken(Fault),
}

impl State {
    pub(super) const fn is_quoted(self) -> bool {
        matches!(self, Self::Quoted { .. })
    }

    /// The shape of a record that ends in this state.
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Quoted { .. } => Shape::Broken(Fault::Unclosed),
            Self::Broken(fault) => Shape::Broken(fault),
            _ => Shape::Quoted,
        }
    }
}

/// The result of a search for the end of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scan {
    /// The record ends at the line end of this index, with this shape.
    End(usize, Shape),
    /// The text at this index follows the closing quote of a field that spans lines: probably the
    /// opening quote was never closed, and the closing quote opens another field.
    Stray(usize),
    /// The bytes end at this index, in this state.
    Open(usize, State),
}

/// Searches for the line end that ends the record, from the index `at` in the state `state`.
pub(super) fn scan(dialect: Dialect, bytes: &[u8], mut at: usize, mut state: State) -> Scan {
    while let Some(&byte) = bytes.get(at) {
        match (state, byte) {
            (State::Quoted { spans }, _) => {
                let quote = memchr(b'"', &bytes[at..]).map(|len| at + len);
                let inside = &bytes[at..quote.unwrap_or(bytes.len())];
                let spans = spans || dialect.end_of_line(inside).is_some();
                let Some(quote) = quote else {
                    return Scan::Open(bytes.len(), State::Quoted { spans });
                };
                at = quote + 1;
                state = State::QuoteInQuoted { spans };
            }
            (State::QuoteInQuoted { spans }, b'"') => {
                at += 1;
                state = State::Quoted { spans };
            }
            (State::Broken(fault), _) => {
                return match dialect.end_of_line(&bytes[at..]) {
                    Some(len) => Scan::End(at + len, Shape::Broken(fault)),
                    None => Scan::Open(bytes.len(), state),
                };
            }
            (_, b'\n') => return Scan::End(at, Shape::Quoted),
            (_, b'\r') if dialect.line_end == LineEnd::Any => return Scan::End(at, Shape::Quoted),
            (_, b'\r') => {
                at += 1;
                state = match state {
                    State::QuoteInQuoted { spans }
                    | State::Closed { spans }
                    | State::Return { spans } => State::Return { spans },
                    _ => State::Return { spans: false },
                };
            }
            (State::Return { spans: true }, _) => return Scan::Stray(at),
            (State::Return { .. }, _) => state = State::Broken(Fault::BareReturn),
            (_, byte) if byte == dialect.delimiter => {
                at += 1;
                state = State::FieldStart;
            }
            (State::FieldStart, b'"') => {
                at += 1;
                state = State::Quoted { spans: false };
            }
            (State::FieldStart, _) => match blank_len(&bytes[at..]) {
                0 => state = State::Field,
                len => at += len,
            },
            (State::Field, _) => match memchr3(dialect.delimiter, b'\r', b'\n', &bytes[at..]) {
                None => return Scan::Open(bytes.len(), state),
                Some(len) => at += len,
            },
            (State::QuoteInQuoted { spans } | State::Closed { spans }, _) => {
                match blank_len(&bytes[at..]) {
                    0 if spans => return Scan::Stray(at),
                    0 => state = State::Broken(Fault::BehindQuote),
                    len => {
                        at += len;
                        state = State::Closed { spans };
                    }
                }
            }
        }
    }
    Scan::Open(at, state)
}

/// The fields of a record that is not broken, left to right, unquoted.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    quoted: bool,
    delimiter: u8,
}

impl<'a> Fields<'a> {
    /// The fields of a record without its line end.
    pub(super) fn new(bytes: &'a [u8], shape: Shape, delimiter: u8) -> Self {
        Self {
            rest: Some(bytes),
            quoted: shape != Shape::Plain,
            delimiter,
        }
    }

    /// Whether there are no more fields.
    pub(super) const fn is_done(&self) -> bool {
        self.rest.is_none()
    }

    /// Splits off the bytes before the next delimiter.
    #[inline]
    fn cut(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if let Some(end) = memchr(self.delimiter, bytes) {
            self.rest = Some(&bytes[end + 1..]);
            &bytes[..end]
        } else {
            self.rest = None;
            bytes
        }
    }

    /// The bytes after the opening quote of the next field; `None` if it has none.
    fn behind_opening_quote(&self, mut bytes: &'a [u8]) -> Option<&'a [u8]> {
        loop {
            match bytes.first()? {
                b'"' => return Some(&bytes[1..]),
                byte if *byte == self.delimiter => return None,
                _ => match blank_len(bytes) {
                    0 => return None,
                    len => bytes = &bytes[len..],
                },
            }
        }
    }

    /// Splits off the field whose bytes follow an opening quote. The field is copied only if it
    /// contains doubled quotes.
    fn cut_quoted(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut copy: Option<Vec<u8>> = None;
        let mut from = 0;
        loop {
            let quote = memchr(b'"', &bytes[from..]).map_or(bytes.len(), |len| from + len);
            let part = &bytes[from..quote];
            if bytes.get(quote + 1) == Some(&b'"') {
                let copy = copy.get_or_insert_default();
                copy.extend_from_slice(part);
                copy.push(b'"');
                from = quote + 2;
                continue;
            }
            // Between a closing quote and the delimiter there are at most blanks.
            self.cut(&bytes[quote..]);
            return match copy {
                None => Cow::Borrowed(part),
                Some(mut copy) => {
                    copy.extend_from_slice(part);
                    Cow::Owned(copy)
                }
            };
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Cow<'a, [u8]>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.rest?;
        if self.quoted
            && let Some(quoted) = self.behind_opening_quote(bytes)
        {
            return Some(self.cut_quoted(quoted));
        }
        Some(Cow::Borrowed(self.cut(bytes)))
    }

    /// Only counts delimiters if the record has no quotes.
    fn count(self) -> usize {
        match self.rest {
            Some(rest) if !self.quoted => 1 + memchr_iter(self.delimiter, rest).count(),
            _ => self.fold(0, |count, _| count + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Fields<'_> {
        let shape = if text.contains('"') {
            Shape::Quoted
        } else {
            Shape::Plain
        };
        Fields::new(text.as_bytes(), shape, b',')
    }

    fn fields(text: &str) -> Vec<String> {
        let fields: Vec<_> = all(text)
            .map(|field| String::from_utf8(field.into_owned()).unwrap())
            .collect();
        assert_eq!(all(text).count(), fields.len());
        fields
    }

    fn look(text: &str) -> Scan {
        scan(Dialect::default(), text.as_bytes(), 0, State::FieldStart)
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
        assert_eq!(fields(r#""","""","""a""""#), ["", "\"", "\"a\""]);
        assert_eq!(fields(r#"a"b, "c" ,d"#), [r#"a"b"#, "c", "d"]);
        assert_eq!(fields("\u{feff}\u{a0}\"a\"\u{a0},b"), ["a", "b"]);
    }

    #[test]
    fn a_tab_that_separates_is_no_blank() {
        let fields: Vec<_> = Fields::new(b"a\t\t \"b\t\"\t", Shape::Quoted, b'\t').collect();
        assert_eq!(fields, [&b"a"[..], b"", b"b\t", b""]);
    }

    #[test]
    fn only_fields_that_must_be_are_copied() {
        let kinds: Vec<bool> = all(r#"a, "b","c""d""#)
            .map(|field| matches!(field, Cow::Owned(_)))
            .collect();
        assert_eq!(kinds, [false, false, true]);
    }

    #[test]
    fn a_record_ends_at_a_line_end_outside_quotes() {
        for (text, end) in [
            ("a,\"b\nc\"\nd", 7),
            ("a,\"b\nc\" \r\nd", 9),
            ("a\"\n", 2),
            ("\"a\"\"\n\"\n", 6),
        ] {
            assert_eq!(look(text), Scan::End(end, Shape::Quoted), "{text:?}");
        }
        let inside = State::Quoted { spans: true };
        assert_eq!(look("a,\"b\nc"), Scan::Open(6, inside));
        let behind = State::QuoteInQuoted { spans: false };
        assert_eq!(look("\"a\""), Scan::Open(3, behind));
    }

    #[test]
    fn a_record_breaks_in_a_line() {
        for (text, fault) in [
            ("\"a\"b,\"c\nd", Fault::BehindQuote),
            ("\"a\" \"b\"\"\n", Fault::BehindQuote),
            ("a\rb,\"c\n", Fault::BareReturn),
            ("\"a\"\rb\n", Fault::BareReturn),
            ("\"a\nb\",\"c\"d\n", Fault::BehindQuote),
        ] {
            let end = text.rfind('\n').filter(|_| !text.ends_with('d'));
            let end = end.unwrap_or_else(|| text.find('\n').unwrap_or(0));
            assert_eq!(look(text), Scan::End(end, Shape::Broken(fault)), "{text:?}");
        }
    }

    #[test]
    fn text_behind_quotes_that_span_lines_is_seen() {
        assert_eq!(look("a,\"b\nc,\"d\n"), Scan::Stray(8));
        assert_eq!(look("a,\"b\n\"\rc\n"), Scan::Stray(7));
    }
}

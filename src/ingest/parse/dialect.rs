use memchr::{memchr, memchr_iter, memchr2};

use crate::text::{blank_len, trim_bytes};

/// How a file separates fields and records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The character that ends a field: ASCII, neither a quote nor part of a line end.
    pub(super) delimiter: u8,
    pub(super) line_end: LineEnd,
}

/// The kind of line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// LF, with or without carriage returns before it.
    Feed,
    /// LF, CRLF, or a carriage return alone: for files whose first line ends with the latter.
    Any,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            line_end: LineEnd::Feed,
        }
    }
}

impl Dialect {
    /// The delimiter that a line such as `sep=;` declares. Spreadsheets write it above the header.
    pub(super) fn declared_delimiter(line: &[u8]) -> Option<u8> {
        // A tab is white space, and may be what is declared.
        let line = line.strip_suffix(b"\"").unwrap_or(line);
        let (start, delimiter) = line.split_at_checked(line.len().checked_sub(1)?)?;
        let start = trim_bytes(start);
        let start = start.strip_prefix(b"\"").unwrap_or(start);
        let delimiter = delimiter[0];
        let separates = delimiter == b'\t' || delimiter.is_ascii_punctuation() && delimiter != b'"';
        (start.eq_ignore_ascii_case(b"sep=") && separates).then_some(delimiter)
    }

    /// Index of the first byte of the first line end.
    #[inline]
    pub(super) fn end_of_line(self, bytes: &[u8]) -> Option<usize> {
        match self.line_end {
            LineEnd::Feed => memchr(b'\n', bytes),
            LineEnd::Any => memchr2(b'\r', b'\n', bytes),
        }
    }

    /// The number of line ends.
    pub(super) fn line_ends(self, bytes: &[u8]) -> u64 {
        let feeds = memchr_iter(b'\n', bytes).count();
        let returns = match self.line_end {
            LineEnd::Feed => 0,
            LineEnd::Any => memchr_iter(b'\r', bytes)
                .filter(|at| bytes.get(at + 1) != Some(&b'\n'))
                .count(),
        };
        (feeds + returns) as u64
    }

    /// Whether a record without quotes has only empty fields.
    #[inline]
    pub(super) fn is_blank(self, mut record: &[u8]) -> bool {
        while let Some(byte) = record.first() {
            let len = if *byte == self.delimiter {
                1
            } else if byte.is_ascii_graphic() {
                0
            } else {
                blank_len(record)
            };
            if len == 0 {
                return false;
            }
            record = &record[len..];
        }
        true
    }
}

/// Length in bytes of the line end at that index.
pub(super) fn line_end_len(bytes: &[u8], at: usize) -> usize {
    let is_pair = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
    1 + usize::from(is_pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_declared() {
        for (line, delimiter) in [
            (&b"sep=;"[..], Some(b';')),
            (b"SEP=,", Some(b',')),
            (b"\xef\xbb\xbfsep=|", Some(b'|')),
            (b"sep=\t", Some(b'\t')),
            (b"\"sep=;\"", Some(b';')),
            (b"sep=", None),
            (b"sep=;;", None),
            (b"sep=x", None),
            (b"sep=\"", None),
            (b"sep= ", None),
            (b"step=;", None),
            (b"", None),
        ] {
            assert_eq!(Dialect::declared_delimiter(line), delimiter, "{line:?}");
        }
    }

    #[test]
    fn lines_are_counted() {
        let lines = |line_end| {
            let dialect = Dialect {
                line_end,
                ..Dialect::default()
            };
            dialect.line_ends(b"a\r\nb\nc\rd\r\r\n\n")
        };
        assert_eq!(lines(LineEnd::Feed), 4);
        assert_eq!(lines(LineEnd::Any), 6);
    }

    #[test]
    fn records_of_empty_fields_are_blank() {
        let is_blank = |text: &str| Dialect::default().is_blank(text.as_bytes());
        for text in ["", ",,,,", " , \t,\r", "\u{feff}", "\u{a0},\u{200b}"] {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["x", ",,x", ";", "\u{feff}x", "ž", "\0"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }
}

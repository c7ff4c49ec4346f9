//! The reader against a slow, obvious one: a character after the other, each record for itself.
#![expect(
    clippy::unwrap_used,
    reason = "for tests only: each has just been looked for"
)]

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

use super::chunk::{Fault, Record, Shape};
use super::quoting;
use super::{OpenError, RecordChunk, RecordReader};
use crate::text::is_blank;

/// The header of the plain format.
pub(super) const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource\n";

type Fields = Vec<String>;
/// A record's line, and its fields or why it has none.
type Read = (u64, Result<Fields, Fault>);

/// What became of a record, and the characters it took up without its line end.
enum Cut {
    Row(Fields, usize),
    Broken(Fault, usize),
    /// Only the line it begins on is given up.
    Unclosed,
}

#[derive(Clone, Copy)]
struct Oracle {
    /// Whether a carriage return alone ends a line.
    any_end: bool,
    max_record: usize,
}

impl Oracle {
    /// The length of the line end that the text begins with: in other than files of carriage
    /// returns, those before a line feed, or before the end, are a part of it.
    fn line_end(self, text: &[char]) -> Option<usize> {
        let returns = text.iter().take_while(|c| **c == '\r').count();
        match (text.first(), text.get(1)) {
            (None, _) => Some(0),
            (Some('\n'), _) => Some(1),
            (Some('\r'), Some('\n')) => Some(2),
            (Some('\r'), _) if self.any_end => Some(1),
            (Some('\r'), _) => match text.get(returns) {
                Some('\n') => Some(returns + 1),
                None => Some(returns),
                Some(_) => None,
            },
            _ => None,
        }
    }

    /// The length of the first line, without its end.
    fn line(self, text: &[char]) -> usize {
        (0..=text.len())
            .find(|at| self.line_end(&text[*at..]).is_some())
            .unwrap()
    }

    /// Where the line of that index ends.
    fn rest_of_line(self, text: &[char], at: usize) -> usize {
        at + self.line(&text[at..])
    }

    fn record(self, text: &[char]) -> Cut {
        let (mut fields, mut at) = (Vec::new(), 0);
        loop {
            let mut start = at;
            while text
                .get(start)
                .is_some_and(|c| is_blank(*c) && !"\r\n".contains(*c))
            {
                start += 1;
            }
            let mut field = String::new();
            let mut spans = None;
            if text.get(start) == Some(&'"') {
                at = start + 1;
                loop {
                    match (text.get(at), text.get(at + 1)) {
                        (None, _) => return Cut::Unclosed,
                        (Some('"'), Some('"')) => {
                            field.push('"');
                            at += 2;
                        }
                        (Some('"'), _) => break,
                        (Some(c), _) => {
                            field.push(*c);
                            at += 1;
                        }
                    }
                }
                let inside = &text[start..at];
                spans = Some(inside.contains(&'\n') || self.any_end && inside.contains(&'\r'));
                at += 1;
                while text
                    .get(at)
                    .is_some_and(|c| is_blank(*c) && !"\r\n".contains(*c))
                {
                    at += 1;
                }
            } else {
                while self.line_end(&text[at..]).is_none() && !matches!(text[at], ',' | '\r') {
                    field.push(text[at]);
                    at += 1;
                }
            }
            fields.push(field);
            if self.line_end(&text[at..]).is_some() {
                return Cut::Row(fields, at);
            }
            match (text[at], spans) {
                (',', _) => at += 1,
                (_, Some(true)) => return Cut::Unclosed,
                ('\r', _) => return Cut::Broken(Fault::BareReturn, self.rest_of_line(text, at)),
                _ => return Cut::Broken(Fault::BehindQuote, self.rest_of_line(text, at)),
            }
        }
    }

    fn read(self, text: &str) -> Vec<Read> {
        let text: Vec<char> = text.chars().collect();
        let (mut rest, mut line, mut records) = (&text[..], 1, Vec::new());
        while !rest.is_empty() {
            // Up to its line feed, or the end, or the carriage return where that ends lines.
            let len = |len: usize| {
                let returns = if self.any_end {
                    0
                } else {
                    rest[len..].iter().take_while(|c| **c == '\r').count()
                };
                rest[..len + returns].iter().collect::<String>().len()
            };
            let first_line = self.line(rest);
            let (outcome, end) = match self.record(rest) {
                Cut::Row(fields, end) if len(end) <= self.max_record => (Ok(fields), end),
                Cut::Broken(fault, end) if len(end) <= self.max_record => (Err(fault), end),
                _ if len(first_line) > self.max_record => (Err(Fault::TooLong), first_line),
                _ => (Err(Fault::Unclosed), first_line),
            };
            let is_blank_row =
                |fields: &Fields| fields.iter().all(|field| field.chars().all(is_blank));
            if !outcome.as_ref().is_ok_and(is_blank_row) {
                records.push((line, outcome));
            }
            let end = end + self.line_end(&rest[end..]).unwrap();
            let taken: String = rest[..end].iter().collect();
            line += if self.any_end {
                taken.replace("\r\n", "\n").replace('\r', "\n")
            } else {
                taken
            }
            .matches('\n')
            .count() as u64;
            rest = &rest[end..];
        }
        records
    }
}

/// A source that gives few bytes at a time.
pub(super) struct Trickle(pub(super) Cursor<Vec<u8>>, pub(super) usize);

impl std::io::Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(self.1);
        self.0.read(&mut buffer[..len])
    }
}

impl std::io::Seek for Trickle {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

fn record(record: Record<'_>, line: u64) -> Read {
    let fields = match record.shape {
        Shape::Broken(fault) => Err(fault),
        shape => Ok(quoting::Fields::new(record.bytes, shape, b',')
            .map(|field: Cow<'_, [u8]>| String::from_utf8(field.into_owned()).unwrap())
            .collect()),
    };
    (line, fields)
}

/// Fields without quotes keep their blanks, which are nobody's business: they are trimmed later.
fn trimmed(mut read: Vec<Read>) -> Vec<Read> {
    for (_, fields) in &mut read {
        for field in fields.iter_mut().flatten() {
            *field = field.trim_matches(is_blank).to_owned();
        }
    }
    read
}

/// Reads a file behind a header, in steps of some records; reads it again from each of the places
/// between, as after a crash.
pub(super) fn assert_as_oracle(
    text: &str,
    any_end: bool,
    (max_record, buffer, trickle, step): (usize, usize, usize, usize),
) {
    let header = if any_end {
        HEADER.replace('\n', "\r")
    } else {
        HEADER.to_owned()
    };
    // What follows must not make another line end of the header's.
    let text = text.trim_start_matches(['\r', '\n']);
    let file = format!("{header}{text}").into_bytes();
    let open = || {
        let source = Trickle(Cursor::new(file.clone()), trickle);
        RecordReader::with_limits(source, &Arc::default(), max_record, max_record + 3 + buffer)
    };
    if open().is_err_and(|error| matches!(error, OpenError::AmbiguousDates { .. })) {
        return;
    }
    let open = || open().unwrap();
    let read_all = |reader: &mut RecordReader<Trickle>| {
        let mut chunk = RecordChunk::new();
        let (mut records, mut places) = (Vec::new(), vec![(reader.position(), 0)]);
        while reader.fill(&mut chunk, step).unwrap() {
            records.extend(chunk.iter().map(|found| record(found, found.line() - 1)));
            places.push((reader.position(), records.len()));
        }
        assert_eq!(reader.bytes_read(), file.len() as u64);
        (records, places)
    };
    let (records, places) = read_all(&mut open());
    let oracle = Oracle {
        any_end,
        max_record,
    };
    assert_eq!(
        trimmed(records.clone()),
        trimmed(oracle.read(text)),
        "{text:?}"
    );
    for (position, read) in places {
        let mut reader = open();
        reader.seek(position).unwrap();
        assert_eq!(read_all(&mut reader).0, records[read..], "{text:?}");
    }
}

//! Cutting a file into records.

mod opening;

use std::io::{self, Read, Seek};

use memchr::memchr3;

use super::chunk::{Fault, Position, RAW_BYTES, RecordChunk, Shape};
use super::dialect::{Dialect, LineEnd, line_end_len};
use super::header::Header;
use super::input::Input;
use super::quoting::{Fields, Scan, State, scan};
use crate::text::trim_bytes;

/// The longest record that is read, in bytes without its line feed: 64 KiB.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// A chunk with this many bytes is full, however few records it has.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// Splits a CSV file into records, in order and with bounded memory: a buffer of 1 MiB, and chunks
/// of at most about 4 MiB, whatever the file contains.
///
/// A record that violates the dialect is returned as broken, up to the end of the violating line.
/// If a quote is opened and never closed, only the line on which the record begins is broken, and
/// reading continues at the next line. The same applies if the closing quote is on a later line and
/// followed by text: then it is probably the opening quote of another field. A line longer than
/// [`MAX_RECORD_BYTES`] is skipped without being stored.
///
/// A file in which many lines open quotes that are never closed is still read in linear time. At
/// the beginning of a line inside quotes, the following states do not depend on where the quotes
/// were opened. So the result of one look-ahead is valid for the lines that it passed, and their
/// look-ahead continues where it ended.
#[derive(Debug)]
pub struct RecordReader<R> {
    input: Input<R>,
    dialect: Dialect,
    header: Header,
    max_record: usize,
    /// Position in the file of the unread part.
    position: Position,
    lookahead: Option<Lookahead>,
    /// Whether the input ends before the file does: its last record may be cut.
    is_beginning: bool,
}

/// The last look-ahead that did not find the end of its record. Each line that it passed begins
/// inside quotes if the line before it ends inside quotes.
#[derive(Debug, Clone, Copy)]
struct Lookahead {
    /// The offset in the file at which it ended.
    until: u64,
    /// The state there; `None` if it found text after a closing quote.
    state: Option<State>,
}

/// The next record of the buffer.
#[derive(Debug, Clone, Copy)]
struct Found {
    shape: Shape,
    /// Length in bytes, without the line end.
    len: usize,
    /// The number of bytes to skip, and of the line ends in them.
    taken: usize,
    lines: u64,
}

impl<R: Read + Seek> RecordReader<R> {
    /// The source of the bytes.
    pub const fn source(&self) -> &R {
        self.input.source()
    }

    /// The header of the file.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the file up to the end of the last record returned.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.position.offset
    }

    /// The position at which the next record is searched.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Numbers the lines as if so many came before the file.
    pub const fn number_lines_after(&mut self, lines: u64) {
        self.position.line += lines;
    }

    /// Continues at an earlier [`position`](Self::position) of this reader or of another reader of
    /// the same file.
    pub fn seek(&mut self, position: Position) -> io::Result<()> {
        self.input.seek(position.offset)?;
        self.position = position;
        self.lookahead = None;
        Ok(())
    }

    /// Replaces the chunk's records with the next ones, at most `max_records` (at least 1), fewer
    /// if they are long. Returns `false` at the end of the file, when the chunk is empty.
    pub fn fill(&mut self, chunk: &mut RecordChunk, max_records: usize) -> io::Result<bool> {
        chunk.clear();
        while chunk.len() < max_records.max(1) && chunk.bytes() < CHUNK_BYTES {
            let Some(found) = self.find()? else { break };
            if found.len > 0 {
                chunk.push(self.bytes(found), self.position, found.shape);
            }
            self.pass(found.taken, found.lines);
            if found.shape == Shape::Broken(Fault::TooLong) {
                self.pass_line()?;
            }
        }
        chunk.set_end(self.position);
        Ok(!chunk.is_empty())
    }

    /// The next record, completely in the buffer. If it is too long, only its beginning;
    /// [`Self::pass_line`] skips the rest. A `len` of 0 is a blank line.
    #[inline]
    fn find(&mut self) -> io::Result<Option<Found>> {
        self.refill()?;
        let unread = self.unread();
        if unread.is_empty() {
            return Ok(None);
        }
        let window = &unread[..unread.len().min(self.max_record + 1)];
        Ok(Some(match memchr3(b'\n', b'\r', b'"', window) {
            Some(end) if window[end] == b'\n' => self.line(end, end, Shape::Plain),
            Some(end) if window[end] == b'\r' && window.get(end + 1) == Some(&b'\n') => {
                self.line(end, end + 1, Shape::Plain)
            }
            Some(end) if window[end] == b'\r' && self.dialect.line_end == LineEnd::Any => {
                self.line(end, end, Shape::Plain)
            }
            None if window.len() <= self.max_record => return Ok(self.last(Shape::Plain)),
            None => self.too_long(),
            Some(_) => return Ok(self.find_irregular()),
        }))
    }

    /// The next record, if it has quotes, or carriage returns that do not end a line.
    #[cold]
    #[inline(never)]
    fn find_irregular(&mut self) -> Option<Found> {
        let dialect = self.dialect;
        let unread = self.unread();
        let is_last = unread.len() <= self.max_record;
        let window = if is_last {
            unread
        } else {
            whole_characters(&unread[..=self.max_record])
        };
        let line_end = dialect.end_of_line(window);
        let first_line = &window[..line_end.unwrap_or(window.len())];
        let state = match scan(dialect, first_line, 0, State::FieldStart) {
            Scan::Open(_, state) => state,
            // There is no line end in it.
            Scan::End(..) | Scan::Stray(_) => State::Field,
        };
        let Some(line_end) = line_end else {
            return if is_last {
                self.last(state.shape())
            } else {
                Some(self.too_long())
            };
        };
        if !state.is_quoted() {
            return Some(self.line(line_end, line_end, state.shape()));
        }

        // It runs on over the line's end. Lines that an earlier look-ahead passed need no second one.
        let offset = self.position.offset;
        let next_line = line_end + line_end_len(unread, line_end);
        let scanned = match self.lookahead {
            Some(Lookahead { until, state }) if until >= offset + next_line as u64 => {
                // It was in the buffer then, and is so now.
                let until = usize::try_from(until - offset).unwrap_or(usize::MAX);
                match state {
                    Some(state) => scan(dialect, window, until, state),
                    None => Scan::Stray(until),
                }
            }
            _ => scan(dialect, window, next_line, State::Quoted { spans: true }),
        };
        let (until, state) = match scanned {
            Scan::End(end, shape) => return Some(self.line(end, end, shape)),
            Scan::Open(_, state) if is_last && !state.is_quoted() => {
                return self.last(state.shape());
            }
            // The quote may be closed in the rest of the file.
            Scan::Open(..) if is_last && self.is_beginning => return None,
            Scan::Open(until, state) => (until, Some(state)),
            Scan::Stray(until) => (until, None),
        };
        let found = self.line(line_end, line_end, Shape::Broken(Fault::Unclosed));
        self.lookahead = Some(Lookahead {
            until: offset + until as u64,
            state,
        });
        Some(found)
    }

    /// A record of `len` bytes, including carriage returns before a line feed. Its line end begins
    /// at `len`; `end` is the same index or, on the fast path, that of the line feed.
    #[inline]
    fn line(&self, len: usize, end: usize, shape: Shape) -> Found {
        let record = &self.unread()[..len];
        let lines = if shape == Shape::Plain {
            0
        } else {
            self.dialect.line_ends(record)
        };
        Found {
            shape,
            len: self.content(record, shape),
            taken: end + line_end_len(self.unread(), end),
            lines: lines + 1,
        }
    }

    /// A record that ends with the file; `None` if the file goes on.
    fn last(&self, shape: Shape) -> Option<Found> {
        if self.is_beginning {
            return None;
        }
        let record = self.unread();
        Some(Found {
            shape,
            len: self.content(record, shape),
            taken: record.len(),
            lines: self.dialect.line_ends(record),
        })
    }

    /// A line that is longer than the maximum record length.
    fn too_long(&self) -> Found {
        let len = RAW_BYTES.min(self.max_record);
        Found {
            shape: Shape::Broken(Fault::TooLong),
            len,
            taken: len,
            lines: 0,
        }
    }

    /// The length without the carriage returns before a line feed; 0 if all fields are empty.
    #[inline]
    fn content(&self, record: &[u8], shape: Shape) -> usize {
        let returns = record
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\r')
            .count();
        let record = &record[..record.len() - returns];
        let is_blank = match shape {
            Shape::Plain => self.dialect.is_blank(record),
            Shape::Quoted => Fields::new(record, shape, self.dialect.delimiter)
                .all(|field| trim_bytes(&field).is_empty()),
            Shape::Broken(_) => false,
        };
        if is_blank { 0 } else { record.len() }
    }

    /// Skips the rest of a line of any length.
    fn pass_line(&mut self) -> io::Result<()> {
        loop {
            match self.dialect.end_of_line(self.unread()) {
                // A line feed may follow.
                Some(end) if end + 1 == self.unread().len() && !self.input.is_at_end() => {
                    self.pass(end, 0);
                }
                Some(end) => {
                    let len = line_end_len(self.unread(), end);
                    self.pass(end + len, 1);
                    return Ok(());
                }
                None => self.pass(self.unread().len(), 0),
            }
            if self.input.is_at_end() {
                return Ok(());
            }
            self.input.fill()?;
        }
    }

    /// The record's bytes.
    fn bytes(&self, found: Found) -> &[u8] {
        &self.unread()[..found.len]
    }

    fn unread(&self) -> &[u8] {
        self.input.unread()
    }

    #[inline]
    const fn pass(&mut self, bytes: usize, lines: u64) {
        self.input.skip(bytes);
        self.position.offset += bytes as u64;
        self.position.line += lines;
    }

    /// Ensures that the buffer has the longest record with its line end, or the rest of the file.
    #[inline]
    fn refill(&mut self) -> io::Result<()> {
        self.input.refill(self.max_record + 2)
    }
}

/// The bytes without an incomplete character at the end.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let is_cut = |len: &usize| {
        let tail = &bytes[bytes.len() - len..];
        std::str::from_utf8(tail).is_err_and(|error| error.error_len().is_none())
    };
    let cut = (1..=bytes.len().min(3)).find(is_cut).unwrap_or(0);
    &bytes[..bytes.len() - cut]
}

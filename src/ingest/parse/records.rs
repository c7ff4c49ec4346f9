use std::io::{self, Read, Seek, SeekFrom};

use memchr::{memchr, memchr_iter, memchr2};

use super::chunk::{Position, RAW_BYTES, RecordChunk, Shape};
use super::header::{Header, OpenError};
use super::quoting::{Scan, State, scan};

/// The longest record that is read, in bytes without its line feed: 64 KiB.
pub const MAX_RECORD_BYTES: usize = 64 * 1024;
/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1024 * 1024;
/// A chunk that holds as many bytes is full, however few its records are.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

/// Cuts a CSV file into records, in order and with bounded memory: a buffer of 1 MiB, and chunks of
/// about 4 MiB at most, whatever the file holds.
///
/// A record longer than [`MAX_RECORD_BYTES`] is handed out as broken. If it is a single line, the
/// line is passed over without being kept. If it runs over several lines, then a quote was probably
/// never closed: only the physical line it begins on is given up, and reading goes on at the next
/// one. The same holds for a record that the file's end finds inside quotes.
///
/// A file in which many lines open such quotes is still read in linear time. At a line's beginning
/// inside quotes, what follows does not depend on where they were opened. So what one look-ahead
/// found (inside quotes up to here) holds for the lines after it, and theirs goes on where it ended.
#[derive(Debug)]
pub struct RecordReader<R> {
    source: R,
    header: Header,
    buffer: Box<[u8]>,
    /// The unread part of the buffer.
    start: usize,
    end: usize,
    at_end_of_file: bool,
    /// Where the unread part begins in the file.
    position: Position,
    /// How far the last look-ahead came that did not find its record's end, and in which state: all
    /// lines it passed begin inside quotes, if the line before them ends so.
    open_until: Option<(u64, State)>,
}

/// The next record of the buffer.
#[derive(Debug, Clone, Copy)]
struct Found {
    shape: Shape,
    /// Its bytes, without line end.
    len: usize,
    /// The bytes to pass over, and the line feeds among them.
    taken: usize,
    lines: u64,
}

impl<R: Read + Seek> RecordReader<R> {
    /// Reads the byte order mark, if there is one, and the header row.
    pub fn open(source: R) -> Result<Self, OpenError> {
        let mut reader = Self {
            source,
            header: Header::default(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            at_end_of_file: false,
            position: Position { offset: 0, line: 1 },
            open_until: None,
        };
        reader.source.rewind()?;
        reader.fill_buffer()?;
        if reader.unread().starts_with(b"\xEF\xBB\xBF") {
            reader.pass(3, 0);
        }
        reader.skip_blank_lines()?;
        let Some(found) = reader.find()? else {
            return Err(OpenError::Empty);
        };
        reader.header = Header::read(&reader.unread()[..found.len], found.shape)?;
        reader.pass(found.taken, found.lines);
        Ok(reader)
    }

    /// What is read.
    pub const fn source(&self) -> &R {
        &self.source
    }

    /// Which column is where.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Bytes of the file up to the end of the last record handed out.
    #[must_use]
    pub const fn bytes_read(&self) -> u64 {
        self.position.offset
    }

    /// Where the next record is looked for.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Goes on from a position that this reader, or another one of the same file, once stood at.
    pub fn seek(&mut self, position: Position) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(position.offset))?;
        self.position = position;
        self.start = 0;
        self.end = 0;
        self.at_end_of_file = false;
        self.open_until = None;
        Ok(())
    }

    /// Replaces the chunk's records with the next ones, at most `max_records` (at least 1), or fewer
    /// where they are long. `false`: the file is at its end and the chunk empty.
    pub fn fill(&mut self, chunk: &mut RecordChunk, max_records: usize) -> io::Result<bool> {
        chunk.clear();
        while chunk.len() < max_records.max(1) && chunk.bytes() < CHUNK_BYTES {
            let Some(found) = self.find()? else { break };
            if found.len > 0 {
                let record = &self.buffer[self.start..self.start + found.len];
                chunk.push(record, self.position, found.shape);
            }
            self.pass(found.taken, found.lines);
            if found.shape == Shape::TooLong {
                self.pass_line()?;
            }
        }
        chunk.set_end(self.position);
        Ok(!chunk.is_empty())
    }

    /// The next record, wholly in the buffer (of one that is too long, the beginning; its rest is
    /// for [`Self::pass_line`]). `len` 0: a blank line.
    #[inline]
    fn find(&mut self) -> io::Result<Option<Found>> {
        if self.end - self.start <= MAX_RECORD_BYTES + 1 && !self.at_end_of_file {
            self.fill_buffer()?;
        }
        let unread = self.unread();
        if unread.is_empty() {
            return Ok(None);
        }
        let window = &unread[..unread.len().min(MAX_RECORD_BYTES + 1)];
        Ok(Some(match memchr2(b'\n', b'"', window) {
            Some(end) if window[end] == b'\n' => line(window, end, Shape::Plain),
            Some(_) => self.find_quoted(),
            None if window.len() <= MAX_RECORD_BYTES => last(window, Shape::Plain),
            None => too_long(),
        }))
    }

    /// The next record, where there are quotes.
    #[cold]
    #[inline(never)]
    fn find_quoted(&mut self) -> Found {
        let unread = self.unread();
        let window = &unread[..unread.len().min(MAX_RECORD_BYTES + 1)];
        let is_last = window.len() <= MAX_RECORD_BYTES;
        let line_end = memchr(b'\n', window);
        let first_line = &window[..line_end.unwrap_or(window.len())];
        let Scan::Open(state) = scan(first_line, 0, State::FieldStart) else {
            // No line feed, no end: cannot be.
            return line(window, first_line.len(), Shape::Quoted);
        };
        let Some(line_end) = line_end else {
            return match (is_last, state) {
                (false, _) => too_long(),
                (true, State::Quoted) => last(window, Shape::Unclosed),
                (true, _) => last(window, Shape::Quoted),
            };
        };
        if state != State::Quoted {
            return line(window, line_end, Shape::Quoted);
        }

        // It runs on over the line's end. Lines that an earlier look-ahead passed need no second one.
        let offset = self.position.offset;
        let (from, state) = match self.open_until {
            Some((until, state)) if until > offset + line_end as u64 => {
                // At most the window's end: the windows' ends move with their beginnings.
                let from = usize::try_from(until - offset).unwrap_or(window.len());
                (from.min(window.len()), state)
            }
            _ => (line_end + 1, State::Quoted),
        };
        match scan(window, from, state) {
            Scan::End(end) => {
                let lines = memchr_iter(b'\n', &window[..end]).count();
                let mut found = line(window, end, Shape::Quoted);
                found.lines += lines as u64;
                found
            }
            Scan::Open(State::FieldStart | State::Field | State::QuoteInQuoted) if is_last => {
                let mut found = last(window, Shape::Quoted);
                found.lines = memchr_iter(b'\n', window).count() as u64;
                found
            }
            Scan::Open(state) => {
                let found = line(window, line_end, Shape::Unclosed);
                self.open_until = Some((offset + window.len() as u64, state));
                found
            }
        }
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        while let Some(found) = self.find()? {
            if found.len > 0 {
                break;
            }
            self.pass(found.taken, found.lines);
        }
        Ok(())
    }

    /// Passes over the rest of a line of any length.
    fn pass_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = memchr(b'\n', self.unread()) {
                self.pass(end + 1, 1);
                return Ok(());
            }
            self.pass(self.end - self.start, 0);
            if self.at_end_of_file {
                return Ok(());
            }
            self.fill_buffer()?;
        }
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    const fn pass(&mut self, bytes: usize, lines: u64) {
        self.start += bytes;
        self.position.offset += bytes as u64;
        self.position.line += lines;
    }

    /// Moves the unread part to the buffer's front and reads until the buffer is full or the file at
    /// its end.
    #[cold]
    #[inline(never)]
    fn fill_buffer(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < self.buffer.len() && !self.at_end_of_file {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end_of_file = true,
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// A record that ends at the line feed `end`.
#[inline]
fn line(window: &[u8], end: usize, shape: Shape) -> Found {
    Found {
        shape,
        len: content(&window[..end]),
        taken: end + 1,
        lines: 1,
    }
}

/// A record that ends with the file.
fn last(window: &[u8], shape: Shape) -> Found {
    Found {
        shape,
        len: content(window),
        taken: window.len(),
        lines: 0,
    }
}

/// A line that does not end within reach.
const fn too_long() -> Found {
    Found {
        shape: Shape::TooLong,
        len: RAW_BYTES,
        taken: RAW_BYTES,
        lines: 0,
    }
}

/// The length without the carriage return of a CRLF; 0 if the line is blank.
#[inline]
fn content(line: &[u8]) -> usize {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        0
    } else {
        line.len()
    }
}

/// Maximum number of characters of a rejected row that are stored.
pub(super) const RAW_CHARS: usize = 1_000;
/// Number of bytes that contain [`RAW_CHARS`] characters of any length.
pub(super) const RAW_BYTES: usize = 4 * RAW_CHARS;

/// A position in a file where a record may begin, as a checkpoint stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The physical line, counted from 1.
    pub line: u64,
}

/// The kind of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// No quotes and no stray carriage returns.
    Plain,
    /// Possibly with quotes, all of which are closed.
    Quoted,
    /// Can't be split into fields; the chunk may have only its beginning.
    Broken(Fault),
}

/// Why a record can't be split into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The line is longer than [`MAX_RECORD_BYTES`](super::MAX_RECORD_BYTES).
    TooLong,
    /// A quote is not closed within the maximum record length, or its closing quote is the opening
    /// quote of a later line.
    Unclosed,
    /// Text follows a closing quote.
    BehindQuote,
    /// A carriage return outside quotes does not end a line.
    BareReturn,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    position: Position,
    end: usize,
    shape: Shape,
}

/// Consecutive records of a file, in one buffer that is reused for the next records.
#[derive(Debug, Default)]
pub struct RecordChunk {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    end: Option<Position>,
}

impl RecordChunk {
    /// An empty chunk, which allocates when it is filled.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            entries: Vec::new(),
            end: None,
        }
    }

    /// Number of records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no records.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Total bytes of the records, without line ends.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Position after the last record, where the next chunk begins. `None` before the first fill.
    #[must_use]
    pub const fn end(&self) -> Option<Position> {
        self.end
    }

    /// The record of that number, counted from 0.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        let entry = self.entries.get(index)?;
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.entries[before].end);
        Some(Record {
            bytes: &self.bytes[start..entry.end],
            position: entry.position,
            shape: entry.shape,
        })
    }

    /// The records in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Record<'_>> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let bytes = &self.bytes[start..entry.end];
            start = entry.end;
            Record {
                bytes,
                position: entry.position,
                shape: entry.shape,
            }
        })
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.end = None;
    }

    pub(super) fn push(&mut self, bytes: &[u8], position: Position, shape: Shape) {
        let kept = match shape {
            Shape::Plain | Shape::Quoted => bytes,
            Shape::Broken(_) => &bytes[..bytes.len().min(RAW_BYTES)],
        };
        self.bytes.extend_from_slice(kept);
        self.entries.push(Entry {
            position,
            end: self.bytes.len(),
            shape,
        });
    }

    pub(super) const fn set_end(&mut self, end: Position) {
        self.end = Some(end);
    }

    #[cfg(test)]
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

/// One record of a chunk: one row of the file.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: Position,
    pub(super) shape: Shape,
}

impl<'a> Record<'a> {
    /// The record as in the file; the beginning of a broken one.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The physical line the record begins on; the header is line 1.
    #[must_use]
    pub const fn line(self) -> u64 {
        self.position.line
    }

    /// Its position in the file.
    #[must_use]
    pub const fn position(self) -> Position {
        self.position
    }

    /// The record as in the file, for display: its first 1,000 characters, bytes that are
    /// not UTF-8 and NUL as `U+FFFD`.
    #[must_use]
    pub fn raw(self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.bytes.len().min(RAW_BYTES)])
            .chars()
            .take(RAW_CHARS)
            .map(|c| {
                if c == '\0' {
                    char::REPLACEMENT_CHARACTER
                } else {
                    c
                }
            })
            .collect()
    }
}

/// Characters of a rejected row that are kept.
pub(super) const RAW_CHARS: usize = 1_000;
/// Bytes that hold [`RAW_CHARS`] characters, whichever they are.
pub(super) const RAW_BYTES: usize = 4 * RAW_CHARS;

/// A place in a file where a record may begin: what a checkpoint keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The physical line, counted from 1.
    pub line: u64,
}

/// What kind of record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Neither quotes nor stray carriage returns.
    Plain,
    /// Perhaps with quotes; they pair.
    Quoted,
    /// Not to be cut into fields; perhaps only its beginning is here.
    Broken(Fault),
}

/// Why a record can't be cut into fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A line that is too long.
    TooLong,
    /// A line with a quote that is not closed within reach, or whose closing quote is the opening
    /// one of another line.
    Unclosed,
    /// Text follows a closing quote.
    BehindQuote,
    /// A carriage return that ends no line stands outside quotes.
    BareReturn,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    position: Position,
    end: usize,
    shape: Shape,
}

/// Many records of a file, in one arena that is used again for the next ones.
#[derive(Debug, Default)]
pub struct RecordChunk {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    end: Option<Position>,
}

impl RecordChunk {
    /// An empty chunk; it grows at its first use.
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

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the records, line ends not counted.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where the next chunk begins: behind the last record. `None` for a chunk never filled.
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

impl Record<'_> {
    /// The physical line the record begins on; the header is line 1.
    #[must_use]
    pub const fn line(self) -> u64 {
        self.position.line
    }

    /// Where in the file it begins.
    #[must_use]
    pub const fn position(self) -> Position {
        self.position
    }

    /// The record as it stands in the file, for people: its first 1,000 characters, bytes that are
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

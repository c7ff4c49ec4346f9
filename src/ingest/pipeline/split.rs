//! Splitting: cuts a file into chunks of records, in the order of the file.

use std::io::{self, Read, Seek};

use crate::ingest::parse::{Position, RecordChunk, RecordReader};
use crate::store::Head;

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// Where the next record begins.
    pub(super) position: Position,
    /// The bytes that were read by then: at least those before the position.
    pub(super) head: Head,
}

/// Consecutive records of a file.
#[derive(Debug)]
pub(super) struct SplitChunk {
    pub(super) records: RecordChunk,
    /// The end of the records.
    pub(super) reached: Reached,
}

/// Splits a file.
pub(super) struct Splitter<R, H> {
    reader: RecordReader<R>,
    /// What was read of a source.
    head: H,
    chunk_records: usize,
}

impl<R: Read + Seek, H: Fn(&R) -> Head> Splitter<R, H> {
    /// Splits what a reader has not read yet into chunks of at most so many records.
    pub(super) const fn new(reader: RecordReader<R>, head: H, chunk_records: usize) -> Self {
        Self {
            reader,
            head,
            chunk_records,
        }
    }

    /// How far the file is read.
    pub(super) fn reached(&self) -> Reached {
        Reached {
            position: self.reader.position(),
            head: (self.head)(self.reader.source()),
        }
    }

    /// The next records, in the memory of a used chunk; `None` at the end of the file.
    pub(super) fn next(&mut self, mut used: RecordChunk) -> io::Result<Option<SplitChunk>> {
        let more = self.reader.fill(&mut used, self.chunk_records)?;
        Ok(more.then(|| SplitChunk {
            records: used,
            reached: self.reached(),
        }))
    }
}

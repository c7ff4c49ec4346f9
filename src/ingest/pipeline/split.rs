//! Splitting: cuts the tables of a file into chunks of records, in the order of the file.

use std::borrow::Cow;
use std::sync::Arc;

use super::error::PipelineError;
use super::source::{NamedSource, Source};
use crate::ingest::parse::{
    Converted, FileOptions, Header, Position, RecordChunk, RecordReader, Rejection,
};
use crate::model::RejectedRow;
use crate::store::Head;

/// How far a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    /// Bytes of the file up to the next record, decompressed or not.
    pub(super) stored: u64,
    /// The line on which the next record begins. Lines of an archive's tables are counted as if
    /// these were one file.
    pub(super) line: u64,
    /// The bytes that were read by then: at least those before the next record.
    pub(super) head: Head,
}

/// Consecutive records of a table.
#[derive(Debug)]
pub(super) struct SplitChunk {
    pub(super) table: Arc<Table>,
    pub(super) records: RecordChunk,
    /// The end of the records.
    pub(super) reached: Reached,
}

/// What the records of a table have in common.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Header,
    /// Its name in an archive, if the file is one.
    pub(super) name: Option<String>,
    /// Lines of the tables before it.
    pub(super) lines_before: u64,
    /// How rejected rows are written to a file: as the first table is.
    pub(super) reported: Arc<Reported>,
}

/// How rejected rows are written to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reported {
    /// The columns of the table.
    pub(super) columns: Vec<String>,
    /// The character between fields: with another, numbers with a decimal comma would not be read
    /// again.
    pub(super) delimiter: u8,
}

impl Table {
    /// A rejected row; if the file is an archive, its reason names the table.
    pub(super) fn rejected_row(&self, rejection: Rejection) -> RejectedRow {
        RejectedRow {
            line: rejection.line,
            column: rejection.column.clone(),
            reason: self.reason(&rejection).into_owned(),
            raw: rejection.raw,
        }
    }

    /// Why a row was rejected.
    pub(super) fn reason<'a>(&self, rejection: &'a Rejection) -> Cow<'a, str> {
        let Some(name) = &self.name else {
            return Cow::Borrowed(&rejection.reason);
        };
        let line = rejection.line - self.lines_before;
        format!("{} (line {line} of {name})", rejection.reason).into()
    }
}

/// Where to begin in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// At a position in the file, which is one table. Its beginning is read for its header only.
    At(Position),
    /// After that many records. Those before it are split again: compressed bytes have no
    /// positions.
    AfterRecords(u64),
}

/// Splits a file.
pub(super) struct Splitter<S, T> {
    tables: T,
    options: FileOptions,
    current: Option<(Arc<Table>, RecordReader<Converted<S>>)>,
    start: Start,
    chunk_records: usize,
    reached: Reached,
    last_table: Option<Arc<Table>>,
}

impl<S: Source, T: Iterator<Item = Result<NamedSource<S>, PipelineError>>> Splitter<S, T> {
    /// Splits tables, from some start on, into chunks of at most so many records.
    pub(super) fn new(tables: T, options: FileOptions, start: Start, chunk_records: usize) -> Self {
        Self {
            tables,
            options,
            current: None,
            start,
            chunk_records,
            reached: Reached {
                stored: 0,
                line: 1,
                head: Head::default(),
            },
            last_table: None,
        }
    }

    /// The table that was opened last.
    pub(super) const fn last_table(&self) -> Option<&Arc<Table>> {
        self.last_table.as_ref()
    }

    /// How far the file is read.
    pub(super) const fn reached(&self) -> Reached {
        self.reached
    }

    /// The next records, in the memory of a used chunk; `None` at the end of the file.
    pub(super) fn next(
        &mut self,
        mut used: RecordChunk,
    ) -> Result<Option<SplitChunk>, PipelineError> {
        loop {
            let Some((table, reader)) = &mut self.current else {
                match self.tables.next() {
                    Some(table) => self.open(table?)?,
                    None => return Ok(None),
                }
                continue;
            };
            let most = match self.start {
                Start::AfterRecords(left @ 1..) => {
                    usize::try_from(left).map_or(self.chunk_records, |n| n.min(self.chunk_records))
                }
                _ => self.chunk_records,
            };
            let more = reader
                .fill(&mut used, most)
                .map_err(PipelineError::reading)?;
            let position = reader.position();
            self.reached = Reached {
                stored: reader.source().source().stored(position.offset),
                line: position.line,
                head: reader.source().source().head(),
            };
            if !more {
                self.current = None;
                continue;
            }
            match &mut self.start {
                Start::AfterRecords(left @ 1..) => *left -= used.len() as u64,
                _ => {
                    return Ok(Some(SplitChunk {
                        table: Arc::clone(table),
                        records: used,
                        reached: self.reached,
                    }));
                }
            }
        }
    }

    /// Reads the header of a table.
    fn open(&mut self, NamedSource { name, source }: NamedSource<S>) -> Result<(), PipelineError> {
        let source = Converted::open(source, &self.options).map_err(PipelineError::reading)?;
        let options = self.options.clone().with_encoding(source.encoding());
        let mut reader = RecordReader::open_as(source, &Arc::new(options))
            .map_err(|error| PipelineError::opening(error, name.as_deref()))?;
        let lines_before = self.reached.line - 1;
        reader.number_lines_after(lines_before);
        if let Start::At(position) = self.start {
            reader.seek(position).map_err(PipelineError::reading)?;
        }
        let reported = match &self.last_table {
            Some(table) => Arc::clone(&table.reported),
            None => Arc::new(Reported {
                columns: reader.header().names().to_vec(),
                delimiter: reader.header().delimiter(),
            }),
        };
        let table = Table {
            header: reader.header().clone(),
            name,
            lines_before,
            reported,
        };
        let table = Arc::new(table);
        self.last_table = Some(Arc::clone(&table));
        self.current = Some((table, reader));
        Ok(())
    }
}

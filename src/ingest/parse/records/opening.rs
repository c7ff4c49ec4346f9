//! Opening: which dialect and which columns a file has, and how its times are written.

use std::io::{self, Cursor, Read, Seek};
use std::sync::Arc;

use super::{Found, MAX_RECORD_BYTES, RecordReader};
use crate::ingest::parse::chunk::{Fault, Position, RecordChunk, Shape};
use crate::ingest::parse::dialect::{Dialect, LineEnd};
use crate::ingest::parse::header::Header;
use crate::ingest::parse::input::Input;
use crate::ingest::parse::kind::WrongKind;
use crate::ingest::parse::open_error::OpenError;
use crate::ingest::parse::options::FileOptions;
use crate::ingest::parse::quoting::{Fields, Scan, State, scan};
use crate::ingest::parse::table_head::TableHead;
use crate::text::trim;

/// Size of the read buffer in bytes.
const BUFFER_BYTES: usize = 1024 * 1024;
/// Number of records that are searched for the header if the first record is not a header.
const SEARCHED_RECORDS: usize = 20;
/// Number of records that show the format of the file.
const SAMPLED_RECORDS: usize = 1_000;
/// Delimiters that are recognised, in the order in which they are tried.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl<R: Read + Seek> RecordReader<R> {
    /// Opens a file: recognises its dialect and its columns, and how its times are written.
    pub fn open(source: R) -> Result<Self, OpenError> {
        Self::open_as(source, &Arc::default())
    }

    /// Opens a file of which some of the format is known.
    pub fn open_as(source: R, options: &Arc<FileOptions>) -> Result<Self, OpenError> {
        Self::with_limits(source, options, MAX_RECORD_BYTES, BUFFER_BYTES)
    }

    /// A reader with other limits, for tests; the buffer must be larger than a record.
    pub(in crate::ingest::parse) fn with_limits(
        source: R,
        options: &Arc<FileOptions>,
        max_record: usize,
        buffer: usize,
    ) -> Result<Self, OpenError> {
        let (mut reader, delimiters) = Self::begin(source, options, max_record, buffer)?;
        reader.read_header(&delimiters, options)?;
        let first = reader.first_records()?;
        reader.header.recognise(&first)?;
        Ok(reader)
    }

    /// The names in the header and the fields of the first rows, whether or not trips can be parsed
    /// from them.
    pub fn head(
        source: R,
        options: &Arc<FileOptions>,
        rows: usize,
    ) -> Result<TableHead, OpenError> {
        let (mut reader, delimiters) =
            Self::begin(source, options, MAX_RECORD_BYTES, BUFFER_BYTES)?;
        if let Err(
            error @ (OpenError::NotText
            | OpenError::HeaderTooLong
            | OpenError::HeaderUnclosedQuote
            | OpenError::HeaderBroken),
        ) = reader.choose_delimiter(&delimiters, options)?
        {
            return Err(error);
        }
        let found = reader.next_of_head()?.ok_or(OpenError::Empty)?;
        let delimiter = reader.dialect.delimiter;
        let fields = |bytes: &[u8], shape: Shape| -> Vec<String> {
            Fields::new(bytes, shape, delimiter)
                .map(|field| trim(&String::from_utf8_lossy(&field)).to_owned())
                .collect()
        };
        let header = fields(reader.bytes(found), found.shape);
        reader.pass(found.taken, found.lines);
        let mut chunk = RecordChunk::new();
        reader.fill(&mut chunk, rows)?;
        let first_rows = chunk
            .iter()
            .filter(|record| !matches!(record.shape, Shape::Broken(_)))
            .map(|record| fields(record.bytes, record.shape))
            .collect();
        Ok(TableHead { header, first_rows })
    }

    /// A reader at the header, and the delimiters that the file may have.
    fn begin(
        source: R,
        options: &FileOptions,
        max_record: usize,
        buffer: usize,
    ) -> Result<(Self, Vec<u8>), OpenError> {
        let mut reader = Self::at(Input::open(source, buffer)?, Dialect::default(), max_record);
        reader.is_beginning = options.is_beginning();
        let first = reader.next_of_head()?.ok_or(OpenError::Empty)?;
        if let Some(kind) = WrongKind::of(reader.unread()) {
            return Err(kind.into());
        }
        let declared = Dialect::declared_delimiter(reader.bytes(first));
        if declared.is_some() {
            reader.pass(first.taken, first.lines);
        }
        let delimiters = match options.delimiter.or(declared) {
            Some(delimiter) => vec![delimiter],
            None => DELIMITERS.to_vec(),
        };
        Ok((reader, delimiters))
    }

    /// A reader at the beginning of an input.
    fn at(input: Input<R>, dialect: Dialect, max_record: usize) -> Self {
        Self {
            input,
            dialect,
            header: Header::default(),
            max_record,
            position: Position { offset: 0, line: 1 },
            lookahead: None,
            is_beginning: false,
        }
    }

    /// Reads the header with the delimiter that separates its columns.
    fn read_header(
        &mut self,
        delimiters: &[u8],
        options: &Arc<FileOptions>,
    ) -> Result<(), OpenError> {
        let chosen = self.choose_delimiter(delimiters, options)?;
        let found = self.next_of_head()?.ok_or(OpenError::Empty)?;
        self.pass(found.taken, found.lines);
        match chosen {
            Ok(header) => self.header = header,
            Err(error) => return Err(self.explain(error, options)?),
        }
        Ok(())
    }

    /// Chooses the first of the delimiters that separates the columns of trips. If none does, it is
    /// the one that separates most columns, and the error is about that. The header remains unread.
    fn choose_delimiter(
        &mut self,
        delimiters: &[u8],
        options: &Arc<FileOptions>,
    ) -> io::Result<Result<Header, OpenError>> {
        let mut best: Option<(usize, Dialect, OpenError)> = None;
        for &delimiter in delimiters {
            self.dialect = Dialect {
                delimiter,
                ..Dialect::default()
            };
            let Some(found) = self.next_of_head()? else {
                break;
            };
            let bytes = self.bytes(found);
            match Header::read(bytes, found.shape, self.dialect, options) {
                Ok(header) => return Ok(Ok(header)),
                Err(
                    error @ (OpenError::MissingColumns { .. }
                    | OpenError::UnknownColumn { .. }
                    | OpenError::QuotedLines
                    | OpenError::HeaderBroken),
                ) => {
                    let columns = match found.shape {
                        Shape::Broken(_) => 0,
                        shape => Fields::new(bytes, shape, delimiter).count(),
                    };
                    if best.as_ref().is_none_or(|(most, ..)| *most < columns) {
                        best = Some((columns, self.dialect, error));
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        let Some((_, dialect, error)) = best else {
            return Ok(Err(OpenError::Empty));
        };
        self.dialect = dialect;
        Ok(Err(error))
    }

    /// The first records, as far as they are in the buffer.
    fn first_records(&mut self) -> io::Result<RecordChunk> {
        self.refill()?;
        let sample = self.unread();
        let input = Input::open(Cursor::new(sample), sample.len().max(self.max_record + 3))?;
        let mut reader = RecordReader::at(input, self.dialect, self.max_record);
        let mut chunk = RecordChunk::new();
        reader.fill(&mut chunk, SAMPLED_RECORDS)?;
        Ok(chunk)
    }

    /// The next record that is not blank, before the header is known. If the line ends with a
    /// carriage return alone, the dialect accepts this line end from then on.
    fn next_of_head(&mut self) -> io::Result<Option<Found>> {
        loop {
            self.refill()?;
            let first_line = scan(self.dialect, self.unread(), 0, State::FieldStart);
            let breaks = |state| state == State::Broken(Fault::BareReturn);
            if matches!(first_line, Scan::End(_, Shape::Broken(Fault::BareReturn)))
                || matches!(first_line, Scan::Open(_, state) if breaks(state))
            {
                self.dialect.line_end = LineEnd::Any;
            }
            match self.find()? {
                Some(found) if found.len == 0 => self.pass(found.taken, found.lines),
                found => return Ok(found),
            }
        }
    }

    /// Adds the line of the header if the first record lacks columns but one of the next has them.
    fn explain(&mut self, error: OpenError, options: &Arc<FileOptions>) -> io::Result<OpenError> {
        if !matches!(error, OpenError::MissingColumns { .. }) {
            return Ok(error);
        }
        for _ in 0..SEARCHED_RECORDS {
            let Some(found) = self.next_of_head()? else {
                break;
            };
            if Header::read(self.bytes(found), found.shape, self.dialect, options).is_ok() {
                let line = self.position.line;
                return Ok(OpenError::HeaderBelow { line });
            }
            self.pass(found.taken, found.lines);
        }
        Ok(error)
    }
}

//! Parquet: a table in columns, as the CSV text that is parsed.
//!
//! The rows become text a record batch at a time, on the thread that decompresses, so that names of
//! columns, times, options, rejected rows and checkpoints are those of any other table. No value
//! changes: numbers are written with as many digits as tell them from all others, and binary columns
//! of WKB in hexadecimal.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::error::ReadError;
use super::expansion::Expansion;
use super::packing::UnpackError;
use super::parquet_text::{Cells, push_text};
use super::unpack::{Blocks, Packed};
use crate::ingest::parse::FileOptions;
use crate::store::Head;

/// Rows that are in memory at a time.
const BATCH_ROWS: usize = 1_024;
/// What the text begins with: it is UTF-8, whatever encoding is declared.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A Parquet file.
pub(super) struct ParquetTable {
    file: File,
    metadata: ArrowReaderMetadata,
    /// The columns that become text, by their place.
    columns: Vec<usize>,
    header: Vec<u8>,
    delimiter: u8,
    expansion: Expansion,
    groups: Vec<Group>,
}

/// A row group.
#[derive(Debug, Clone, Copy)]
struct Group {
    rows: u64,
    /// Bytes that it has in the file.
    bytes: u64,
}

impl ParquetTable {
    /// Opens a file of that size, and checks its columns.
    pub(super) fn open(file: File, bytes: u64, options: &FileOptions) -> Result<Self, UnpackError> {
        // The types of Arrow that a writer left are not needed, and may be any.
        let reading = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, reading))?;
        let delimiter = options.delimiter().unwrap_or(b',');
        let (mut columns, mut header) = (Vec::new(), BYTE_ORDER_MARK.to_vec());
        for (place, field) in metadata.schema().fields().iter().enumerate() {
            if !is_read(field, options)? {
                continue;
            }
            if !columns.is_empty() {
                header.push(delimiter);
            }
            columns.push(place);
            push_text(field.name(), delimiter, &mut header);
        }
        header.push(b'\n');
        let groups = metadata.metadata().row_groups();
        for column in groups.iter().flat_map(RowGroupMetaData::columns) {
            if column.compression() == Compression::LZO {
                return Err(UnpackError::ParquetCompression("LZO"));
            }
        }
        let groups = groups.iter().map(|group| Group {
            rows: group.num_rows().try_into().unwrap_or(0),
            bytes: group.compressed_size().try_into().unwrap_or(0),
        });
        Ok(Self {
            groups: groups.collect(),
            file,
            metadata,
            columns,
            header,
            delimiter,
            expansion: Expansion::new(bytes),
        })
    }

    fn batches(&self) -> Result<ParquetRecordBatchReader, UnpackError> {
        let file = self.file.try_clone().map_err(ParquetError::from);
        let file = file.map_err(|error| corrupt(&error))?;
        let metadata = self.metadata.clone();
        guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
            let columns = self.columns.iter().copied();
            let columns = ProjectionMask::roots(builder.parquet_schema(), columns);
            builder
                .with_projection(columns)
                .with_batch_size(BATCH_ROWS)
                .build()
        })
    }

    /// Bytes of the file up to a row, counted from the first.
    fn stored(&self, rows: u64) -> u64 {
        let (mut left, mut bytes) = (rows, 0);
        for group in &self.groups {
            if left < group.rows {
                let part = u128::from(group.bytes) * u128::from(left) / u128::from(group.rows);
                return bytes + u64::try_from(part).unwrap_or(group.bytes);
            }
            left -= group.rows;
            bytes += group.bytes;
        }
        bytes
    }
}

impl Packed for ParquetTable {
    fn unpack(&self, blocks: &Blocks) -> io::Result<()> {
        let rows = Cell::new(0);
        let text = ParquetText {
            batches: self.batches().map_err(ReadError::Unpack)?,
            delimiter: self.delimiter,
            text: self.header.clone(),
            taken: 0,
            rows: &rows,
        };
        // It is read in any order, its end first, and hashed afterwards.
        blocks.send_all(text, |len| {
            self.expansion.add(len)?;
            Ok((self.stored(rows.get()), Head::default()))
        })
    }
}

/// Whether a column becomes text. Those of binary and nested values do only where trips are read
/// from them: of nested ones, lines.
fn is_read(field: &Field, options: &FileOptions) -> Result<bool, UnpackError> {
    let is_wanted = || options.wants(field.name());
    match field.data_type() {
        DataType::Binary | DataType::LargeBinary | DataType::FixedSizeBinary(_) => Ok(is_wanted()),
        data_type if Cells::are_of(data_type) => Ok(true),
        data_type if Cells::are_lines(data_type) && options.may_be_line(field.name()) => Ok(true),
        _ if !is_wanted() => Ok(false),
        data_type => Err(UnpackError::ParquetColumn {
            column: field.name().clone(),
            data_type: match data_type {
                DataType::Struct(_) => "a struct: nested columns".to_owned(),
                DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                    "a list: nested columns".to_owned()
                }
                DataType::Map(..) => "a map: nested columns".to_owned(),
                other => format!("{other}: columns of this type"),
            },
        }),
    }
}

/// The text of a file's rows.
struct ParquetText<'a> {
    batches: ParquetRecordBatchReader,
    delimiter: u8,
    text: Vec<u8>,
    /// Bytes of the text that were read.
    taken: usize,
    /// Rows that became text.
    rows: &'a Cell<u64>,
}

impl ParquetText<'_> {
    fn push(&mut self, batch: &RecordBatch) {
        let columns: Vec<_> = batch.columns().iter().map(Cells::of).collect();
        for row in 0..batch.num_rows() {
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    self.text.push(self.delimiter);
                }
                column.push(row, self.delimiter, &mut self.text);
            }
            self.text.push(b'\n');
        }
        self.rows.set(self.rows.get() + batch.num_rows() as u64);
    }
}

impl Read for ParquetText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            self.text.clear();
            self.taken = 0;
            let next = guarded(|| self.batches.next().transpose().map_err(ParquetError::from));
            match next.map_err(ReadError::Unpack)? {
                Some(batch) => self.push(&batch),
                None => return Ok(0),
            }
        }
        let read = (&self.text[self.taken..]).read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

/// Runs the decoder, which may panic on broken bytes.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, UnpackError> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(decoded) => decoded.map_err(|error| corrupt(&error)),
        Err(_) => Err(UnpackError::Corrupt {
            format: "Parquet",
            reason: "its decoder failed".to_owned(),
        }),
    }
}

fn corrupt(error: &ParquetError) -> UnpackError {
    match error {
        ParquetError::EOF(_)
        | ParquetError::NeedMoreData(_)
        | ParquetError::NeedMoreDataRange(_) => UnpackError::Truncated("Parquet"),
        // Without its end, which lists what is in the file.
        error if error.to_string().contains("Corrupt footer") => UnpackError::Truncated("Parquet"),
        error => UnpackError::Corrupt {
            format: "Parquet",
            reason: error.to_string(),
        },
    }
}

//! Parquet: a table in columns, as the CSV text that is parsed.
//!
//! The rows become text, a batch at a time, on the thread that decompresses, so that names of
//! columns, times, options, rejected rows and checkpoints are those of any other table. No value
//! changes: numbers are written with as many digits as tell them from all others, and binary columns
//! of WKB in hexadecimal.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{Compression, ConvertedType, LogicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::{SchemaDescriptor, Type};

use super::error::ReadError;
use super::expansion::Expansion;
use super::packing::UnpackError;
use super::parquet_column::{Column, Levels, column, push_text};
use super::parquet_kind::Kind;
use super::unpack::{Blocks, Packed};
use crate::ingest::parse::FileOptions;
use crate::store::Head;

/// Rows that are in memory at a time.
const BATCH_ROWS: usize = 1_024;
/// What the text begins with: it is UTF-8, whatever encoding is declared.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A Parquet file.
pub(super) struct ParquetTable {
    reader: SerializedFileReader<File>,
    /// The columns that become text.
    columns: Vec<ReadColumn>,
    header: Vec<u8>,
    delimiter: u8,
    expansion: Expansion,
    groups: Vec<Group>,
}

/// A column that becomes text.
#[derive(Debug, Clone, Copy)]
struct ReadColumn {
    /// Its place among the columns of single values, of which a nested column has several.
    leaf: usize,
    kind: Kind,
    levels: Levels,
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
        let reader = guarded(|| SerializedFileReader::new(file))?;
        let delimiter = options.delimiter().unwrap_or(b',');
        let (mut columns, mut header) = (Vec::new(), BYTE_ORDER_MARK.to_vec());
        let schema = reader.metadata().file_metadata().schema_descr();
        let mut leaf = 0;
        for (place, root) in schema.root_schema().get_fields().iter().enumerate() {
            let leaves = (leaf..schema.num_columns())
                .take_while(|leaf| schema.get_column_root_idx(*leaf) == place)
                .count();
            if let Some(column) = read_column(schema, root, leaf, leaves, options)? {
                if !columns.is_empty() {
                    header.push(delimiter);
                }
                columns.push(column);
                push_text(root.name(), delimiter, &mut header);
            }
            leaf += leaves;
        }
        header.push(b'\n');
        let groups = reader.metadata().row_groups();
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
            reader,
            columns,
            header,
            delimiter,
            expansion: Expansion::new(bytes),
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
            table: self,
            group: 0,
            columns: Vec::new(),
            left: 0,
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

/// A column that becomes text. Those of binary and nested values do only where trips are read from
/// them: of nested ones, lines.
fn read_column(
    schema: &SchemaDescriptor,
    root: &Type,
    leaf: usize,
    leaves: usize,
    options: &FileOptions,
) -> Result<Option<ReadColumn>, UnpackError> {
    let name = root.name();
    let unsupported = |data_type: String| UnpackError::ParquetColumn {
        column: name.to_owned(),
        data_type,
    };
    if leaves == 1 {
        let column = schema.column(leaf);
        let (kind, levels) = (Kind::of(&column), Levels::of(root, &column));
        let is_read = match (kind, levels) {
            (Some(kind), Some(levels)) if levels.are_of_lines() => {
                kind.is_numeric() && options.may_be_line(name)
            }
            (Some(Kind::Bytes), Some(_)) => options.wants(name),
            (kind, levels) => kind.is_some() && levels.is_some(),
        };
        if let (true, Some(kind), Some(levels)) = (is_read, kind, levels) {
            return Ok(Some(ReadColumn { leaf, kind, levels }));
        }
        if options.wants(name) && kind.is_none() && root.is_primitive() {
            let kind = column.converted_type();
            return Err(unsupported(format!("{kind}: columns of this type")));
        }
    }
    if !options.wants(name) {
        return Ok(None);
    }
    let info = root.get_basic_info();
    let nested = match (info.logical_type_ref(), info.converted_type()) {
        (Some(LogicalType::Map), _) | (_, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => {
            "a map"
        }
        (Some(LogicalType::List), _) | (_, ConvertedType::LIST) => "a list",
        _ if root.is_primitive() => "a list",
        _ => "a struct",
    };
    Err(unsupported(format!("{nested}: nested columns")))
}

/// The text of a file's rows.
struct ParquetText<'a> {
    table: &'a ParquetTable,
    /// The next row group, and the columns and number of rows that are left of the one before.
    group: usize,
    columns: Vec<Box<dyn Column>>,
    left: usize,
    text: Vec<u8>,
    /// Bytes of the text that were read.
    taken: usize,
    /// Rows that became text.
    rows: &'a Cell<u64>,
}

impl ParquetText<'_> {
    /// Appends the next rows to the text. Returns their number; 0 if there are no more.
    fn push_batch(&mut self) -> Result<usize, ParquetError> {
        let reader = &self.table.reader;
        while self.left == 0 {
            if self.group == reader.num_row_groups() {
                return Ok(0);
            }
            let group = reader.get_row_group(self.group)?;
            let open = |read: &ReadColumn| {
                Ok(column(
                    group.get_column_reader(read.leaf)?,
                    read.kind,
                    read.levels,
                ))
            };
            let columns: Result<_, ParquetError> = self.table.columns.iter().map(open).collect();
            self.columns = columns?;
            self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            self.group += 1;
        }
        let rows = self.left.min(BATCH_ROWS);
        for column in &mut self.columns {
            if column.read(rows)? < rows {
                let message = "a column has fewer rows than its row group";
                return Err(ParquetError::General(message.to_owned()));
            }
        }
        for _ in 0..rows {
            for (place, column) in self.columns.iter_mut().enumerate() {
                if place > 0 {
                    self.text.push(self.table.delimiter);
                }
                column.push(self.table.delimiter, &mut self.text);
            }
            self.text.push(b'\n');
        }
        self.left -= rows;
        Ok(rows)
    }
}

impl Read for ParquetText<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.text.len() {
            self.text.clear();
            self.taken = 0;
            let rows = guarded(|| self.push_batch()).map_err(ReadError::Unpack)?;
            if rows == 0 {
                return Ok(0);
            }
            self.rows.set(self.rows.get() + rows as u64);
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

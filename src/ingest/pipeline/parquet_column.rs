//! A column of a Parquet file, read from row to row.
//!
//! A column is stored as its values that are not missing, and for each row a *definition level*. Of a
//! list there are several levels, each with a *repetition level*: see
//! <https://parquet.apache.org/docs/file-format/nestedencoding/>.

use std::ops::Range;

use parquet::basic::Repetition;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::schema::types::{ColumnDescriptor, Type};

use super::parquet_kind::{CellValue, Kind, MAX_TEXT_BYTES};

/// Where the values of a column are in its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    /// The definition level of a value that is not missing.
    value: i16,
    /// The least definition level of a row that is not missing.
    row: i16,
    /// The least definition levels of the items of lists: of positions, and of their numbers. 0 where
    /// a row is one value.
    items: [i16; 2],
}

impl Levels {
    /// Those of a column, whose outermost type is `root`; `None` if it is neither one value a row nor a
    /// line: a list of positions, which are lists of numbers.
    pub(super) fn of(root: &Type, column: &ColumnDescriptor) -> Option<Self> {
        let (mut levels, mut lists) = (0, Vec::new());
        let mut each = Some(root);
        while let Some(of) = each {
            let info = of.get_basic_info();
            let repetition = info.has_repetition().then(|| info.repetition());
            if repetition.is_some_and(|repetition| repetition != Repetition::REQUIRED) {
                levels += 1;
            }
            if repetition == Some(Repetition::REPEATED) {
                lists.push(levels);
            }
            each = match of {
                Type::GroupType { fields, .. } => match &fields[..] {
                    [only] => Some(only),
                    // Several columns: a struct or a map.
                    _ => return None,
                },
                Type::PrimitiveType { .. } => None,
            };
        }
        let items = match &lists[..] {
            [] if root.is_primitive() => [0, 0],
            &[position, number] => [position, number],
            _ => return None,
        };
        let info = root.get_basic_info();
        let is_optional = info.has_repetition() && info.repetition() == Repetition::OPTIONAL;
        Some(Self {
            value: column.max_def_level(),
            row: is_optional.into(),
            items,
        })
    }

    /// Whether the rows are lines.
    pub(super) const fn are_of_lines(self) -> bool {
        self.items[1] > 0
    }
}

/// A column of a row group.
pub(super) trait Column {
    /// Reads the next rows, at most so many, and returns their number.
    fn read(&mut self, rows: usize) -> Result<usize, ParquetError>;

    /// Writes the next of the rows that were read as a field; nothing if it is missing.
    fn push(&mut self, delimiter: u8, out: &mut Vec<u8>);
}

/// The column that a reader reads.
pub(super) fn column(reader: ColumnReader, kind: Kind, levels: Levels) -> Box<dyn Column> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::Int32ColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::Int64ColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::Int96ColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::FloatColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::DoubleColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::ByteArrayColumnReader(reader) => typed(reader, kind, levels),
        ColumnReader::FixedLenByteArrayColumnReader(reader) => typed(reader, kind, levels),
    }
}

fn typed<T: DataType<T: CellValue>>(
    reader: ColumnReaderImpl<T>,
    kind: Kind,
    levels: Levels,
) -> Box<dyn Column> {
    Box::new(TypedColumn {
        reader,
        kind,
        levels,
        values: Vec::new(),
        definitions: Vec::new(),
        repetitions: Vec::new(),
        value: 0,
        level: 0,
    })
}

/// A column of a physical type, and the rows of it that were read.
struct TypedColumn<T: DataType> {
    reader: ColumnReaderImpl<T>,
    kind: Kind,
    levels: Levels,
    values: Vec<T::T>,
    /// Empty if no value can be missing.
    definitions: Vec<i16>,
    /// Empty if rows are single values.
    repetitions: Vec<i16>,
    /// The next value and level to write.
    value: usize,
    level: usize,
}

impl<T: DataType<T: CellValue>> TypedColumn<T> {
    fn definition(&self, level: usize) -> i16 {
        let definition = self.definitions.get(level);
        definition.copied().unwrap_or(self.levels.value)
    }

    /// Writes the value of a level, if it is not missing.
    fn put(&mut self, level: usize, out: &mut Vec<u8>) {
        if self.definition(level) < self.levels.value {
            return;
        }
        if let Some(value) = self.values.get(self.value) {
            value.put(self.kind, out);
        }
        self.value += 1;
    }

    /// The levels of the next row.
    fn row(&self) -> Range<usize> {
        self.item(self.level, 0)
    }

    /// The levels from `start` to the next with a repetition level of at most `depth`.
    fn item(&self, start: usize, depth: i16) -> Range<usize> {
        let rest = self.repetitions.get(start + 1..).unwrap_or_default();
        let length = rest.iter().position(|repetition| *repetition <= depth);
        start..start + 1 + length.unwrap_or(rest.len())
    }

    /// Writes the first and the last position of a line, which are all that a trip needs, as JSON: a
    /// long line would be too long for a row.
    fn put_line(&mut self, row: Range<usize>, out: &mut Vec<u8>) {
        let [position, number] = self.levels.items;
        let begins = |&level: &usize| {
            let repetition = self.repetitions.get(level);
            repetition.is_some_and(|repetition| *repetition <= 1)
                && self.definition(level) >= position
        };
        let first = row.clone().find(begins);
        let last = row.clone().rev().find(begins);
        let last = last.filter(|_| last != first);
        out.push(b'[');
        let (mut level, before) = (row.start, out.len());
        for start in first.into_iter().chain(last) {
            self.value += self.values_of(level..start);
            out.extend_from_slice(if out.len() > before { b",[" } else { b"[" });
            let numbers = self.item(start, 1);
            level = numbers.end;
            for number_level in numbers {
                if number_level > start {
                    out.push(b',');
                }
                if self.definition(number_level) >= number {
                    self.put(number_level, out);
                }
            }
            out.push(b']');
        }
        out.push(b']');
        self.value += self.values_of(level..row.end);
    }

    /// Number of values that are not missing.
    fn values_of(&self, levels: Range<usize>) -> usize {
        let is_value = |level: &usize| self.definition(*level) == self.levels.value;
        levels.filter(is_value).count()
    }
}

impl<T: DataType<T: CellValue>> Column for TypedColumn<T> {
    fn read(&mut self, rows: usize) -> Result<usize, ParquetError> {
        self.values.clear();
        self.definitions.clear();
        self.repetitions.clear();
        (self.value, self.level) = (0, 0);
        let (definitions, repetitions) = (&mut self.definitions, &mut self.repetitions);
        let read =
            self.reader
                .read_records(rows, Some(definitions), Some(repetitions), &mut self.values);
        read.map(|(rows, _, _)| rows)
    }

    fn push(&mut self, delimiter: u8, out: &mut Vec<u8>) {
        let (row, start) = (self.row(), out.len());
        self.level = row.end;
        if self.levels.are_of_lines() {
            if self.definition(row.start) >= self.levels.row {
                self.put_line(row, out);
            }
        } else {
            self.put(row.start, out);
        }
        out.truncate(start + MAX_TEXT_BYTES);
        if self.kind.is_text() || out[start..].contains(&delimiter) {
            quote(out, start, delimiter);
        }
    }
}

/// Writes a text as a field.
pub(super) fn push_text(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text.as_bytes());
    quote(out, start, delimiter);
}

/// Quotes what was written from `start` on, where it must be.
fn quote(out: &mut Vec<u8>, start: usize, delimiter: u8) {
    let is_special = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if !out[start..].iter().any(is_special) {
        return;
    }
    let text = out.split_off(start);
    out.push(b'"');
    for byte in text {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    /// What is written of a file with one column.
    fn fields<T: DataType>(
        column_type: &str,
        values: &[T::T],
        definitions: &[i16],
        repetitions: &[i16],
    ) -> Vec<String> {
        let file = tempfile::tempfile().unwrap();
        let schema = parse_message_type(&format!("message m {{ {column_type} }}")).unwrap();
        let properties = Arc::new(WriterProperties::default());
        let mut writer =
            SerializedFileWriter::new(file.try_clone().unwrap(), Arc::new(schema), properties)
                .unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column_writer = group.next_column().unwrap().unwrap();
        let repetitions = (!repetitions.is_empty()).then_some(repetitions);
        let written =
            column_writer
                .typed::<T>()
                .write_batch(values, Some(definitions), repetitions);
        assert_eq!(written.unwrap(), values.len());
        column_writer.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        read(file)
    }

    fn read(file: File) -> Vec<String> {
        let reader = SerializedFileReader::new(file).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let descriptor = schema.column(0);
        let levels = Levels::of(schema.get_column_root(0), &descriptor).unwrap();
        let kind = Kind::of(&descriptor).unwrap();
        let group = reader.get_row_group(0).unwrap();
        let mut column = column(group.get_column_reader(0).unwrap(), kind, levels);
        let mut fields = Vec::new();
        loop {
            // Rows that are read together, and rows that are not.
            let rows = column.read(2).unwrap();
            if rows == 0 {
                return fields;
            }
            for _ in 0..rows {
                let mut out = Vec::new();
                column.push(b',', &mut out);
                fields.push(String::from_utf8(out).unwrap());
            }
        }
    }

    #[test]
    fn texts_are_quoted_where_they_must_be() {
        let words = ["plain", "a,b", "say \"hi\"", "two\nlines", ""];
        let words: Vec<_> = words
            .map(|word| ByteArray::from(word.as_bytes().to_vec()))
            .into();
        let fields = fields::<ByteArrayType>(
            "optional binary name (STRING);",
            &words,
            &[1, 0, 1, 1, 1, 1],
            &[],
        );
        let expected = [
            "plain",
            "",
            "\"a,b\"",
            "\"say \"\"hi\"\"\"",
            "\"two\nlines\"",
            "",
        ];
        assert_eq!(fields, expected);
    }

    /// Definition and repetition levels, values, and what is written.
    type Line = (&'static [i16], &'static [i16], &'static [f64], &'static str);

    #[test]
    fn lists_of_positions_are_lines() {
        let of_lists = "optional group line (LIST) { repeated group list { \
                        optional group element (LIST) { repeated group list { \
                        optional double element; } } } }";
        // Levels: 0 no line, 1 an empty one, 2 no position, 3 an empty one, 4 no number, 5 a number.
        let rows: [Line; 8] = [
            (
                &[5, 5, 5, 5, 5, 5],
                &[0, 2, 1, 2, 1, 2],
                &[-8.62, 41.14, 0.0, 0.0, -8.6, 41.2],
                "\"[[-8.62,41.14],[-8.6,41.2]]\"",
            ),
            (&[0], &[0], &[], ""),
            (&[1], &[0], &[], "[]"),
            (&[5, 5], &[0, 2], &[1.0, 2.5], "\"[[1,2.5]]\""),
            (&[2], &[0], &[], "[[]]"),
            (&[3, 5, 4], &[0, 1, 2], &[7.0], "\"[[],[7,]]\""),
            (&[5, 5, 2], &[0, 2, 1], &[3.0, 4.0], "\"[[3,4],[]]\""),
            (&[5, 4, 5], &[0, 1, 1], &[8.0, 9.0], "\"[[8],[9]]\""),
        ];
        let (mut definitions, mut repetitions, mut values) = (vec![], vec![], vec![]);
        for (defined, repeated, numbers, _) in rows {
            definitions.extend(defined);
            repetitions.extend(repeated);
            values.extend(numbers);
        }
        let expected: Vec<_> = rows.iter().map(|row| row.3).collect();
        let found = fields::<DoubleType>(of_lists, &values, &definitions, &repetitions);
        assert_eq!(found, expected);

        let required = "required group line (LIST) { repeated group list { \
                        required group element (LIST) { repeated group list { \
                        required double element; } } } }";
        let found = fields::<DoubleType>(required, &[1.0, 2.0], &[2, 2, 0], &[0, 2, 0]);
        assert_eq!(found, ["\"[[1,2]]\"", "[]"]);
    }

    #[test]
    fn other_nested_columns_have_no_levels() {
        for (column_type, is_line) in [
            ("optional double x;", Some(false)),
            ("repeated double x;", None),
            ("required group p { required double x; }", None),
            (
                "required group p { required double x; required double y; }",
                None,
            ),
            (
                "required group m (LIST) { repeated group list { required double x; } }",
                None,
            ),
        ] {
            let schema = parse_message_type(&format!("message m {{ {column_type} }}")).unwrap();
            let schema = parquet::schema::types::SchemaDescriptor::new(Arc::new(schema));
            let levels = Levels::of(schema.get_column_root(0), &schema.column(0));
            assert_eq!(levels.map(Levels::are_of_lines), is_line, "{column_type}");
        }
    }
}

//! CSV, as it is ingested.

use std::io::{self, Write};

use super::encoder::{Encoder, Output};
use super::table::{Record, Table, Value};

/// Writes CSV with a header, lines that end with LF, and fields that are quoted where they must be.
pub(super) struct CsvEncoder {
    table: &'static Table,
    writer: csv::Writer<Output>,
    /// The text of a field.
    field: Vec<u8>,
}

impl CsvEncoder {
    pub(super) fn new(table: &'static Table, output: Output) -> Self {
        Self {
            table,
            writer: csv::Writer::from_writer(output),
            field: Vec::new(),
        }
    }
}

impl Encoder for CsvEncoder {
    fn begin(&mut self) -> io::Result<()> {
        let names = self.table.columns.iter().map(|column| column.name);
        Ok(self.writer.write_record(names)?)
    }

    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        for value in record.values {
            if let Value::Text(text) = value {
                self.writer.write_field(text)?;
            } else {
                self.field.clear();
                write_value(&mut self.field, value)?;
                self.writer.write_field(&self.field)?;
            }
        }
        Ok(self.writer.write_record(None::<&[u8]>)?)
    }

    fn end(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes a value. Numbers have as many digits as are needed to read them back exactly.
fn write_value(field: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Text(text) => field.write_all(text.as_bytes()),
        Value::Cell(cell) => write!(field, "{cell}"),
        Value::Clock(minutes) => write!(field, "{:02}:{:02}", minutes / 60, minutes % 60),
        Value::Count(count) => write!(field, "{count}"),
        Value::Float(number) => write!(field, "{number}"),
        Value::Point(point) => write!(field, "POINT ({} {})", point.lon(), point.lat()),
        Value::Date(date) => write!(field, "{date}"),
        Value::Time(time) => write!(field, "{}", time.to_naive()),
        Value::Missing => Ok(()),
    }
}

//! Writing records in a format.

use std::io::{self, Write};

use super::Format;
use super::csv::CsvEncoder;
use super::geojson::{Framing, GeoJsonEncoder};
use super::table::{Record, Table, with_record};
use crate::analytics::{Row, RowSink};
use crate::model::BucketMinutes;

/// Where an encoder writes to.
pub(super) type Output = Box<dyn Write + Send>;

/// Writes the records of a table in a format.
pub(super) trait Encoder: Send {
    /// Writes what comes before the records.
    fn begin(&mut self) -> io::Result<()>;
    /// Writes a record.
    fn record(&mut self, record: &Record<'_>) -> io::Result<()>;
    /// Writes what comes behind the records, and flushes the output.
    fn end(&mut self) -> io::Result<()>;
}

/// The encoder of a format.
pub(super) fn encoder(
    format: Format,
    table: &'static Table,
    output: Output,
) -> io::Result<Box<dyn Encoder>> {
    Ok(match format {
        Format::Csv => Box::new(CsvEncoder::new(table, output)),
        Format::GeoJson => Box::new(GeoJsonEncoder::new(table, Framing::Collection, output)),
        Format::GeoJsonSeq => Box::new(GeoJsonEncoder::new(table, Framing::Sequence, output)),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(super::parquet::ParquetEncoder::new(table, output)?),
    })
}

/// Encodes rows as records.
pub(super) struct EncodedRows {
    encoder: Box<dyn Encoder>,
    bucket: BucketMinutes,
}

impl EncodedRows {
    /// Rows whose groups have buckets of this length.
    pub(super) fn new(encoder: Box<dyn Encoder>, bucket: BucketMinutes) -> Self {
        Self { encoder, bucket }
    }
}

impl RowSink for EncodedRows {
    fn begin(&mut self) -> io::Result<()> {
        self.encoder.begin()
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        with_record(row, self.bucket, |record| self.encoder.record(record))
    }

    fn end(&mut self) -> io::Result<()> {
        self.encoder.end()
    }
}

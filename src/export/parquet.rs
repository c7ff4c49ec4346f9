//! Parquet, with the metadata of GeoParquet 1.1 where a table has a place on the map.
//!
//! A point is a column of WKB, which programs for maps know, and two columns of degrees, which all
//! others do. Their statistics let a reader skip row groups: the rows come place by place.

use std::io;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{Datelike, NaiveDate};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::json;

use super::encoder::{Encoder, Output};
use super::table::{Kind, Record, Shape, ShapeKind, Table, Value};
use super::wkb;

/// Rows that are handed to the writer at once.
const BATCH: usize = 8_192;
/// Rows of a row group, which is in memory until it is complete: some 20 MB of trips.
const ROW_GROUP: usize = 122_880;
/// The column of the shapes of a table without points.
const GEOMETRY: &str = "geometry";
/// Days from 0001-01-01, as chrono counts them, to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Writes Parquet.
pub(super) struct ParquetEncoder {
    schema: SchemaRef,
    writer: ArrowWriter<Output>,
    columns: Vec<Column>,
    /// The shapes, of a table that has shapes but no points.
    shapes: Option<BinaryBuilder>,
    rows: usize,
}

/// The values of a column that wait to be written.
enum Column {
    Text(StringBuilder),
    Count(Int64Builder),
    Float(Float64Builder),
    Point(Box<Points>),
    Date(Date32Builder),
    Time(TimestampMicrosecondBuilder),
}

/// The values of the three columns of points.
#[derive(Default)]
struct Points {
    wkb: BinaryBuilder,
    lon: Float64Builder,
    lat: Float64Builder,
}

impl ParquetEncoder {
    pub(super) fn new(table: &'static Table, output: Output) -> io::Result<Self> {
        let has_points = table
            .columns
            .iter()
            .any(|column| column.kind == Kind::Point);
        let shape = table.shape.filter(|_| !has_points);
        let mut fields = Vec::new();
        for column in table.columns {
            let field = |data_type| Field::new(column.name, data_type, column.optional);
            match column.kind {
                Kind::Text => fields.push(field(DataType::Utf8)),
                Kind::Count => fields.push(field(DataType::Int64)),
                Kind::Float => fields.push(field(DataType::Float64)),
                Kind::Date => fields.push(field(DataType::Date32)),
                Kind::Time => {
                    fields.push(field(DataType::Timestamp(TimeUnit::Microsecond, None)));
                }
                Kind::Point => {
                    fields.push(field(DataType::Binary));
                    for name in degrees_of(column.name) {
                        fields.push(Field::new(name, DataType::Float64, false));
                    }
                }
            }
        }
        if shape.is_some() {
            fields.push(Field::new(GEOMETRY, DataType::Binary, true));
        }
        let schema = Arc::new(Schema::new(fields));
        let properties = properties(table, &schema, shape);
        let writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties));
        Ok(Self {
            schema,
            writer: writer.map_err(io_error)?,
            columns: table
                .columns
                .iter()
                .map(|column| Column::new(column.kind))
                .collect(),
            shapes: shape.map(|_| BinaryBuilder::new()),
            rows: 0,
        })
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for column in &mut self.columns {
            column.finish(&mut arrays);
        }
        if let Some(shapes) = &mut self.shapes {
            arrays.push(ArrayBuilder::finish(shapes));
        }
        self.rows = 0;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays);
        let batch = batch.map_err(io::Error::other)?;
        self.writer.write(&batch).map_err(io_error)
    }
}

impl Encoder for ParquetEncoder {
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(record.values) {
            column.push(value)?;
        }
        if let Some(shapes) = &mut self.shapes {
            shapes.append_option(record.shape.map(|shape| match shape {
                Shape::Line(ends) => wkb::line(ends),
                Shape::Area(polygon) => wkb::area(polygon),
            }));
        }
        self.rows += 1;
        if self.rows == BATCH {
            self.write_batch()?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.write_batch()?;
        }
        self.writer.finish().map_err(io_error)?;
        io::Write::flush(self.writer.inner_mut())
    }
}

impl Column {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(StringBuilder::new()),
            Kind::Count => Self::Count(Int64Builder::new()),
            Kind::Float => Self::Float(Float64Builder::new()),
            Kind::Point => Self::Point(Box::default()),
            Kind::Date => Self::Date(Date32Builder::new()),
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new()),
        }
    }

    fn push(&mut self, value: &Value<'_>) -> io::Result<()> {
        match (self, value) {
            (Self::Text(column), Value::Text(text)) => column.append_value(text),
            (Self::Text(column), Value::Cell(cell)) => column.append_value(cell.to_string()),
            (Self::Text(column), Value::Clock(minutes)) => {
                column.append_value(format!("{:02}:{:02}", minutes / 60, minutes % 60));
            }
            (Self::Count(column), Value::Count(count)) => {
                column.append_value(i64::try_from(*count).map_err(io::Error::other)?);
            }
            (Self::Float(column), Value::Float(number)) => column.append_value(*number),
            (Self::Point(points), Value::Point(point)) => {
                points.wkb.append_value(wkb::point(*point));
                points.lon.append_value(point.lon());
                points.lat.append_value(point.lat());
            }
            (Self::Date(column), Value::Date(date)) => column.append_value(epoch_days(*date)),
            (Self::Time(column), Value::Time(time)) => column.append_value(time.micros()),
            (Self::Time(column), Value::Missing) => column.append_null(),
            (Self::Text(column), Value::Missing) => column.append_null(),
            (Self::Float(column), Value::Missing) => column.append_null(),
            (Self::Date(column), Value::Missing) => column.append_null(),
            _ => return Err(io::Error::other("a value is not of its column's type")),
        }
        Ok(())
    }

    fn finish(&mut self, arrays: &mut Vec<ArrayRef>) {
        match self {
            Self::Text(column) => arrays.push(ArrayBuilder::finish(column)),
            Self::Count(column) => arrays.push(ArrayBuilder::finish(column)),
            Self::Float(column) => arrays.push(ArrayBuilder::finish(column)),
            Self::Point(points) => arrays.extend([
                ArrayBuilder::finish(&mut points.wkb),
                ArrayBuilder::finish(&mut points.lon),
                ArrayBuilder::finish(&mut points.lat),
            ]),
            Self::Date(column) => arrays.push(ArrayBuilder::finish(column)),
            Self::Time(column) => arrays.push(ArrayBuilder::finish(column)),
        }
    }
}

/// The columns of a point's longitude and latitude: `origin_lon` and `origin_lat` of `origin_coord`.
fn degrees_of(point: &str) -> [String; 2] {
    let stem = point.strip_suffix("_coord").unwrap_or(point);
    [format!("{stem}_lon"), format!("{stem}_lat")]
}

fn properties(table: &Table, schema: &Schema, shape: Option<ShapeKind>) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("tripgraph ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        if matches!(field.data_type(), DataType::Binary) {
            // Nearly all differ, and their bytes have no useful order.
            properties = properties
                .set_column_dictionary_enabled(column.clone(), false)
                .set_column_statistics_enabled(column, EnabledStatistics::None);
        } else if !matches!(field.data_type(), DataType::Utf8) {
            properties = properties.set_column_dictionary_enabled(column, false);
        }
    }
    let points = table
        .columns
        .iter()
        .filter(|column| column.kind == Kind::Point);
    let points: Vec<_> = points.map(|column| column.name).collect();
    let point = json!({ "encoding": "WKB", "geometry_types": ["Point"] });
    let columns: serde_json::Map<_, _> = if let Some(shape) = shape {
        let types = match shape {
            ShapeKind::Line => ["LineString", "MultiLineString"],
            ShapeKind::Area => ["Polygon", "MultiPolygon"],
        };
        let shape = json!({ "encoding": "WKB", "geometry_types": types });
        [(GEOMETRY.to_owned(), shape)].into_iter().collect()
    } else {
        let points = points.iter();
        points
            .map(|&name| (name.to_owned(), point.clone()))
            .collect()
    };
    let primary = points.first().copied().unwrap_or(GEOMETRY);
    if !columns.is_empty() {
        let geo = json!({ "version": "1.1.0", "primary_column": primary, "columns": columns });
        let geo = KeyValue::new("geo".to_owned(), geo.to_string());
        properties = properties.set_key_value_metadata(Some(vec![geo]));
    }
    properties.build()
}

/// Days since 1970-01-01.
fn epoch_days(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_DAYS
}

/// The error of the output, or what the writer says.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(cause) => io::Error::other(cause),
        },
        error => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let date = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
        assert_eq!(epoch_days(date(1970, 1, 1)), 0);
        assert_eq!(epoch_days(date(2018, 5, 28)), 17_679);
    }
}

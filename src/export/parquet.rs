//! Parquet, with the metadata of GeoParquet 1.1 where a table has a place on the map.
//!
//! A point is a column of WKB, which programs for maps know, and two columns of degrees, which all
//! others do. Their statistics let a reader skip row groups: the rows come place by place.

use std::io;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{Datelike, NaiveDate};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use serde_json::json;

use super::encoder::{Encoder, Output};
use super::table::{Kind, Record, Shape, ShapeKind, Table, Value};
use super::wkb;

/// Rows of a row group, which is in memory until it is complete: some 20 MB of trips.
const ROW_GROUP: usize = 122_880;
/// The column of the shapes of a table without points.
const GEOMETRY: &str = "geometry";
/// Days from 0001-01-01, as chrono counts them, to 1970-01-01.
const EPOCH_DAYS: i32 = 719_163;

/// Writes Parquet.
pub(super) struct ParquetEncoder {
    writer: SerializedFileWriter<Output>,
    columns: Vec<Column>,
    /// The shapes, of a table that has shapes but no points.
    shapes: Option<Bytewise>,
    rows: usize,
}

/// The values of a column of the table that wait to be written.
enum Column {
    Text(Bytewise),
    Count(Values<i64>),
    Float(Values<f64>),
    Point(Box<Points>),
    Date(Values<i32>),
    Time(Values<i64>),
}

/// The values of a column, and which of its rows have one.
struct Values<T> {
    values: Vec<T>,
    /// 1 where a row has a value, 0 where it has none; `None` if each has one.
    definitions: Option<Vec<i16>>,
}

/// Values of a varying number of bytes, one behind the other.
struct Bytewise {
    bytes: Vec<u8>,
    /// Where each value ends.
    ends: Values<usize>,
}

/// The values of the three columns of points.
struct Points {
    wkb: Bytewise,
    lon: Values<f64>,
    lat: Values<f64>,
}

impl ParquetEncoder {
    pub(super) fn new(table: &'static Table, output: Output) -> io::Result<Self> {
        let has_points = table
            .columns
            .iter()
            .any(|column| column.kind == Kind::Point);
        let shape = table.shape.filter(|_| !has_points);
        let schema = parse_message_type(&schema(table, shape)).map_err(io_error)?;
        let properties = Arc::new(properties(table, shape));
        let writer = SerializedFileWriter::new(output, Arc::new(schema), properties);
        Ok(Self {
            writer: writer.map_err(io_error)?,
            columns: table.columns.iter().map(Column::new).collect(),
            shapes: shape.map(|_| Bytewise::new(true)),
            rows: 0,
        })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
        }
        if let Some(shapes) = &mut self.shapes {
            shapes.write(&mut group)?;
        }
        self.rows = 0;
        group.close().map(drop)
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
            match record.shape {
                Some(Shape::Line(ends)) => shapes.push(&wkb::line(ends)),
                Some(Shape::Area(polygon)) => shapes.push(&wkb::area(polygon)),
                None => shapes.ends.push_missing()?,
            }
        }
        self.rows += 1;
        if self.rows == ROW_GROUP {
            self.write_group().map_err(io_error)?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.rows > 0 {
            self.write_group().map_err(io_error)?;
        }
        self.writer.finish().map_err(io_error)?;
        self.writer.flush()
    }
}

impl Column {
    fn new(column: &super::table::Column) -> Self {
        let optional = column.optional;
        match column.kind {
            Kind::Text => Self::Text(Bytewise::new(optional)),
            Kind::Count => Self::Count(Values::new(optional)),
            Kind::Float => Self::Float(Values::new(optional)),
            Kind::Point => Self::Point(Box::new(Points {
                wkb: Bytewise::new(optional),
                lon: Values::new(false),
                lat: Values::new(false),
            })),
            Kind::Date => Self::Date(Values::new(optional)),
            Kind::Time => Self::Time(Values::new(optional)),
        }
    }

    fn push(&mut self, value: &Value<'_>) -> io::Result<()> {
        match (self, value) {
            (Self::Text(column), Value::Text(text)) => column.push(text.as_bytes()),
            (Self::Text(column), Value::Cell(cell)) => column.push(cell.to_string().as_bytes()),
            (Self::Text(column), Value::Clock(minutes)) => {
                column.push(format!("{:02}:{:02}", minutes / 60, minutes % 60).as_bytes());
            }
            (Self::Count(column), Value::Count(count)) => {
                column.push(i64::try_from(*count).map_err(io::Error::other)?);
            }
            (Self::Float(column), Value::Float(number)) => column.push(*number),
            (Self::Point(points), Value::Point(point)) => {
                points.wkb.push(&wkb::point(*point));
                points.lon.push(point.lon());
                points.lat.push(point.lat());
            }
            (Self::Date(column), Value::Date(date)) => column.push(epoch_days(*date)),
            (Self::Time(column), Value::Time(time)) => column.push(time.micros()),
            (Self::Text(column), Value::Missing) => column.ends.push_missing()?,
            (Self::Float(column), Value::Missing) => column.push_missing()?,
            (Self::Date(column), Value::Missing) => column.push_missing()?,
            (Self::Time(column), Value::Missing) => column.push_missing()?,
            _ => return Err(io::Error::other("a value is not of its column's type")),
        }
        Ok(())
    }

    /// Writes the values as the next columns of a row group, and forgets them.
    fn write(&mut self, group: &mut Group<'_>) -> Result<(), ParquetError> {
        match self {
            Self::Text(column) => column.write(group),
            Self::Count(column) | Self::Time(column) => column.write::<Int64Type>(group),
            Self::Float(column) => column.write::<DoubleType>(group),
            Self::Date(column) => column.write::<Int32Type>(group),
            Self::Point(points) => {
                points.wkb.write(group)?;
                points.lon.write::<DoubleType>(group)?;
                points.lat.write::<DoubleType>(group)
            }
        }
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, Output>;

impl<T> Values<T> {
    fn new(optional: bool) -> Self {
        Self {
            values: Vec::new(),
            definitions: optional.then(Vec::new),
        }
    }

    fn push(&mut self, value: T) {
        self.values.push(value);
        if let Some(definitions) = &mut self.definitions {
            definitions.push(1);
        }
    }

    fn push_missing(&mut self) -> io::Result<()> {
        let Some(definitions) = &mut self.definitions else {
            return Err(io::Error::other("a value is missing that must be there"));
        };
        definitions.push(0);
        Ok(())
    }

    fn write<D: DataType<T = T>>(&mut self, group: &mut Group<'_>) -> Result<(), ParquetError> {
        write_column::<D>(group, &self.values, self.definitions.as_deref())?;
        self.clear();
        Ok(())
    }

    fn clear(&mut self) {
        self.values.clear();
        if let Some(definitions) = &mut self.definitions {
            definitions.clear();
        }
    }
}

impl Bytewise {
    fn new(optional: bool) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Values::new(optional),
        }
    }

    fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len());
    }

    fn write(&mut self, group: &mut Group<'_>) -> Result<(), ParquetError> {
        let bytes = Bytes::from(mem::take(&mut self.bytes));
        let mut start = 0;
        let value = |end| ByteArray::from(bytes.slice(mem::replace(&mut start, end)..end));
        let values: Vec<_> = self.ends.values.iter().copied().map(value).collect();
        write_column::<ByteArrayType>(group, &values, self.ends.definitions.as_deref())?;
        self.ends.clear();
        Ok(())
    }
}

fn write_column<D: DataType>(
    group: &mut Group<'_>,
    values: &[D::T],
    definitions: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let column = group.next_column()?;
    let too_many = || ParquetError::General("the schema has too few columns".to_owned());
    let mut column = column.ok_or_else(too_many)?;
    column.typed::<D>().write_batch(values, definitions, None)?;
    column.close()
}

/// The schema of a table, in Parquet's notation.
fn schema(table: &Table, shape: Option<ShapeKind>) -> String {
    let field = |optional: bool, data_type: &str, name: &str| {
        let repetition = if optional { "optional" } else { "required" };
        let (physical, logical) = data_type.split_once(' ').unwrap_or((data_type, ""));
        format!("{repetition} {physical} {name} {logical}; ")
    };
    let mut fields = String::new();
    for column in table.columns {
        let data_type = match column.kind {
            Kind::Text => "binary (STRING)",
            Kind::Count => "int64",
            Kind::Float => "double",
            Kind::Date => "int32 (DATE)",
            Kind::Time => "int64 (TIMESTAMP(MICROS,false))",
            Kind::Point => "binary",
        };
        fields.push_str(&field(column.optional, data_type, column.name));
        if column.kind == Kind::Point {
            for name in degrees_of(column.name) {
                fields.push_str(&field(false, "double", &name));
            }
        }
    }
    if shape.is_some() {
        fields.push_str(&field(true, "binary", GEOMETRY));
    }
    format!("message rows {{ {fields}}}")
}

/// The columns of a point's longitude and latitude: `origin_lon` and `origin_lat` of `origin_coord`.
fn degrees_of(point: &str) -> [String; 2] {
    let stem = point.strip_suffix("_coord").unwrap_or(point);
    [format!("{stem}_lon"), format!("{stem}_lat")]
}

fn properties(table: &Table, shape: Option<ShapeKind>) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("tripgraph ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for column in table.columns {
        let path = ColumnPath::from(column.name);
        match column.kind {
            Kind::Text => properties = properties.set_column_dictionary_enabled(path, true),
            Kind::Point => properties = without_statistics(properties, path),
            Kind::Count | Kind::Float | Kind::Date | Kind::Time => {}
        }
    }
    if shape.is_some() {
        properties = without_statistics(properties, ColumnPath::from(GEOMETRY));
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

/// Of geometries, whose bytes have no useful order.
fn without_statistics(
    properties: WriterPropertiesBuilder,
    column: ColumnPath,
) -> WriterPropertiesBuilder {
    properties.set_column_statistics_enabled(column, EnabledStatistics::None)
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

//! GeoJSON (RFC 7946): lines from origin to destination, areas, or features without a place; and the
//! other columns as properties.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use super::encoder::{Encoder, Output};
use super::line::Line;
use super::table::{Kind, Record, Shape, Table, Value};

/// How features follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// In one feature collection.
    Collection,
    /// As a text sequence (RFC 8142): each between a record separator and a line feed.
    Sequence,
}

/// Writes GeoJSON.
pub(super) struct GeoJsonEncoder {
    table: &'static Table,
    framing: Framing,
    output: Output,
    is_first: bool,
}

impl GeoJsonEncoder {
    pub(super) fn new(table: &'static Table, framing: Framing, output: Output) -> Self {
        Self {
            table,
            framing,
            output,
            is_first: true,
        }
    }
}

impl Encoder for GeoJsonEncoder {
    fn begin(&mut self) -> io::Result<()> {
        if self.framing == Framing::Collection {
            self.output
                .write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
        }
        Ok(())
    }

    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let feature = Feature {
            kind: "Feature",
            geometry: record.shape.map(Geometry::from),
            properties: Properties {
                table: self.table,
                values: record.values,
            },
        };
        match self.framing {
            Framing::Collection if self.is_first => self.output.write_all(b"\n")?,
            Framing::Collection => self.output.write_all(b",\n")?,
            Framing::Sequence => self.output.write_all(b"\x1e")?,
        }
        self.is_first = false;
        serde_json::to_writer(&mut self.output, &feature)?;
        if self.framing == Framing::Sequence {
            self.output.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.framing == Framing::Collection {
            self.output.write_all(b"\n]}\n")?;
        }
        self.output.flush()
    }
}

#[derive(Serialize)]
struct Feature<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    geometry: Option<Geometry<'a>>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry<'a> {
    LineString([[f64; 2]; 2]),
    MultiLineString([[[f64; 2]; 2]; 2]),
    Polygon(&'a [Vec<[f64; 2]>]),
    MultiPolygon(&'a [Vec<Vec<[f64; 2]>>]),
}

impl<'a> From<Shape<'a>> for Geometry<'a> {
    fn from(shape: Shape<'a>) -> Self {
        match shape {
            Shape::Line(ends) => match Line::between(ends) {
                Line::Whole(line) => Self::LineString(line),
                Line::Cut(lines) => Self::MultiLineString(lines),
            },
            Shape::Area(polygon) => match polygon.polygons() {
                [one] => Self::Polygon(one),
                several => Self::MultiPolygon(several),
            },
        }
    }
}

/// The columns that are not in the geometry.
struct Properties<'a> {
    table: &'static Table,
    values: &'a [Value<'a>],
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.table.columns.iter().zip(self.values);
        let properties = columns.filter(|(column, _)| column.kind != Kind::Point);
        serializer.collect_map(properties.map(|(column, value)| (column.name, Property(value))))
    }
}

struct Property<'a>(&'a Value<'a>);

impl Serialize for Property<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Cell(cell) => serializer.collect_str(cell),
            Value::Clock(minutes) => {
                let (hour, minute) = (minutes / 60, minutes % 60);
                serializer.collect_str(&format_args!("{hour:02}:{minute:02}"))
            }
            Value::Count(count) => serializer.serialize_u64(*count),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Point(point) => [point.lon(), point.lat()].serialize(serializer),
            Value::Date(date) => serializer.collect_str(date),
            // With a `T` between date and time.
            Value::Time(time) => serializer.collect_str(&format_args!("{:?}", time.to_naive())),
            Value::Missing => serializer.serialize_none(),
        }
    }
}

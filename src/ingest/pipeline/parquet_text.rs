//! The values of Parquet columns as text.

use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike, Timelike};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Bytes of a text that are written: a longer one makes its row too long for a trip.
const MAX_TEXT_BYTES: usize = 1 << 17;

/// Writes the value of a row.
type WriteValue<'a> = Box<dyn Fn(usize, &mut Vec<u8>) + 'a>;

/// The values of a column, of a batch of rows.
pub(super) struct Cells<'a> {
    array: &'a ArrayRef,
    write: WriteValue<'a>,
    /// Whether the values are texts, which may have to be quoted.
    are_texts: bool,
}

impl<'a> Cells<'a> {
    /// Whether values of a type have a text; binary ones are not counted.
    pub(super) const fn are_of(data_type: &DataType) -> bool {
        matches!(
            data_type,
            // All values are missing: pandas writes such columns.
            DataType::Null
                | DataType::Boolean
                | DataType::Int8
                | DataType::Int16
                | DataType::Int32
                | DataType::Int64
                | DataType::UInt8
                | DataType::UInt16
                | DataType::UInt32
                | DataType::UInt64
                | DataType::Float16
                | DataType::Float32
                | DataType::Float64
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
                | DataType::Date32
                | DataType::Date64
                | DataType::Timestamp(..)
                | DataType::Utf8
                | DataType::LargeUtf8
        )
    }

    /// Whether the values of a type are lines: lists of positions, which are lists of numbers.
    pub(super) fn are_lines(data_type: &DataType) -> bool {
        let inner = item_type(data_type).and_then(item_type);
        inner.is_some_and(DataType::is_numeric)
    }

    pub(super) fn of(array: &'a ArrayRef) -> Self {
        let write: WriteValue<'a> = match array.data_type() {
            DataType::Boolean => {
                let array = array.as_boolean();
                Box::new(move |row, out| put(out, array.value(row)))
            }
            DataType::Int8 => numbers::<Int8Type>(array),
            DataType::Int16 => numbers::<Int16Type>(array),
            DataType::Int32 => numbers::<Int32Type>(array),
            DataType::Int64 => numbers::<Int64Type>(array),
            DataType::UInt8 => numbers::<UInt8Type>(array),
            DataType::UInt16 => numbers::<UInt16Type>(array),
            DataType::UInt32 => numbers::<UInt32Type>(array),
            DataType::UInt64 => numbers::<UInt64Type>(array),
            DataType::Float16 => {
                let array = array.as_primitive::<Float16Type>();
                Box::new(move |row, out| put(out, f64::from(array.value(row))))
            }
            DataType::Float32 => {
                let array = array.as_primitive::<Float32Type>();
                Box::new(move |row, out| put(out, f64::from(array.value(row))))
            }
            DataType::Float64 => numbers::<Float64Type>(array),
            DataType::Decimal128(..) => {
                let array = array.as_primitive::<Decimal128Type>();
                Box::new(move |row, out| put(out, array.value_as_string(row)))
            }
            DataType::Decimal256(..) => {
                let array = array.as_primitive::<Decimal256Type>();
                Box::new(move |row, out| put(out, array.value_as_string(row)))
            }
            DataType::Date32 => {
                let array = array.as_primitive::<Date32Type>();
                let seconds = move |row| i64::from(array.value(row)) * SECONDS_PER_DAY;
                Box::new(move |row, out| put_time(out, seconds(row), 0, false))
            }
            DataType::Date64 => times::<Date64Type>(array, 1_000, false),
            DataType::Timestamp(unit, zone) => {
                let is_instant = zone.is_some();
                match unit {
                    TimeUnit::Second => times::<TimestampSecondType>(array, 1, is_instant),
                    TimeUnit::Millisecond => {
                        times::<TimestampMillisecondType>(array, 1_000, is_instant)
                    }
                    TimeUnit::Microsecond => {
                        times::<TimestampMicrosecondType>(array, 1_000_000, is_instant)
                    }
                    TimeUnit::Nanosecond => {
                        times::<TimestampNanosecondType>(array, NANOS_PER_SECOND, is_instant)
                    }
                }
            }
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Box::new(move |row, out| out.extend_from_slice(array.value(row).as_bytes()))
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Box::new(move |row, out| out.extend_from_slice(array.value(row).as_bytes()))
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Box::new(move |row, out| put_bytes(out, array.value(row)))
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                Box::new(move |row, out| put_bytes(out, array.value(row)))
            }
            DataType::FixedSizeBinary(_) => {
                let array = array.as_fixed_size_binary();
                Box::new(move |row, out| put_bytes(out, array.value(row)))
            }
            DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
                Box::new(move |row, out| put_line(out, &items(array, row)))
            }
            // There is nothing in them, or they are not read.
            _ => Box::new(|_, _| {}),
        };
        let are_texts = matches!(
            array.data_type(),
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::FixedSizeBinary(_)
        );
        Self {
            array,
            write,
            are_texts,
        }
    }

    /// Writes the value of a row as a field; nothing if there is none.
    pub(super) fn push(&self, row: usize, delimiter: u8, out: &mut Vec<u8>) {
        if self.array.is_null(row) {
            return;
        }
        let start = out.len();
        (self.write)(row, out);
        out.truncate(start + MAX_TEXT_BYTES);
        if self.are_texts || out[start..].contains(&delimiter) {
            quote(out, start, delimiter);
        }
    }
}

/// The type of the items of a list.
fn item_type(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            Some(item.data_type())
        }
        _ => None,
    }
}

/// The items of a list.
fn items(array: &ArrayRef, row: usize) -> ArrayRef {
    match array.data_type() {
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        DataType::FixedSizeList(..) => array.as_fixed_size_list().value(row),
        _ => array.as_list::<i32>().value(row),
    }
}

/// The first and the last position of a line, which are all that a trip needs, as JSON: a long line
/// would be too long for a row.
fn put_line(out: &mut Vec<u8>, positions: &ArrayRef) {
    out.push(b'[');
    let last = positions.len().checked_sub(1);
    let first = last.filter(|last| *last > 0).map(|_| 0);
    for (place, row) in first.into_iter().chain(last).enumerate() {
        out.extend_from_slice(if place > 0 { b",[" } else { b"[" });
        let numbers = items(positions, row);
        let cells = Cells::of(&numbers);
        for row in 0..numbers.len() {
            if row > 0 {
                out.push(b',');
            }
            cells.push(row, b';', out);
        }
        out.push(b']');
    }
    out.push(b']');
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

/// Numbers, with as many digits as tell a value from all others of its type.
fn numbers<'a, T: ArrowPrimitiveType<Native: std::fmt::Display>>(
    array: &'a ArrayRef,
) -> WriteValue<'a> {
    let array: &'a PrimitiveArray<T> = array.as_primitive::<T>();
    Box::new(move |row, out| put(out, array.value(row)))
}

/// Times in so many units of a second.
fn times<T: ArrowPrimitiveType<Native = i64>>(
    array: &ArrayRef,
    units: i64,
    is_instant: bool,
) -> WriteValue<'_> {
    let array = array.as_primitive::<T>();
    Box::new(move |row, out| {
        let time = array.value(row);
        let nanos = time.rem_euclid(units) * (NANOS_PER_SECOND / units);
        put_time(out, time.div_euclid(units), nanos, is_instant);
    })
}

/// A time since 1970-01-01: a wall clock, or an instant.
fn put_time(out: &mut Vec<u8>, seconds: i64, nanos: i64, is_instant: bool) {
    let nanos = u32::try_from(nanos).unwrap_or(0);
    let Some(time) = DateTime::from_timestamp(seconds, nanos) else {
        // No trip has it.
        put(out, format_args!("{seconds} s after 1970"));
        return;
    };
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    put(
        out,
        format_args!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
    );
    if nanos > 0 {
        put(out, format_args!(".{nanos:09}"));
    }
    if is_instant {
        out.push(b'Z');
    }
}

/// A geometry in hexadecimal, or the text that some writers store without saying that it is one.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    match (bytes.first(), std::str::from_utf8(bytes)) {
        (Some(2..), Ok(text)) => out.extend_from_slice(text.as_bytes()),
        _ => {
            for byte in bytes.iter().take(MAX_TEXT_BYTES) {
                put(out, format_args!("{byte:02x}"));
            }
        }
    }
}

fn put(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, Date32Array, Decimal128Array, Float32Array, Float64Array, StringArray,
        TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    };

    use super::*;

    fn texts(array: impl Array + 'static) -> Vec<String> {
        let array: ArrayRef = Arc::new(array);
        let cells = Cells::of(&array);
        let text = |row| {
            let mut out = Vec::new();
            cells.push(row, b',', &mut out);
            String::from_utf8(out).unwrap()
        };
        (0..array.len()).map(text).collect()
    }

    #[test]
    fn values_have_a_text_that_loses_nothing() {
        let floats = [0.1 + 0.2, -73.987_654_321_012_34, 5e-324, 1e22, -0.0];
        let written = texts(Float64Array::from(floats.to_vec()));
        for (float, text) in floats.iter().zip(&written) {
            let read: f64 = text.parse().unwrap();
            assert_eq!(read.to_bits(), float.to_bits(), "{text}");
        }
        assert_eq!(
            texts(Float32Array::from(vec![Some(0.5), None])),
            ["0.5", ""]
        );
        let decimals = Decimal128Array::from(vec![-73_987_654, 5]);
        let decimals = decimals.with_precision_and_scale(12, 6).unwrap();
        assert_eq!(texts(decimals), ["-73.987654", "0.000005"]);
        let words = ["plain", "a,b", "say \"hi\"", "two\nlines", ""];
        assert_eq!(
            texts(StringArray::from(words.to_vec())),
            [
                "plain",
                "\"a,b\"",
                "\"say \"\"hi\"\"\"",
                "\"two\nlines\"",
                ""
            ]
        );
        let bytes: Vec<&[u8]> = vec![&[1, 0xab], b"POINT (1 2)", &[0xff]];
        assert_eq!(
            texts(BinaryArray::from(bytes)),
            ["01ab", "POINT (1 2)", "ff"]
        );
    }

    #[test]
    fn lists_of_positions_are_lines() {
        use arrow_array::builder::{Float64Builder, ListBuilder};

        let mut lines = ListBuilder::new(ListBuilder::new(Float64Builder::new()));
        for line in [
            &[[-8.62, 41.14], [0.0, 0.0], [-8.6, 41.2]][..],
            &[],
            &[[1.0, 2.0]],
        ] {
            for position in line {
                lines.values().values().append_slice(position);
                lines.values().append(true);
            }
            lines.append(true);
        }
        lines.append(false);
        let lines = lines.finish();
        assert!(Cells::are_lines(lines.data_type()));
        assert!(!Cells::are_lines(&lines.value_type()));
        let expected = ["\"[[-8.62,41.14],[-8.6,41.2]]\"", "[]", "\"[[1,2]]\"", ""];
        assert_eq!(texts(lines), expected);
        assert_eq!(texts(arrow_array::NullArray::new(2)), ["", ""]);
    }

    #[test]
    fn times_are_wall_clocks_or_instants() {
        assert_eq!(
            texts(Date32Array::from(vec![17_679, -1])),
            ["2018-05-28 00:00:00", "1969-12-31 00:00:00"]
        );
        let millis = TimestampMillisecondArray::from(vec![1_614_585_600_250, -1]);
        assert_eq!(
            texts(millis.clone()),
            [
                "2021-03-01 08:00:00.250000000",
                "1969-12-31 23:59:59.999000000"
            ]
        );
        assert_eq!(
            texts(millis.with_timezone("UTC"))[0],
            "2021-03-01 08:00:00.250000000Z"
        );
        let far = TimestampMicrosecondArray::from(vec![i64::MAX]);
        assert!(texts(far)[0].ends_with("after 1970"));
        let nanos = TimestampNanosecondArray::from(vec![1]);
        assert_eq!(texts(nanos), ["1970-01-01 00:00:00.000000001"]);
    }
}

//! The values of Parquet columns as text.

use std::fmt::Display;
use std::io::Write;

use chrono::{DateTime, Datelike, Timelike};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Bytes of a text that are written: a longer one makes its row too long for a trip.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 17;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// All are missing: pandas writes such columns.
    Missing,
    Boolean,
    Integer {
        is_signed: bool,
    },
    Float,
    /// An integer with so many digits behind the point.
    Decimal {
        digits: usize,
    },
    /// Days since 1970.
    Date,
    /// Units of time since 1970: a wall clock, or an instant.
    Time {
        per_second: i64,
        is_instant: bool,
    },
    Text,
    /// A geometry, or a text of which the writer did not say that it is one.
    Bytes,
}

impl Kind {
    /// The kind of a column; `None` if its values have no text, as times of day and intervals.
    pub(super) fn of(column: &ColumnDescriptor) -> Option<Self> {
        use ConvertedType as Converted;
        let signed = Self::Integer { is_signed: true };
        let unsigned = Self::Integer { is_signed: false };
        let time = |per_second, is_instant| Self::Time {
            per_second,
            is_instant,
        };
        let decimal = |scale| {
            usize::try_from(scale)
                .ok()
                .map(|digits| Self::Decimal { digits })
        };
        Some(match (column.logical_type_ref(), column.converted_type()) {
            (Some(LogicalType::Unknown), _) => Self::Missing,
            (Some(LogicalType::Integer(integer)), _) => Self::Integer {
                is_signed: integer.is_signed,
            },
            (Some(LogicalType::Decimal(of)), _) => decimal(of.scale)?,
            (Some(LogicalType::Date), _) | (None, Converted::DATE) => Self::Date,
            (Some(LogicalType::Timestamp(of)), _) => {
                let per_second = match of.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => NANOS_PER_SECOND,
                };
                time(per_second, of.is_adjusted_to_u_t_c)
            }
            (Some(LogicalType::Float16), _) => Self::Float,
            (Some(LogicalType::String | LogicalType::Json | LogicalType::Enum), _)
            | (None, Converted::UTF8 | Converted::JSON | Converted::ENUM) => Self::Text,
            (Some(LogicalType::Time(_)), _)
            | (None, Converted::TIME_MILLIS | Converted::TIME_MICROS | Converted::INTERVAL) => {
                return None;
            }
            (None, Converted::DECIMAL) => decimal(column.type_scale())?,
            (None, Converted::TIMESTAMP_MILLIS) => time(1_000, true),
            (None, Converted::TIMESTAMP_MICROS) => time(1_000_000, true),
            (
                None,
                Converted::UINT_8 | Converted::UINT_16 | Converted::UINT_32 | Converted::UINT_64,
            ) => unsigned,
            _ => match column.physical_type() {
                Type::BOOLEAN => Self::Boolean,
                Type::INT32 | Type::INT64 => signed,
                // Times of old programs, which do not say whether they are instants.
                Type::INT96 => time(NANOS_PER_SECOND, false),
                Type::FLOAT | Type::DOUBLE => Self::Float,
                Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => Self::Bytes,
            },
        })
    }

    /// Whether the values are numbers, of which positions consist.
    pub(super) const fn is_numeric(self) -> bool {
        matches!(
            self,
            Self::Integer { .. } | Self::Float | Self::Decimal { .. }
        )
    }

    /// Whether the values are texts, which may have to be quoted.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Bytes)
    }
}

/// A value of a physical type.
pub(super) trait CellValue {
    /// Writes the value, which is of that kind, without quotes. Nothing is lost: numbers have as many
    /// digits as tell them from all others of their type.
    fn put(&self, kind: Kind, out: &mut Vec<u8>);
}

impl CellValue for bool {
    fn put(&self, _: Kind, out: &mut Vec<u8>) {
        put(out, self);
    }
}

impl CellValue for i32 {
    fn put(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Integer { is_signed: false } => put(out, self.cast_unsigned()),
            Kind::Date => put_time(out, i64::from(*self) * SECONDS_PER_DAY, 0, false),
            kind => i64::from(*self).put(kind, out),
        }
    }
}

impl CellValue for i64 {
    fn put(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Integer { is_signed: false } => put(out, self.cast_unsigned()),
            Kind::Decimal { digits } => put_decimal(out, (*self).into(), digits),
            Kind::Time {
                per_second,
                is_instant,
            } => {
                let nanos = self.rem_euclid(per_second) * (NANOS_PER_SECOND / per_second);
                put_time(out, self.div_euclid(per_second), nanos, is_instant);
            }
            _ => put(out, self),
        }
    }
}

impl CellValue for Int96 {
    fn put(&self, _: Kind, out: &mut Vec<u8>) {
        let nanos = self.to_nanos().rem_euclid(NANOS_PER_SECOND);
        put_time(out, self.to_seconds(), nanos, false);
    }
}

impl CellValue for f32 {
    fn put(&self, _: Kind, out: &mut Vec<u8>) {
        // The number that it is, not the shortest that it is the nearest to.
        put(out, f64::from(*self));
    }
}

impl CellValue for f64 {
    fn put(&self, _: Kind, out: &mut Vec<u8>) {
        put(out, self);
    }
}

impl CellValue for ByteArray {
    fn put(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Text => out.extend_from_slice(self.data()),
            kind => put_bytes(out, kind, self.data()),
        }
    }
}

impl CellValue for FixedLenByteArray {
    fn put(&self, kind: Kind, out: &mut Vec<u8>) {
        match (kind, self.data()) {
            (Kind::Float, &[low, high]) => put(out, half::f16::from_le_bytes([low, high])),
            (kind, bytes) => put_bytes(out, kind, bytes),
        }
    }
}

/// A decimal, or a geometry in hexadecimal or as text.
fn put_bytes(out: &mut Vec<u8>, kind: Kind, bytes: &[u8]) {
    if let Kind::Decimal { digits } = kind {
        match integer(bytes) {
            Some(integer) => put_decimal(out, integer, digits),
            // No coordinate and no time has it.
            None => put(out, format_args!("a decimal of {} bytes", bytes.len())),
        }
        return;
    }
    match (bytes.first(), std::str::from_utf8(bytes)) {
        (Some(2..), Ok(text)) => out.extend_from_slice(text.as_bytes()),
        _ => {
            for byte in bytes.iter().take(MAX_TEXT_BYTES) {
                put(out, format_args!("{byte:02x}"));
            }
        }
    }
}

/// The integer of bytes in two's complement, the highest first; `None` past 128 bits.
fn integer(bytes: &[u8]) -> Option<i128> {
    let negative = bytes.first().is_some_and(|first| *first >= 0x80);
    let mut integer = if negative { -1_i128 } else { 0 };
    for byte in bytes {
        integer = integer.checked_mul(256)? | i128::from(*byte);
    }
    Some(integer)
}

fn put_decimal(out: &mut Vec<u8>, integer: i128, digits: usize) {
    if integer < 0 {
        out.push(b'-');
    }
    let text = format!("{:0>1$}", integer.unsigned_abs(), digits + 1);
    let (whole, fraction) = text.split_at(text.len() - digits);
    put(out, whole);
    if digits > 0 {
        put(out, format_args!(".{fraction}"));
    }
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

fn put(out: &mut Vec<u8>, value: impl Display) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &impl CellValue, kind: Kind) -> String {
        let mut out = Vec::new();
        value.put(kind, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_have_a_text_that_loses_nothing() {
        for float in [0.1_f64 + 0.2, -73.987_654_321_012_34, 5e-324, 1e22, -0.0] {
            let text = text(&float, Kind::Float);
            let read: f64 = text.parse().unwrap();
            assert_eq!(read.to_bits(), float.to_bits(), "{text}");
        }
        let (signed, unsigned) = (
            Kind::Integer { is_signed: true },
            Kind::Integer { is_signed: false },
        );
        assert_eq!(text(&-1_i32, signed), "-1");
        assert_eq!(text(&-1_i32, unsigned), "4294967295");
        assert_eq!(text(&i64::MIN, signed), "-9223372036854775808");
        assert_eq!(text(&-1_i64, unsigned), "18446744073709551615");
        assert_eq!(text(&0.1_f32, Kind::Float), "0.10000000149011612");
        let half = FixedLenByteArray::from(half::f16::from_f32(40.25).to_le_bytes().to_vec());
        assert_eq!(text(&half, Kind::Float), "40.25");
    }

    #[test]
    fn decimals_have_their_point() {
        let six = Kind::Decimal { digits: 6 };
        assert_eq!(text(&-73_987_654_i32, six), "-73.987654");
        assert_eq!(text(&5_i64, six), "0.000005");
        assert_eq!(text(&7_i64, Kind::Decimal { digits: 0 }), "7");
        let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        assert_eq!(text(&bytes(&[]), six), "0.000000");
        assert_eq!(text(&bytes(&[0xff]), six), "-0.000001");
        assert_eq!(text(&bytes(&[0, 0xff]), six), "0.000255");
        // More bytes than the number needs.
        let mut long = vec![0xff; 30];
        long.extend((-73_987_654_i32).to_be_bytes());
        assert_eq!(text(&bytes(&long), six), "-73.987654");
        long[0] = 0x80;
        assert_eq!(text(&bytes(&long), six), "a decimal of 34 bytes");
        for number in [i128::MIN, i128::MAX, -1, 0, 1 << 64] {
            assert_eq!(integer(&number.to_be_bytes()), Some(number));
        }
    }

    #[test]
    fn bytes_are_hexadecimal_unless_they_are_text() {
        let bytes = |bytes: &[u8]| text(&ByteArray::from(bytes.to_vec()), Kind::Bytes);
        assert_eq!(bytes(&[1, 0xab]), "01ab");
        assert_eq!(bytes(b"POINT (1 2)"), "POINT (1 2)");
        assert_eq!(bytes(&[0xff]), "ff");
    }

    #[test]
    fn times_are_wall_clocks_or_instants() {
        assert_eq!(text(&17_679, Kind::Date), "2018-05-28 00:00:00");
        assert_eq!(text(&-1, Kind::Date), "1969-12-31 00:00:00");
        let time = |per_second, is_instant| Kind::Time {
            per_second,
            is_instant,
        };
        assert_eq!(
            text(&1_614_585_600_250_i64, time(1_000, false)),
            "2021-03-01 08:00:00.250000000"
        );
        assert_eq!(
            text(&1_614_585_600_250_i64, time(1_000, true)),
            "2021-03-01 08:00:00.250000000Z"
        );
        assert_eq!(
            text(&-1_i64, time(1_000, false)),
            "1969-12-31 23:59:59.999000000"
        );
        assert_eq!(
            text(&1_i64, time(NANOS_PER_SECOND, false)),
            "1970-01-01 00:00:00.000000001"
        );
        assert!(text(&i64::MAX, time(1_000_000, false)).ends_with("after 1970"));
        // Day 2,440,588 of the Julian calendar is 1970-01-01.
        let mut int96 = Int96::new();
        int96.set_data(1_500_000_000, 0, 2_440_588);
        assert_eq!(
            text(&int96, time(NANOS_PER_SECOND, false)),
            "1970-01-01 00:00:01.500000000"
        );
    }
}

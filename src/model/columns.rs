//! Numbers packed column by column: of each column the least number, and what the others are above
//! it in the column's greatest common unit, in as few bits as the greatest takes (a frame of
//! reference, as `DuckDB` and Parquet have it).
//!
//! ```text
//! columns(n) = version rows column{n}
//! version    = u8            1
//! rows       = varint        numbers of each column, less than 2³²
//! column     = least bits [unit multiple{rows}]
//! least      = varint
//! bits       = u8            0 to 56, or 64; 0 if all numbers are equal: then nothing follows
//! unit       = varint        at least 1
//! multiple   = integer of `bits` bits; lowest bits first, the last byte filled with zeros
//! ```

use std::ops::Range;

use tantivy_bitpacker::{BitPacker, BitUnpacker, compute_num_bits};

use super::varint::{push_varint, split_varint};

/// The layout that is written and read.
const VERSION: u8 = 1;

/// Bytes that are no columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("packed columns are broken")]
pub(super) struct CorruptColumns;

/// Packs columns of the same length one after the other.
#[derive(Debug)]
pub(super) struct ColumnWriter<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> ColumnWriter<'a> {
    /// Appends to the bytes; each column has `rows` numbers.
    pub(super) fn new(bytes: &'a mut Vec<u8>, rows: u32) -> Self {
        bytes.push(VERSION);
        push_varint(bytes, rows.into());
        Self { bytes }
    }

    /// Packs a column.
    pub(super) fn column(&mut self, numbers: impl Iterator<Item = u64> + Clone) {
        let (least, greatest) = numbers
            .clone()
            .fold((u64::MAX, 0), |(least, greatest), number| {
                (least.min(number), greatest.max(number))
            });
        if least >= greatest {
            push_varint(self.bytes, if greatest == 0 { 0 } else { least });
            self.bytes.push(0);
            return;
        }
        let unit = common_unit(numbers.clone().map(|number| number - least));
        let bits = compute_num_bits((greatest - least) / unit);
        push_varint(self.bytes, least);
        self.bytes.push(bits);
        push_varint(self.bytes, unit);
        let mut packer = BitPacker::new();
        for number in numbers {
            let multiple = if unit == 1 {
                number - least
            } else {
                (number - least) / unit
            };
            // Writing to a vector cannot fail.
            let _ = packer.write(multiple, bits, self.bytes);
        }
        let _ = packer.close(self.bytes);
    }
}

/// The greatest common divisor of some numbers, at least 1.
fn common_unit(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut unit = 0;
    for number in numbers {
        let (mut a, mut b) = (number, unit);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        unit = a;
        if unit == 1 {
            break;
        }
    }
    unit.max(1)
}

/// A column of packed numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    least: u64,
    unit: u64,
    multiples: BitUnpacker,
    bytes: &'a [u8],
}

impl Column<'_> {
    /// The number of a row, which must be one of [`Columns::rows`].
    #[inline]
    pub(super) fn get(&self, row: u32) -> u64 {
        let multiple = self.multiples.get(row, self.bytes);
        self.least.wrapping_add(self.unit.wrapping_mul(multiple))
    }

    /// Numbers between which all those of the column are, both included; equal, if all are equal.
    pub(super) fn bounds(&self) -> [u64; 2] {
        let multiple = match self.multiples.bit_width() {
            64 => u64::MAX,
            bits => (1 << bits) - 1,
        };
        let above = self.unit.checked_mul(multiple);
        let greatest = above.and_then(|above| self.least.checked_add(above));
        greatest.map_or([0, u64::MAX], |greatest| [self.least, greatest])
    }
}

/// Columns of packed numbers, all of the same length.
#[derive(Debug, Clone)]
pub(super) struct Columns<'a, const N: usize> {
    rows: u32,
    columns: [Column<'a>; N],
}

impl<'a, const N: usize> Columns<'a, N> {
    /// Reads the columns that bytes begin with, and returns them with the other bytes.
    pub(super) fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), CorruptColumns> {
        let (&VERSION, bytes) = bytes.split_first().ok_or(CorruptColumns)? else {
            return Err(CorruptColumns);
        };
        let (rows, mut bytes) = split_varint(bytes).ok_or(CorruptColumns)?;
        let rows = u32::try_from(rows).map_err(|_| CorruptColumns)?;
        let empty = Column {
            least: 0,
            unit: 1,
            multiples: BitUnpacker::new(0),
            bytes: &[],
        };
        let mut columns = [empty; N];
        for column in &mut columns {
            (*column, bytes) = split_column(bytes, rows)?;
        }
        Ok((Self { rows, columns }, bytes))
    }

    /// The rows, from 0.
    pub(super) const fn rows(&self) -> Range<u32> {
        0..self.rows
    }

    /// The columns, in the order in which they were packed.
    pub(super) const fn columns(&self) -> &[Column<'a>; N] {
        &self.columns
    }
}

/// The column that bytes begin with, and the other bytes.
fn split_column(bytes: &[u8], rows: u32) -> Result<(Column<'_>, &[u8]), CorruptColumns> {
    let (least, bytes) = split_varint(bytes).ok_or(CorruptColumns)?;
    let (&bits, bytes) = bytes.split_first().ok_or(CorruptColumns)?;
    if bits > 56 && bits != 64 {
        return Err(CorruptColumns);
    }
    let (unit, bytes) = match bits {
        0 => (1, bytes),
        _ => split_varint(bytes).ok_or(CorruptColumns)?,
    };
    if unit == 0 {
        return Err(CorruptColumns);
    }
    let packed = (u64::from(rows) * u64::from(bits)).div_ceil(8);
    let packed = usize::try_from(packed).map_err(|_| CorruptColumns)?;
    let rest = bytes.get(packed..).ok_or(CorruptColumns)?;
    let column = Column {
        least,
        unit,
        multiples: BitUnpacker::new(bits),
        // With what follows: numbers are read quicker where eight bytes are there.
        bytes,
    };
    Ok((column, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(columns: &[Vec<u64>; 2]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let rows = columns[0].len().try_into().unwrap();
        let mut writer = ColumnWriter::new(&mut bytes, rows);
        for column in columns {
            writer.column(column.iter().copied());
        }
        bytes
    }

    fn numbers(rows: usize) -> impl Strategy<Value = Vec<u64>> {
        let column = |number: BoxedStrategy<u64>| proptest::collection::vec(number, rows);
        prop_oneof![
            column(any::<u64>().boxed()),
            column((1_000..1_008_u64).boxed()),
            column((0..5_u64).prop_map(|n| n * (u64::MAX / 5)).boxed()),
            (
                any::<u32>(),
                1..10_000_000_u64,
                column((0..700_u64).boxed())
            )
                .prop_map(|(least, unit, multiples)| {
                    let number = |multiple| u64::from(least) + unit * multiple;
                    multiples.into_iter().map(number).collect()
                }),
            any::<u64>().prop_map(move |number| vec![number; rows]),
        ]
    }

    proptest! {
        #[test]
        fn columns_give_back_what_was_put_in(
            columns in (0..40_usize).prop_flat_map(|rows| [numbers(rows), numbers(rows)]),
        ) {
            let mut bytes = packed(&columns);
            for length in 0..bytes.len() {
                prop_assert!(Columns::<2>::split_first(&bytes[..length]).is_err());
            }
            bytes.extend([7; 9]);
            let (read, rest) = Columns::<2>::split_first(&bytes).unwrap();
            prop_assert_eq!(rest, [7; 9]);
            for (column, numbers) in read.columns().iter().zip(&columns) {
                let got: Vec<_> = read.rows().map(|row| column.get(row)).collect();
                prop_assert_eq!(&got, numbers);
                let [least, greatest] = column.bounds();
                prop_assert!(numbers.iter().all(|number| (least..=greatest).contains(number)));
                let equal = numbers.iter().all(|number| *number == numbers[0]);
                prop_assert_eq!(least == greatest, equal);
            }
        }

        #[test]
        fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = bytes;
            if let Some(version) = bytes.first_mut() {
                *version %= 3;
            }
            if let Ok((columns, _)) = Columns::<3>::split_first(&bytes) {
                for row in columns.rows().take(1_000) {
                    for column in columns.columns() {
                        let _ = column.get(row);
                    }
                }
            }
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        let bytes = packed(&[vec![5, 5, 5], vec![1_000, 4_000, 2_000]]);
        // Three rows of 5; then 1,000 and above it 0, 3 and 1 thousands in two bits each.
        assert_eq!(bytes, [1, 3, 5, 0, 0xE8, 0x07, 2, 0xE8, 0x07, 0b01_11_00]);
        assert_eq!(packed(&[vec![], vec![]]), [1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn seconds_take_the_bits_of_seconds() {
        let micros = |seconds: u64| seconds * 1_000_000;
        assert_eq!(
            common_unit([0, 86_400, 7, 60].map(micros).into_iter()),
            1_000_000
        );
        assert_eq!(common_unit([0, 0].into_iter()), 1);
        assert_eq!(common_unit([].into_iter()), 1);
        assert_eq!(common_unit([6, 10, 15].into_iter()), 1);
    }
}

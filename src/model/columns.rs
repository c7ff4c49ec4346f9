//! Numbers packed column by column: of each column the least number, and what the others are above
//! it, in as few bits as the greatest difference takes (a frame of reference, as `DuckDB` and Parquet
//! have it).
//!
//! The bytes: how many numbers each column has (4); and of each column the least (8), the bits of
//! a difference (1), the differences. Numbers are little-endian.

use std::ops::Range;

use tantivy_bitpacker::{BitPacker, BitUnpacker, compute_num_bits};

use super::CorruptPatch;

const HEAD_BYTES: usize = 4;
const COLUMN_HEAD_BYTES: usize = 9;

/// Packs columns one after the other, behind the bytes that are there.
#[derive(Debug)]
pub(super) struct ColumnWriter<'a> {
    bytes: &'a mut Vec<u8>,
}

impl<'a> ColumnWriter<'a> {
    /// For columns of so many numbers.
    pub(super) fn new(bytes: &'a mut Vec<u8>, rows: u32) -> Self {
        bytes.extend_from_slice(&rows.to_le_bytes());
        Self { bytes }
    }

    /// Packs a column.
    pub(super) fn column(&mut self, numbers: impl Iterator<Item = u64> + Clone) {
        let (least, greatest) = numbers.clone().fold((u64::MAX, 0), |(least, greatest), n| {
            (least.min(n), greatest.max(n))
        });
        let bits = compute_num_bits(greatest.saturating_sub(least));
        self.bytes.extend_from_slice(&least.to_le_bytes());
        self.bytes.push(bits);
        if bits == 0 {
            return;
        }
        let mut packer = BitPacker::new();
        for number in numbers {
            // Writing to a vector cannot fail.
            let _ = packer.write(number - least, bits, self.bytes);
        }
        let _ = packer.close(self.bytes);
    }
}

/// A column of packed numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    least: u64,
    differences: BitUnpacker,
    bytes: &'a [u8],
}

impl Column<'_> {
    /// The number of a row, which must be one of [`Columns::rows`].
    #[inline]
    pub(super) fn get(&self, row: u32) -> u64 {
        let difference = self.differences.get(row, self.bytes);
        self.least.wrapping_add(difference)
    }
}

/// Columns of packed numbers, all of the same length.
#[derive(Debug, Clone)]
pub(super) struct Columns<'a, const N: usize> {
    rows: u32,
    columns: [Column<'a>; N],
}

impl<'a, const N: usize> Columns<'a, N> {
    /// Reads the columns that bytes begin with, and gives the other bytes back.
    pub(super) fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), CorruptPatch> {
        let (rows, mut bytes) = bytes
            .split_first_chunk::<HEAD_BYTES>()
            .ok_or(CorruptPatch)?;
        let rows = u32::from_le_bytes(*rows);
        let empty = Column {
            least: 0,
            differences: BitUnpacker::new(0),
            bytes: &[],
        };
        let mut columns = [empty; N];
        for column in &mut columns {
            let (head, rest) = bytes
                .split_first_chunk::<COLUMN_HEAD_BYTES>()
                .ok_or(CorruptPatch)?;
            let [least @ .., bits] = *head;
            if bits > 56 && bits != 64 {
                return Err(CorruptPatch);
            }
            *column = Column {
                least: u64::from_le_bytes(least),
                differences: BitUnpacker::new(bits),
                // With what follows: numbers are read quicker where eight bytes are there.
                bytes: rest,
            };
            let packed = (u64::from(rows) * u64::from(bits)).div_ceil(8);
            let packed = usize::try_from(packed).map_err(|_| CorruptPatch)?;
            bytes = rest.get(packed..).ok_or(CorruptPatch)?;
        }
        Ok((Self { rows, columns }, bytes))
    }

    /// The rows, from 0.
    pub(super) fn rows(&self) -> Range<u32> {
        0..self.rows
    }

    /// The columns, in the order in which they were packed.
    pub(super) const fn columns(&self) -> &[Column<'a>; N] {
        &self.columns
    }
}

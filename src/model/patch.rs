//! Trip patches: the trip ends of one cell, packed as fixed-size records in two columns. The cell
//! is a leaf cell where trips are dense, and a larger one of [`LEVELS`](crate::geo::LEVELS) where
//! they are sparse.
//!
//! `points` holds what the edge of a box needs, 24 bytes an end; `rest` what else there is to know
//! without touching the trip's row, 16 bytes an end, and 16 more where the end is the origin: the
//! coordinates of the other one. Both list the same ends in the same order. Numbers are
//! little-endian. (pgPointcloud calls such a row a patch.)

use super::{End, Week};

const POINT_BYTES: usize = 24;
const REST_BYTES: usize = 16;
const ORIGIN_REST_BYTES: usize = 32;
const ID_BITS: u32 = 22;
const LINE_BITS: u32 = 56;

/// Regions and datasources are numbered from 1 up to this.
pub const MAX_DIMENSION_ID: u32 = (1 << ID_BITS) - 1;

/// Bytes that are no patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trip patch is broken")]
pub struct CorruptPatch;

/// Week, region and datasource of a trip in one number, ordered by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TripKey(u64);

impl TripKey {
    /// Packs a week and the numbers of a region and a datasource, both at most
    /// [`MAX_DIMENSION_ID`].
    #[must_use]
    pub const fn new(week: Week, region: u32, datasource: u32) -> Self {
        Self(
            (week.number() as u64) << (2 * ID_BITS)
                | (region as u64) << ID_BITS
                | datasource as u64,
        )
    }

    /// The number of the ISO week, see [`Week::number`].
    #[must_use]
    pub const fn week_number(self) -> u32 {
        (self.0 >> (2 * ID_BITS)) as u32
    }

    /// The region's number.
    #[must_use]
    pub const fn region(self) -> u32 {
        low_bits(self.0 >> ID_BITS)
    }

    /// The datasource's number.
    #[must_use]
    pub const fn datasource(self) -> u32 {
        low_bits(self.0)
    }
}

/// The bits of one id.
#[expect(clippy::cast_possible_truncation, reason = "an id has 22 bits")]
const fn low_bits(bits: u64) -> u32 {
    (bits & MAX_DIMENSION_ID as u64) as u32
}

/// Keeps the trips of a region, of a datasource, of both, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyFilter {
    /// The region's number, where only its trips count.
    pub region: Option<u32>,
    /// The datasource's number, where only its trips count.
    pub datasource: Option<u32>,
}

impl KeyFilter {
    /// Whether a trip with this key counts.
    #[must_use]
    pub fn admits(&self, key: TripKey) -> bool {
        self.admits_region(key.region()) && self.admits_datasource(key.datasource())
    }

    /// Whether trips of this region count.
    #[must_use]
    pub fn admits_region(&self, region: u32) -> bool {
        self.region.is_none_or(|only| only == region)
    }

    /// Whether trips of this datasource count.
    #[must_use]
    pub fn admits_datasource(&self, datasource: u32) -> bool {
        self.datasource.is_none_or(|only| only == datasource)
    }
}

/// What the edge of a box needs to know of a trip end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchPoint {
    /// Longitude of this end in degrees.
    pub lon: f64,
    /// Latitude of this end in degrees.
    pub lat: f64,
    /// The trip's week, region and datasource.
    pub key: TripKey,
}

/// What else there is to know of a trip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PatchRest {
    /// The leaf cell of the other end.
    pub other_cell: u64,
    /// Longitude and latitude of the other end in degrees: of origins alone, since one of a trip's
    /// two patches is enough to know both ends.
    pub other: Option<[f64; 2]>,
    /// Half-hour of the day of departure, 0–47.
    pub slot: u8,
    /// Line of the file, below 2⁵⁶.
    pub line: u64,
}

/// A patch as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// The packed points.
    pub points: Vec<u8>,
    /// The packed rest.
    pub rest: Vec<u8>,
}

impl Patch {
    /// An empty patch with room for some ends of a kind.
    #[must_use]
    pub fn with_capacity(end: End, ends: usize) -> Self {
        Self {
            points: Vec::with_capacity(ends * POINT_BYTES),
            rest: Vec::with_capacity(ends * rest_bytes(end)),
        }
    }

    /// Adds a trip end. All of one patch are of one kind.
    pub fn push(&mut self, point: PatchPoint, rest: PatchRest) {
        let mut record = [0; POINT_BYTES];
        record[..8].copy_from_slice(&point.lon.to_le_bytes());
        record[8..16].copy_from_slice(&point.lat.to_le_bytes());
        record[16..].copy_from_slice(&point.key.0.to_le_bytes());
        self.points.extend_from_slice(&record);

        let slot_and_line = u64::from(rest.slot) << LINE_BITS | rest.line;
        let mut record = [0; ORIGIN_REST_BYTES];
        record[..8].copy_from_slice(&rest.other_cell.to_le_bytes());
        record[8..16].copy_from_slice(&slot_and_line.to_le_bytes());
        let Some([lon, lat]) = rest.other else {
            self.rest.extend_from_slice(&record[..REST_BYTES]);
            return;
        };
        record[16..24].copy_from_slice(&lon.to_le_bytes());
        record[24..].copy_from_slice(&lat.to_le_bytes());
        self.rest.extend_from_slice(&record);
    }
}

const fn rest_bytes(end: End) -> usize {
    match end {
        End::Origin => ORIGIN_REST_BYTES,
        End::Destination => REST_BYTES,
    }
}

/// Reads packed points.
pub fn read_points(
    bytes: &[u8],
) -> Result<impl ExactSizeIterator<Item = PatchPoint> + '_, CorruptPatch> {
    let (records, []) = bytes.as_chunks::<POINT_BYTES>() else {
        return Err(CorruptPatch);
    };
    Ok(records.iter().map(|record| PatchPoint {
        lon: f64::from_le_bytes(field(record, 0)),
        lat: f64::from_le_bytes(field(record, 8)),
        key: TripKey(u64::from_le_bytes(field(record, 16))),
    }))
}

/// Reads packed rests of ends of a kind.
fn read_rests(
    end: End,
    bytes: &[u8],
) -> Result<impl ExactSizeIterator<Item = PatchRest> + '_, CorruptPatch> {
    let size = rest_bytes(end);
    if !bytes.len().is_multiple_of(size) {
        return Err(CorruptPatch);
    }
    Ok(bytes.chunks_exact(size).map(|record| {
        let slot_and_line = u64::from_le_bytes(field(record, 8));
        let degrees = |at| f64::from_le_bytes(field(record, at));
        PatchRest {
            other_cell: u64::from_le_bytes(field(record, 0)),
            other: (record.len() > REST_BYTES).then(|| [degrees(16), degrees(24)]),
            slot: (slot_and_line >> LINE_BITS) as u8,
            line: slot_and_line & ((1 << LINE_BITS) - 1),
        }
    }))
}

/// Reads the ends of a patch whole.
pub fn read_ends<'a>(
    end: End,
    points: &'a [u8],
    rest: &'a [u8],
) -> Result<impl ExactSizeIterator<Item = (PatchPoint, PatchRest)> + 'a, CorruptPatch> {
    let (points, rests) = (read_points(points)?, read_rests(end, rest)?);
    if points.len() == rests.len() {
        Ok(points.zip(rests))
    } else {
        Err(CorruptPatch)
    }
}

/// Eight bytes of a record, from `at`.
#[inline]
fn field(record: &[u8], at: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&record[at..at + 8]);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_patch_gives_back_what_was_put_in(
            end in prop_oneof![Just(End::Origin), Just(End::Destination)],
            ends in proptest::collection::vec(
                (
                    (-180.0..=180.0, -90.0..=90.0, 0..=Week::MAX.number()),
                    (0..=MAX_DIMENSION_ID, 0..=MAX_DIMENSION_ID, any::<u64>()),
                    (-180.0..=180.0, -90.0..=90.0, 0..48u8, 0..1u64 << 56),
                ),
                0..50,
            ),
        ) {
            let ends: Vec<_> = ends
                .into_iter()
                .map(|((lon, lat, week), (region, datasource, other_cell), (x, y, slot, line))| {
                    let week = Week::from_number(week).unwrap();
                    let key = TripKey::new(week, region, datasource);
                    prop_assert_eq!(key.week_number(), week.number());
                    prop_assert_eq!(key.region(), region);
                    prop_assert_eq!(key.datasource(), datasource);
                    Ok((
                        PatchPoint { lon, lat, key },
                        PatchRest {
                            other_cell,
                            other: (end == End::Origin).then_some([x, y]),
                            slot,
                            line,
                        },
                    ))
                })
                .collect::<Result<_, _>>()?;
            let mut patch = Patch::default();
            for &(point, rest) in &ends {
                patch.push(point, rest);
            }
            let read: Vec<_> = read_ends(end, &patch.points, &patch.rest).unwrap().collect();
            prop_assert_eq!(read, ends);
        }
    }

    #[test]
    fn broken_bytes_are_an_error() {
        assert!(read_points(&[0; POINT_BYTES + 1]).is_err());
        assert!(read_rests(End::Destination, &[0; REST_BYTES - 1]).is_err());
        assert!(read_rests(End::Origin, &[0; REST_BYTES]).is_err());
        assert!(read_ends(End::Origin, &[0; POINT_BYTES], &[]).is_err());
    }
}

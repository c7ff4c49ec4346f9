//! Trip patches: the trip ends of one cell, packed in two groups of columns. The cell is a leaf cell
//! where trips are dense, and a larger one of [`LEVELS`](crate::geo::LEVELS) where they are sparse.
//!
//! `points` holds what the edge of a box needs: longitude, latitude, week, region, datasource.
//! `rest` holds what else there is to know without touching the trip's row: the leaf cell of the
//! other end, the half-hour of the day and the line; of origins also longitude and latitude of the
//! other end. Both list the same ends in the same order, packed as [columns](super::columns): as
//! the ends of a patch are near each other, a point takes some 12 bytes of 24. Patches that were
//! packed at different times are put together by putting their bytes together: each value has one
//! part or more. (pgPointcloud calls such a row a patch.)

use std::ops::Range;
use std::{iter, mem};

use super::columns::{Column, ColumnWriter, Columns};
use super::{TripEnd, TripKey};
use crate::geo::{leaf_number, numbered_leaf};

/// Bytes that are no patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trip patch is broken")]
pub struct CorruptPatch;

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
    pub half_hour: u8,
    /// Line of the file.
    pub line: u64,
}

/// A patch as it is stored: in parts, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// The packed points.
    pub points: Vec<u8>,
    /// The packed rest.
    pub rest: Vec<u8>,
}

impl Patch {
    /// Packs trip ends and adds them as a part. All of one patch are of one kind.
    ///
    /// # Panics
    ///
    /// If there are 2³² of them, or more.
    pub fn add(&mut self, end: TripEnd, ends: &[(PatchPoint, PatchRest)]) {
        let rows = ends.len().try_into();
        let rows = rows.unwrap_or_else(|_| panic!("{} ends are no patch", ends.len()));
        let (points, rests) = (ends.iter().map(|end| &end.0), ends.iter().map(|end| &end.1));

        let mut packed = ColumnWriter::new(&mut self.points, rows);
        packed.column(points.clone().map(|point| point.lon.to_bits()));
        packed.column(points.clone().map(|point| point.lat.to_bits()));
        packed.column(points.clone().map(|point| point.key.week_number().into()));
        packed.column(points.clone().map(|point| point.key.region().into()));
        packed.column(points.map(|point| point.key.datasource().into()));

        let mut packed = ColumnWriter::new(&mut self.rest, rows);
        packed.column(rests.clone().map(|rest| leaf_number(rest.other_cell)));
        packed.column(rests.clone().map(|rest| rest.half_hour.into()));
        packed.column(rests.clone().map(|rest| rest.line));
        if end == TripEnd::Origin {
            for axis in 0..2 {
                let degrees =
                    |rest: &PatchRest| rest.other.map_or(0, |other| other[axis].to_bits());
                packed.column(rests.clone().map(degrees));
            }
        }
        // Patches wait in memory by the thousands.
        self.points.shrink_to_fit();
        self.rest.shrink_to_fit();
    }
}

/// The points of a part of a patch, each column of which is read only where it is asked for.
#[derive(Debug, Clone)]
pub struct PatchPoints<'a>(Columns<'a, 5>);

impl<'a> PatchPoints<'a> {
    /// Reads packed points, part by part. After an error there are no more.
    pub fn parts(mut bytes: &'a [u8]) -> impl Iterator<Item = Result<Self, CorruptPatch>> {
        iter::from_fn(move || (!bytes.is_empty()).then(|| next(&mut bytes).map(Self)))
    }

    /// The numbers of the ends, from 0.
    #[must_use]
    pub fn rows(&self) -> Range<u32> {
        self.0.rows()
    }

    /// Longitude and latitude of an end in degrees.
    #[must_use]
    #[inline]
    pub fn position(&self, row: u32) -> [f64; 2] {
        let [lon, lat, ..] = self.0.columns();
        [lon, lat].map(|degrees| f64::from_bits(degrees.get(row)))
    }

    /// The key of a trip.
    #[must_use]
    #[inline]
    pub fn key(&self, row: u32) -> TripKey {
        let [.., week, region, datasource] = self.0.columns();
        TripKey::from_numbers(week.get(row), region.get(row), datasource.get(row))
    }

    /// The keys of all trips.
    pub fn keys(&self) -> impl Iterator<Item = TripKey> + '_ {
        self.rows().map(|row| self.key(row))
    }

    /// All points.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PatchPoint> + '_ {
        self.rows().map(|row| {
            let ([lon, lat], key) = (self.position(row), self.key(row));
            PatchPoint { lon, lat, key }
        })
    }
}

/// The ends of a part of a patch whole, each column of which is read only where it is asked for.
#[derive(Debug, Clone)]
pub struct PatchEnds<'a> {
    points: PatchPoints<'a>,
    other_cell: Column<'a>,
    half_hour: Column<'a>,
    line: Column<'a>,
    other: Option<[Column<'a>; 2]>,
}

impl<'a> PatchEnds<'a> {
    /// Reads the packed ends of a kind, part by part. After an error there are no more.
    pub fn parts(
        end: TripEnd,
        mut points: &'a [u8],
        mut rest: &'a [u8],
    ) -> impl Iterator<Item = Result<Self, CorruptPatch>> {
        iter::from_fn(move || {
            let more = !points.is_empty() || !rest.is_empty();
            more.then(|| {
                let part = Self::next(end, &mut points, &mut rest);
                if part.is_err() {
                    (points, rest) = (&[], &[]);
                }
                part
            })
        })
    }

    fn next(
        end: TripEnd,
        points: &mut &'a [u8],
        rest: &mut &'a [u8],
    ) -> Result<Self, CorruptPatch> {
        let points = PatchPoints(next(points)?);
        let (rows, [other_cell, half_hour, line], other) = match end {
            TripEnd::Origin => {
                let rest: Columns<'a, 5> = next(rest)?;
                let [cell, half_hour, line, other @ ..] = *rest.columns();
                (rest.rows(), [cell, half_hour, line], Some(other))
            }
            TripEnd::Destination => {
                let rest: Columns<'a, 3> = next(rest)?;
                (rest.rows(), *rest.columns(), None)
            }
        };
        if rows != points.rows() {
            return Err(CorruptPatch);
        }
        Ok(Self {
            points,
            other_cell,
            half_hour,
            line,
            other,
        })
    }

    /// The numbers of the ends, from 0.
    #[must_use]
    pub fn rows(&self) -> Range<u32> {
        self.points.rows()
    }

    /// The points.
    #[must_use]
    pub const fn points(&self) -> &PatchPoints<'a> {
        &self.points
    }

    /// The leaf cell of the other end.
    #[must_use]
    #[inline]
    pub fn other_cell(&self, row: u32) -> u64 {
        numbered_leaf(self.other_cell.get(row))
    }

    /// Longitude and latitude of the other end in degrees, of origins.
    #[must_use]
    #[inline]
    pub fn other(&self, row: u32) -> Option<[f64; 2]> {
        let degrees = |column: Column<'_>| f64::from_bits(column.get(row));
        self.other.map(|other| other.map(degrees))
    }

    /// Half-hour of the day of departure, 0–47.
    #[must_use]
    #[inline]
    pub fn half_hour(&self, row: u32) -> u8 {
        let [half_hour, ..] = self.half_hour.get(row).to_le_bytes();
        half_hour
    }

    /// Line of the file.
    #[must_use]
    #[inline]
    pub fn line(&self, row: u32) -> u64 {
        self.line.get(row)
    }

    /// All ends.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (PatchPoint, PatchRest)> + '_ {
        self.points.iter().zip(self.rows().map(|row| PatchRest {
            other_cell: self.other_cell(row),
            other: self.other(row),
            half_hour: self.half_hour(row),
            line: self.line(row),
        }))
    }
}

/// Takes the next columns off some bytes, or all of them where there are none.
fn next<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<Columns<'a, N>, CorruptPatch> {
    let (columns, others) = Columns::split_first(mem::take(bytes))?;
    *bytes = others;
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::geo::{Point, leaf_cell};
    use crate::model::{MAX_DIMENSION_ID, Week};

    fn degrees() -> impl Strategy<Value = (f64, f64)> {
        // Anywhere, in one place, and around where meridian and equator cross.
        prop_oneof![
            (-180.0..=180.0, -90.0..=90.0),
            (14.420..14.424, 50.080..50.083),
            (-0.001..0.001, -0.001..0.001),
            Just((-0.0, 0.0)),
        ]
    }

    proptest! {
        #[test]
        fn a_patch_gives_back_what_was_put_in(
            end in prop_oneof![Just(TripEnd::Origin), Just(TripEnd::Destination)],
            part in 1..60_usize,
            ends in proptest::collection::vec(
                (
                    (degrees(), degrees()),
                    (0..=Week::MAX.number(), 0..=MAX_DIMENSION_ID, 0..=MAX_DIMENSION_ID),
                    (0..48u8, prop_oneof![any::<u64>(), 0..1_000_000u64]),
                ),
                0..50,
            ),
        ) {
            let ends: Vec<_> = ends
                .into_iter()
                .map(|(((lon, lat), (x, y)), (week, region, datasource), (half_hour, line))| {
                    let week = Week::from_number(week).unwrap();
                    let key = TripKey::new(week, region, datasource);
                    prop_assert_eq!(key.week_number(), week.number());
                    prop_assert_eq!(key.region(), region);
                    prop_assert_eq!(key.datasource(), datasource);
                    Ok((
                        PatchPoint { lon, lat, key },
                        PatchRest {
                            other_cell: leaf_cell(Point::new(x, y).unwrap()).into(),
                            other: (end == TripEnd::Origin).then_some([x, y]),
                            half_hour,
                            line,
                        },
                    ))
                })
                .collect::<Result<_, _>>()?;
            let mut patch = Patch::default();
            for part in ends.chunks(part) {
                patch.add(end, part);
            }
            let mut read = Vec::new();
            for part in PatchEnds::parts(end, &patch.points, &patch.rest) {
                read.extend(part.unwrap().iter());
            }
            // With the signs of zeros.
            let exact = |ends: &[(PatchPoint, PatchRest)]| format!("{ends:?}");
            prop_assert_eq!(exact(&read), exact(&ends));
            let mut read = Vec::new();
            for part in PatchPoints::parts(&patch.points) {
                read.extend(part.unwrap().iter());
            }
            prop_assert_eq!(read, ends.iter().map(|end| end.0).collect::<Vec<_>>());
        }
    }

    #[test]
    fn ends_that_are_near_each_other_take_little_room() {
        let cell = leaf_cell(Point::new(14.5, 50.1).unwrap()).into();
        let ends: Vec<_> = (0..100_u8)
            .map(|n| {
                let point = PatchPoint {
                    lon: 14.42 + f64::from(n) * 3e-5,
                    lat: 50.08 + f64::from(n) * 2e-5,
                    key: TripKey::new(Week::MAX, 1, 1 + u32::from(n) % 4),
                };
                let rest = PatchRest {
                    other_cell: cell,
                    other: Some([14.5, 50.1]),
                    half_hour: 16,
                    line: 2 + u64::from(n),
                };
                (point, rest)
            })
            .collect();
        let mut patch = Patch::default();
        patch.add(TripEnd::Origin, &ends);
        // 42 bits of longitude, 39 of latitude, 2 of the datasource; 7 of the line.
        assert!(patch.points.len() < 100 * 11 + 4 + 5 * 9);
        assert_eq!(patch.rest.len(), (100 * 7_usize).div_ceil(8) + 4 + 5 * 9);
    }

    #[test]
    fn broken_bytes_are_an_error() {
        let end = (
            PatchPoint {
                lon: 1.0,
                lat: 2.0,
                key: TripKey::new(Week::MAX, 1, 1),
            },
            PatchRest {
                other_cell: 0,
                other: Some([3.0, 4.0]),
                half_hour: 5,
                line: 6,
            },
        );
        let other = (
            PatchPoint { lon: 1.5, ..end.0 },
            PatchRest { line: 7, ..end.1 },
        );
        let packed = |ends: &[(PatchPoint, PatchRest)]| {
            let mut patch = Patch::default();
            patch.add(TripEnd::Origin, ends);
            (patch.points, patch.rest)
        };
        let (points, rest) = packed(&[end, other]);
        let broken = |end, points: &[u8], rest: &[u8]| {
            let mut parts = PatchEnds::parts(end, points, rest);
            let broken = parts.any(|part| part.is_err());
            assert!(!broken || parts.next().is_none());
            broken
        };
        let broken_points = |points: &[u8]| PatchPoints::parts(points).any(|part| part.is_err());
        assert!(!broken(TripEnd::Origin, &points, &rest));
        // Columns of the other kind; fewer ends, or a part less; cut off, or with more behind.
        assert!(broken(TripEnd::Destination, &points, &rest));
        assert!(broken(TripEnd::Origin, &points, &packed(&[end]).1));
        assert!(broken(TripEnd::Origin, &points, &[]));
        assert!(broken(TripEnd::Origin, &[], &rest));
        for length in 1..points.len() {
            assert!(broken_points(&points[..length]));
        }
        assert!(broken_points(&[points.as_slice(), &[0]].concat()));
        // A width that numbers are not packed in.
        let mut odd = points.clone();
        odd[12] = 60;
        assert!(broken_points(&odd));
    }
}

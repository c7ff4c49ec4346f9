//! Reading patches: see [`Patch`](super::Patch).

use std::iter;
use std::ops::Range;

use super::columns::{Column, Columns, CorruptColumns};
use super::{IngestionId, LocalTime, PatchTrip, TripEnd, TripKey, Week};
use crate::geo::{CellRange, numbered_leaf};

/// Bytes that are no patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trip patch is broken")]
pub struct CorruptPatch;

impl From<CorruptColumns> for CorruptPatch {
    fn from(_: CorruptColumns) -> Self {
        Self
    }
}

/// How much of a patch is read: each group includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PatchDepth {
    /// Leaf cell of the other end, week and time of departure, region, datasource, ingestion: what
    /// filters and groups need.
    Keys,
    /// Also the position of this end: what the border of an area needs.
    Points,
    /// Also the position of the other end, of origins: what questions about both ends need.
    Others,
    /// Also line and time of arrival.
    Rest,
}

impl PatchDepth {
    /// Every depth, the least first.
    pub const ALL: [Self; 4] = [Self::Keys, Self::Points, Self::Others, Self::Rest];
}

/// The bytes of a patch's groups, as far as they were read.
#[derive(Debug, Clone, Copy)]
pub struct PatchBytes<'a> {
    groups: [&'a [u8]; 4],
    depth: PatchDepth,
}

impl<'a> PatchBytes<'a> {
    /// Groups in the order of [`PatchDepth`]; those past the depth are ignored.
    #[must_use]
    pub const fn new(groups: [&'a [u8]; 4], depth: PatchDepth) -> Self {
        Self { groups, depth }
    }

    /// CRC-32 of the groups, one behind the other; of a patch that was read whole.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for group in self.groups {
            hasher.update(group);
        }
        hasher.finalize()
    }

    /// The parts of the patch of an end. After an error there are no more.
    pub fn parts(
        mut self,
        end: TripEnd,
    ) -> impl Iterator<Item = Result<PatchPart<'a>, CorruptPatch>> {
        let mut broken = false;
        iter::from_fn(move || {
            let read = PatchDepth::ALL.into_iter().zip(self.groups);
            let more = read
                .filter(|(depth, _)| *depth <= self.depth)
                .any(|(_, bytes)| !bytes.is_empty());
            (more && !broken).then(|| {
                let part = PatchPart::split_first(end, &mut self.groups, self.depth);
                broken = part.is_err();
                part
            })
        })
    }
}

/// The trips of a part of a patch. Each column is read only if it is asked for; those past the depth
/// that was read are `None`.
#[derive(Debug, Clone)]
pub struct PatchPart<'a> {
    /// Number of the other end's leaf cell, and number of trips up to the last with it.
    runs: Columns<'a, 2>,
    keys: Columns<'a, 5>,
    position: Option<[Column<'a>; 2]>,
    other: Option<[Column<'a>; 2]>,
    line: Option<Column<'a>>,
    /// Whether there is an arrival, and the duration.
    arrival: Option<[Column<'a>; 2]>,
}

impl<'a> PatchPart<'a> {
    fn split_first(
        end: TripEnd,
        groups: &mut [&'a [u8]; 4],
        depth: PatchDepth,
    ) -> Result<Self, CorruptPatch> {
        let [keys_group, points, others, rest] = groups;
        let runs = take(keys_group)?;
        let keys: Columns<'a, 5> = take(keys_group)?;
        let rows = keys.rows().end;
        let mut part = Self {
            runs,
            keys,
            position: None,
            other: None,
            line: None,
            arrival: None,
        };
        if !part.has_sound_runs() {
            return Err(CorruptPatch);
        }
        if depth >= PatchDepth::Points {
            part.position = Some(take_rows(points, rows)?);
        }
        if depth >= PatchDepth::Others && end == TripEnd::Origin {
            part.other = Some(take_rows(others, rows)?);
        }
        if depth >= PatchDepth::Rest {
            match end {
                TripEnd::Origin => {
                    let [line, arrival @ ..] = take_rows::<3>(rest, rows)?;
                    (part.line, part.arrival) = (Some(line), Some(arrival));
                }
                TripEnd::Destination => part.line = take_rows::<1>(rest, rows)?.first().copied(),
            }
        }
        Ok(part)
    }

    /// Whether the runs end with the last row.
    fn has_sound_runs(&self) -> bool {
        let [_, ends] = self.runs.columns();
        let last = self.runs.rows().next_back();
        last.map_or(0, |run| ends.get(run)) == u64::from(self.rows().end)
    }

    /// The numbers of the trips, from 0.
    #[must_use]
    pub const fn rows(&self) -> Range<u32> {
        self.keys.rows()
    }

    /// The leaf cells of the other ends, ascending, and the trips with each.
    pub fn runs(&self) -> impl Iterator<Item = (u64, Range<u32>)> + '_ {
        let mut start = 0;
        self.runs.rows().map(move |run| {
            let rows = start..self.run_start(run + 1);
            start = rows.end;
            (self.run_cell(run), rows)
        })
    }

    /// The trips whose other end is in a leaf cell of some ranges, which ascend and do not overlap.
    pub fn rows_within<'s>(
        &'s self,
        mut ranges: &'s [CellRange],
    ) -> impl Iterator<Item = Range<u32>> + 's {
        let (mut run, runs) = (0, self.runs.rows().end);
        iter::from_fn(move || {
            while run < runs {
                let cell = self.run_cell(run);
                ranges = &ranges[ranges.partition_point(|range| range.last < cell)..];
                let range = ranges.first()?;
                run = self.first_run(run, |cell| cell >= range.first);
                if run < runs && self.run_cell(run) <= range.last {
                    let first = run;
                    run = self.first_run(run, |cell| cell > range.last);
                    return Some(self.run_start(first)..self.run_start(run));
                }
            }
            None
        })
    }

    /// The first run from `from` on whose leaf cell and all later ones fulfil a condition.
    fn first_run(&self, from: u32, condition: impl Fn(u64) -> bool) -> u32 {
        let (mut from, mut to) = (from, self.runs.rows().end);
        while from < to {
            let middle = from.midpoint(to);
            if condition(self.run_cell(middle)) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        from
    }

    /// The leaf cell of a run.
    #[inline]
    fn run_cell(&self, run: u32) -> u64 {
        numbered_leaf(self.runs.columns()[0].get(run))
    }

    /// The first row of a run; of the run past the last, the number of rows.
    #[inline]
    fn run_start(&self, run: u32) -> u32 {
        let rows = self.rows().end;
        let before = run.checked_sub(1);
        before.map_or(0, |before| {
            // Broken ends must not lead past the rows.
            let end = self.runs.columns()[1].get(before);
            u32::try_from(end).map_or(rows, |end| end.min(rows))
        })
    }

    /// Week, region and datasource of a trip.
    #[must_use]
    #[inline]
    pub fn key(&self, row: u32) -> TripKey {
        let [week, _, region, datasource, _] = self.keys.columns();
        TripKey::from_numbers(week.get(row), region.get(row), datasource.get(row))
    }

    /// The number of a trip's week.
    #[must_use]
    #[inline]
    pub fn week_number(&self, row: u32) -> u32 {
        let [week, ..] = self.keys.columns();
        TripKey::from_numbers(week.get(row), 0, 0).week_number()
    }

    /// The number of the week of all trips, if it is one.
    #[must_use]
    pub fn only_week(&self) -> Option<u32> {
        let [least, greatest] = self.keys.columns()[0].bounds();
        (least == greatest && !self.rows().is_empty()).then(|| self.week_number(0))
    }

    /// Numbers of weeks, of microseconds of the week, of regions, of datasources, of ingestions.
    pub(super) const fn keys(&self) -> &[Column<'a>; 5] {
        self.keys.columns()
    }

    /// Time of departure in microseconds since the beginning of its week.
    #[must_use]
    #[inline]
    pub fn micros_of_week(&self, row: u32) -> u64 {
        self.keys.columns()[1].get(row)
    }

    /// Time of departure; `None` if the numbers are not a time of the years 1–9999.
    #[must_use]
    pub fn departed_at(&self, row: u32) -> Option<LocalTime> {
        let week = Week::from_number(self.week_number(row))?;
        LocalTime::in_week(week, self.micros_of_week(row))
    }

    /// Half-hour of the day of departure, 0–47.
    #[must_use]
    #[inline]
    pub fn half_hour(&self, row: u32) -> u8 {
        const HALF_HOUR: u64 = 1_800_000_000;
        let [half_hour, ..] = (self.micros_of_week(row) / HALF_HOUR % 48).to_le_bytes();
        half_hour
    }

    /// The ingestion that brought a trip.
    #[must_use]
    #[inline]
    pub fn ingestion(&self, row: u32) -> IngestionId {
        self.keys.columns()[4].get(row).cast_signed()
    }

    /// Longitude and latitude of this end in degrees.
    #[must_use]
    #[inline]
    pub fn position(&self, row: u32) -> Option<[f64; 2]> {
        degrees(self.position.as_ref(), row)
    }

    /// Longitude and latitude of the other end in degrees, of origins.
    #[must_use]
    #[inline]
    pub fn other(&self, row: u32) -> Option<[f64; 2]> {
        degrees(self.other.as_ref(), row)
    }

    /// Line of the file.
    #[must_use]
    #[inline]
    pub fn line(&self, row: u32) -> Option<u64> {
        Some(self.line.as_ref()?.get(row))
    }

    /// All trips; of a patch that was read whole. What destinations lack, the position of the other
    /// end and the arrival, is (0, 0) and none.
    pub fn trips(&self) -> impl Iterator<Item = Result<PatchTrip, CorruptPatch>> + '_ {
        self.runs()
            .flat_map(move |(other_cell, rows)| rows.map(move |row| self.trip(row, other_cell)))
    }

    /// A trip, whose other end is in that leaf cell.
    pub fn trip(&self, row: u32, other_cell: u64) -> Result<PatchTrip, CorruptPatch> {
        let mut trip = PatchTrip {
            other_cell,
            key: self.key(row),
            micros_of_week: self.micros_of_week(row),
            ingestion: self.ingestion(row),
            position: self.position(row).ok_or(CorruptPatch)?,
            other: self.other(row).unwrap_or_default(),
            line: self.line(row).ok_or(CorruptPatch)?,
            arrived_at: None,
        };
        if let Some([has_arrival, duration]) = self.arrival
            && has_arrival.get(row) != 0
        {
            let duration = duration.get(row);
            let micros = (duration >> 1).cast_signed() ^ -(duration & 1).cast_signed();
            let departed = trip.departed_at().ok_or(CorruptPatch)?.micros();
            let arrived = departed
                .checked_add(micros)
                .and_then(LocalTime::from_micros);
            trip.arrived_at = Some(arrived.ok_or(CorruptPatch)?);
        }
        Ok(trip)
    }
}

#[inline]
fn degrees(columns: Option<&[Column<'_>; 2]>, row: u32) -> Option<[f64; 2]> {
    // Mapping the array takes several times as long: it is not inlined.
    let [lon, lat] = columns?;
    let degrees = |axis: &Column<'_>| f64::from_bits(axis.get(row));
    Some([degrees(lon), degrees(lat)])
}

/// Takes the columns that bytes begin with off them.
fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<Columns<'a, N>, CorruptPatch> {
    let (columns, rest) = Columns::split_first(bytes)?;
    *bytes = rest;
    Ok(columns)
}

/// As [`take`]; fails if the columns do not have `rows` rows.
fn take_rows<'a, const N: usize>(
    bytes: &mut &'a [u8],
    rows: u32,
) -> Result<[Column<'a>; N], CorruptPatch> {
    let columns = take(bytes)?;
    (columns.rows().end == rows)
        .then_some(*columns.columns())
        .ok_or(CorruptPatch)
}

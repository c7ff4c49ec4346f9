//! Parsing: turns a chunk of records into trips and rejected rows.

use super::locate::locate;
use super::names::ChunkNames;
use super::split::{Reached, SplitChunk};
use super::tally::Tally;
use crate::geo::LeafCells;
use crate::ingest::parse::{Header, ParsedTrip, Rejection};
use crate::model::RejectedRow;
use crate::store::TripRow;

/// Rejected rows of an ingestion that are kept; all are counted.
pub(super) const REJECTED_KEPT: usize = 1_000;

/// What became of the records of a chunk.
#[derive(Debug, PartialEq)]
pub(super) struct ParsedChunk {
    /// The trips in the order of the file, with their leaf cells. Region and datasource are
    /// indexes into the names.
    pub(super) trips: Vec<TripRow>,
    /// The distinct regions.
    pub(super) regions: Vec<String>,
    /// The distinct datasources.
    pub(super) datasources: Vec<String>,
    /// The tally of the trips, by the same indexes.
    pub(super) tally: Tally,
    /// Number of records that were parsed: all of the chunk, or those up to another header.
    pub(super) records: usize,
    pub(super) rejected: RejectedRecords,
    /// The end of the chunk.
    pub(super) reached: Reached,
}

/// The records of a chunk that were rejected.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RejectedRecords {
    /// Their numbers in the chunk, from 0, ascending.
    pub(super) numbers: Vec<usize>,
    /// The first [`REJECTED_KEPT`] of them.
    pub(super) rows: Vec<RejectedRow>,
    /// The line of the last, if it is a header with the columns in another order. The records below
    /// it are not parsed.
    pub(super) other_header: Option<u64>,
}

/// Parses chunks, one after the other.
pub(super) struct Parser<'a> {
    header: &'a Header,
    cells: LeafCells,
    regions: ChunkNames,
    datasources: ChunkNames,
}

impl<'a> Parser<'a> {
    /// Parses records of a file with this header.
    pub(super) fn new(header: &'a Header) -> Self {
        Self {
            header,
            cells: LeafCells::default(),
            regions: ChunkNames::default(),
            datasources: ChunkNames::default(),
        }
    }

    /// Parses a chunk.
    pub(super) fn parse(&mut self, chunk: &SplitChunk) -> ParsedChunk {
        let mut trips = Vec::with_capacity(chunk.records.len());
        let mut rejected = RejectedRecords::default();
        let mut records = 0;
        for record in chunk.records.iter() {
            match self.header.parse(record) {
                Ok(trip) => trips.push(self.row(&trip)),
                Err(rejection) => rejected.add(records, rejection),
            }
            records += 1;
            if rejected.other_header.is_some() {
                break;
            }
        }
        // Chunks wait in memory for as long as their trips.
        if trips.len() < trips.capacity() / 2 {
            trips.shrink_to_fit();
        }
        locate(&mut self.cells, &mut trips);
        let mut tally = Tally::default();
        tally.add(&trips);
        ParsedChunk {
            trips,
            regions: self.regions.take(),
            datasources: self.datasources.take(),
            tally,
            records,
            rejected,
            reached: chunk.reached,
        }
    }

    /// A trip without its cells.
    #[inline]
    fn row(&mut self, trip: &ParsedTrip<'_>) -> TripRow {
        TripRow {
            line: trip.line,
            region: self.regions.index(&trip.region),
            datasource: self.datasources.index(&trip.datasource),
            origin: trip.origin,
            destination: trip.destination,
            origin_cell: 0,
            destination_cell: 0,
            departed_at: trip.departed_at,
            arrived_at: trip.arrived_at,
        }
    }
}

impl RejectedRecords {
    fn add(&mut self, number: usize, rejection: Rejection) {
        self.numbers.push(number);
        self.other_header = rejection.is_other_header.then_some(rejection.line);
        if self.rows.len() < REJECTED_KEPT {
            self.rows.push(RejectedRow {
                line: rejection.line,
                column: rejection.column.map(str::to_owned),
                reason: rejection.reason,
                raw: rejection.raw,
            });
        }
    }
}

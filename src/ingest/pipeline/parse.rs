//! Parsing: turns a chunk of records into trips and rejected rows.

use std::sync::Arc;

use super::locate::locate;
use super::names::ChunkNames;
use super::rejects::RejectedText;
use super::split::{Reached, SplitChunk, Table};
use super::tally::Tally;
use crate::geo::LeafCells;
use crate::ingest::parse::{ParsedTrip, Record, Rejection};
use crate::model::RejectedRow;
use crate::store::TripRow;

/// Rejected rows of an ingestion that are kept; all are counted.
pub(super) const REJECTED_KEPT: usize = 1_000;

/// The column at fault, if it is one, and the kind of the problem of a rejected row.
pub(super) type Reason = (Option<String>, &'static str);

/// What became of the records of a chunk.
#[derive(Debug)]
pub(super) struct ParsedChunk {
    /// The table that they are of.
    pub(super) table: Arc<Table>,
    /// The trips in the order of the file, with their leaf cells. Region and datasource are
    /// indexes into the names.
    pub(super) trips: Vec<TripRow>,
    /// The distinct regions.
    pub(super) regions: Vec<String>,
    /// The distinct datasources.
    pub(super) datasources: Vec<String>,
    /// The tally of the trips, by the same indexes.
    pub(super) tally: Tally,
    /// Number of trips that have an instant without a known time zone.
    pub(super) unzoned: u64,
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
    /// The column at fault and the kind of the problem of each.
    pub(super) reasons: Vec<Reason>,
    /// All of them as CSV.
    pub(super) text: RejectedText,
    /// The line of the last, if it is a header with the columns in another order. The records below
    /// it are not parsed.
    pub(super) other_header: Option<u64>,
}

/// Parses chunks, one after the other.
#[derive(Default)]
pub(super) struct Parser {
    cells: LeafCells,
    regions: ChunkNames,
    datasources: ChunkNames,
}

impl Parser {
    /// Parses a chunk.
    pub(super) fn parse(&mut self, chunk: &SplitChunk) -> ParsedChunk {
        let mut trips = Vec::with_capacity(chunk.records.len());
        let mut rejected = RejectedRecords::default();
        let (mut records, mut unzoned) = (0, 0);
        for record in chunk.records.iter() {
            match chunk.table.header.parse(record) {
                Ok(trip) => {
                    unzoned += u64::from(trip.is_unzoned);
                    trips.push(self.row(&trip));
                }
                Err(rejection) => rejected.add(records, record, rejection, &chunk.table),
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
            table: Arc::clone(&chunk.table),
            trips,
            regions: self.regions.take(),
            datasources: self.datasources.take(),
            tally,
            unzoned,
            records,
            rejected,
            reached: chunk.reached,
        }
    }

    /// A trip without its ingestion and its cells.
    #[inline]
    fn row(&mut self, trip: &ParsedTrip<'_>) -> TripRow {
        TripRow {
            ingestion: 0,
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
    fn add(&mut self, number: usize, record: Record<'_>, rejection: Rejection, table: &Table) {
        self.text.add(record, &rejection, table);
        self.numbers.push(number);
        self.reasons
            .push((rejection.column.clone(), rejection.kind));
        self.other_header = rejection.is_other_header.then_some(rejection.line);
        if self.rows.len() < REJECTED_KEPT {
            self.rows.push(table.rejected_row(rejection));
        }
    }
}

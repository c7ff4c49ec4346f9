//! The ledger of an ingestion: its rows, and those of them that were rejected.

use super::error::PipelineError;
use super::insights::Insights;
use super::parse::{ParsedChunk, REJECTED_KEPT, RejectedRecords};
use super::split::Reached;
use crate::model::RejectedRow;
use crate::store::{Checkpoint, FinalCounts};

/// Counts the rows of an ingestion, in the order of the file.
#[derive(Debug)]
pub(super) struct Ledger {
    counts: FinalCounts,
    next_line: u64,
    /// More rejected rows than this are an error.
    max_rejected: Option<u64>,
    /// Rejected rows to keep that were not taken yet.
    rejected: Vec<RejectedRow>,
    first_rejected: Option<Box<RejectedRow>>,
}

impl Ledger {
    /// Continues at a checkpoint.
    pub(super) const fn resumed(
        checkpoint: &Checkpoint,
        first_rejected: Option<Box<RejectedRow>>,
        max_rejected: Option<u64>,
    ) -> Self {
        Self {
            counts: checkpoint.counts(),
            next_line: checkpoint.next_line,
            max_rejected,
            rejected: Vec::new(),
            first_rejected,
        }
    }

    /// The counts so far.
    pub(super) const fn counts(&self) -> FinalCounts {
        self.counts
    }

    /// Takes the rejected rows to keep since the last call.
    pub(super) fn take_rejected(&mut self) -> Vec<RejectedRow> {
        std::mem::take(&mut self.rejected)
    }

    /// The checkpoint that is reached when so many batches are written.
    pub(super) const fn checkpoint(&self, batches: u32, reached: Reached) -> Checkpoint {
        Checkpoint {
            batches,
            bytes_read: self.counts.bytes_read,
            next_line: self.next_line,
            rows_read: self.counts.rows_read,
            rows_ingested: self.counts.rows_ingested,
            rows_rejected: self.counts.rows_rejected,
            head: reached.head,
        }
    }

    /// Adds the rows of a chunk, and why rows were rejected to the insights. An error leaves the counts as they are just after the row at
    /// fault; the bytes are those before the chunk.
    pub(super) fn add(
        &mut self,
        chunk: &mut ParsedChunk,
        insights: &mut Insights,
    ) -> Result<(), PipelineError> {
        let rejected = std::mem::take(&mut chunk.rejected);
        let before = self.counts;
        self.reject(before, rejected, insights)?;
        self.count(before, chunk.records, self.counts.rows_rejected);
        self.reach(chunk.reached);
        Ok(())
    }

    /// Ends at the end of the file.
    pub(super) const fn reach(&mut self, end: Reached) {
        self.counts.bytes_read = end.stored;
        self.next_line = end.line;
    }

    /// Fails if there are no trips.
    pub(super) fn verify(&mut self) -> Result<(), PipelineError> {
        match (self.counts.rows_ingested, self.first_rejected.take()) {
            (0, Some(first)) => Err(PipelineError::NoGoodRow {
                rows: self.counts.rows_read,
                first,
            }),
            (0, None) => Err(PipelineError::NoRows),
            _ => Ok(()),
        }
    }

    fn reject(
        &mut self,
        before: FinalCounts,
        rejected: RejectedRecords,
        insights: &mut Insights,
    ) -> Result<(), PipelineError> {
        let mut rows = rejected.rows.into_iter();
        let last = rejected.numbers.last().copied();
        for (number, reason) in rejected.numbers.into_iter().zip(rejected.reasons) {
            insights.add_rejected(reason);
            self.count(before, number + 1, self.counts.rows_rejected + 1);
            // A chunk has as many rows as are kept, or all.
            if self.counts.rows_rejected <= REJECTED_KEPT as u64
                && let Some(row) = rows.next()
            {
                if self.first_rejected.is_none() {
                    self.first_rejected = Some(Box::new(row.clone()));
                }
                self.rejected.push(row);
            }
            if let Some(line) = rejected.other_header
                && Some(number) == last
            {
                return Err(PipelineError::OtherHeader(line));
            }
            if let Some(most) = self.max_rejected
                && self.counts.rows_rejected > most
            {
                return Err(PipelineError::TooManyRejected(most));
            }
        }
        Ok(())
    }

    /// Sets the counts to those after so many more records, and so many rejected rows in all.
    const fn count(&mut self, before: FinalCounts, records: usize, rejected: u64) {
        let records = records as u64;
        self.counts.rows_read = before.rows_read + records;
        self.counts.rows_rejected = rejected;
        self.counts.rows_ingested =
            before.rows_ingested + records - (rejected - before.rows_rejected);
    }
}

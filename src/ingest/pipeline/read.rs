//! Reading: the file of an ingestion, checked to be the one that was queued.

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use super::collect::Collector;
use super::content::{Content, Expected};
use super::error::PipelineError;
use super::in_order::in_order;
use super::portion::CHUNK_TRIPS;
use super::split::Splitter;
use super::stages::ReadStages;
use crate::ingest::parse::{Position, RecordReader};
use crate::ingest::stop::Stop;
use crate::store::Checkpoint;

/// Reads a file from a checkpoint to its end, or until it is stopped. Fails if the file is not the
/// expected one. Adds to the stages.
pub(super) fn read(
    path: &Path,
    expected: Expected,
    from: &Checkpoint,
    stop: Arc<Stop>,
    collector: &mut Collector,
    stages: &mut ReadStages,
) -> Result<(), PipelineError> {
    let mut content = Content::open(path, expected, from.head, stop)?;
    let outcome = read_records(&mut content, from, collector, stages);
    if outcome.as_ref().is_err_and(PipelineError::is_final) {
        // The writer may be gone; its own error is the cause then.
        let _ = collector.fail();
    }
    // What is wrong with its rows may be that they are not those that were sent.
    if outcome
        .as_ref()
        .err()
        .is_none_or(PipelineError::is_of_content)
    {
        content.verify()?;
    }
    outcome
}

fn read_records(
    content: &mut Content,
    from: &Checkpoint,
    collector: &mut Collector,
    stages: &mut ReadStages,
) -> Result<(), PipelineError> {
    let mut reader = RecordReader::open(content)?;
    let header = reader.header().clone();
    if from.batches > 0 {
        let position = Position {
            offset: from.bytes_read,
            line: from.next_line,
        };
        if let Err(error) = reader.seek(position) {
            return Err(reader.source().failure(error));
        }
    }
    let head = |content: &&mut Content| content.head();
    let splitter = Splitter::new(reader, head, CHUNK_TRIPS);
    let parsers = available_parallelism().map_or(1, usize::from);
    let end = in_order(header, splitter, parsers, stages, |chunk| {
        collector.take(chunk)
    })?;
    collector.finish(end)
}

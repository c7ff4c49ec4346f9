//! Reading: the file of an ingestion, checked to be the one that was queued.

use std::path::PathBuf;
use std::sync::Arc;

use super::collect::Collector;
use super::content::{Content, Expected};
use super::error::PipelineError;
use super::in_order::in_order;
use super::packing::Packing;
use super::portion::CHUNK_TRIPS;
use super::source::{SharedContent, tables};
use super::split::{Reached, Splitter, Start};
use super::stages::ReadStages;
use crate::ingest::parse::{FileOptions, Position};
use crate::ingest::stop::Stop;
use crate::store::Checkpoint;

/// The files of a run.
#[derive(Debug, Clone)]
pub(in crate::ingest) struct RunFiles {
    /// The file of trips.
    pub(in crate::ingest) trips: PathBuf,
    /// Where rejected rows are written.
    pub(in crate::ingest) rejected: PathBuf,
}

/// The file of an ingestion.
pub(super) struct QueuedFile {
    pub(super) path: PathBuf,
    pub(super) expected: Expected,
    pub(super) options: FileOptions,
    /// Threads that parse it; without, it is parsed on the one that reads it.
    pub(super) parsers: usize,
}

/// Reads a file from a checkpoint to its end, or until it is stopped. Fails if the file is not the
/// expected one. Adds to the stages.
pub(super) fn read(
    file: QueuedFile,
    from: &Checkpoint,
    stop: &Arc<Stop>,
    collector: &mut Collector,
    stages: &mut ReadStages,
) -> Result<(), PipelineError> {
    let expected = file.expected.clone();
    let content = Content::open(&file.path, expected, from.head, Arc::clone(stop))?;
    let content = SharedContent::new(content);
    let outcome = read_records(&content, file, from, stop, collector, stages);
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
        content.lock().verify()?;
    }
    outcome
}

fn read_records(
    content: &SharedContent,
    file: QueuedFile,
    from: &Checkpoint,
    stop: &Arc<Stop>,
    collector: &mut Collector,
    stages: &mut ReadStages,
) -> Result<(), PipelineError> {
    let QueuedFile {
        path,
        options,
        parsers,
        ..
    } = file;
    let packing = content.packing()?;
    let start = match packing {
        Packing::None if from.batches > 0 => Start::At(Position {
            offset: from.bytes_read,
            line: from.next_line,
        }),
        _ => Start::AfterRecords(from.rows_read),
    };
    let tables = tables(content, packing, &path, &options, stop)?;
    let splitter = Splitter::new(tables, options, start, CHUNK_TRIPS);
    let end = in_order(splitter, parsers, stages, |chunk| collector.take(chunk))?;
    let bytes = content.lock().size();
    collector.finish(Reached {
        stored: bytes,
        ..end
    })
}

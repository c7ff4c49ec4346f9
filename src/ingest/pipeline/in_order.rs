//! Parses a file on several threads, and emits the results in the order of the file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, Scope, scope};
use std::time::Duration;

use super::error::PipelineError;
use super::parse::{ParsedChunk, Parser};
use super::source::{NamedSource, Source};
use super::split::{Reached, SplitChunk, Splitter};
use super::stages::{ReadStages, Stopwatch};
use crate::ingest::parse::RecordChunk;

/// Chunks on their way for each parser: one that is parsed, and one that waits before or after.
const CHUNKS_A_PARSER: usize = 2;

/// A chunk to be parsed, and where to send what becomes of it.
struct Job {
    chunk: SplitChunk,
    parsed: SyncSender<ParsedChunk>,
}

/// What the threads share.
struct Shared {
    jobs: Mutex<Receiver<Job>>,
    /// Chunks whose memory can be used again.
    used: SyncSender<RecordChunk>,
    /// Nanoseconds that the parsers were at work.
    parsing: AtomicU64,
}

/// Where the splitter sends.
struct Queues {
    jobs: SyncSender<Job>,
    /// What becomes of each chunk, in the order of the file.
    order: SyncSender<Receiver<ParsedChunk>>,
    used: Receiver<RecordChunk>,
}

/// Parses all chunks on up to so many threads, while `take` takes them in the order of the file on
/// this thread. Stops at the first error; those of reading come after all chunks before them.
/// Returns the end of the file.
///
/// One thread splits; each of the first chunks starts a parser, so that a small file has one. Without
/// parsers, all of it is done on this thread, and no stages are measured.
pub(super) fn in_order<S, T>(
    splitter: Splitter<S, T>,
    parsers: usize,
    stages: &mut ReadStages,
    take: impl FnMut(ParsedChunk) -> Result<(), PipelineError>,
) -> Result<Reached, PipelineError>
where
    S: Source,
    T: Iterator<Item = Result<NamedSource<S>, PipelineError>> + Send,
{
    if parsers == 0 {
        return on_this_thread(splitter, take);
    }
    let chunks = parsers * CHUNKS_A_PARSER;
    // One more waits for the collector at a time: there is room for all chunks on their way.
    let (job_sender, jobs) = sync_channel(chunks + 1);
    let (used_sender, used) = sync_channel(chunks);
    let (order_sender, order) = sync_channel(chunks);
    let shared = Shared {
        jobs: Mutex::new(jobs),
        used: used_sender,
        parsing: AtomicU64::new(0),
    };
    let queues = Queues {
        jobs: job_sender,
        order: order_sender,
        used,
    };
    let shared_by_all = &shared;
    let outcome = scope(|scope| {
        let work = move || split(splitter, &queues, parsers, shared_by_all, scope);
        let splitter = Builder::new().name("splitter".to_owned());
        let splitter = splitter
            .spawn_scoped(scope, work)
            .map_err(PipelineError::Thread)?;
        // Where it fails, the splitter finds nobody to send to, and ends.
        let taken = take_all(order, take);
        let (splitting, split) = splitter.join().map_err(|_| PipelineError::Panicked)?;
        stages.splitting = splitting;
        taken?;
        split
    });
    stages.parsing = Duration::from_nanos(shared.parsing.into_inner());
    stages.parsers = parsers;
    outcome
}

/// Splits, parses and takes chunk by chunk.
fn on_this_thread<S: Source, T: Iterator<Item = Result<NamedSource<S>, PipelineError>>>(
    mut splitter: Splitter<S, T>,
    mut take: impl FnMut(ParsedChunk) -> Result<(), PipelineError>,
) -> Result<Reached, PipelineError> {
    let mut parser = Parser::default();
    let mut used = RecordChunk::default();
    while let Some(chunk) = splitter.next(used)? {
        take(parser.parse(&chunk))?;
        used = chunk.records;
    }
    Ok(splitter.reached())
}

/// Takes the chunks in their order.
fn take_all(
    order: Receiver<Receiver<ParsedChunk>>,
    mut take: impl FnMut(ParsedChunk) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    for chunk in order {
        // No parser drops a chunk, unless it panics.
        take(chunk.recv().map_err(|_| PipelineError::Panicked)?)?;
    }
    Ok(())
}

/// Splits the file to its end, or until nobody takes the chunks. Returns how long it was at work,
/// too.
fn split<'scope, S: Source, T: Iterator<Item = Result<NamedSource<S>, PipelineError>>>(
    mut splitter: Splitter<S, T>,
    queues: &Queues,
    parsers: usize,
    shared: &'scope Shared,
    scope: &'scope Scope<'scope, '_>,
) -> (Duration, Result<Reached, PipelineError>) {
    let mut watch = Stopwatch::started();
    let mut started = 0;
    let outcome = loop {
        let used = queues.used.try_recv().unwrap_or_default();
        let chunk = match splitter.next(used) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break Ok(splitter.reached()),
            Err(error) => break Err(error),
        };
        if started < parsers {
            let parser = Builder::new().name("parser".to_owned());
            if let Err(error) = parser.spawn_scoped(scope, || parse(shared)) {
                break Err(PipelineError::Thread(error));
            }
            started += 1;
        }
        let (parsed, result) = sync_channel(1);
        let job = Job { chunk, parsed };
        let sent = watch.pause(|| {
            queues.order.send(result).ok()?;
            queues.jobs.send(job).ok()
        });
        if sent.is_none() {
            break Ok(splitter.reached());
        }
    };
    (watch.elapsed(), outcome)
}

/// Parses chunks until there are no more.
fn parse(shared: &Shared) {
    let mut parser = Parser::default();
    let next = || {
        let jobs = shared.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.recv().ok()
    };
    let mut watch = Stopwatch::default();
    while let Some(Job { chunk, parsed }) = next() {
        watch.run(true);
        let result = parser.parse(&chunk);
        watch.run(false);
        // Both have room, or nobody needs them any more.
        let _ = shared.used.try_send(chunk.records);
        let _ = parsed.send(result);
    }
    let nanos = u64::try_from(watch.elapsed().as_nanos()).unwrap_or(u64::MAX);
    shared.parsing.fetch_add(nanos, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;

//! Groups of small files: read into memory, packed as one segment, and published in one transaction.
//! Each is an ingestion of its own, with its own state.

use std::panic::resume_unwind;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, available_parallelism};

use tokio::sync::mpsc;
use tracing::Instrument;

use super::background::in_background;
use super::batch::BATCH_PORTIONS;
use super::collect::Collector;
use super::content::Expected;
use super::delivery::Delivery;
use super::dimensions::Dimensions;
use super::error::PipelineError;
use super::file_options;
use super::handover::Handover;
use super::insights::Insights;
use super::ledger::Ledger;
use super::merge::{PackedTrips, pack_trips};
use super::meter::Meter;
use super::portion::{PORTION_TRIPS, Portion};
use super::read::{QueuedFile, RunFiles, read};
use super::rejects::RejectedFile;
use super::stages::{ReadStages, Stopwatch};
use super::tally::Tally;
use crate::clock;
use crate::ingest::parse::FileOptions;
use crate::ingest::spans::{IngestionSpan, Stage};
use crate::ingest::stop::Stop;
use crate::store::{
    self, Checkpoint, Claim, FinalCounts, IngestionRecord, LoadBlock, Notes, Publication,
    SegmentClaim, SegmentId, SegmentWriter, Store, TripRow,
};

/// Trips of a small file, at most. One that turns out to have more is ingested alone.
const SMALL_TRIPS: u64 = PORTION_TRIPS as u64;

/// What came of an ingestion of a group.
#[derive(Debug)]
pub(in crate::ingest) struct Member {
    /// Its claim.
    pub(in crate::ingest) claim: Claim,
    /// The counters of that moment, whatever the outcome.
    pub(in crate::ingest) counts: FinalCounts,
    /// How it ended. [`PipelineError::WriterGone`] where it is not small, and to be ingested alone.
    pub(in crate::ingest) outcome: Result<(), PipelineError>,
}

/// A small file that was read.
struct Small {
    member: Member,
    publication: Publication,
    chunks: Vec<Vec<TripRow>>,
    notes: Notes,
}

impl Small {
    /// One that was not read.
    fn failed(claim: Claim, error: PipelineError) -> Self {
        Self {
            member: Member {
                claim,
                counts: FinalCounts::default(),
                outcome: Err(error),
            },
            publication: Publication {
                claim,
                removal: None,
                summaries: Vec::new(),
                counts: FinalCounts::default(),
            },
            chunks: Vec::new(),
            notes: Notes::default(),
        }
    }
}

/// Runs the ingestions of small files to the point where the trips of all of them are visible, as one
/// segment. An error concerns all of them.
pub(in crate::ingest) async fn run_group(
    store: &Store,
    files: Vec<(IngestionRecord, RunFiles)>,
    span: &IngestionSpan,
) -> Result<Vec<Member>, PipelineError> {
    let ids = files.iter().map(|(record, _)| record.ingestion.id);
    let mut locations = store.locations(ids).await?;
    let mut queued = Vec::with_capacity(files.len());
    let mut members = Vec::new();
    for (record, files) in files {
        match file_options(&record, &mut locations) {
            Ok(options) => queued.push((record, files, options)),
            Err(error) => members.push(Member {
                claim: record.claim,
                counts: FinalCounts::default(),
                outcome: Err(error),
            }),
        }
    }
    let dimensions = Dimensions::new(store);
    let read = move || read_all(queued, &dimensions);
    let stage = span.stage(Stage::Read);
    let mut files = in_background("small-files", read).await?;
    drop(stage);
    let notes = files
        .iter_mut()
        .map(|file| (file.member.claim, std::mem::take(&mut file.notes)));
    let notes: Vec<_> = notes.collect();
    // Nothing of these is in a segment yet.
    let lost = store.keep_notes(&notes).await?;
    for file in &mut files {
        let claim = file.member.claim;
        if lost.contains(&claim) {
            file.member.outcome = Err(store::Error::NotRunning(claim.ingestion).into());
        }
    }
    let (mut good, bad): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.member.outcome.is_ok());
    members.extend(bad.into_iter().map(|file| file.member));
    while !good.is_empty() {
        let target = store.begin_group().await?;
        let published = pack_and_publish(store, target, &good, span).await;
        if published.is_err() {
            // Where this fails, too, it is tried again before segments are purged.
            store.abandon_merge(target).await?;
        }
        match published {
            Ok(()) => members.extend(good.drain(..).map(|file| file.member)),
            // Cancelled, or taken over: the others go on without it.
            Err(PipelineError::Store(store::Error::NotRunning(id))) => {
                let gone = good
                    .iter()
                    .position(|file| file.member.claim.ingestion == id);
                let Some(gone) = gone else {
                    return Err(store::Error::NotRunning(id).into());
                };
                let mut member = good.remove(gone).member;
                member.outcome = Err(store::Error::NotRunning(id).into());
                members.push(member);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(members)
}

/// Writes the trips of files into a segment, and makes them visible.
async fn pack_and_publish(
    store: &Store,
    target: SegmentId,
    files: &[Small],
    span: &IngestionSpan,
) -> Result<(), PipelineError> {
    let stage = span.stage(Stage::Pack);
    let mut portion = Portion::default();
    for chunk in files.iter().flat_map(|file| &file.chunks) {
        portion.push(chunk.clone());
    }
    let pack = in_background("small-files", move || pack_trips(&portion));
    let PackedTrips { blocks, histograms } = pack.await?.map_err(store::Error::from)?;
    drop(stage);
    let stage = span.stage(Stage::Write);
    let claim = SegmentClaim {
        segment: target,
        by: SegmentWriter::Merge,
    };
    for patches in blocks {
        let block = LoadBlock {
            patches,
            ..LoadBlock::default()
        };
        store.load(claim, &block).await?;
    }
    drop(stage);
    let publications = files.iter().map(|file| file.publication.clone());
    let publications: Vec<_> = publications.collect();
    // A file that replaces another is not among them: nothing moves.
    store
        .publish(target, &publications, &histograms, clock::now, |_| {})
        .instrument(span.stage(Stage::Publish))
        .await?;
    Ok(())
}

/// A small file that is to be read.
type QueuedSmall = (IngestionRecord, RunFiles, FileOptions);

/// Reads small files, one on each core at a time. They keep their order.
fn read_all(queued: Vec<QueuedSmall>, dimensions: &Dimensions) -> Vec<Small> {
    let threads = available_parallelism().map_or(1, usize::from);
    let queued = Mutex::new(queued.into_iter().enumerate());
    let next = || queued.lock().unwrap_or_else(PoisonError::into_inner).next();
    let read_some = || {
        let mut read = Vec::new();
        while let Some((place, (record, files, options))) = next() {
            read.push((place, read_small(dimensions, &record, files, options)));
        }
        read
    };
    let mut read = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(read_some)).collect();
        let mut read = read_some();
        for other in others {
            // No file may be missing.
            read.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        read
    });
    read.sort_unstable_by_key(|(place, _)| *place);
    read.into_iter().map(|(_, file)| file).collect()
}

/// Reads a small file.
fn read_small(
    dimensions: &Dimensions,
    record: &IngestionRecord,
    files: RunFiles,
    options: FileOptions,
) -> Small {
    let (to_origins, portions) = sync_channel(BATCH_PORTIONS);
    let (to_destinations, others) = sync_channel(BATCH_PORTIONS);
    let (writer, mut deliveries) = mpsc::channel(BATCH_PORTIONS);
    let stop = Arc::new(Stop::default());
    let from = Checkpoint::default();
    let rejects = match RejectedFile::resumed(files.rejected, &from) {
        Ok(rejects) => rejects,
        Err(error) => return Small::failed(record.claim, PipelineError::Rejects(error)),
    };
    let mut collector = Collector {
        ingestion: record.ingestion.id,
        dimensions: dimensions.clone(),
        ledger: Ledger::resumed(&from, None, record.max_rejected_rows),
        tally: Tally::default(),
        insights: Insights::default(),
        table: None,
        rejects,
        handover: Handover::new(0, [to_origins, to_destinations], writer),
        meter: Arc::new(Meter::new(from.counts())),
        stop: Arc::clone(&stop),
        watch: Stopwatch::default(),
    };
    let file = QueuedFile {
        path: files.trips,
        expected: Expected::of(record),
        options,
        parsers: 0,
    };
    let (mut chunks, mut notes, mut trips) = (Vec::new(), Notes::default(), 0);
    let read = thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut stages = ReadStages::default();
            let outcome = read(file, &from, &stop, &mut collector, &mut stages);
            (outcome, collector.counts(), collector.summaries())
        });
        // Both ends get the same portions.
        while trips <= SMALL_TRIPS
            && let Ok(full) = portions.recv()
        {
            let _ = others.recv();
            trips += full.portion.trips();
            chunks.extend(full.portion.chunks().iter().cloned());
        }
        // What is larger finds nobody to send to, and ends.
        drop((portions, others));
        while let Some(delivery) = deliveries.blocking_recv() {
            let more = match delivery {
                Delivery::BatchEnd(end) => end.notes,
                Delivery::Notes(more) => more,
                Delivery::Patches(_) => continue,
            };
            notes.rejected.extend(more.rejected);
            notes.findings = more.findings;
        }
        reading.join()
    });
    let (outcome, counts, summaries) = read.unwrap_or_else(|_| {
        let panicked = Err(PipelineError::Panicked);
        (panicked, FinalCounts::default(), Vec::new())
    });
    let claim = record.claim;
    Small {
        member: Member {
            claim,
            counts,
            outcome,
        },
        publication: Publication {
            claim,
            removal: None,
            summaries,
            counts,
        },
        chunks,
        notes,
    }
}

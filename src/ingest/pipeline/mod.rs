//! The pipeline: turns a file into patches and histograms, and publishes them.
//!
//! ```text
//! file → splitter → parsers → collector ─┬→ packer of origins ──────┬→ writer → publish
//!        (1 thread)  (all cores)         └→ packer of destinations ─┘            ↑
//!                                           └→ histograms ───────────────────────┘
//! ```
//!
//! Where the file is compressed, an unpacker decompresses it ahead of the splitter on a thread of its
//! own. The splitter cuts the file into chunks of records, the parsers turn chunks into trips with their
//! leaf cells, and the collector takes the results in the order of the file. It cuts the trips into
//! portions, which both packers get. When a batch has all its portions, its patches are written,
//! the last of both trip ends with the checkpoint. Nothing of it is visible before the final
//! transaction, which adds the histograms. Memory is bounded by the chunks on their way, two
//! portions, a packed batch, the patches on their way to the writer and the histograms, not by the
//! file.

mod archive;
mod assemble;
mod background;
mod batch;
mod collect;
mod content;
mod delivery;
mod dimensions;
mod error;
mod expansion;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod group;
mod handover;
mod in_order;
mod insights;
mod inspect;
mod inspection;
mod ledger;
mod locate;
mod merge;
mod meter;
mod names;
mod pack;
mod packing;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_column;
#[cfg(feature = "parquet")]
mod parquet_kind;
mod parse;
mod portion;
mod publish;
mod read;
mod rejects;
mod resume;
mod source;
mod split;
mod stages;
mod stream;
mod tally;
mod unpack;
mod write;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::available_parallelism;

use tokio::sync::mpsc;
use tracing::Instrument;

use self::background::in_background;
use self::collect::Collector;
use self::content::Expected;
use self::dimensions::Dimensions;
pub(super) use self::error::PipelineError;
pub(super) use self::group::{Member, run_group};
use self::handover::Handover;
use self::insights::Insights;
pub use self::inspect::inspect;
pub use self::inspection::{InspectedFile, InspectedRow, InspectedTrip, Inspection};
use self::ledger::Ledger;
pub(super) use self::merge::{JOINED_TRIPS, MergeMethod, REPACKED_TRIPS, merge};
pub(super) use self::meter::Meter;
use self::pack::Packer;
use self::publish::{Addition, publish};
pub(super) use self::read::RunFiles;
use self::read::{QueuedFile, read};
use self::rejects::RejectedFile;
use self::resume::Past;
pub(super) use self::stages::Stages;
use self::stages::{ReadStages, Stopwatch};
use self::write::write;
use super::parse::{FileOptions, OpenError};
use super::reporter::Reporter;
use super::spans::{IngestionSpan, Stage, busy};
use super::stop::Stop;
use crate::geo::Point;
use crate::model::{IngestionId, TripEnd};
use crate::store::{Error, FinalCounts, IngestionRecord, SegmentClaim, SegmentWriter, Store};

/// Messages that may wait for the writer: about 16 MB of patches.
const DELIVERIES: usize = 4;

/// How a run of the pipeline ended.
#[derive(Debug)]
pub(super) struct Run {
    /// The counters of that moment, whatever the outcome.
    pub(super) counts: FinalCounts,
    pub(super) stages: Stages,
    pub(super) outcome: Result<(), PipelineError>,
}

impl Run {
    /// One that has read nothing.
    pub(super) fn failed(error: PipelineError) -> Self {
        Self {
            counts: FinalCounts::default(),
            stages: Stages::default(),
            outcome: Err(error),
        }
    }
}

/// Runs one ingestion to the point where its trips are visible, and reports how far it has come.
pub(super) async fn run(
    store: &Store,
    record: &IngestionRecord,
    files: RunFiles,
    mut reporter: Reporter,
    stop: Arc<Stop>,
    span: &IngestionSpan,
) -> Run {
    let past = match Past::of(store, record).await {
        Ok(past) => past,
        Err(error) => return Run::failed(error.into()),
    };
    let meter = Arc::new(Meter::new(past.totals.checkpoint.counts()));
    let run = tokio::select! {
        run = run_stages(store, record, files, past, &meter, stop, span) => run,
        never = reporter.report(&meter) => match never {},
    };
    reporter.count(run.counts);
    if run.outcome.is_ok() {
        reporter.published(run.stages.publishing);
    }
    run
}

async fn run_stages(
    store: &Store,
    record: &IngestionRecord,
    files: RunFiles,
    past: Past,
    meter: &Arc<Meter>,
    stop: Arc<Stop>,
    span: &IngestionSpan,
) -> Run {
    let (writer, deliveries) = mpsc::channel(DELIVERIES);
    // Handed over hand to hand: one portion is packed while the next is collected, and no more.
    let (to_origins, origin_portions) = sync_channel(0);
    let (to_destinations, destination_portions) = sync_channel(0);
    let Some(segment) = record.segment else {
        return Run::failed(Error::Corrupt("ingestion").into());
    };
    let packer = |end, histograms| Packer::new(end, histograms, writer.clone(), meter, &stop);
    let origins = packer(TripEnd::Origin, past.origins);
    let destinations = packer(TripEnd::Destination, past.destinations);
    let locations = store.locations([record.ingestion.id]).await;
    let locations = locations.map_err(PipelineError::from);
    let options = match locations.and_then(|mut locations| file_options(record, &mut locations)) {
        Ok(options) => options,
        Err(error) => return Run::failed(error),
    };
    let from = past.totals.checkpoint;
    let first_rejected = past.totals.first_rejected;
    let rejects = match RejectedFile::resumed(files.rejected, &from) {
        Ok(rejects) => rejects,
        Err(error) => return Run::failed(PipelineError::Rejects(error)),
    };
    let packers = [to_origins, to_destinations];
    let mut collector = Collector {
        ingestion: record.ingestion.id,
        dimensions: Dimensions::new(store),
        ledger: Ledger::resumed(&from, first_rejected, record.max_rejected_rows),
        tally: past.totals.tally,
        insights: Insights::resumed(past.totals.findings),
        table: None,
        rejects,
        handover: Handover::new(from.batches, packers, writer),
        meter: Arc::clone(meter),
        stop: Arc::clone(&stop),
        watch: Stopwatch::default(),
    };
    let expected = Expected::of(record);
    // Each stage ends its own span.
    let stage = span.stage(Stage::Read);
    let reader = in_background("collector", move || {
        let mut reading = ReadStages::default();
        let file = QueuedFile {
            path: files.trips,
            expected,
            options,
            parsers: available_parallelism().map_or(1, usize::from),
        };
        let outcome = read(file, &from, &stop, &mut collector, &mut reading);
        let summaries = outcome.map(|()| collector.summaries());
        let time = reading.splitting + reading.parsing + collector.busy();
        busy(&stage, time);
        (collector.counts(), reading, collector.busy(), summaries)
    });
    let stage = span.stage(Stage::PackOrigins);
    let origins = in_background("origins", move || origins.pack(&origin_portions, &stage));
    let stage = span.stage(Stage::PackDestinations);
    let destinations = in_background("destinations", move || {
        destinations.pack(&destination_portions, &stage)
    });
    // Where writing failed, the others find nobody to send to, and end.
    let by = SegmentWriter::Ingestion(record.claim);
    let claim = SegmentClaim { segment, by };
    let writer = write(store, claim, deliveries, span.stage(Stage::Write));
    let (reader, origins, destinations, (writing, written)) =
        tokio::join!(reader, origins, destinations, writer);
    let (
        (counts, reading, collecting, summaries),
        (packing_origins, origins),
        (packing_destinations, destinations),
    ) = match (reader, origins, destinations) {
        (Ok(reader), Ok(origins), Ok(destinations)) => (reader, origins, destinations),
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return Run::failed(error),
    };
    let publishing = Stopwatch::started();
    let outcome = async {
        written?;
        // Where a packer was stopped, the collector only finds it gone.
        let addition = Addition {
            origins: origins?,
            destinations: destinations?,
            summaries: summaries?,
            counts,
        };
        let stage = span.stage(Stage::Publish);
        let published = publish(store, segment, record, addition, meter);
        published.instrument(stage).await
    };
    let outcome = outcome.await;
    Run {
        counts,
        stages: Stages {
            reading,
            collecting,
            packing_origins,
            packing_destinations,
            writing,
            publishing: publishing.elapsed(),
        },
        outcome,
    }
}

/// How an ingestion's file is to be read. Takes its locations out of those of several.
fn file_options(
    record: &IngestionRecord,
    locations: &mut HashMap<IngestionId, HashMap<String, Point>>,
) -> Result<FileOptions, PipelineError> {
    let options = FileOptions::new(&record.format, &record.ingestion.source);
    let locations = locations.remove(&record.ingestion.id);
    let options = options.map_err(OpenError::from)?;
    Ok(options.with_locations(locations.map(Arc::new)))
}

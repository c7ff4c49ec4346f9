//! `tripgraph ingest`: ingests files and shows their progress.

mod remote;
mod summary;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use axum::body::Bytes;
use clap::Args;
use clap::builder::BoolishValueParser;
use futures::StreamExt;
use indicatif::HumanCount;

use self::remote::Remote;
use self::summary::Summary;
use self::target::{SendError, Target};
use super::backend::{Backend, Purpose, interrupted};
use super::display::{Display, FilesDisplay, rate};
use super::format::FormatArgs;
use super::server_note::ServerNote;
use super::sources::{self, Source};
use super::{Log, sql_trips};
use crate::config::{DatabaseConfig, Secret, WorkerConfig};
use crate::ingest::parse::FileOptions;
use crate::ingest::{Enqueued, IngestOptions};
use crate::model::{Ingestion, IngestionId, IngestionState};
use crate::store;
use crate::text::Printable;

/// Rejected rows that are shown per file.
const REJECTED_SHOWN: u64 = 5;
/// Of more files than this, only those that fail are shown one by one.
const FILES_SHOWN: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// Files of trips: a file, a folder, a pattern such as '2021-*.csv.gz', a named pipe, - for
    /// standard input, a URL that begins with http:// or https://, or an object, a folder (with / at
    /// its end) or a pattern of an object store: `s3://bucket/key`, gs:// or az://. Files may be
    /// compressed with gzip, Zstandard or zip
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Upload the files to the server at this URL instead of opening the database. A server on this
    /// machine that holds the SQLite database is found without this option
    #[arg(long, env = "TRIPGRAPH_SERVER", value_name = "URL")]
    server: Option<String>,
    /// Secret of a token of the server, with scope `write`
    #[arg(long, env = "TRIPGRAPH_TOKEN", value_name = "SECRET")]
    token: Option<Secret>,
    /// Ingest a file even if the same bytes are already queued, running or published
    #[arg(long, env = "TRIPGRAPH_ALLOW_DUPLICATE", value_parser = BoolishValueParser::new())]
    allow_duplicate: bool,
    /// Fail as soon as more rows than this are rejected [default: no limit]
    #[arg(long, env = "TRIPGRAPH_MAX_REJECTED_ROWS", value_name = "ROWS")]
    max_rejected_rows: Option<u64>,
    /// Ingestion that the file replaces: its trips leave the answers in the moment in which those of
    /// the file appear, and stay if the file fails
    #[arg(
        long,
        env = "TRIPGRAPH_REPLACES",
        value_name = "ID",
        value_parser = clap::value_parser!(i64).range(1..)
    )]
    replaces: Option<IngestionId>,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    worker: WorkerConfig,
    /// Log filter: a level (error, warn, info, debug, trace), or levels by module
    #[arg(
        long = "log",
        env = "TRIPGRAPH_LOG",
        value_name = "FILTER",
        default_value = "warn"
    )]
    log: String,
}

impl Ingest {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let _telemetry = Log {
            filter: self.log.clone(),
            format: crate::telemetry::LogFormat::Text,
        }
        .init(&self.database)?;
        // All options and sources are checked before any file is queued.
        FileOptions::new(&self.format.format(), "")?;
        let list = self.format.locations()?;
        let sources = sources::resolve(&self.sources).await?;
        if self.replaces.is_some() && sources.len() > 1 {
            anyhow::bail!(
                "--replaces takes one file, and these are {}: pack them into one zip archive, which \
                 is one ingestion",
                sources.len()
            );
        }
        let (list, locations) = list.map(|list| (list.bytes, list.locations)).unzip();
        let options = IngestOptions {
            allow_duplicate: self.allow_duplicate,
            max_rejected_rows: self.max_rejected_rows,
            replaces: self.replaces,
            format: self.format.format(),
            locations,
        };
        let target = self.target(list).await?;
        let finished = tokio::select! {
            finished = ingest_all(&target, &sources, &options) => Some(finished),
            _ = interrupted() => None,
        };
        let resumes = match target {
            Target::Database { backend, .. } => {
                backend.stop().await?;
                "unfinished ingestions, and trips that SQL does not see yet, resume at the next \
                 `ingest` or `serve`"
            }
            Target::Server(_) => "the server continues with the files that it has received",
        };
        if let Some(succeeded) = finished {
            Ok(if succeeded? {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        } else {
            eprintln!("interrupted: {resumes}");
            Ok(ExitCode::from(130))
        }
    }

    /// The server that was named, else the database, else the server that holds it.
    /// `locations` is the file of the locations that ids name.
    async fn target(&self, locations: Option<Vec<u8>>) -> anyhow::Result<Target> {
        let locations = locations.map(Bytes::from);
        let given = self.token.as_ref().map(|Secret(token)| token.clone());
        if let Some(url) = &self.server {
            return Ok(Target::Server(Remote::new(url, given, locations)?));
        }
        let error = match Backend::start(&self.database, self.worker, Purpose::Ingest).await {
            Ok(backend) => {
                let served = backend.ingestions.is_served().await?;
                return Ok(Target::Database { backend, served });
            }
            Err(error) => error,
        };
        let is_held = matches!(error.downcast_ref(), Some(store::Error::Locked(_)));
        let note = is_held.then(|| ServerNote::read(&self.database.address()));
        let Some(ServerNote { url, token }) = note.flatten() else {
            return Err(error);
        };
        eprintln!("sending the files to the server at {url}, which uses this database");
        Ok(Target::Server(Remote::new(
            &url,
            token.or(given),
            locations,
        )?))
    }
}

/// Ingests all files. Returns whether every one of them is in the answers.
async fn ingest_all(
    target: &Target,
    sources: &[Source],
    options: &IngestOptions,
) -> anyhow::Result<bool> {
    let mut summary = Summary::default();
    // All files are queued before the first is awaited, so that none is lost if interrupted.
    let queued = queue(target, sources, options, &mut summary).await?;
    match target {
        Target::Database {
            backend,
            served: false,
        } => follow_unfinished(target, backend, &queued).await?,
        Target::Database { .. } => eprintln!("a running server ingests the files"),
        Target::Server(_) => {}
    }
    let mut files =
        (sources.len() > FILES_SHOWN).then(|| FilesDisplay::new("ingested", queued.len()));
    for (source, enqueued) in queued {
        let (duplicate, format_differs) = (enqueued.duplicate, enqueued.format_differs);
        let ended = if let Some(files) = &mut files {
            let ended = ended(target, enqueued.ingestion, None).await?;
            files.advance();
            ended
        } else {
            if duplicate {
                println!("{}: {}", source.shown(), duplicate_of(&enqueued));
            }
            follow(target, enqueued.ingestion).await?
        };
        if format_differs {
            summary.add_other_format(source, &ended);
        }
        summary.add(source, &ended, duplicate);
    }
    if let Some(files) = files {
        files.clear();
    }
    // The server writes them after this command has ended.
    if let Target::Database {
        backend,
        served: false,
    } = target
    {
        sql_trips::follow(&backend.ingestions).await;
    }
    if sources.len() > 1 {
        print!("{}", summary.text());
    }
    Ok(summary.all_succeeded())
}

/// Puts files in the queue. Those that cannot be read or sent are in the summary.
async fn queue<'a>(
    target: &Target,
    sources: &'a [Source],
    options: &IngestOptions,
    summary: &mut Summary,
) -> anyhow::Result<Vec<(&'a Source, Enqueued)>> {
    let step = match target {
        Target::Database { .. } => "queued",
        Target::Server(_) => "uploaded",
    };
    let mut display = (sources.len() > 1).then(|| FilesDisplay::new(step, sources.len()));
    let mut queued = Vec::with_capacity(sources.len());
    let mut left = sources;
    while !left.is_empty() {
        let sent = target.send(left, options).await;
        let (done, others) = left.split_at(sent.len());
        for (source, sent) in done.iter().zip(sent) {
            match sent {
                Ok(enqueued) => queued.push((source, enqueued)),
                Err(SendError::OfFile(error)) if sources.len() > 1 => {
                    summary.fail(source, &error);
                }
                Err(SendError::OfFile(error) | SendError::OfTarget(error)) => {
                    return Err(error);
                }
            }
            if let Some(display) = &mut display {
                display.advance();
            }
        }
        left = others;
    }
    if let Some(display) = display {
        display.clear();
    }
    Ok(queued)
}

/// What a file is a duplicate of, and what to do.
fn duplicate_of(enqueued: &Enqueued) -> String {
    let Ingestion { id, source, .. } = &enqueued.ingestion;
    let source = Printable(source);
    if enqueued.format_differs {
        format!(
            "duplicate of ingestion {id} ({source}), which was given another format and is not read \
             again; use --replaces {id} to read it in this one"
        )
    } else {
        format!("duplicate of ingestion {id} ({source}); use --allow-duplicate to ingest it again")
    }
}

/// Shows the progress of ingestions that an earlier run left in the queue: they run first.
async fn follow_unfinished(
    target: &Target,
    backend: &Backend,
    queued: &[(&Source, Enqueued)],
) -> anyhow::Result<()> {
    for left in backend.ingestions.unfinished().await? {
        let Ingestion { id, source, .. } = &left.ingestion;
        if queued
            .iter()
            .any(|(_, enqueued)| enqueued.ingestion.id <= *id)
        {
            continue;
        }
        let source = Printable(source);
        eprintln!("{source}: was interrupted and is resumed first; ingestion {id}");
        follow(target, left.ingestion).await?;
    }
    Ok(())
}

/// An ingestion when it has ended. Shows its progress.
async fn ended(
    target: &Target,
    ingestion: Ingestion,
    mut display: Option<&mut Display>,
) -> anyhow::Result<Ingestion> {
    let mut last = ingestion;
    if last.state.is_final() {
        return Ok(last);
    }
    let mut changes = target.watch(last.id).await?;
    while let Some(change) = changes.next().await {
        last = change?;
        if let Some(display) = &mut display {
            display.show(&last);
        }
    }
    Ok(last)
}

/// Shows an ingestion's progress and its end. Returns it as it has ended.
async fn follow(target: &Target, ingestion: Ingestion) -> anyhow::Result<Ingestion> {
    let mut display = Display::new(&ingestion);
    let last = ended(target, ingestion, Some(&mut display)).await;
    display.clear();
    let last = last?;
    let Ingestion {
        id,
        source,
        rows_ingested,
        rows_rejected,
        ..
    } = &last;
    let source = Printable(source);
    let took = last
        .started_at
        .zip(last.finished_at)
        .map(|(start, end)| end - start);
    let seconds = took.map_or(0.0, chrono::TimeDelta::as_seconds_f64);
    let rate = rate(&last);
    match (last.state, &last.failure) {
        (IngestionState::Succeeded, _) => println!(
            "{source}: {} trips in {seconds:.1} s ({rate} rows/s), {} rows rejected; \
             ingestion {id}{}",
            HumanCount(*rows_ingested),
            HumanCount(*rows_rejected),
            last.replaces
                .map_or_else(String::new, |id| format!(" replaces ingestion {id}")),
        ),
        (IngestionState::Failed, Some(failure)) => {
            println!(
                "{source}: failed: {} ({}); ingestion {id}",
                Printable(&failure.message),
                failure.code
            );
        }
        (state, _) => println!("{source}: {}; ingestion {id}", state.name()),
    }
    for warning in &last.warnings {
        println!("  warning: {}", warning.message);
    }
    if *rows_rejected > 0 {
        let page = target.rejected_rows(*id, REJECTED_SHOWN).await?;
        for row in page.items {
            let column = row
                .column
                .map(|column| format!(", {column}"))
                .unwrap_or_default();
            println!("  line {}{column}: {}", row.line, Printable(&row.reason));
        }
        if page.has_next {
            println!("  … and more: query rejectedRows of ingestion {id} for the first 1,000");
        }
    }
    Ok(last)
}

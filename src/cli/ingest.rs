//! `tripgraph ingest`: ingests files and shows their progress.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use futures::StreamExt;
use indicatif::{
    HumanBytes, HumanCount, HumanDuration, HumanFloatCount, ProgressBar, ProgressStyle,
};

use super::backend::{Backend, interrupted};
use super::{Log, sql_trips};
use crate::config::{DatabaseConfig, WorkerConfig};
use crate::ingest::{Enqueued, IngestOptions, Ingestions, SpooledFile};
use crate::model::{Ingestion, IngestionPhase, IngestionState};
use crate::text::Printable;

/// Interval between progress lines where standard error is not a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Steps of a progress bar.
const BAR_LENGTH: u64 = 1_000;
/// Rejected rows that are shown per file.
const REJECTED_SHOWN: u64 = 5;

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// CSV files with the columns region, `origin_coord`, `destination_coord`, datetime, datasource
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Ingest a file even if the same bytes are already queued, running or published
    #[arg(long, env = "TRIPGRAPH_ALLOW_DUPLICATE", value_parser = BoolishValueParser::new())]
    allow_duplicate: bool,
    /// Fail as soon as more rows than this are rejected [default: no limit]
    #[arg(long, env = "TRIPGRAPH_MAX_REJECTED_ROWS", value_name = "ROWS")]
    max_rejected_rows: Option<u64>,
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
        Log {
            filter: self.log.clone(),
            format: crate::telemetry::LogFormat::Text,
        }
        .init()?;
        // All paths are checked before any file is queued.
        for file in &self.files {
            let data =
                std::fs::metadata(file).with_context(|| format!("cannot read {}", shown(file)))?;
            if !data.is_file() {
                bail!("{} is not a file", shown(file));
            }
        }
        let backend = Backend::start(&self.database, self.worker, false).await?;
        let finished = tokio::select! {
            finished = self.ingest_all(&backend) => Some(finished),
            _ = interrupted() => None,
        };
        backend.stop().await?;
        if let Some(succeeded) = finished {
            Ok(if succeeded? {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        } else {
            eprintln!(
                "interrupted: unfinished ingestions, and trips that SQL does not see yet, resume at \
                 the next `ingest` or `serve`"
            );
            Ok(ExitCode::from(130))
        }
    }

    async fn ingest_all(&self, backend: &Backend) -> anyhow::Result<bool> {
        let ingestions = &backend.ingestions;
        // A server with the same spool does the work, and may be unable to read these paths.
        let served = ingestions.is_served().await?;
        // All files are queued before the first is awaited, so that none is lost if interrupted.
        let mut queued = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let failed = || format!("cannot read {}", shown(file));
            let upload = if served {
                ingestions.spool().copy(file).await.with_context(failed)?
            } else {
                SpooledFile::in_place(file).await.with_context(failed)?
            };
            let options = IngestOptions {
                allow_duplicate: self.allow_duplicate,
                max_rejected_rows: self.max_rejected_rows,
            };
            queued.push((file, ingestions.enqueue(upload, options).await?));
        }
        if served {
            eprintln!("a running server ingests the files");
        } else {
            follow_unfinished(ingestions, &queued).await?;
        }
        let mut all = true;
        for (file, enqueued) in queued {
            let Enqueued {
                ingestion,
                duplicate,
            } = enqueued;
            if duplicate {
                println!(
                    "{}: duplicate of ingestion {} ({}); use --allow-duplicate to ingest it again",
                    shown(file),
                    ingestion.id,
                    Printable(&ingestion.source)
                );
            }
            all &= follow(ingestions, ingestion).await?;
        }
        // The server writes them after this command has ended.
        if !served {
            sql_trips::follow(ingestions).await;
        }
        Ok(all)
    }
}

/// Shows the progress of ingestions that an earlier run left in the queue: they run first.
async fn follow_unfinished(
    ingestions: &Ingestions,
    queued: &[(&PathBuf, Enqueued)],
) -> anyhow::Result<()> {
    for left in ingestions.unfinished().await? {
        let Ingestion { id, source, .. } = &left.ingestion;
        if queued
            .iter()
            .any(|(_, enqueued)| enqueued.ingestion.id <= *id)
        {
            continue;
        }
        let source = Printable(source);
        eprintln!("{source}: was interrupted and is resumed first; ingestion {id}");
        follow(ingestions, left.ingestion).await?;
    }
    Ok(())
}

/// Shows an ingestion's progress until it ends. Returns whether it succeeded.
async fn follow(ingestions: &Ingestions, ingestion: Ingestion) -> anyhow::Result<bool> {
    let mut last = ingestion;
    let mut display = Display::new(&last);
    if let Some(mut changes) = ingestions.watch(last.id).await? {
        while let Some(change) = changes.next().await {
            display.show(&change);
            last = change;
        }
    }
    display.clear();
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
            "{source}: {} trips in {seconds:.1} s ({rate} rows/s), {} rows rejected; ingestion {id}",
            HumanCount(*rows_ingested),
            HumanCount(*rows_rejected),
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
        let page = ingestions.rejected_rows(*id, REJECTED_SHOWN, None).await?;
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
    Ok(last.state == IngestionState::Succeeded)
}

/// A path for display.
fn shown(path: &Path) -> Printable<Cow<'_, str>> {
    Printable(path.to_string_lossy())
}

/// Rows per second, rounded.
fn rate(ingestion: &Ingestion) -> String {
    HumanFloatCount(ingestion.rows_per_second.unwrap_or(0.0).round()).to_string()
}

/// A progress bar on a terminal, plain lines elsewhere.
enum Display {
    Bar(ProgressBar),
    Lines(Instant),
}

impl Display {
    fn new(ingestion: &Ingestion) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Instant::now());
        }
        let bar = ProgressBar::new(BAR_LENGTH);
        let style = ProgressStyle::with_template("{prefix}: {percent} %, {msg}\n{wide_bar}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(Printable(&ingestion.source).to_string());
        Self::Bar(bar)
    }

    fn show(&mut self, ingestion: &Ingestion) {
        let left = ingestion.eta_seconds.map_or_else(String::new, |seconds| {
            format!(", {} left", HumanDuration(Duration::from_secs_f64(seconds)))
        });
        let doing = match ingestion.phase {
            Some(IngestionPhase::Publishing) => "publishing".to_owned(),
            _ => format!("{} rows/s", rate(ingestion)),
        };
        let message = format!(
            "{} read, {} rows, {} rejected, {doing}{left}",
            HumanBytes(ingestion.bytes_read),
            HumanCount(ingestion.rows_read),
            HumanCount(ingestion.rows_rejected),
        );
        let percent = ingestion.percent().unwrap_or(0.0);
        match self {
            Self::Bar(bar) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to the bar's length"
                )]
                bar.set_position((percent / 100.0 * BAR_LENGTH as f64) as u64);
                bar.set_message(message);
            }
            Self::Lines(last) => {
                if last.elapsed() >= LINE_EVERY {
                    eprintln!(
                        "{}: {percent:.0} %, {message}",
                        Printable(&ingestion.source)
                    );
                    *last = Instant::now();
                }
            }
        }
    }

    fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

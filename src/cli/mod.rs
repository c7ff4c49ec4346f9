//! The command line: one file per command.

mod backend;
mod compact;
mod destination;
mod display;
mod export;
mod format;
mod generate;
mod ingest;
mod inspect;
mod report;
mod schema;
mod serve;
mod server_note;
mod sources;
mod sql_trips;
mod verify;
mod zones;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{ConfigError, DatabaseConfig, ServerConfig, WorkerConfig};
use crate::ingest::web;
use crate::telemetry::{self, LogFormat, Telemetry};
use crate::text::{Printable, causes};

/// Ingests CSV files of trips, groups similar trips and computes weekly averages of an area
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrate the database, resume unfinished ingestions and serve requests [default]
    Serve(Box<Serve>),
    /// Ingest files and wait until all have ended; succeeds only if every ingestion does
    Ingest(ingest::Ingest),
    /// Show what would be read in files, and what would be rejected and why; ingests nothing
    Inspect(inspect::Inspect),
    /// Print regions, weekly averages and the largest groups of similar trips
    Report(report::Report),
    /// Write weeks, groups of similar trips or trips to a file
    Export(export::ExportCommand),
    /// Write synthetic trips in the CSV format, reproducible by their seed
    Generate(generate::Generate),
    /// Recompute every summary from the trips and compare; fails if any differs. Read-only
    Verify(verify::Verify),
    /// Merge segments, join the patches of large ones, and wait. A server does this by itself when it
    /// is idle
    Compact(compact::Compact),
    /// Import, list and remove sets of zones
    Zones(zones::Zones),
    /// Print the GraphQL schema
    Schema,
}

#[derive(Debug, Args)]
struct Serve {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    worker: WorkerConfig,
    #[command(flatten)]
    server: ServerConfig,
    #[command(flatten)]
    format: format::FormatArgs,
    #[command(flatten)]
    log: Log,
}

#[derive(Debug, Clone, Args)]
struct Log {
    /// Log filter: a level (error, warn, info, debug, trace), or levels by module
    #[arg(
        long = "log",
        env = "TRIPGRAPH_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    filter: String,
    /// Format of log lines
    #[arg(
        long = "log-format",
        env = "TRIPGRAPH_LOG_FORMAT",
        value_enum,
        default_value = "text"
    )]
    format: LogFormat,
}

impl Log {
    /// Starts logging and exporting, until what is returned is dropped.
    fn init(&self, database: &DatabaseConfig) -> anyhow::Result<Telemetry> {
        let options = telemetry::Options {
            filter: &self.filter,
            format: self.format,
            database: if database.address().is_postgres() {
                "postgresql"
            } else {
                "sqlite"
            },
        };
        telemetry::init(&options, || web::client().build()).context("cannot start logging")
    }
}

impl Cli {
    /// Reads the command line and the environment; exits if they are invalid.
    #[must_use]
    pub fn read() -> Self {
        let mut command = hide_values(ignore_empty_variables(Self::command()));
        let matches = command
            .try_get_matches_from_mut(std::env::args_os())
            .unwrap_or_else(|error| with_tip(error).exit());
        let cli = Self::from_arg_matches(&matches)
            .unwrap_or_else(|error| error.format(&mut command).exit());
        if let Err(error) = cli.check_secrets() {
            command.error(ErrorKind::ValueValidation, error).exit();
        }
        cli
    }

    /// Checks the options that the parser must not check, since it would print their values.
    fn check_secrets(&self) -> Result<(), ConfigError> {
        let server = match &self.command {
            None => &self.serve.server,
            Some(Command::Serve(serve)) => &serve.server,
            Some(_) => return Ok(()),
        };
        server.tokens()?;
        server.base_map()?;
        Ok(())
    }

    /// Runs the command.
    #[must_use]
    pub fn run(self) -> ExitCode {
        match self.dispatch() {
            Ok(code) => code,
            // The reader closed the pipe, which is no failure.
            Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {}", Printable(causes(&*error)));
                ExitCode::FAILURE
            }
        }
    }

    fn dispatch(self) -> anyhow::Result<ExitCode> {
        match self
            .command
            .unwrap_or_else(|| Command::Serve(Box::new(self.serve)))
        {
            Command::Serve(serve) => {
                let Serve {
                    database,
                    worker,
                    server,
                    format,
                    log,
                } = *serve;
                block_on(serve::run(database, worker, server, &format, log))
            }
            Command::Ingest(ingest) => block_on(ingest.run()),
            Command::Inspect(inspect) => block_on(inspect.run()),
            Command::Report(report) => block_on(report.run()),
            Command::Export(export) => block_on(export.run()),
            Command::Generate(generate) => generate.run(),
            Command::Verify(verify) => block_on(verify.run()),
            Command::Compact(compact) => block_on(compact.run()),
            Command::Zones(zones) => block_on(zones.run()),
            Command::Schema => schema::run(),
        }
    }
}

/// Treats empty environment variables as unset: container settings omit a variable that way.
fn ignore_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty =
        |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| {
            if arg.get_env().is_some_and(is_empty) {
                arg.env(Resettable::Reset)
            } else {
                arg
            }
        })
        .mut_subcommands(ignore_empty_variables)
}

/// Says where options belong if some stand before a command.
fn with_tip(mut error: clap::Error) -> clap::Error {
    if let (ErrorKind::ArgumentConflict, Some(ContextValue::String(command))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    {
        let tip = format!("options of a command follow it: tripgraph {command} [OPTIONS]");
        let tip = ContextValue::StyledStrs(vec![tip.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// Hides the environment's values in the help: some are secret.
fn hide_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(hide_values)
}

fn block_on(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let outcome = runtime.block_on(command);
    // A system call that does not return, such as a slow lookup of a collector's name, must not keep the
    // program from ending.
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

//! `tripgraph inspect`: shows what an ingestion would read in files.

use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures::TryStreamExt;
use indicatif::HumanCount;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::format::FormatArgs;
use super::sources::{self, Source};
use crate::ingest::parse::{FileOptions, TableHead};
use crate::ingest::{InspectedFile, Inspection, inspect};
use crate::model::Failure;
use crate::text::{Printable, escape_json};

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Files of trips: the same sources as those of `ingest`. Files may be compressed with gzip,
    /// Zstandard or zip
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// Print a JSON array with an object for each file
    #[arg(long, env = "TRIPGRAPH_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    json: bool,
    #[command(flatten)]
    format: FormatArgs,
}

impl Inspect {
    pub(super) async fn run(&self) -> anyhow::Result<ExitCode> {
        let format = self.format.format();
        FileOptions::new(&format, "")?;
        let locations = self.format.locations()?;
        let locations = locations.map(|list| Arc::new(list.locations));
        let mut all = Vec::new();
        let mut is_good = true;
        let mut report = |name: &str, inspected: &InspectedFile| {
            let outcome = &inspected.outcome;
            is_good &= matches!(outcome, Ok(inspection) if inspection.rows_ingested > 0);
            if self.json {
                all.push(inspected.json(name));
            } else {
                print(name, outcome);
            }
        };
        for argument in &self.sources {
            let sources = match sources::resolve(slice::from_ref(argument)).await {
                Ok(sources) => sources,
                Err(error) => {
                    report(&argument.to_string_lossy(), &unreadable(&error));
                    continue;
                }
            };
            for source in sources {
                let options = FileOptions::new(&format, &source.name())?;
                let options = options.with_locations(locations.clone());
                let inspected = inspected(&source, options).await;
                let inspected = inspected.unwrap_or_else(|error| unreadable(&error));
                report(&source.full_name(), &inspected);
            }
        }
        if self.json {
            println!("{}", escape_json(&serde_json::to_string_pretty(&all)?));
        }
        Ok(if is_good {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Inspects a file where it is, and all other sources in a copy.
async fn inspected(source: &Source, options: FileOptions) -> anyhow::Result<InspectedFile> {
    let copy;
    let path = if let Source::File(path) = source {
        path.clone()
    } else {
        copy = copy_of(source).await?;
        copy.path().to_owned()
    };
    let read = move || inspect(&path, &options, u64::MAX);
    Ok(tokio::task::spawn_blocking(read).await?)
}

/// A source as a file, which can be read from its beginning again; deleted when dropped.
async fn copy_of(source: &Source) -> anyhow::Result<NamedTempFile> {
    let mut bytes = source.open().await?.bytes;
    let failed = "cannot write a temporary file";
    let copy = NamedTempFile::new().context(failed)?;
    let mut file = tokio::fs::File::from_std(copy.reopen().context(failed)?);
    while let Some(chunk) = bytes.try_next().await? {
        file.write_all(&chunk).await.context(failed)?;
    }
    file.flush().await.context(failed)?;
    Ok(copy)
}

/// What inspecting a source finds that cannot be read.
fn unreadable(error: &anyhow::Error) -> InspectedFile {
    InspectedFile {
        head: TableHead::default(),
        outcome: Err(Failure {
            code: "FILE_UNREADABLE".to_owned(),
            message: crate::text::causes(&**error),
        }),
    }
}

fn print(name: &str, inspected: &Result<Inspection, Failure>) {
    println!("{}", Printable(name));
    let inspection = match inspected {
        Err(error) => {
            println!(
                "  cannot be read: {} ({})",
                Printable(&error.message),
                error.code
            );
            return;
        }
        Ok(inspection) => inspection,
    };
    let format = &inspection.format;
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    if let Some(layout) = &format.layout {
        println!("  format: {layout}");
    }
    println!(
        "  delimiter: {:?}, encoding: {}, times: {}{}",
        some(&format.delimiter),
        some(&format.encoding),
        some(&format.time_format),
        format
            .time_zone
            .as_ref()
            .map(|zone| format!(" in {zone}"))
            .unwrap_or_default(),
    );
    for column in &inspection.columns {
        println!(
            "  {}: column {} ({})",
            column.part,
            Printable(&column.name),
            column.why
        );
    }
    for (part, name) in [
        ("region", &format.region_name),
        ("datasource", &format.datasource_name),
    ] {
        if let Some(name) = name {
            println!("  {part}: {} for every trip", Printable(name));
        }
    }
    println!(
        "  {} rows: {} trips, {} rejected",
        HumanCount(inspection.rows_read),
        HumanCount(inspection.rows_ingested),
        HumanCount(inspection.rows_rejected)
    );
    if let (Some(first), Some(last)) = (&inspection.first_departed_at, &inspection.last_departed_at)
    {
        println!("  departures: {first} to {last}");
    }
    if let Some(extent) = inspection.extent {
        println!(
            "  trip ends: longitude {} to {}, latitude {} to {}",
            extent.west, extent.east, extent.south, extent.north
        );
    }
    for trip in &inspection.trips {
        let [[x, y], [z, w]] = [trip.origin, trip.destination];
        let arrival = trip.arrived_at.as_deref().unwrap_or("?");
        println!(
            "  line {}: {}, {}: {} ({x} {y}) to {arrival} ({z} {w})",
            trip.line,
            Printable(&trip.region),
            Printable(&trip.datasource),
            trip.departed_at,
        );
    }
    for reason in &inspection.rejected_reasons {
        let column = reason.column.as_ref().map(|column| format!("{column}: "));
        println!(
            "  rejected rows: {} ({}{})",
            HumanCount(reason.rows),
            Printable(column.unwrap_or_default()),
            reason.reason
        );
    }
    for row in &inspection.rejected_rows {
        let column = row.column.as_ref().map(|column| format!(", {column}"));
        println!(
            "  line {}{}: {}",
            row.line,
            Printable(column.unwrap_or_default()),
            Printable(&row.reason)
        );
    }
    for warning in &inspection.warnings {
        println!("  warning: {}", Printable(&warning.message));
    }
}

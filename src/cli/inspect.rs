//! `tripgraph inspect`: shows what an ingestion would read in files.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::HumanCount;
use tempfile::NamedTempFile;

use super::format::FormatArgs;
use crate::ingest::{Inspection, inspect};
use crate::model::Failure;
use crate::text::{Printable, escape_json};

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// Files of trips, or - for standard input. They may be compressed with gzip, Zstandard or zip
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a JSON array with an object for each file
    #[arg(long, env = "TRIPGRAPH_JSON", value_parser = clap::builder::BoolishValueParser::new())]
    json: bool,
    #[command(flatten)]
    format: FormatArgs,
}

impl Inspect {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let mut all = Vec::new();
        let mut is_good = true;
        for file in &self.files {
            let options = self.format.options(file)?;
            let inspected = if file.as_os_str() == STANDARD_INPUT {
                let copy = copy_of_standard_input()?;
                inspect(copy.path(), &options, u64::MAX)
            } else {
                inspect(file, &options, u64::MAX)
            };
            is_good &= inspected
                .outcome
                .as_ref()
                .is_ok_and(|inspection| inspection.rows_ingested > 0);
            if self.json {
                all.push(inspected.json(&file.to_string_lossy()));
            } else {
                print(file, &inspected.outcome);
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

/// Standard input as a file, which can be read from its beginning again; deleted when dropped.
fn copy_of_standard_input() -> anyhow::Result<NamedTempFile> {
    let copied = NamedTempFile::new().and_then(|mut copy| {
        io::copy(&mut io::stdin().lock(), &mut copy)?;
        Ok(copy)
    });
    copied.context("cannot copy standard input to a temporary file")
}

fn print(file: &Path, inspected: &Result<Inspection, Failure>) {
    println!("{}", Printable(file.to_string_lossy()));
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

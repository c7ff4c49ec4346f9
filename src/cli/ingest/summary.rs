//! The end of a command that ingested several files: totals, and what failed.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use indicatif::HumanCount;

use crate::cli::sources::Source;
use crate::model::{Ingestion, IngestionState};
use crate::text::Printable;

/// Totals over the files of a command.
#[derive(Debug, Default)]
pub(super) struct Summary {
    files: u64,
    ingested: u64,
    duplicates: u64,
    trips: u64,
    rows_rejected: u64,
    failures: Vec<String>,
    /// Duplicates of ingestions that were given another format.
    other_formats: Vec<String>,
}

impl Summary {
    /// Whether every file is in the answers.
    pub(super) fn all_succeeded(&self) -> bool {
        self.failures.is_empty()
    }

    /// Adds a file whose ingestion has ended.
    pub(super) fn add(&mut self, source: &Source, ended: &Ingestion, duplicate: bool) {
        self.files += 1;
        if ended.state != IngestionState::Succeeded {
            let reason = ended.failure.as_ref().map_or_else(
                || ended.state.name().to_owned(),
                |failure| format!("{} ({})", Printable(&failure.message), failure.code),
            );
            let failure = format!("{}: {reason}; ingestion {}", source.shown(), ended.id);
            self.failures.push(failure);
        } else if duplicate {
            self.duplicates += 1;
        } else {
            self.ingested += 1;
            self.trips += ended.rows_ingested;
            self.rows_rejected += ended.rows_rejected;
        }
    }

    /// Notes a duplicate of an ingestion that was given another format.
    pub(super) fn add_other_format(&mut self, source: &Source, first: &Ingestion) {
        let duplicate = format!("{}: duplicate of ingestion {}", source.shown(), first.id);
        self.other_formats.push(duplicate);
    }

    /// Adds a file that could not be read or sent.
    pub(super) fn fail(&mut self, source: &Source, error: &anyhow::Error) {
        self.files += 1;
        let reason = Printable(crate::text::causes(&**error)).to_string();
        self.failures.push(format!("{}: {reason}", source.shown()));
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut table = Table::new();
        let columns = [
            "files",
            "ingested",
            "duplicates",
            "failed",
            "trips",
            "rows rejected",
        ];
        let counts = [
            self.files,
            self.ingested,
            self.duplicates,
            self.failures.len() as u64,
            self.trips,
            self.rows_rejected,
        ];
        table
            .load_style(UTF8_FULL_CONDENSED)
            .set_header(columns)
            .add_row(
                counts
                    .map(|count| Cell::new(HumanCount(count)).set_alignment(CellAlignment::Right)),
            );
        let mut text = format!("{table}\n");
        for (what, files) in [
            ("failed:", &self.failures),
            (
                "not read again, though the format was another one; use --replaces ID for a file:",
                &self.other_formats,
            ),
        ] {
            if !files.is_empty() {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{what}");
            }
            for file in files {
                let _ = writeln!(text, "  {file}");
            }
        }
        text
    }
}

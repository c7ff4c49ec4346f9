//! What inspecting a file finds.

use serde::Serialize;
use serde_json::{Value, json};

use crate::ingest::parse::{MappedColumn, TableHead};
use crate::model::{Extent, Failure, RecognisedFormat, RejectedReason, Warning};

/// A file that was inspected.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectedFile {
    /// How its table begins; empty if it has none that can be read.
    pub head: TableHead,
    /// What an ingestion would read, or why it would fail.
    pub outcome: Result<Inspection, Failure>,
}

impl InspectedFile {
    /// The file as JSON, under that name.
    #[must_use]
    pub fn json(&self, name: &str) -> Value {
        let mut value = match &self.outcome {
            Ok(inspection) => json!(inspection),
            Err(Failure { code, message }) => {
                json!({ "error": { "code": code, "message": message } })
            }
        };
        value["file"] = json!(name);
        value["header"] = json!(self.head.header);
        value["firstRows"] = json!(self.head.first_rows);
        value
    }
}

/// What an ingestion would read in a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// The recognised format.
    pub format: RecognisedFormat,
    /// The columns that trips are read from.
    pub columns: Vec<MappedColumn>,
    /// Whether all of the file was read; if not, what follows is about its first rows.
    pub complete: bool,
    /// Rows below the header.
    pub rows_read: u64,
    /// Rows that would become trips.
    pub rows_ingested: u64,
    /// Rows that would be rejected.
    pub rows_rejected: u64,
    /// The first trips.
    pub trips: Vec<InspectedTrip>,
    /// Rejected rows by reason, most rows first.
    pub rejected_reasons: Vec<RejectedReason>,
    /// The first rejected rows.
    pub rejected_rows: Vec<InspectedRow>,
    /// What may not be as the sender wants.
    pub warnings: Vec<Warning>,
    /// The borders of all trip ends; `None` without trips.
    pub extent: Option<Extent>,
    /// The earliest and the latest departure.
    pub first_departed_at: Option<String>,
    /// The latest departure.
    pub last_departed_at: Option<String>,
}

/// A trip of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InspectedTrip {
    /// The line of the file.
    pub line: u64,
    /// The region.
    pub region: String,
    /// The datasource.
    pub datasource: String,
    /// Longitude and latitude of the origin.
    pub origin: [f64; 2],
    /// Longitude and latitude of the destination.
    pub destination: [f64; 2],
    /// The departure.
    pub departed_at: String,
    /// The arrival.
    pub arrived_at: Option<String>,
}

/// A row that would be rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InspectedRow {
    /// The line of the file.
    pub line: u64,
    /// The column at fault.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// The row, cut where it is long.
    pub raw: String,
}

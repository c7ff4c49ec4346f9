use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{RecognisedFormat, RejectedReason};

/// Number of an ingestion, counted from 1 in the order of arrival.
pub type IngestionId = i64;

/// Where an ingestion stands: `QUEUED → RUNNING → SUCCEEDED | FAILED | CANCELLED`, and
/// `SUCCEEDED → REMOVED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IngestionState {
    /// On disk, waiting for its turn.
    Queued,
    /// Being read.
    Running,
    /// Its trips are in every answer.
    Succeeded,
    /// It ended with an error and left no trips.
    Failed,
    /// It was cancelled and left no trips.
    Cancelled,
    /// It had succeeded; its trips were taken out again.
    Removed,
}

impl IngestionState {
    /// Every state, in the order of an ingestion's life.
    pub const ALL: [IngestionState; 6] = [
        IngestionState::Queued,
        IngestionState::Running,
        IngestionState::Succeeded,
        IngestionState::Failed,
        IngestionState::Cancelled,
        IngestionState::Removed,
    ];

    /// The state's name, as it is stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            IngestionState::Queued => "QUEUED",
            IngestionState::Running => "RUNNING",
            IngestionState::Succeeded => "SUCCEEDED",
            IngestionState::Failed => "FAILED",
            IngestionState::Cancelled => "CANCELLED",
            IngestionState::Removed => "REMOVED",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the work has ended, one way or the other.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, IngestionState::Queued | IngestionState::Running)
    }
}

/// The share of the work that reading is taken to be where its worker has told nothing yet.
const READING_SHARE: f64 = 0.8;

/// What is done with a file while its ingestion runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IngestionPhase {
    /// Its rows are read and stored.
    #[default]
    Reading,
    /// What is counted of its trips is added to what answers are made of.
    Publishing,
}

/// Why an ingestion failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For programs: upper case, stable.
    pub code: String,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Something about a file that may not be what its sender wanted, though it is no error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// For programs: upper case, stable.
    pub code: String,
    /// For people: what was found and what to do.
    pub message: String,
    /// Rows of the file that it is about; 0 where it is about the file as a whole.
    pub rows: u64,
}

/// One ingestion: one file on its way into the answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ingestion {
    /// Its number.
    pub id: IngestionId,
    /// Name of the file.
    pub source: String,
    /// Where it stands.
    pub state: IngestionState,
    /// BLAKE3 of the file's bytes, hexadecimal.
    pub content_hash: Option<String>,
    /// Size of the file in bytes.
    pub bytes_total: Option<u64>,
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// Rows read, the header not counted: ingested and rejected ones.
    pub rows_read: u64,
    /// Rows that became trips.
    pub rows_ingested: u64,
    /// Rows that could not be read.
    pub rows_rejected: u64,
    /// Rows read a second, while it runs over the last moments, afterwards over the whole run.
    pub rows_per_second: Option<f64>,
    /// What is done with the file, while it runs.
    pub phase: Option<IngestionPhase>,
    /// How much of the work is done, 0–100, while it runs and its worker is heard.
    pub progress: Option<f64>,
    /// Seconds that are left until it ends, while it runs.
    pub eta_seconds: Option<f64>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The ingestion whose trips leave the answers in the moment in which those of this one appear.
    pub replaces: Option<IngestionId>,
    /// What may not be as its sender wanted.
    pub warnings: Vec<Warning>,
    /// The format that was recognised in the file.
    pub format: RecognisedFormat,
    /// Rejected rows by reason, most rows first.
    pub rejected_reasons: Vec<RejectedReason>,
    /// When it was put in the queue.
    pub created_at: DateTime<Utc>,
    /// When it began to run.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Ingestion {
    /// How much of the work is done, 0–100, and of what failed or was cancelled how much of the file
    /// was read; unknown where its size is.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        match (self.state, self.bytes_total) {
            (IngestionState::Succeeded | IngestionState::Removed, _) => Some(100.0),
            (IngestionState::Running, _) if self.progress.is_some() => self.progress,
            (_, Some(0)) => Some(0.0),
            (state, Some(total)) => {
                let read = 100.0 * self.bytes_read.min(total) as f64 / total as f64;
                Some(if state.is_final() {
                    read
                } else {
                    READING_SHARE * read
                })
            }
            (_, None) => None,
        }
    }
}

/// A row of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// The line of the file where the row begins; the header is line 1.
    pub line: u64,
    /// The column at fault, where it is one.
    pub column: Option<String>,
    /// What is wrong with it.
    pub reason: String,
    /// The row as it stands in the file, cut where it is long.
    pub raw: String,
}

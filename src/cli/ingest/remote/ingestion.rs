//! An ingestion as a running server describes it.

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::model::{Failure, Ingestion, IngestionPhase, IngestionState, RecognisedFormat, Warning};

/// What is asked about an ingestion.
pub(super) const FIELDS: &str = "id source state contentHash bytesTotal bytesRead phase percent rowsRead \
    rowsIngested rowsRejected rowsPerSecond etaSeconds error { code message } \
    replaces { id } warnings { code message rows } createdAt startedAt finishedAt";

/// An ingestion in an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemoteIngestion {
    id: String,
    source: String,
    state: String,
    content_hash: Option<String>,
    bytes_total: Option<u64>,
    bytes_read: u64,
    phase: Option<String>,
    percent: Option<f64>,
    rows_read: u64,
    rows_ingested: u64,
    rows_rejected: u64,
    rows_per_second: Option<f64>,
    eta_seconds: Option<f64>,
    error: Option<RemoteFailure>,
    replaces: Option<RemoteId>,
    warnings: Vec<RemoteWarning>,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RemoteId {
    id: String,
}

#[derive(Debug, Deserialize)]
struct RemoteFailure {
    code: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct RemoteWarning {
    code: String,
    message: String,
    rows: u64,
}

impl TryFrom<RemoteIngestion> for Ingestion {
    type Error = anyhow::Error;

    fn try_from(remote: RemoteIngestion) -> anyhow::Result<Self> {
        let time = |text: String| -> anyhow::Result<DateTime<Utc>> {
            Ok(DateTime::parse_from_rfc3339(&text)?.to_utc())
        };
        let state = IngestionState::from_name(&remote.state);
        Ok(Self {
            id: remote.id.parse().context("the server's id is no number")?,
            source: remote.source,
            state: state.with_context(|| format!("unknown state {}", remote.state))?,
            content_hash: remote.content_hash,
            bytes_total: remote.bytes_total,
            bytes_read: remote.bytes_read,
            rows_read: remote.rows_read,
            rows_ingested: remote.rows_ingested,
            rows_rejected: remote.rows_rejected,
            rows_per_second: remote.rows_per_second,
            phase: remote.phase.map(|phase| match phase.as_str() {
                "PUBLISHING" => IngestionPhase::Publishing,
                _ => IngestionPhase::Reading,
            }),
            progress: remote.percent,
            eta_seconds: remote.eta_seconds,
            failure: remote
                .error
                .map(|RemoteFailure { code, message }| Failure { code, message }),
            replaces: remote
                .replaces
                .and_then(|replaced| replaced.id.parse().ok()),
            // Not shown.
            format: RecognisedFormat::default(),
            rejected_reasons: Vec::new(),
            warnings: remote
                .warnings
                .into_iter()
                .map(|warning| Warning {
                    code: warning.code,
                    message: warning.message,
                    rows: warning.rows,
                })
                .collect(),
            created_at: time(remote.created_at)?,
            started_at: remote.started_at.map(time).transpose()?,
            finished_at: remote.finished_at.map(time).transpose()?,
        })
    }
}

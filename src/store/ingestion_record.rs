//! What is stored of an ingestion.

use entity::ingestion;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Claim, Error, Head, SegmentId, findings, warnings};
use crate::model::{Failure, Findings, Ingestion, IngestionPhase, IngestionState, TripFormat};

/// An ingestion as programs see it.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestionRecord {
    /// As everyone sees it.
    pub ingestion: Ingestion,
    /// The spool of the program that took its file in.
    pub spool: String,
    /// Where its file lies.
    pub path: String,
    /// Whether the file lies in the spool, and is ours to delete.
    pub spooled: bool,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
    /// How the file is to be read.
    pub format: TripFormat,
    /// What earlier runs of it have found out about the file.
    pub findings: Findings,
    /// The last claim on it.
    pub claim: Claim,
    /// The segment that its trips are in, or will be.
    pub segment: Option<SegmentId>,
    /// Where earlier runs of it came to.
    pub checkpoint: Option<Checkpoint>,
}

/// The counters an ingestion ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FinalCounts {
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// Rows that were read.
    pub rows_read: u64,
    /// Rows of them that became trips.
    pub rows_ingested: u64,
    /// Rows of them that were rejected.
    pub rows_rejected: u64,
}

impl FinalCounts {
    /// The counters of an ingestion.
    #[must_use]
    pub const fn of(ingestion: &Ingestion) -> Self {
        Self {
            bytes_read: ingestion.bytes_read,
            rows_read: ingestion.rows_read,
            rows_ingested: ingestion.rows_ingested,
            rows_rejected: ingestion.rows_rejected,
        }
    }
}

/// An ingestion's row as it is read.
pub(super) fn ingestion_record(row: ingestion::Model) -> Result<IngestionRecord, Error> {
    // Nothing is built on a checkpoint whose bytes cannot be compared.
    let head = (row.batches > 0)
        .then(|| Head::stored(row.head_bytes, &row.head_hash))
        .flatten();
    Ok(IngestionRecord {
        spool: row.spool.clone(),
        path: row.path.clone(),
        spooled: row.spooled,
        max_rejected_rows: row.max_rejected_rows.map(i64::cast_unsigned),
        format: findings::parse_format(&row.format)?,
        findings: findings::parse(&row.findings)?,
        claim: Claim {
            ingestion: row.id,
            number: row.claims,
        },
        segment: row.segment_id,
        checkpoint: head.map(|head| Checkpoint {
            head,
            batches: row.batches.cast_unsigned(),
            bytes_read: row.bytes_read.cast_unsigned(),
            next_line: row.next_line.cast_unsigned(),
            rows_read: row.rows_read.cast_unsigned(),
            rows_ingested: row.rows_ingested.cast_unsigned(),
            rows_rejected: row.rows_rejected.cast_unsigned(),
        }),
        ingestion: describe(row)?,
    })
}

/// The ingestion as everyone sees it.
pub(super) fn describe(row: ingestion::Model) -> Result<Ingestion, Error> {
    let state = IngestionState::from_name(&row.state).ok_or(Error::Corrupt("ingestion"))?;
    let findings = findings::parse(&row.findings)?;
    let mut warnings = warnings::parse(&row.warnings)?;
    warnings.extend(findings.warnings);
    let rows_per_second = match (row.started_at, row.finished_at) {
        (Some(start), Some(end)) if end > start => {
            let seconds = (end - start).as_seconds_f64();
            Some(row.rows_read as f64 / seconds)
        }
        _ => None,
    };
    Ok(Ingestion {
        id: row.id,
        source: row.source,
        state,
        content_hash: Some(row.content_hash),
        bytes_total: Some(row.bytes_total.cast_unsigned()),
        bytes_read: row.bytes_read.cast_unsigned(),
        rows_read: row.rows_read.cast_unsigned(),
        rows_ingested: row.rows_ingested.cast_unsigned(),
        rows_rejected: row.rows_rejected.cast_unsigned(),
        rows_per_second,
        phase: (state == IngestionState::Running).then(IngestionPhase::default),
        progress: None,
        eta_seconds: None,
        failure: row
            .error_code
            .zip(row.error_message)
            .map(|(code, message)| Failure { code, message }),
        replaces: row.replaces,
        warnings,
        format: findings.format,
        rejected_reasons: findings.rejected,
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}

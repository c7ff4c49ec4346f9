use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::{DateTime, Long, RecognisedFormat, RejectedReason, TotalCount, connection};
use crate::graphql::cache::{ingestion, service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::ingest::Ingestions;
use crate::model::{self, IngestionId};

/// A page of ingestions.
pub(crate) type IngestionConnection = Connection<Cursor, Ingestion, TotalCount>;
/// A page of rejected rows.
pub(crate) type RejectedRowConnection = Connection<Cursor, RejectedRow, TotalCount>;

/// The number of an ingestion; `None` if the id is not in the form that the server issues.
pub(crate) fn parse_id(id: &ID) -> Option<IngestionId> {
    let number: IngestionId = id.parse().ok()?;
    // Only the canonical form is an id: `007` is not.
    (number.to_string() == id.as_str()).then_some(number)
}

/// State of an ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::IngestionState")]
pub(crate) enum IngestionState {
    /// The file is on disk and waits to be ingested.
    Queued,
    /// The file is being ingested; no answer includes its trips yet.
    Running,
    /// Its trips are in every answer.
    Succeeded,
    /// It ended with an error and left no trips.
    Failed,
    /// It was cancelled and left no trips.
    Cancelled,
    /// It had succeeded; its trips were removed from every answer.
    Removed,
}

/// Phase of a running ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::IngestionPhase")]
pub(crate) enum IngestionPhase {
    /// Rows are read and stored.
    Reading,
    /// The counts of its trips are added to those from which answers are computed.
    Publishing,
}

/// The ingestion of one file.
pub(crate) struct Ingestion(pub model::Ingestion);

/// The ingestion of one file. Answers include all of its trips as soon as it succeeds, and none
/// before.
#[Object]
impl Ingestion {
    /// Unique identifier, a positive integer.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Name of the file.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Current state.
    async fn state(&self) -> IngestionState {
        self.0.state.into()
    }

    /// BLAKE3 hash of the file's bytes, hexadecimal.
    async fn content_hash(&self) -> Option<&str> {
        self.0.content_hash.as_deref()
    }

    /// Size of the file in bytes.
    async fn bytes_total(&self) -> Option<Long> {
        self.0.bytes_total.map(Long::from)
    }

    /// Number of bytes of the file read so far.
    async fn bytes_read(&self) -> Long {
        self.0.bytes_read.into()
    }

    /// Current phase; null if the ingestion is not running.
    async fn phase(&self) -> Option<IngestionPhase> {
        self.0.phase.map(IngestionPhase::from)
    }

    /// Progress in percent, 0–100, over all phases; 100 only after success. For a failed or
    /// cancelled ingestion, the percentage of the file that was read. Null if the size of the file
    /// is unknown.
    async fn percent(&self) -> Option<f64> {
        self.0.percent()
    }

    /// Number of rows read, without the header: always `rowsIngested` + `rowsRejected`.
    async fn rows_read(&self) -> Long {
        self.0.rows_read.into()
    }

    /// Number of rows that became trips.
    async fn rows_ingested(&self) -> Long {
        self.0.rows_ingested.into()
    }

    /// Number of rows that could not become trips.
    async fn rows_rejected(&self) -> Long {
        self.0.rows_rejected.into()
    }

    /// Rows read per second: over about the last 10 seconds while the file is read, over the whole
    /// run after the end. Null before the start and while publishing.
    async fn rows_per_second(&self) -> Option<f64> {
        self.0.rows_per_second
    }

    /// Estimated seconds until the ingestion ends, publishing included. Null if it is not running,
    /// or without an estimate yet.
    async fn eta_seconds(&self) -> Option<f64> {
        self.0.eta_seconds
    }

    /// Reason for the failure; null if the ingestion has not failed.
    async fn error(&self) -> Option<IngestionError> {
        self.0.failure.clone().map(IngestionError::from)
    }

    /// The ingestion that this one replaces: its trips leave every answer in the moment in which
    /// those of this one appear. Null if the file was sent without `replaces`.
    async fn replaces(&self, ctx: &Context<'_>) -> Result<Option<Ingestion>> {
        let Some(id) = self.0.replaces else {
            return Ok(None);
        };
        Ok(ingestion(ctx, id).await?.map(Ingestion))
    }

    /// Possible mistakes that do not fail the ingestion.
    async fn warnings(&self) -> Vec<IngestionWarning> {
        self.0.warnings.iter().map(IngestionWarning::from).collect()
    }

    /// Format that was recognised in the file.
    async fn format(&self) -> RecognisedFormat {
        self.0.format.clone().into()
    }

    /// Rejected rows by column and kind of error, most rows first. All rejected rows are counted.
    async fn rejected_reasons(&self) -> Vec<RejectedReason> {
        let reasons = self.0.rejected_reasons.iter();
        reasons.map(RejectedReason::from).collect()
    }

    /// Time when the ingestion was enqueued.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time when the ingestion started to run; null if it has not started.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// Time when the ingestion ended; null if it has not ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// Rejected rows, in the order of the file. The first 1,000 are stored.
    #[graphql(complexity = "weight(10, first, child_complexity)")]
    async fn rejected_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20, desc = "Maximum number of rows, 0–1000.")] first: i32,
        #[graphql(desc = "Cursor of the last row of the previous page.")] after: Option<String>,
    ) -> Result<RejectedRowConnection> {
        let first = cursor::page_size(first)?;
        let after = cursor::parse(after.as_deref())?;
        let line = match after {
            None => None,
            Some(Cursor::RejectedRow(line)) => Some(line),
            Some(_) => return Err(cursor::broken().into()),
        };
        let _turn = turn(ctx).await?;
        let page = service::<Ingestions>(ctx)?
            .rejected_rows(self.0.id, first, line)
            .await
            .map_err(crate::graphql::ApiError::from)?;
        Ok(connection(
            page,
            after,
            |row| Cursor::RejectedRow(row.line),
            RejectedRow::from,
        ))
    }
}

/// Why an ingestion failed.
#[derive(Debug, SimpleObject)]
pub(crate) struct IngestionError {
    /// Error code for programs: upper case, stable.
    code: String,
    /// Message for people: what is wrong and what to do.
    message: String,
}

impl From<model::Failure> for IngestionError {
    fn from(failure: model::Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
        }
    }
}

/// A possible mistake in a file that does not fail its ingestion.
#[derive(Debug, SimpleObject)]
pub(crate) struct IngestionWarning {
    /// Warning code for programs: upper case, stable. `SAME_NAME`: another file with the same name
    /// and different content is queued, running or published. `UNKNOWN_REGION`,
    /// `DATASOURCE_OF_FILE_NAME`: the file names no region or datasource. `NO_TIME_ZONE`: instants
    /// are stored as written.
    code: String,
    /// Message for people: what was found and what to do.
    message: String,
    /// Number of rows that the warning concerns; 0 if it concerns the file as a whole.
    rows: Long,
}

impl From<&model::Warning> for IngestionWarning {
    fn from(warning: &model::Warning) -> Self {
        Self {
            code: warning.code.clone(),
            message: warning.message.clone(),
            rows: warning.rows.into(),
        }
    }
}

/// A row of a file that could not become a trip.
#[derive(Debug, SimpleObject)]
pub(crate) struct RejectedRow {
    /// Line of the file where the row begins; the header is line 1.
    line: Long,
    /// Column with the error; null if the error is not in a single column.
    column: Option<String>,
    /// Reason for the rejection.
    reason: String,
    /// Text of the row in the file, cut after 1,000 characters.
    raw: String,
}

impl From<model::RejectedRow> for RejectedRow {
    fn from(row: model::RejectedRow) -> Self {
        Self {
            line: row.line.into(),
            column: row.column,
            reason: row.reason,
            raw: row.raw,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers() {
        assert_eq!(parse_id(&ID::from("42")), Some(42));
        for id in [
            "",
            "042",
            "+42",
            " 42",
            "4.2",
            "abc",
            "99999999999999999999",
        ] {
            assert_eq!(parse_id(&ID::from(id)), None, "{id}");
        }
    }
}

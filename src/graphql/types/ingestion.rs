use async_graphql::connection::Connection;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::{DateTime, Long, TotalCount, connection};
use crate::graphql::cache::{service, turn};
use crate::graphql::cursor::{self, Cursor};
use crate::graphql::limits::weight;
use crate::ingest::Ingestions;
use crate::model::{self, IngestionId};

/// A page of ingestions.
pub(crate) type IngestionConnection = Connection<Cursor, Ingestion, TotalCount>;
/// A page of rejected rows.
pub(crate) type RejectedRowConnection = Connection<Cursor, RejectedRow, TotalCount>;

/// The number of an ingestion; `None` for an id that was never handed out.
pub(crate) fn parse_id(id: &ID) -> Option<IngestionId> {
    let number: IngestionId = id.parse().ok()?;
    // `007` is a number, but nobody's id.
    (number.to_string() == id.as_str()).then_some(number)
}

/// Where an ingestion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::IngestionState")]
pub(crate) enum IngestionState {
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
    /// It had succeeded; its trips were taken out of every answer again.
    Removed,
}

/// What is done with a file while its ingestion runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "model::IngestionPhase")]
pub(crate) enum IngestionPhase {
    /// Its rows are read and stored.
    Reading,
    /// What is counted of its trips is added to what answers are made of.
    Publishing,
}

/// One file on its way into the answers, all or nothing.
pub(crate) struct Ingestion(pub model::Ingestion);

/// One file on its way into the answers, all or nothing: its trips appear all at once when it
/// succeeds.
#[Object]
impl Ingestion {
    /// Its number.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Name of the file.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// Where it stands.
    async fn state(&self) -> IngestionState {
        self.0.state.into()
    }

    /// BLAKE3 of the file's bytes, hexadecimal. The same bytes have the same hash.
    async fn content_hash(&self) -> Option<&str> {
        self.0.content_hash.as_deref()
    }

    /// Size of the file in bytes.
    async fn bytes_total(&self) -> Option<Long> {
        self.0.bytes_total.map(Long::from)
    }

    /// Bytes of the file that were read.
    async fn bytes_read(&self) -> Long {
        self.0.bytes_read.into()
    }

    /// What is done with the file; null unless it runs.
    async fn phase(&self) -> Option<IngestionPhase> {
        self.0.phase.map(IngestionPhase::from)
    }

    /// How much of the work is done, 0–100, over all phases; 100 only if it succeeded. If it failed
    /// or was cancelled, how much of the file was read. Null if the size of the file is unknown.
    async fn percent(&self) -> Option<f64> {
        self.0.percent()
    }

    /// Rows read, the header not counted: always `rowsIngested` + `rowsRejected`.
    async fn rows_read(&self) -> Long {
        self.0.rows_read.into()
    }

    /// Rows that became trips.
    async fn rows_ingested(&self) -> Long {
        self.0.rows_ingested.into()
    }

    /// Rows that could not be read.
    async fn rows_rejected(&self) -> Long {
        self.0.rows_rejected.into()
    }

    /// Rows read a second: of the last moments while it reads, of the whole run afterwards. Null
    /// while it publishes.
    async fn rows_per_second(&self) -> Option<f64> {
        self.0.rows_per_second
    }

    /// Estimate of the seconds until it ends, publishing included, while it runs.
    async fn eta_seconds(&self) -> Option<f64> {
        self.0.eta_seconds
    }

    /// Why it failed.
    async fn error(&self) -> Option<IngestionError> {
        self.0.failure.clone().map(IngestionError::from)
    }

    /// What may not be as its sender wanted, though it is no error.
    async fn warnings(&self) -> Vec<IngestionWarning> {
        self.0.warnings.iter().map(IngestionWarning::from).collect()
    }

    /// When it was put in the queue.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it began to run.
    async fn started_at(&self) -> Option<DateTime> {
        self.0.started_at.map(DateTime)
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// Rows that could not be read, in the order of the file.
    #[graphql(complexity = "weight(10, first, child_complexity)")]
    async fn rejected_rows(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 20, desc = "How many at most, 0–1000.")] first: i32,
        #[graphql(desc = "The cursor of the last row of the page before.")] after: Option<String>,
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
    /// For programs: upper case, stable.
    code: String,
    /// For people: what is wrong and what to do.
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

/// Something about a file that may not be what its sender wanted, though it is no error.
#[derive(Debug, SimpleObject)]
pub(crate) struct IngestionWarning {
    /// For programs: upper case, stable. `SAME_NAME`: another file of that name, with other content,
    /// is in the answers or on its way there.
    code: String,
    /// For people: what was found and what to do.
    message: String,
    /// Number of rows that the warning is about; 0 if it is about the file as a whole.
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

/// A row of a file that could not be read.
#[derive(Debug, SimpleObject)]
pub(crate) struct RejectedRow {
    /// The line of the file where the row begins; the header is line 1.
    line: Long,
    /// The column at fault, where it is one.
    column: Option<String>,
    /// What is wrong with it.
    reason: String,
    /// The row as it stands in the file, cut where it is long.
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

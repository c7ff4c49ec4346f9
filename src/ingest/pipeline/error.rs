//! Why an ingestion did not succeed.

use std::io;

use super::packing::UnpackError;
use crate::ingest::parse::{JsonError, OpenError};
use crate::ingest::stop::StopReason;
use crate::model::{Failure, RejectedRow};
use crate::store::{self, Unavailable};

/// Why an ingestion did not succeed.
#[derive(Debug, thiserror::Error)]
pub(in crate::ingest) enum PipelineError {
    #[error("cannot open {path}: {source}: ingest the file again")]
    Missing { path: String, source: io::Error },
    /// An upload in the spool differs from the bytes that were received.
    #[error(
        "the uploaded file was damaged on the server's disk before its end was read; none of its \
         trips are in the answers: upload it again"
    )]
    Damaged,
    /// A file that is read in place differs from the file that was queued.
    #[error(
        "the file was changed or removed after it was queued; none of its trips are in the \
         answers: ingest it again"
    )]
    Changed,
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is JSON, but not a list of trips.
    #[error(transparent)]
    Json(JsonError),
    /// It cannot be decompressed.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A file in an archive is at fault.
    #[error("{name} in the archive: {error}")]
    Member { name: String, error: OpenError },
    #[error("cannot read the file: {0}: ingest it again")]
    Read(#[source] io::Error),
    #[error("cannot write the file of rejected rows: {0}")]
    Rejects(#[source] io::Error),
    #[error("the file has no trips: there is no row below its header")]
    NoRows,
    #[error(
        "no row could be read. Rejected rows: {rows}, the first on line {}: {}{}",
        first.line,
        first.column.as_ref().map(|column| format!("{column}: ")).unwrap_or_default(),
        first.reason
    )]
    NoGoodRow { rows: u64, first: Box<RejectedRow> },
    #[error(
        "line {0} is another header, with the columns in another order: ingest the joined files \
         separately"
    )]
    OtherHeader(u64),
    #[error(
        "the limit of {0} rejected rows is exceeded: correct the rows, or raise --max-rejected-rows \
         (maxRejectedRows)"
    )]
    TooManyRejected(u64),
    #[error("stopped")]
    Stopped(StopReason),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A later stage ended first; its own error is the cause.
    #[error("a later stage has ended")]
    WriterGone,
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    #[error("a thread of the ingestion panicked")]
    Panicked,
}

/// Why bytes could not be read, where the cause is not the disk. It passes through decoders inside
/// an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("stopped")]
    Stopped(StopReason),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
}

impl ReadError {
    /// Whether it is what that error is about.
    pub(super) fn is_in(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Self>)
    }

    /// Whether an error is about compressed data that end too early.
    pub(super) fn is_of_end(error: &io::Error) -> bool {
        let cause = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<Self>());
        matches!(cause, Some(Self::Unpack(UnpackError::Truncated(_))))
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        Self::other(error)
    }
}

impl PipelineError {
    /// Why the file could not be read.
    pub(super) fn reading(error: io::Error) -> Self {
        match error.downcast() {
            Ok(ReadError::Stopped(reason)) => Self::Stopped(reason),
            Ok(ReadError::Unpack(error)) => Self::Unpack(error),
            Err(error) => match error.downcast() {
                Ok(error) => Self::Json(error),
                Err(error) => Self::Read(error),
            },
        }
    }

    /// Why a table of the file could not be opened. `name` is its name in an archive.
    pub(super) fn opening(error: OpenError, name: Option<&str>) -> Self {
        match (error, name) {
            (OpenError::Io(error), _) => Self::reading(error),
            (error, None) => Self::Open(error),
            (error, Some(name)) => Self::Member {
                name: name.to_owned(),
                error,
            },
        }
    }

    /// Whether the file's content may be the cause.
    pub(super) const fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::Open(_)
                | Self::Json(_)
                | Self::Unpack(_)
                | Self::Member { .. }
                | Self::NoRows
                | Self::NoGoodRow { .. }
                | Self::TooManyRejected(_)
                | Self::Store(store::Error::TooManyNames(_))
        )
    }

    /// Whether the ingestion fails, instead of being cancelled or continued from its checkpoint.
    pub(super) fn is_final(&self) -> bool {
        !matches!(self, Self::Stopped(_) | Self::WriterGone | Self::Panicked)
            && !self.is_unavailable()
    }

    /// Whether the cause is the server, not the file.
    pub(in crate::ingest) const fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Rejects(_)
                | Self::Store(_)
                | Self::Thread(_)
                | Self::Panicked
                | Self::WriterGone
                | Self::Missing { .. }
                | Self::Damaged
        )
    }

    /// Whether to retry: the database, the disk or another resource is busy, full or unreachable.
    pub(in crate::ingest) fn is_unavailable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_unavailable(),
            Self::Missing { source: error, .. } | Self::Read(error) | Self::Rejects(error) => {
                Unavailable::of_file(error).is_some()
            }
            // Threads are short as files are.
            Self::Thread(_) => true,
            _ => false,
        }
    }

    /// Whether the run was only stopped, or will be done in another way.
    pub(in crate::ingest) const fn is_stop(&self) -> bool {
        matches!(
            self,
            Self::Stopped(_) | Self::WriterGone | Self::Store(store::Error::NotRunning(_))
        )
    }

    /// The failure that is reported to the user.
    pub(in crate::ingest) fn failure(&self) -> Failure {
        let (code, message) = match self {
            Self::Missing { .. } => ("FILE_MISSING", self.to_string()),
            Self::Damaged => ("FILE_DAMAGED", self.to_string()),
            Self::Changed => ("FILE_CHANGED", self.to_string()),
            Self::Open(error) | Self::Member { error, .. } => (error.code(), self.to_string()),
            Self::Json(_) => ("INVALID_JSON", self.to_string()),
            Self::Unpack(error) => (error.code(), self.to_string()),
            Self::Read(_) => ("FILE_UNREADABLE", self.to_string()),
            Self::NoRows => ("NO_ROWS", self.to_string()),
            Self::NoGoodRow { .. } => ("NO_GOOD_ROW", self.to_string()),
            Self::OtherHeader(_) => ("SECOND_HEADER", self.to_string()),
            Self::TooManyRejected(_) => ("TOO_MANY_REJECTED_ROWS", self.to_string()),
            Self::Store(store::Error::TooManyNames(_)) => ("TOO_MANY_NAMES", self.to_string()),
            Self::Stopped(_)
            | Self::Store(_)
            | Self::Rejects(_)
            | Self::WriterGone
            | Self::Thread(_)
            | Self::Panicked => (
                "INTERNAL",
                "internal server error, described in the server's log: ingest the file again"
                    .to_owned(),
            ),
        };
        Failure {
            code: code.to_owned(),
            message,
        }
    }
}

//! Why a row is not a trip.

use std::borrow::Cow;

use super::chunk::{Fault, Record};
use super::column::Column;
use super::header::Header;
use super::options::MAX_NAME_CHARS;
use super::place::PlaceError;
use super::time::TimeError;
use crate::text::trim_bytes;

/// Columns that a row must name to be a header.
const NAMES_OF_HEADER: usize = 3;

/// A row that can't be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The physical line the row begins on; the header is line 1.
    pub line: u64,
    /// The column at fault; `None` if the whole row is.
    pub column: Option<String>,
    /// The kind of the problem, without the text of the row.
    pub kind: &'static str,
    /// The problem, as a message for users.
    pub reason: String,
    /// Whether the row is a header with the columns in another order, so that the rows below it
    /// would be misread.
    pub is_other_header: bool,
    /// The row as in the file: its first 1,000 characters, bytes that are not UTF-8 and
    /// NUL as `U+FFFD`.
    pub raw: String,
}

/// Why a row can't be read.
pub(super) struct Problem {
    /// The column at fault.
    pub(super) column: Option<Column>,
    pub(super) kind: &'static str,
    pub(super) reason: String,
}

impl Problem {
    /// One of the whole row.
    pub(super) fn of_row(reason: &'static str) -> Self {
        Self {
            column: None,
            kind: reason,
            reason: reason.to_owned(),
        }
    }

    #[cold]
    pub(super) fn of_place(column: Column, error: &PlaceError) -> Self {
        Self {
            column: Some(column),
            kind: error.kind(),
            reason: error.to_string(),
        }
    }

    #[cold]
    pub(super) fn of_time(column: Column, error: &TimeError) -> Self {
        Self {
            column: Some(column),
            kind: error.kind(),
            reason: error.to_string(),
        }
    }
}

impl Header {
    #[cold]
    pub(super) fn reject(&self, record: Record<'_>, problem: Problem) -> Rejection {
        let header = self.header(record);
        let Problem {
            column,
            kind,
            reason,
        } = match &header {
            Some(_) => Problem::of_row("the row is a header, not a trip"),
            None => problem,
        };
        Rejection {
            line: record.line(),
            column: column.map(|column| self.column_name(column).to_owned()),
            kind,
            reason,
            is_other_header: header.is_some_and(|header| header.slots != self.slots),
            raw: record.raw(),
        }
    }

    /// The record as a header; a file that was joined from several files has several headers.
    fn header(&self, record: Record<'_>) -> Option<Header> {
        let is_name = |field: &Cow<'_, [u8]>| {
            let field = trim_bytes(field);
            // Most fields of trips are numbers and times.
            field.first().is_some_and(|byte| !byte.is_ascii_digit())
                && field.len() <= MAX_NAME_CHARS
                && std::str::from_utf8(field).is_ok_and(|name| self.options.names(name))
        };
        let names = self.fields(record).ok()?.filter(is_name).count();
        if names < NAMES_OF_HEADER {
            return None;
        }
        Header::read(record.bytes, record.shape, self.dialect, &self.options).ok()
    }
}

/// What is wrong with a record that violates the dialect.
pub(super) const fn broken(fault: Fault) -> &'static str {
    match fault {
        Fault::TooLong => "the row is longer than 64 KiB",
        Fault::Unclosed => "an opening quote is never closed",
        Fault::BehindQuote => {
            "text follows a closing quote: a quote inside a quoted field must be doubled (\"\")"
        }
        Fault::BareReturn => {
            "an unquoted field contains a carriage return: all lines must have the same line end"
        }
    }
}

use std::io;

use super::kind::WrongKind;
use super::options::FormatError;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No bytes, or only blank lines.
    #[error(
        "the file is empty: it needs a header row \
         (region,origin_coord,destination_coord,datetime,datasource) and a row for each trip"
    )]
    Empty,
    /// The header is not text in the file's encoding, or contains a NUL.
    #[error(
        "the file is not text: save it as CSV in UTF-8, or name its encoding with --encoding \
             (encoding in TripFormat)"
    )]
    NotText,
    /// The file is certainly not a table.
    #[error(transparent)]
    WrongKind(#[from] WrongKind),
    /// The header lacks columns that trips need.
    #[error(
        "the header has no column {}; it has: {}. {hint}", missing.join(", "), found.join(", ")
    )]
    MissingColumns {
        /// The missing columns.
        missing: Vec<&'static str>,
        /// The names in the header, truncated if there are many or if they are long.
        found: Vec<String>,
        /// What to do.
        hint: String,
    },
    /// An option names a column that the file does not have.
    #[error("the header has no column {name} for {option}; it has: {}", found.join(", "))]
    UnknownColumn {
        /// The name in the option.
        name: String,
        /// The option.
        option: &'static str,
        /// The names in the header, truncated if there are many or if they are long.
        found: Vec<String>,
    },
    /// Two columns may contain the same part of a trip.
    #[error(
        "the columns {first} and {second} may both be the {content}: choose one of them with \
         {option}"
    )]
    AmbiguousColumns {
        /// The first column's name.
        first: String,
        /// The second column's name.
        second: String,
        /// The part of a trip.
        content: &'static str,
        /// The option that chooses.
        option: &'static str,
    },
    /// Two options name the same column.
    #[error("the column {0} is named by two options: each needs a column of its own")]
    NamedTwice(String),
    /// A column that trips are parsed from occurs twice.
    #[error("the header names the column {column} twice: remove or rename one of them")]
    DuplicateColumn {
        /// The column's name.
        column: String,
    },
    /// Two columns that may contain the same part of a trip have names that differ in spelling only.
    #[error(
        "the columns {first} and {second} are named alike and may both be the {content}: choose one \
         of them with {option}, spelled as in the header, or remove or rename the other"
    )]
    SimilarColumns {
        /// The first column's name.
        first: String,
        /// The second column's name.
        second: String,
        /// The part of a trip.
        content: &'static str,
        /// The option that chooses.
        option: &'static str,
    },
    /// The order of the parts of dates is not certain.
    #[error(
        "the dates in the column {column}, such as {example}, may begin {beginnings}: choose with \
         --time-format {formats} (timeFormat in TripFormat)"
    )]
    AmbiguousDates {
        /// The column's name.
        column: String,
        /// A date.
        example: String,
        /// What dates may begin with.
        beginnings: String,
        /// The formats that may be given, each of which reads the example.
        formats: String,
    },
    /// The first row is not a header, but a later one is.
    #[error(
        "the first row does not name the columns; the header seems to be on line {line}: remove \
         the lines above it"
    )]
    HeaderBelow {
        /// The physical line on which the header begins, counted from 1.
        line: u64,
    },
    /// The header is a single field, and that field is a header.
    #[error(
        "each line is one quoted field, so the file has a single column: remove the quotes around \
         the lines"
    )]
    QuotedLines,
    /// The first line is longer than a row may be.
    #[error(
        "the header row is longer than 64 KiB: the first line must name the columns and end with \
         LF or CRLF"
    )]
    HeaderTooLong,
    /// A quote in the header is never closed.
    #[error("a quote in the header row is never closed: close or remove it")]
    HeaderUnclosedQuote,
    /// Text follows a closing quote in the header, or a name contains a carriage return.
    #[error(
        "the header row is broken: text follows a closing quote, or a name contains a carriage \
         return"
    )]
    HeaderBroken,
    /// The format that was given with the file is not valid.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The file could not be read.
    #[error("the file can't be read: {0}")]
    Io(#[from] io::Error),
}

impl OpenError {
    /// The stable error code, in upper case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EMPTY_FILE",
            Self::NotText => "NOT_TEXT",
            Self::WrongKind(kind) if kind.is_binary() => "NOT_TEXT",
            Self::WrongKind(_) => "NOT_A_TABLE",
            Self::MissingColumns { .. } => "MISSING_COLUMNS",
            Self::UnknownColumn { .. } => "UNKNOWN_COLUMN",
            Self::AmbiguousColumns { .. } | Self::NamedTwice(_) => "AMBIGUOUS_COLUMNS",
            Self::DuplicateColumn { .. } | Self::SimilarColumns { .. } => "DUPLICATE_COLUMN",
            Self::AmbiguousDates { .. } => "AMBIGUOUS_DATES",
            Self::HeaderBelow { .. } => "HEADER_NOT_FIRST",
            Self::QuotedLines => "QUOTED_LINES",
            Self::HeaderTooLong => "HEADER_TOO_LONG",
            Self::HeaderUnclosedQuote => "HEADER_UNCLOSED_QUOTE",
            Self::HeaderBroken => "HEADER_BROKEN",
            Self::Format(_) => "INVALID_FORMAT",
            Self::Io(_) => "FILE_UNREADABLE",
        }
    }
}

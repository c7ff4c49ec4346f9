use std::io;

use super::chunk::{Fault, Shape};
use super::column::Column;
use super::dialect::Dialect;
use super::quoting::Fields;
use super::snippet::snippet;
use crate::text::trim;

/// Maximum number of header names in an error message.
const SHOWN_NAMES: usize = 20;
/// Maximum number of characters of each name.
const SHOWN_CHARS: usize = 40;

/// Why a file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No bytes, or only blank lines.
    #[error(
        "the file is empty: it needs a header row \
         (region,origin_coord,destination_coord,datetime,datasource) and a row for each trip"
    )]
    Empty,
    /// The header is not UTF-8, or contains a NUL.
    #[error(
        "the file is not UTF-8 text: save it as CSV in UTF-8 (not compressed, not a spreadsheet, \
         not UTF-16)"
    )]
    NotText,
    /// The header lacks columns that trips need.
    #[error(
        "the header has no column {}; it has: {}. Name the columns in the file's first row, \
         separated by commas{instead}", missing.join(", "), found.join(", ")
    )]
    MissingColumns {
        /// The missing columns.
        missing: Vec<&'static str>,
        /// The names in the header, truncated if there are many or if they are long.
        found: Vec<String>,
        /// The end of the message, about the likely separator if it is not a comma.
        instead: &'static str,
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
    /// A column that trips are parsed from occurs twice (`datetime` and `date_time` are the same,
    /// and so are `arrived_at` and `end_datetime`).
    #[error("the header names the column {column} twice: remove or rename one of them")]
    DuplicateColumn {
        /// The column's name.
        column: &'static str,
    },
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
            Self::MissingColumns { .. } => "MISSING_COLUMNS",
            Self::HeaderBelow { .. } => "HEADER_NOT_FIRST",
            Self::QuotedLines => "QUOTED_LINES",
            Self::DuplicateColumn { .. } => "DUPLICATE_COLUMN",
            Self::HeaderTooLong => "HEADER_TOO_LONG",
            Self::HeaderUnclosedQuote => "HEADER_UNCLOSED_QUOTE",
            Self::HeaderBroken => "HEADER_BROKEN",
            Self::Io(_) => "FILE_UNREADABLE",
        }
    }
}

/// The columns of a file and their positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// The kind of each column up to the last one that trips are parsed from; `None` for a column
    /// that is ignored.
    pub(super) slots: Vec<Option<Column>>,
    /// Number of columns up to the last named one: the minimum number of fields of a row.
    pub(super) named_columns: usize,
    /// Number of all columns: any further fields of a row must be empty.
    pub(super) columns: usize,
    pub(super) dialect: Dialect,
}

impl Header {
    /// The position of a column, counted from 0.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.is_some_and(|column| column.name() == name))
    }

    pub(super) fn read(bytes: &[u8], shape: Shape, dialect: Dialect) -> Result<Self, OpenError> {
        if is_binary(bytes, shape) {
            return Err(OpenError::NotText);
        }
        match shape {
            Shape::Plain | Shape::Quoted => {}
            Shape::Broken(Fault::TooLong) => return Err(OpenError::HeaderTooLong),
            Shape::Broken(Fault::Unclosed) => return Err(OpenError::HeaderUnclosedQuote),
            Shape::Broken(_) => return Err(OpenError::HeaderBroken),
        }
        let names: Vec<String> = Fields::new(bytes, shape, dialect.delimiter)
            .map(|field| trim(&String::from_utf8_lossy(&field)).to_owned())
            .collect();
        let mut slots: Vec<Option<Column>> =
            names.iter().map(|name| Column::from_name(name)).collect();

        let count = |column| slots.iter().filter(|slot| **slot == Some(column)).count();
        if let Some(column) = Column::ALL.into_iter().find(|column| count(*column) > 1) {
            return Err(OpenError::DuplicateColumn {
                column: column.name(),
            });
        }
        let missing: Vec<&'static str> = Column::required()
            .filter(|column| count(*column) == 0)
            .map(Column::name)
            .collect();
        if !missing.is_empty() {
            if is_quoted_line(&names, dialect) {
                return Err(OpenError::QuotedLines);
            }
            return Err(OpenError::MissingColumns {
                missing,
                found: shown(&names),
                instead: instead(&names),
            });
        }
        while slots.last() == Some(&None) {
            slots.pop();
        }
        let is_named = |name: &String| !name.is_empty();
        Ok(Self {
            slots,
            named_columns: names.iter().rposition(is_named).map_or(0, |last| last + 1),
            columns: names.len(),
            dialect,
        })
    }
}

/// Whether these bytes are not text; the last character of a truncated line may be incomplete.
fn is_binary(bytes: &[u8], shape: Shape) -> bool {
    bytes.contains(&0)
        || std::str::from_utf8(bytes).is_err_and(|error| {
            shape != Shape::Broken(Fault::TooLong) || error.error_len().is_some()
        })
}

/// Whether the only name contains a whole header.
fn is_quoted_line(names: &[String], dialect: Dialect) -> bool {
    let mut given = names.iter().filter(|name| !name.is_empty());
    let (Some(name), None) = (given.next(), given.next()) else {
        return false;
    };
    // A single column has no delimiter in it, so this ends.
    name.as_bytes().contains(&dialect.delimiter)
        && Header::read(name.as_bytes(), Shape::Quoted, dialect).is_ok()
}

/// The end of an error message, about the likely separator of the names if it is not a comma.
fn instead(names: &[String]) -> &'static str {
    match names {
        [one] if one.contains(';') => ", not by semicolons",
        [one] if one.contains('\t') => ", not by tabs",
        _ => "",
    }
}

fn shown(names: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN_NAMES)
        .map(|name| snippet(name.as_bytes(), SHOWN_CHARS))
        .collect();
    if names.len() > SHOWN_NAMES {
        shown.push(format!("… ({} in all)", names.len()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Header, OpenError> {
        Header::read(text.as_bytes(), Shape::Plain, Dialect::default())
    }

    #[test]
    fn columns_are_found_by_name() {
        let header =
            read(" DATASOURCE ,id,Date_Time,Destination_Coord,origin_coord,x,Region,y,z").unwrap();
        assert_eq!(header.position("datasource"), Some(0));
        assert_eq!(header.position("datetime"), Some(2));
        assert_eq!(header.position("destination_coord"), Some(3));
        assert_eq!(header.position("origin_coord"), Some(4));
        assert_eq!(header.position("region"), Some(6));
        assert_eq!(
            header.slots.len(),
            7,
            "columns behind the last needed one are not looked at"
        );
    }

    #[test]
    fn the_arrival_is_optional() {
        let required = "region,origin_coord,destination_coord,datetime,datasource";
        for (name, position) in [
            ("Arrived_At", Some(5)),
            ("end_datetime", Some(5)),
            ("x", None),
        ] {
            let header = read(&format!("{required},{name}")).unwrap();
            assert_eq!(header.position("arrived_at"), position);
        }
    }

    #[test]
    fn missing_columns_are_named() {
        let error = read("region,origin_coord,when,datasource").unwrap_err();
        assert_eq!(error.code(), "MISSING_COLUMNS");
        assert_eq!(
            error.to_string(),
            "the header has no column destination_coord, datetime; it has: region, origin_coord, \
             when, datasource. Name the columns in the file's first row, separated by commas"
        );
    }

    #[test]
    fn other_separators_are_recognised() {
        let message = |separator| {
            let names: Vec<_> = Column::required().map(Column::name).collect();
            read(&names.join(separator)).unwrap_err().to_string()
        };
        assert!(message(";").ends_with("separated by commas, not by semicolons"));
        assert!(message("\t").ends_with("separated by commas, not by tabs"));
        assert!(message("|").ends_with("separated by commas"));
    }

    #[test]
    fn a_wide_header_is_shown_cut() {
        let OpenError::MissingColumns { found, .. } =
            read(&vec!["column".repeat(50); 500].join(",")).unwrap_err()
        else {
            panic!("another error");
        };
        assert_eq!(found.len(), SHOWN_NAMES + 1);
        assert!(
            found
                .iter()
                .all(|name| name.chars().count() <= SHOWN_CHARS + 1)
        );
        assert_eq!(found.last().unwrap(), "… (500 in all)");
    }

    #[test]
    fn a_column_of_trips_may_be_there_once() {
        let error = read("region,origin_coord,destination_coord,datetime,date_time,datasource");
        assert!(matches!(
            error,
            Err(OpenError::DuplicateColumn { column: "datetime" })
        ));
        for arrivals in ["arrived_at,END_DATETIME", "End_DateTime,end_datetime"] {
            let error = read(&format!(
                "region,origin_coord,destination_coord,datetime,datasource,{arrivals}"
            ));
            assert!(matches!(
                error,
                Err(OpenError::DuplicateColumn {
                    column: "arrived_at"
                })
            ));
        }
        let extra = read("x,x,region,origin_coord,destination_coord,datetime,datasource");
        assert!(extra.is_ok());
    }
}

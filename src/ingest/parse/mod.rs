//! Parses the bytes of a file of trips. Pure code, without database or async.
//!
//! [`RecordReader`] recognises the format of the file and splits it into records, in order and with
//! bounded memory. It does only the work that must be done in order: it finds the end of each record
//! and copies its bytes into a [`RecordChunk`]. [`Header::parse`] splits a record into fields and
//! parses them. It is a pure function by shared reference, so that many threads can parse chunks at
//! the same time.
//!
//! The dialect is RFC 4180. Fields end at a comma, or at the delimiter that a first line such as
//! `sep=;` declares, or else at a semicolon, a tab or a vertical bar if these separate the names of
//! columns; records end at LF or CRLF, or, if the first line ends with a carriage return alone, at
//! any line end. A field that begins with a quote may contain delimiters, line ends and doubled
//! quotes; blanks around its quotes are skipped. A quote further inside a field is an ordinary
//! character. A record with only empty fields is not a row.
//!
//! A record that violates the dialect, or whose number of fields differs from the header's, is a
//! rejected row. Violations are text after a closing quote, a carriage return inside an unquoted
//! field, and a quote that is never closed. None of them changes a trip or affects the next rows.
//!
//! Which column is what is decided by a rule for names (`column.rs`), by options
//! ([`FileOptions`]), and where both leave a choice, by the first records (`recognition.rs`) or an
//! error (`mapping.rs`). The format of times is that of the first records (`times.rs`).

mod chunk;
mod clock;
mod column;
mod converted;
mod date;
mod declared;
mod dialect;
mod header;
mod input;
mod json;
mod kind;
mod layout;
mod locations;
mod mapping;
mod number;
mod open_error;
mod options;
mod place;
mod quoting;
mod recognition;
mod records;
mod rejection;
mod row;
mod snippet;
mod table_head;
mod time;
mod times;
mod wkt;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
#[cfg(any(test, feature = "fuzzing"))]
mod oracle;
#[cfg(test)]
mod tests;

pub use chunk::{Position, Record, RecordChunk};
pub use converted::Converted;
pub use header::{Header, MappedColumn};
pub use json::JsonError;
pub use kind::WrongKind;
pub use locations::{LocationsError, read_list, read_locations};
pub use open_error::OpenError;
pub use options::{FileOptions, FormatError, Locations};
pub use place::PlaceError;
pub use records::{MAX_RECORD_BYTES, RecordReader};
pub use rejection::Rejection;
pub use row::ParsedTrip;
pub use table_head::TableHead;
pub use time::TimeError;
pub use wkt::WktError;

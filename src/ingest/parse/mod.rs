//! Parses the bytes of a CSV file into trips. Pure code, without database or async.
//!
//! [`RecordReader`] splits the file into records, in order and with bounded memory. It does only
//! the work that must be done in order: it finds the end of each record and copies its bytes into a
//! [`RecordChunk`]. [`Header::parse`] splits a record into fields and parses them. It is a pure
//! function by shared reference, so that many threads can parse chunks at the same time.
//!
//! The dialect is RFC 4180. Fields end at a comma, or at the delimiter that a first line such as
//! `sep=;` declares; records end at LF or CRLF, or, if the first line ends with a carriage return
//! alone, at any line end. A field that begins with a quote may contain delimiters, line ends and
//! doubled quotes; blanks around its quotes are skipped. A quote further inside a field is an
//! ordinary character. A record with only empty fields is not a row.
//!
//! A record that violates the dialect, or whose number of fields differs from the header's, is a
//! rejected row. Violations are text after a closing quote, a carriage return inside an unquoted
//! field, and a quote that is never closed. None of them changes a trip or affects the next rows.

mod chunk;
mod column;
mod dialect;
mod header;
mod input;
mod number;
mod quoting;
mod records;
mod row;
mod snippet;
mod time;
mod wkt;

#[cfg(test)]
mod tests;

pub use chunk::{Position, Record, RecordChunk};
pub use header::{Header, OpenError};
pub use records::{MAX_RECORD_BYTES, RecordReader};
pub use row::{ParsedTrip, Rejection};
pub use time::TimeError;
pub use wkt::WktError;

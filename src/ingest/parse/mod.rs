//! From the bytes of a CSV file to trips: pure, without database or async.
//!
//! [`RecordReader`] cuts the file into records, in order and with bounded memory. It does the least
//! that must be done in order: it finds where each record ends and copies its bytes into a
//! [`RecordChunk`]. Splitting a record into fields and reading them is [`Header::parse`], a pure
//! function by shared reference, so that many threads can parse chunks at the same time.
//!
//! The dialect is RFC 4180. Fields end at a comma, or at the delimiter that a first line such as
//! `sep=;` declares; records end at LF or CRLF, or, where the first line ends with a carriage return
//! alone, at any line end. A field that begins with a quote may hold delimiters, line ends and doubled
//! quotes; blanks around its quotes are skipped. A quote further inside a field is a character like
//! others. A record of empty fields alone is no row.
//!
//! What breaks the dialect or has another number of fields than the header is a rejected row: text
//! behind a closing quote, a carriage return inside a field without quotes, a quote that is never
//! closed. None of these makes another trip of a row, or takes the next rows along.

mod chunk;
mod dialect;
mod header;
mod number;
mod quoting;
mod records;
mod row;
mod time;
mod wkt;

#[cfg(test)]
mod tests;

pub use chunk::{Position, Record, RecordChunk};
pub use header::{Header, OpenError};
pub use records::{MAX_RECORD_BYTES, RecordReader};
pub use row::{ParsedTrip, Rejection};
pub use time::{LocalTime, TimeError};
pub use wkt::WktError;

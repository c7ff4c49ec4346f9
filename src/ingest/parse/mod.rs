//! From the bytes of a CSV file to trips: pure, without database or async.
//!
//! [`RecordReader`] cuts the file into records, in order and with bounded memory. It does the least
//! that must be done in order: it finds where each record ends and copies its bytes into a
//! [`RecordChunk`]. Splitting a record into fields and reading them is [`Header::parse`], a pure
//! function by shared reference, so that many threads can parse chunks at the same time.
//!
//! The dialect is RFC 4180 with the latitude of the `csv` crate: fields end at a comma, rows at LF
//! or CRLF; a field that begins with a quote may hold commas, line ends and doubled quotes; a quote
//! further inside a field is a character like others. Blank lines are no rows.

mod chunk;
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

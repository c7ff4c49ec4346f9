use std::borrow::Cow;

use super::chunk::{Fault, Record, Shape};
use super::column::{COLUMNS, Column};
use super::header::Header;
use super::quoting::Fields;
use super::snippet::snippet;
use super::time::{TimeError, parse_time};
use super::wkt;
use crate::geo::Point;
use crate::model::LocalTime;
use crate::text::{canonical_name, trim_bytes};

/// Maximum number of characters of a region or datasource.
const MAX_NAME_CHARS: usize = 255;

/// A trip parsed from a row.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedTrip<'a> {
    /// The physical line the row begins on; the header is line 1.
    pub line: u64,
    /// The region's name in its canonical spelling: 1–255 characters, none of them NUL. Owned only
    /// if it differs from the bytes of the row.
    pub region: Cow<'a, str>,
    /// The datasource's name, likewise.
    pub datasource: Cow<'a, str>,
    /// The origin of the trip.
    pub origin: Point,
    /// The destination of the trip.
    pub destination: Point,
    /// Local wall-clock time of departure.
    pub departed_at: LocalTime,
    /// Local wall-clock time of arrival, as in the file, even if it is before the departure. `None`
    /// if the file has no such column or the field is empty.
    pub arrived_at: Option<LocalTime>,
}

/// A row that can't be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The physical line the row begins on; the header is line 1.
    pub line: u64,
    /// The column at fault; `None` if the whole row is.
    pub column: Option<&'static str>,
    /// The problem, as a message for users.
    pub reason: String,
    /// Whether the row is a header with the columns in another order, so that the rows below it
    /// would be misread.
    pub is_other_header: bool,
    /// The row as in the file: its first 1,000 characters, bytes that are not UTF-8 and
    /// NUL as `U+FFFD`.
    pub raw: String,
}

/// The column at fault and the reason.
type Problem = (Option<Column>, String);

impl Header {
    /// Parses a record of the file with this header.
    pub fn parse<'a>(&self, record: Record<'a>) -> Result<ParsedTrip<'a>, Rejection> {
        self.trip(record)
            .map_err(|problem| self.reject(record, problem))
    }

    /// The fields of a record, left to right, unquoted; an error if the record is broken.
    fn fields<'a>(&self, record: Record<'a>) -> Result<Fields<'a>, Problem> {
        match record.shape {
            Shape::Broken(fault) => Err((None, broken(fault).to_owned())),
            shape => Ok(Fields::new(record.bytes, shape, self.dialect.delimiter)),
        }
    }

    #[inline]
    fn trip<'a>(&self, record: Record<'a>) -> Result<ParsedTrip<'a>, Problem> {
        let [region, origin, destination, departure, datasource, arrival] = self.select(record)?;
        Ok(ParsedTrip {
            line: record.line(),
            region: name(region).map_err(|reason| (Some(Column::Region), reason))?,
            origin: point(&origin, Column::Origin)?,
            destination: point(&destination, Column::Destination)?,
            departed_at: parse_time(&departure)
                .map_err(|error| (Some(Column::Departure), error.to_string()))?,
            datasource: name(datasource).map_err(|reason| (Some(Column::Datasource), reason))?,
            arrived_at: optional_time(&arrival)
                .map_err(|error| (Some(Column::Arrival), error.to_string()))?,
        })
    }

    /// The fields that trips are parsed from, in the order of [`Column::ALL`]; empty where the file
    /// has no such column.
    #[inline]
    fn select<'a>(&self, record: Record<'a>) -> Result<[Cow<'a, [u8]>; COLUMNS], Problem> {
        let mut selected = [const { Cow::Borrowed(&[] as &[u8]) }; COLUMNS];
        let mut fields = self.fields(record)?;
        for slot in &self.slots {
            let Some(field) = fields.next() else {
                return Err(self.wrong_count(record));
            };
            if let Some(column) = slot {
                selected[*column as usize] = field;
            }
        }
        // Mostly the needed columns are all there are.
        let is_whole = fields.is_done() && self.slots.len() == self.named_columns;
        if is_whole || self.has_rest(fields) {
            Ok(selected)
        } else {
            Err(self.wrong_count(record))
        }
    }

    /// Whether the selected fields are followed by at least as many fields as the header names, and
    /// fields beyond the header are empty.
    fn has_rest(&self, rest: Fields<'_>) -> bool {
        let count = self.slots.len() + rest.clone().count();
        let mut surplus = rest.skip(self.columns - self.slots.len());
        count >= self.named_columns
            && (count <= self.columns || surplus.all(|field| trim_bytes(&field).is_empty()))
    }

    #[cold]
    fn wrong_count(&self, record: Record<'_>) -> Problem {
        let count = self.fields(record).map_or(0, Iterator::count);
        let fields = if count == 1 { "field" } else { "fields" };
        let columns = self.named_columns;
        let mut reason = format!("the row has {count} {fields}, the header has {columns}");
        if count > columns {
            reason += ": a field that contains the delimiter must be quoted";
        }
        (None, reason)
    }

    #[cold]
    fn reject(&self, record: Record<'_>, (column, reason): Problem) -> Rejection {
        let header = self.header(record);
        let (column, reason) = match &header {
            Some(_) => (None, "the row is a header, not a trip".to_owned()),
            None => (column, reason),
        };
        Rejection {
            line: record.line(),
            column: column.map(Column::name),
            reason,
            is_other_header: header.is_some_and(|header| header.slots != self.slots),
            raw: record.raw(),
        }
    }

    /// The record as a header; a file that was joined from several files has several headers.
    fn header(&self, record: Record<'_>) -> Option<Header> {
        let is_name = |field: &Cow<'_, [u8]>| {
            std::str::from_utf8(trim_bytes(field))
                .is_ok_and(|name| Column::from_name(name).is_some())
        };
        let names = self.fields(record).ok()?.filter(is_name).count();
        if names < Column::required().count() {
            return None;
        }
        Header::read(record.bytes, record.shape, self.dialect).ok()
    }
}

const fn broken(fault: Fault) -> &'static str {
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

fn point(field: &[u8], column: Column) -> Result<Point, Problem> {
    wkt::parse(field).map_err(|error| (Some(column), error.to_string()))
}

/// A time, or nothing if the field is empty.
#[inline]
fn optional_time(field: &[u8]) -> Result<Option<LocalTime>, TimeError> {
    if field.is_empty() {
        return Ok(None);
    }
    match parse_time(field) {
        Err(TimeError::Missing) => Ok(None),
        time => time.map(Some),
    }
}

/// A region or datasource.
#[inline]
fn name(field: Cow<'_, [u8]>) -> Result<Cow<'_, str>, String> {
    match field {
        Cow::Borrowed(bytes) => checked_name(bytes),
        Cow::Owned(bytes) => Ok(Cow::Owned(checked_name(&bytes)?.into_owned())),
    }
}

#[inline]
fn checked_name(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return Err(format!("not UTF-8: {}", snippet(bytes, 40)));
    };
    let name = canonical_name(name);
    if name.is_empty() {
        return Err("empty".to_owned());
    }
    if name.len() > MAX_NAME_CHARS {
        let chars = name.chars().count();
        if chars > MAX_NAME_CHARS {
            return Err(format!(
                "{chars} characters long, at most {MAX_NAME_CHARS} are allowed"
            ));
        }
    }
    if memchr::memchr(0, name.as_bytes()).is_some() {
        return Err("contains a NUL character".to_owned());
    }
    Ok(name)
}

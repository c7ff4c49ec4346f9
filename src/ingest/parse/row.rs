use std::borrow::Cow;

use super::chunk::{Record, Shape};
use super::header::Header;
use super::quoting::Fields;
use super::time::LocalTime;
use super::wkt;
use crate::geo::Point;

/// Characters of a region or datasource at most.
const MAX_NAME_CHARS: usize = 255;

/// A column that a trip needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Region,
    Origin,
    Destination,
    Time,
    Datasource,
}

impl Column {
    pub(super) const ALL: [Column; 5] = [
        Self::Region,
        Self::Origin,
        Self::Destination,
        Self::Time,
        Self::Datasource,
    ];

    /// The name it has in messages, and in a header (there it may also have another).
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Origin => "origin_coord",
            Self::Destination => "destination_coord",
            Self::Time => "datetime",
            Self::Datasource => "datasource",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("date_time") {
            return Some(Self::Time);
        }
        Self::ALL
            .into_iter()
            .find(|column| name.eq_ignore_ascii_case(column.name()))
    }
}

/// A trip as a row tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedTrip<'a> {
    /// The physical line the row begins on; the header is line 1.
    pub line: u64,
    /// The region's name, trimmed: 1–255 characters, none of them NUL. It is owned only where the
    /// field held doubled quotes.
    pub region: Cow<'a, str>,
    /// The datasource's name, likewise.
    pub datasource: Cow<'a, str>,
    /// Where the trip starts.
    pub origin: Point,
    /// Where it ends.
    pub destination: Point,
    /// Local wall-clock time of departure.
    pub departed_at: LocalTime,
}

/// A row that can't be read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The physical line the row begins on; the header is line 1.
    pub line: u64,
    /// The column at fault; `None` where it is the whole row.
    pub column: Option<&'static str>,
    /// What is wrong, for people.
    pub reason: String,
    /// The row as it stands in the file: its first 1,000 characters, bytes that are not UTF-8 and
    /// NUL as `U+FFFD`.
    pub raw: String,
}

/// The column at fault and the reason.
type Fault = (Option<Column>, String);

impl Header {
    /// Reads a record of the file this header heads.
    pub fn parse<'a>(&self, record: Record<'a>) -> Result<ParsedTrip<'a>, Rejection> {
        self.trip(record).map_err(|(column, reason)| Rejection {
            line: record.line(),
            column: column.map(Column::name),
            reason,
            raw: record.raw(),
        })
    }

    #[inline]
    fn trip<'a>(&self, record: Record<'a>) -> Result<ParsedTrip<'a>, Fault> {
        let [region, origin, destination, time, datasource] = self.select(record)?;
        Ok(ParsedTrip {
            line: record.line(),
            region: name(region).map_err(|reason| (Some(Column::Region), reason))?,
            origin: point(&origin, Column::Origin)?,
            destination: point(&destination, Column::Destination)?,
            departed_at: LocalTime::parse(&time)
                .map_err(|error| (Some(Column::Time), error.to_string()))?,
            datasource: name(datasource).map_err(|reason| (Some(Column::Datasource), reason))?,
        })
    }

    /// The needed fields, in the order of [`Column::ALL`].
    #[inline]
    fn select<'a>(&self, record: Record<'a>) -> Result<[Cow<'a, [u8]>; 5], Fault> {
        let quoted = match record.shape {
            Shape::Plain => false,
            Shape::Quoted => true,
            Shape::TooLong => return Err((None, "the row is longer than 64 KiB".to_owned())),
            Shape::Unclosed => return Err((None, UNCLOSED.to_owned())),
        };
        let mut selected = [const { Cow::Borrowed(&[] as &[u8]) }; 5];
        let mut fields = Fields::new(record.bytes, quoted);
        for (index, slot) in self.slots.iter().enumerate() {
            let Some(field) = fields.next() else {
                return Err(self.too_few(index));
            };
            if let Some(column) = slot {
                selected[*column as usize] = field;
            }
        }
        Ok(selected)
    }

    #[cold]
    fn too_few(&self, found: usize) -> Fault {
        let missing = Column::ALL.into_iter().find_map(|column| {
            Some((column, self.position(column.name())?)).filter(|(_, at)| *at >= found)
        });
        let columns = if found == 1 { "column" } else { "columns" };
        match missing {
            Some((column, at)) => (
                Some(column),
                format!(
                    "the row has {found} {columns}, {} is column {}",
                    column.name(),
                    at + 1
                ),
            ),
            None => (None, format!("the row has {found} {columns}")),
        }
    }
}

const UNCLOSED: &str =
    "an opening quote is never closed (looked for until the file's end or 64 KiB on)";

fn point(field: &[u8], column: Column) -> Result<Point, Fault> {
    wkt::parse(field).map_err(|error| (Some(column), error.to_string()))
}

/// A region or datasource.
#[inline]
fn name(field: Cow<'_, [u8]>) -> Result<Cow<'_, str>, String> {
    match field {
        Cow::Borrowed(bytes) => checked_name(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => checked_name(&bytes).map(|name| Cow::Owned(name.to_owned())),
    }
}

#[inline]
fn checked_name(bytes: &[u8]) -> Result<&str, String> {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return Err(format!("not UTF-8: {}", snippet(bytes, 40)));
    };
    let name = if is_trimmed(bytes) { name } else { name.trim() };
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
        return Err("holds a NUL character".to_owned());
    }
    Ok(name)
}

/// Whether there is surely nothing to trim: told from the two bytes at the ends, as for most names.
#[inline]
fn is_trimmed(bytes: &[u8]) -> bool {
    matches!((bytes.first(), bytes.last()), (Some(first), Some(last))
        if first.is_ascii_graphic() && last.is_ascii_graphic())
}

/// The beginning of what was seen, for a message.
pub(super) fn snippet(bytes: &[u8], chars: usize) -> String {
    let cut = &bytes[..bytes.len().min(4 * (chars + 1))];
    let text = String::from_utf8_lossy(cut);
    let mut shown: String = text
        .chars()
        .take(chars)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if cut.len() < bytes.len() || text.chars().nth(chars).is_some() {
        shown.push('…');
    }
    shown
}

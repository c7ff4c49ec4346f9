use std::borrow::Cow;

use super::chunk::{Record, Shape};
use super::clock::Read;
use super::column::{COLUMNS, Column, PLAIN_COLUMNS};
use super::header::Header;
use super::mapping::Place;
use super::options::MAX_NAME_CHARS;
use super::place::{self, PlaceError};
use super::quoting::Fields;
use super::rejection::{Problem, Rejection, broken};
use super::snippet::snippet;
use super::time::TimeError;
use crate::geo::{Point, PointError};
use crate::model::LocalTime;
use crate::text::{canonical_name, trim_bytes};

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
    /// Whether the row has an instant whose wall clock is as written, since the time zone of the
    /// trips is not known.
    pub is_unzoned: bool,
}

impl Header {
    /// Parses a record of the file with this header.
    pub fn parse<'a>(&'a self, record: Record<'a>) -> Result<ParsedTrip<'a>, Rejection> {
        let trip = if self.is_plain {
            self.plain_trip(record)
        } else {
            self.trip(record)
        };
        trip.map_err(|problem| self.reject(record, problem))
    }

    /// The fields of a record by the columns of the file; `None` if these are not its columns, or it is
    /// broken.
    #[must_use]
    pub fn cells<'a>(&self, record: Record<'a>) -> Option<Vec<Cow<'a, [u8]>>> {
        let mut cells: Vec<_> = self.fields(record).ok()?.collect();
        let surplus = cells.split_off(self.columns.min(cells.len()));
        let is_empty = |cell: &Cow<'_, [u8]>| trim_bytes(cell).is_empty();
        let fits = cells.len() >= self.named_columns && surplus.iter().all(is_empty);
        cells.resize(self.columns, Cow::Borrowed(&[]));
        fits.then_some(cells)
    }

    /// The fields of a record, left to right, unquoted; an error if the record is broken.
    pub(super) fn fields<'a>(&self, record: Record<'a>) -> Result<Fields<'a>, Problem> {
        match record.shape {
            Shape::Broken(fault) => Err(Problem::of_row(broken(fault))),
            shape => Ok(Fields::new(record.bytes, shape, self.dialect.delimiter)),
        }
    }

    /// A trip of a file in the plain format, which has fewer fields to look at.
    #[inline]
    fn plain_trip<'a>(&'a self, record: Record<'a>) -> Result<ParsedTrip<'a>, Problem> {
        let [region, origin, destination, departure, datasource, arrival] =
            self.select::<PLAIN_COLUMNS>(record)?;
        let region = self.name(region, Column::Region)?;
        let origin = point(&origin, Column::Origin)?;
        let destination = point(&destination, Column::Destination)?;
        let departed = self.departure(&departure)?;
        let datasource = self.name(datasource, Column::Datasource)?;
        let arrived = self.arrival(&arrival)?;
        Ok(ParsedTrip {
            line: record.line(),
            region,
            datasource,
            origin,
            destination,
            departed_at: departed.time,
            arrived_at: arrived.map(|read| read.time),
            is_unzoned: departed.is_unzoned || arrived.is_some_and(|read| read.is_unzoned),
        })
    }

    #[inline]
    fn trip<'a>(&'a self, record: Record<'a>) -> Result<ParsedTrip<'a>, Problem> {
        let mut fields = self.select::<COLUMNS>(record)?;
        let mut name = |column: Column, default: &'a str| {
            if self.slots.contains(&Some(column)) {
                self.name(std::mem::take(&mut fields[column as usize]), column)
            } else {
                Ok(Cow::Borrowed(default))
            }
        };
        let region = name(Column::Region, &self.options.region)?;
        let datasource = name(Column::Datasource, &self.options.datasource)?;
        let (origin, destination) = self.ends(&fields)?;
        let departed = self.departure(&self.time(&fields, Column::Departure))?;
        let arrived = self.arrival(&self.time(&fields, Column::Arrival))?;
        Ok(ParsedTrip {
            line: record.line(),
            region,
            datasource,
            origin,
            destination,
            departed_at: departed.time,
            arrived_at: arrived.map(|read| read.time),
            is_unzoned: departed.is_unzoned || arrived.is_some_and(|read| read.is_unzoned),
        })
    }

    /// Both ends of a trip.
    #[inline]
    fn ends(&self, fields: &[Cow<'_, [u8]>; COLUMNS]) -> Result<(Point, Point), Problem> {
        if self.origin == Place::Line {
            let line = self.value(&fields[Column::Line as usize]);
            return place::line_ends(line).map_err(|error| Problem::of_place(Column::Line, &error));
        }
        let origin = self.end(
            self.origin,
            fields,
            [
                Column::Origin,
                Column::OriginLon,
                Column::OriginLat,
                Column::OriginId,
            ],
        )?;
        let destination = self.end(
            self.destination,
            fields,
            [
                Column::Destination,
                Column::DestinationLon,
                Column::DestinationLat,
                Column::DestinationId,
            ],
        )?;
        Ok((origin, destination))
    }

    #[inline]
    fn end(
        &self,
        place: Place,
        fields: &[Cow<'_, [u8]>; COLUMNS],
        [text, lon, lat, id]: [Column; 4],
    ) -> Result<Point, Problem> {
        let value = |column: Column| self.value(&fields[column as usize]);
        match place {
            Place::Text | Place::Line => point(value(text), text),
            Place::Pair => {
                let decimal_comma = self.dialect.delimiter != b',';
                let degrees = |column| {
                    place::coordinate(value(column), decimal_comma)
                        .map_err(|error| Problem::of_place(column, &error))
                };
                Point::new(degrees(lon)?, degrees(lat)?).map_err(|error| {
                    let column = match error {
                        PointError::Longitude(_) => lon,
                        PointError::Latitude(_) => lat,
                    };
                    Problem::of_place(column, &PlaceError::from(error))
                })
            }
            Place::Id => self
                .location(trim_bytes(value(id)))
                .map_err(|error| Problem::of_place(id, &error)),
        }
    }

    /// The location of an id.
    fn location(&self, id: &[u8]) -> Result<Point, PlaceError> {
        if id.is_empty() {
            return Err(PlaceError::Missing("the id of a location"));
        }
        let found = std::str::from_utf8(id)
            .ok()
            .zip(self.options.locations.as_ref())
            .and_then(|(id, locations)| {
                // As programs write numbers where one is missing elsewhere in the column.
                let whole = id.strip_suffix(".0");
                locations.get(id).or_else(|| locations.get(whole?))
            });
        found
            .copied()
            .ok_or_else(|| PlaceError::UnknownId(snippet(id, 40)))
    }

    /// The text of a departure or an arrival, which may be in a column of dates and one of times of
    /// day.
    #[inline]
    pub(super) fn time<'f>(
        &self,
        fields: &'f [Cow<'_, [u8]>; COLUMNS],
        column: Column,
    ) -> Cow<'f, [u8]> {
        let field = self.value(&fields[column as usize]);
        match column.clock() {
            Some(clock) if self.joined.contains(&column) => {
                Cow::Owned([field, b" ", self.value(&fields[clock as usize])].concat())
            }
            _ => Cow::Borrowed(field),
        }
    }

    /// The field, or nothing if it is one of the values that are read as empty.
    #[inline]
    pub(super) fn value<'f>(&self, field: &'f [u8]) -> &'f [u8] {
        if self.options.is_null(trim_bytes(field)) {
            &[]
        } else {
            field
        }
    }

    #[inline]
    fn departure(&self, field: &[u8]) -> Result<Read, Problem> {
        self.clock
            .read(field)
            .map_err(|error| Problem::of_time(Column::Departure, &error))
    }

    /// A time, or nothing if the field is empty.
    #[inline]
    fn arrival(&self, field: &[u8]) -> Result<Option<Read>, Problem> {
        if field.is_empty() {
            return Ok(None);
        }
        match self.clock.read(field) {
            Ok(read) => Ok(Some(read)),
            Err(TimeError::Missing) => Ok(None),
            Err(_) if self.value(field).is_empty() => Ok(None),
            Err(error) => Err(Problem::of_time(Column::Arrival, &error)),
        }
    }

    /// A region or datasource.
    #[inline]
    fn name<'f>(&self, field: Cow<'f, [u8]>, column: Column) -> Result<Cow<'f, str>, Problem> {
        let name = if self.value(&field).is_empty() {
            Err(("empty", "empty".to_owned()))
        } else {
            match field {
                Cow::Borrowed(bytes) => checked_name(bytes),
                Cow::Owned(bytes) => checked_name(&bytes).map(|name| Cow::Owned(name.into_owned())),
            }
        };
        name.map_err(|(kind, reason)| Problem {
            column: Some(column),
            kind,
            reason,
        })
    }

    /// The fields of the first columns in the order of [`Column::ALL`]; empty where the file has no
    /// such column.
    #[inline]
    pub(super) fn select<'a, const N: usize>(
        &self,
        record: Record<'a>,
    ) -> Result<[Cow<'a, [u8]>; N], Problem> {
        let mut selected = [const { Cow::Borrowed(&[] as &[u8]) }; N];
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
        let kind = if count > columns {
            "more fields than the header has"
        } else {
            "fewer fields than the header has"
        };
        Problem {
            column: None,
            kind,
            reason,
        }
    }
}

#[inline]
fn point(field: &[u8], column: Column) -> Result<Point, Problem> {
    place::point(field).map_err(|error| Problem::of_place(column, &error))
}

/// The canonical spelling of a name, or the kind of what is wrong with it, and a message.
#[inline]
fn checked_name(bytes: &[u8]) -> Result<Cow<'_, str>, (&'static str, String)> {
    let Ok(name) = std::str::from_utf8(bytes) else {
        return Err(("not UTF-8", format!("not UTF-8: {}", snippet(bytes, 40))));
    };
    let name = canonical_name(name);
    if name.is_empty() {
        return Err(("empty", "empty".to_owned()));
    }
    if name.len() > MAX_NAME_CHARS {
        let chars = name.chars().count();
        if chars > MAX_NAME_CHARS {
            return Err((
                "longer than 255 characters",
                format!("{chars} characters long, at most {MAX_NAME_CHARS} are allowed"),
            ));
        }
    }
    if memchr::memchr(0, name.as_bytes()).is_some() {
        let reason = "contains a NUL character";
        return Err((reason, reason.to_owned()));
    }
    Ok(name)
}

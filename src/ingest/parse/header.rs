use std::sync::Arc;

use serde::Serialize;

use super::chunk::{Fault, Shape};
use super::clock::{Clock, TimeFormat};
use super::column::{Column, PLAIN_COLUMNS, Rank};
use super::dialect::Dialect;
use super::layout::Layout;
use super::mapping::{Mapping, Place};
use super::open_error::OpenError;
use super::options::FileOptions;
use super::quoting::Fields;
use crate::model::{RecognisedFormat, TripFormat};
use crate::text::trim;

/// A column that trips are read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MappedColumn {
    /// The part of a trip.
    pub part: &'static str,
    /// The column's name.
    pub name: String,
    /// Why it is this column.
    pub why: &'static str,
}

/// The columns of a file, and how its fields are read.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// The kind of each column up to the last one that trips are parsed from; `None` for a column
    /// that is ignored.
    pub(super) slots: Vec<Option<Column>>,
    /// The names of all columns.
    names: Vec<String>,
    pub(super) origin: Place,
    pub(super) destination: Place,
    /// Whether the columns are those of the plain format.
    pub(super) is_plain: bool,
    /// Number of columns up to the last named one: the minimum number of fields of a row.
    pub(super) named_columns: usize,
    /// Number of all columns: any further fields of a row must be empty.
    pub(super) columns: usize,
    pub(super) dialect: Dialect,
    pub(super) clock: Clock,
    /// The times whose date and time of day are in columns of their own: departure, arrival.
    pub(super) joined: Vec<Column>,
    pub(super) layout: Option<&'static Layout>,
    /// The format of its times in strftime's notation, declared or as the first of them show it.
    pub(super) time_notation: String,
    pub(super) options: Arc<FileOptions>,
}

impl Header {
    /// The position of a column, counted from 0.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.slots
            .iter()
            .position(|slot| slot.is_some_and(|column| column.name() == name))
    }

    pub(super) fn read(
        bytes: &[u8],
        shape: Shape,
        dialect: Dialect,
        options: &Arc<FileOptions>,
    ) -> Result<Self, OpenError> {
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
        let Mapping {
            mut slots,
            origin,
            destination,
        } = match Mapping::choose(&names, options) {
            Err(OpenError::MissingColumns { .. }) if is_quoted_line(&names, dialect, options) => {
                return Err(OpenError::QuotedLines);
            }
            mapping => mapping?,
        };
        while slots.last() == Some(&None) {
            slots.pop();
        }
        let layout = Layout::of(&names);
        let is_named = |name: &String| !name.is_empty();
        let named_columns = names.iter().rposition(is_named).map_or(0, |last| last + 1);
        let columns = names.len();
        let has = |column| slots.contains(&Some(column));
        let is_plain = [origin, destination] == [Place::Text; 2]
            && has(Column::Region)
            && has(Column::Datasource)
            && slots
                .iter()
                .flatten()
                .all(|column| (*column as usize) < PLAIN_COLUMNS);
        let joined = [Column::Departure, Column::Arrival]
            .into_iter()
            .filter(|column| column.clock().is_some_and(has))
            .collect();
        Ok(Self {
            slots,
            names,
            origin,
            destination,
            is_plain,
            named_columns,
            columns,
            dialect,
            clock: Clock {
                format: options
                    .time_format
                    .clone()
                    .unwrap_or(TimeFormat::Text(None)),
                zone: options.zone,
            },
            joined,
            layout,
            time_notation: options.format.time_format.clone().unwrap_or_default(),
            options: Arc::clone(options),
        })
    }

    /// The names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The character between fields.
    #[must_use]
    pub const fn delimiter(&self) -> u8 {
        self.dialect.delimiter
    }

    /// The format that was given with the file.
    #[must_use]
    pub fn given(&self) -> &TripFormat {
        &self.options.format
    }

    /// The format that was recognised.
    #[must_use]
    pub fn format(&self) -> RecognisedFormat {
        let name = |column: Column| {
            let index = self.slots.iter().position(|slot| *slot == Some(column))?;
            self.uses(column).then(|| self.names[index].clone())
        };
        let place = |place: Place, text, lon, lat| match place {
            Place::Text => Vec::from_iter(name(text)),
            Place::Pair => name(lon).into_iter().chain(name(lat)).collect(),
            Place::Line => Vec::from_iter(name(Column::Line)),
            Place::Id => Vec::new(),
        };
        let region = name(Column::Region);
        let datasource = name(Column::Datasource);
        let encoding = self.options.encoding.unwrap_or(encoding_rs::UTF_8);
        RecognisedFormat {
            layout: self.layout.map(|layout| layout.name.to_owned()),
            encoding: Some(encoding.name().to_owned()),
            delimiter: Some(char::from(self.dialect.delimiter).to_string()),
            origin: place(
                self.origin,
                Column::Origin,
                Column::OriginLon,
                Column::OriginLat,
            ),
            destination: place(
                self.destination,
                Column::Destination,
                Column::DestinationLon,
                Column::DestinationLat,
            ),
            departed_at: name(Column::Departure),
            arrived_at: name(Column::Arrival),
            region_name: region.is_none().then(|| self.options.region.clone()),
            region,
            datasource_name: datasource
                .is_none()
                .then(|| self.options.datasource.clone()),
            datasource,
            origin_id: name(Column::OriginId),
            destination_id: name(Column::DestinationId),
            time_format: Some(self.time_notation.clone()),
            time_zone: self.clock.zone.map(|zone| zone.name().to_owned()),
        }
    }

    /// Whether trips are read from a column that the header has: the rows may have shown that they are
    /// read from another one.
    fn uses(&self, column: Column) -> bool {
        match column {
            Column::Origin => self.origin == Place::Text,
            Column::OriginId => self.origin == Place::Id,
            Column::Destination => self.destination == Place::Text,
            Column::DestinationId => self.destination == Place::Id,
            Column::DepartureClock => self.joined.contains(&Column::Departure),
            Column::ArrivalClock => self.joined.contains(&Column::Arrival),
            _ => true,
        }
    }

    /// The columns that trips are read from, and why.
    #[must_use]
    pub fn mapped_columns(&self) -> Vec<MappedColumn> {
        let chosen = self.options.columns();
        let slots = self.slots.iter().zip(&self.names);
        slots
            .filter_map(|(slot, name)| {
                let column = slot.filter(|column| self.uses(*column))?;
                let why = if chosen.iter().any(|(other, _)| *other == column) {
                    "named by an option"
                } else {
                    match Column::recognise(name)?.1 {
                        Rank::Plain => "a name of the plain format",
                        Rank::Specific => "recognised by its name",
                        Rank::General => "no other column is more specific",
                    }
                };
                Some(MappedColumn {
                    part: column.content(),
                    name: name.clone(),
                    why,
                })
            })
            .collect()
    }

    /// The name of a column in messages: that in the file, or that of the plain format if the file
    /// has an alias of it.
    pub(super) fn column_name(&self, column: Column) -> &str {
        let index = self.slots.iter().position(|slot| *slot == Some(column));
        match index.map(|index| self.names[index].as_str()) {
            Some(name) if (column as usize) >= PLAIN_COLUMNS || Column::plain(name).is_none() => {
                name
            }
            _ => column.name(),
        }
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
fn is_quoted_line(names: &[String], dialect: Dialect, options: &Arc<FileOptions>) -> bool {
    let mut given = names.iter().filter(|name| !name.is_empty());
    let (Some(name), None) = (given.next(), given.next()) else {
        return false;
    };
    // A single column has no delimiter in it, so this ends.
    name.as_bytes().contains(&dialect.delimiter)
        && Header::read(name.as_bytes(), Shape::Quoted, dialect, options).is_ok()
}

#[cfg(test)]
mod tests;

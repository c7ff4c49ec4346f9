//! How a file is to be read: a [`TripFormat`] that was checked.

use std::collections::HashMap;
use std::sync::Arc;

use chrono_tz::Tz;
use encoding_rs::Encoding;

use super::clock::TimeFormat;
use super::column::{Column, Rank};
use crate::geo::Point;
use crate::model::TripFormat;
use crate::text::canonical_name;

/// Values that are read as empty in every file.
const NULL_VALUES: [&str; 2] = ["NULL", "\\N"];
/// Region of trips whose file does not name one.
const UNKNOWN_REGION: &str = "unknown";
/// Maximum number of characters of a region or datasource.
pub(super) const MAX_NAME_CHARS: usize = 255;

/// Why a [`TripFormat`] is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A trip end has more than two columns.
    #[error("{0} names {1} columns: name one column, or two for longitude and latitude")]
    Columns(&'static str, usize),
    /// Two settings exclude each other.
    #[error("{0} and {1} exclude each other: give one of them")]
    Exclusive(&'static str, &'static str),
    /// The delimiter is not an ASCII character that can separate fields.
    #[error(
        "the delimiter {0:?} is not a single ASCII character other than a quote, a digit, a letter \
         and a line end"
    )]
    Delimiter(String),
    /// The time format is not valid.
    #[error(
        "the time format {0:?} is neither in strftime's notation, such as \
         %m/%d/%Y %H:%M:%S, nor epoch, epoch_ms or epoch_us"
    )]
    TimeFormat(String),
    /// There is no such time zone.
    #[error("there is no time zone {0:?}: give a name of the IANA database, such as Europe/Paris")]
    TimeZone(String),
    /// The encoding is not known.
    #[error("there is no character encoding {0:?}: give a name such as windows-1252 or utf-16le")]
    Encoding(String),
    /// A region or datasource that no trip can have.
    #[error("the {0} must have 1 to 255 characters, none of them NUL")]
    Name(&'static str),
}

/// Locations by id.
pub type Locations = HashMap<String, Point>;

/// How a file is to be read.
#[derive(Debug, Clone)]
pub struct FileOptions {
    pub(super) format: TripFormat,
    pub(super) time_format: Option<TimeFormat>,
    pub(super) zone: Option<Tz>,
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) null_values: Vec<Vec<u8>>,
    /// The region of trips of a file without a column for it.
    pub(super) region: String,
    /// The datasource of trips of a file without a column for it.
    pub(super) datasource: String,
    pub(super) locations: Option<Arc<Locations>>,
    is_beginning: bool,
}

impl Default for FileOptions {
    /// Everything is recognised, of a file without a name.
    fn default() -> Self {
        Self {
            format: TripFormat::default(),
            time_format: None,
            zone: None,
            delimiter: None,
            encoding: None,
            null_values: NULL_VALUES.map(|value| value.as_bytes().to_vec()).to_vec(),
            region: UNKNOWN_REGION.to_owned(),
            datasource: datasource(""),
            locations: None,
            is_beginning: false,
        }
    }
}

impl FileOptions {
    /// Checks a format. `source` is the file's name, from which the datasource is derived if
    /// nothing else names it.
    pub fn new(format: &TripFormat, source: &str) -> Result<Self, FormatError> {
        for (end, columns) in [
            ("origin", &format.origin),
            ("destination", &format.destination),
        ] {
            if columns.len() > 2 {
                return Err(FormatError::Columns(end, columns.len()));
            }
        }
        for (one, is_given, other, also) in [
            (
                "region",
                format.region.is_some(),
                "regionName",
                format.region_name.is_some(),
            ),
            (
                "datasource",
                format.datasource.is_some(),
                "datasourceName",
                format.datasource_name.is_some(),
            ),
            (
                "origin",
                !format.origin.is_empty(),
                "originId",
                format.origin_id.is_some(),
            ),
            (
                "destination",
                !format.destination.is_empty(),
                "destinationId",
                format.destination_id.is_some(),
            ),
        ] {
            if is_given && also {
                return Err(FormatError::Exclusive(one, other));
            }
        }
        let mut null_values = Self::default().null_values;
        null_values.extend(
            format
                .null_values
                .iter()
                .map(|value| value.trim().as_bytes().to_vec()),
        );
        null_values.retain(|value| !value.is_empty());
        Ok(Self {
            time_format: format.time_format.as_deref().map(time_format).transpose()?,
            zone: format.time_zone.as_deref().map(time_zone).transpose()?,
            delimiter: format.delimiter.as_deref().map(delimiter).transpose()?,
            encoding: format.encoding.as_deref().map(encoding).transpose()?,
            null_values,
            region: match &format.region_name {
                Some(name) => checked_name(name, "region")?,
                None => UNKNOWN_REGION.to_owned(),
            },
            datasource: match &format.datasource_name {
                Some(name) => checked_name(name, "datasource")?,
                None => datasource(source),
            },
            locations: None,
            is_beginning: false,
            format: format.clone(),
        })
    }

    /// Adds the locations that columns of ids name.
    #[must_use]
    pub fn with_locations(mut self, locations: Option<Arc<Locations>>) -> Self {
        self.locations = locations;
        self
    }

    /// For a file of which only the first bytes are there: they may end anywhere, even within a
    /// character, and what is uncertain without the rest is omitted.
    #[must_use]
    pub const fn of_beginning(mut self) -> Self {
        self.is_beginning = true;
        self
    }

    /// Whether only the first bytes of the file are there.
    #[must_use]
    pub const fn is_beginning(&self) -> bool {
        self.is_beginning
    }

    /// The encoding that is declared.
    #[must_use]
    pub const fn encoding(&self) -> Option<&'static Encoding> {
        self.encoding
    }

    /// Sets the encoding that was recognised.
    #[must_use]
    pub const fn with_encoding(mut self, encoding: &'static Encoding) -> Self {
        self.encoding = Some(encoding);
        self
    }

    /// The columns that are named, each with what it contains.
    pub(super) fn columns(&self) -> Vec<(Column, &str)> {
        let format = &self.format;
        let mut columns = Vec::new();
        let ends = [
            (
                &format.origin,
                [Column::Origin, Column::OriginLon, Column::OriginLat],
            ),
            (
                &format.destination,
                [
                    Column::Destination,
                    Column::DestinationLon,
                    Column::DestinationLat,
                ],
            ),
        ];
        if format.origin.len() == 1 && format.origin == format.destination {
            columns.push((Column::Line, format.origin[0].as_str()));
        } else {
            for (names, [text, lon, lat]) in ends {
                match &names[..] {
                    [one] => columns.push((text, one.as_str())),
                    [x, y] => columns.extend([(lon, x.as_str()), (lat, y.as_str())]),
                    _ => {}
                }
            }
        }
        let single = [
            (Column::Departure, &format.departed_at),
            (Column::Arrival, &format.arrived_at),
            (Column::Region, &format.region),
            (Column::Datasource, &format.datasource),
            (Column::OriginId, &format.origin_id),
            (Column::DestinationId, &format.destination_id),
        ];
        columns.extend(
            single
                .into_iter()
                .filter_map(|(column, name)| Some((column, name.as_deref()?))),
        );
        columns
    }

    /// The delimiter that is declared.
    #[must_use]
    pub const fn delimiter(&self) -> Option<u8> {
        self.delimiter
    }

    /// Whether trips need the column of this name: an option names it, or its name is recognised.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let is_named = |(_, column): &(Column, &str)| name.eq_ignore_ascii_case(column.trim());
        self.columns().iter().any(is_named)
            || Column::recognise(name).is_some_and(|(_, rank)| rank != Rank::General)
    }

    /// Whether trips may be read from the column of this name, if it has lines.
    #[must_use]
    pub fn may_be_line(&self, name: &str) -> bool {
        let is_line = |column: Column, of: &str| {
            column == Column::Line && name.eq_ignore_ascii_case(of.trim())
        };
        self.columns()
            .iter()
            .any(|(column, of)| is_line(*column, of))
            || Column::recognise(name).is_some_and(|(column, _)| column == Column::Line)
    }

    /// Whether a text is the name of a column that trips are parsed from.
    pub(super) fn names(&self, text: &str) -> bool {
        Column::recognise(text).is_some()
            || self
                .columns()
                .iter()
                .any(|(_, name)| text.eq_ignore_ascii_case(name.trim()))
    }

    /// Whether a trimmed field is one of the values that are read as empty.
    #[inline]
    pub(super) fn is_null(&self, field: &[u8]) -> bool {
        self.null_values.iter().any(|value| value == field)
    }
}

fn time_format(text: &str) -> Result<TimeFormat, FormatError> {
    TimeFormat::declared(text).ok_or_else(|| FormatError::TimeFormat(text.to_owned()))
}

fn time_zone(name: &str) -> Result<Tz, FormatError> {
    name.parse()
        .map_err(|_| FormatError::TimeZone(name.to_owned()))
}

fn encoding(name: &str) -> Result<&'static Encoding, FormatError> {
    Encoding::for_label(name.as_bytes()).ok_or_else(|| FormatError::Encoding(name.to_owned()))
}

fn delimiter(text: &str) -> Result<u8, FormatError> {
    match *text.as_bytes() {
        [byte] if byte == b'\t' || byte == b' ' || byte.is_ascii_punctuation() && byte != b'"' => {
            Ok(byte)
        }
        // As shells pass it on.
        [b'\\', b't'] => Ok(b'\t'),
        _ => Err(FormatError::Delimiter(text.to_owned())),
    }
}

fn checked_name(name: &str, what: &'static str) -> Result<String, FormatError> {
    let name = canonical_name(name);
    let is_valid =
        !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.contains('\0');
    is_valid
        .then(|| name.into_owned())
        .ok_or(FormatError::Name(what))
}

/// The datasource of a file of that name: the name without the endings of its format.
fn datasource(source: &str) -> String {
    const ENDINGS: [&str; 13] = [
        ".csv", ".tsv", ".txt", ".tab", ".json", ".geojson", ".ndjson", ".jsonl", ".parquet",
        ".gz", ".zst", ".zip", ".gzip",
    ];
    let mut name = source.trim();
    while let Some(shorter) = ENDINGS.iter().find_map(|ending| {
        let (stem, end) = name.split_at_checked(name.len().checked_sub(ending.len())?)?;
        (end.eq_ignore_ascii_case(ending) && !stem.is_empty()).then_some(stem)
    }) {
        name = shorter;
    }
    let name = canonical_name(name).replace('\0', "\u{fffd}");
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests;

//! Which column of a file is which part of a trip.

use super::column::{COLUMNS, Column, Rank, normalise};
use super::open_error::OpenError;
use super::options::FileOptions;
use super::snippet::snippet;

/// Maximum number of header names in an error message.
pub(super) const SHOWN_NAMES: usize = 20;
/// Maximum number of characters of each name.
pub(super) const SHOWN_CHARS: usize = 40;

/// Where the location of a trip end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Place {
    /// In one column, as text.
    #[default]
    Text,
    /// In a column of longitudes and one of latitudes.
    Pair,
    /// In the list of locations, under an id.
    Id,
    /// At the end of a line.
    Line,
}

/// The columns that trips are parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    /// The kind of each column; `None` for a column that is ignored.
    pub(super) slots: Vec<Option<Column>>,
    pub(super) origin: Place,
    pub(super) destination: Place,
}

/// The columns of a trip end.
struct EndColumns {
    text: Column,
    pair: [Column; 2],
    id: Column,
}

const ORIGIN: EndColumns = EndColumns {
    text: Column::Origin,
    pair: [Column::OriginLon, Column::OriginLat],
    id: Column::OriginId,
};
const DESTINATION: EndColumns = EndColumns {
    text: Column::Destination,
    pair: [Column::DestinationLon, Column::DestinationLat],
    id: Column::DestinationId,
};

/// The candidates for each column.
struct Candidates<'a> {
    names: &'a [String],
    /// The columns that options name.
    chosen: [Option<usize>; COLUMNS],
    /// Those that the rule recognises, most specific first.
    recognised: Vec<(Column, Rank, usize)>,
}

impl Mapping {
    /// Chooses the columns from the names in a header.
    pub(super) fn choose(names: &[String], options: &FileOptions) -> Result<Self, OpenError> {
        let mut chosen = [None; COLUMNS];
        for (column, name) in options.columns() {
            let index = find(names, name, column)?;
            if chosen.contains(&Some(index)) {
                return Err(OpenError::NamedTwice(names[index].clone()));
            }
            chosen[column as usize] = Some(index);
        }
        let mut recognised: Vec<_> = names
            .iter()
            .enumerate()
            .filter(|(index, _)| !chosen.contains(&Some(*index)))
            .filter_map(|(index, name)| {
                let (column, rank) = Column::recognise(name)?;
                Some((column, rank, index))
            })
            .collect();
        recognised.sort_by_key(|(_, rank, _)| *rank);
        let candidates = Candidates {
            names,
            chosen,
            recognised,
        };
        let mut slots = vec![None; names.len()];
        let mut missing = Vec::new();
        let mut take = |column: Column| -> Result<bool, OpenError> {
            if let Some([date, clock]) = candidates.date_and_clock(column) {
                slots[date] = Some(column);
                slots[clock] = column.clock();
                return Ok(true);
            }
            let index = candidates.get(column)?;
            if let Some(index) = index {
                slots[index] = Some(column);
            }
            Ok(index.is_some())
        };
        let has_locations = options.locations.is_some();
        let mut places = [ORIGIN, DESTINATION].map(|end| candidates.place(&end, has_locations));
        let is_line_chosen = candidates.chosen[Column::Line as usize].is_some();
        if is_line_chosen || places == [None; 2] && candidates.has(Column::Line) {
            places = [Some(Place::Line); 2];
        }
        for (place, end) in places.iter().zip([ORIGIN, DESTINATION]) {
            match place {
                Some(Place::Text) => {
                    take(end.text)?;
                    // If the text turns out to be no location, ids are.
                    if has_locations && candidates.chosen[end.text as usize].is_none() {
                        take(end.id)?;
                    }
                }
                Some(Place::Pair) => {
                    for column in end.pair {
                        take(column)?;
                    }
                }
                Some(Place::Id) => _ = take(end.id)?,
                Some(Place::Line) => _ = take(Column::Line)?,
                None => missing.push(end.text),
            }
        }
        if !take(Column::Departure)? {
            missing.push(Column::Departure);
        }
        take(Column::Arrival)?;
        if options.format.region_name.is_none() {
            take(Column::Region)?;
        }
        if options.format.datasource_name.is_none() {
            take(Column::Datasource)?;
        }
        match places {
            [Some(origin), Some(destination)] if missing.is_empty() => Ok(Self {
                slots,
                origin,
                destination,
            }),
            _ => Err(candidates.missing(&missing, has_locations)),
        }
    }
}

impl Candidates<'_> {
    /// The index of a column: the one that an option names, or the only one of the most specific
    /// names.
    fn get(&self, column: Column) -> Result<Option<usize>, OpenError> {
        if let Some(index) = self.chosen[column as usize] {
            return Ok(Some(index));
        }
        let mut same = self
            .recognised
            .iter()
            .filter(|(other, ..)| *other == column);
        let Some((_, rank, first)) = same.next() else {
            return Ok(None);
        };
        match same.next() {
            Some((_, other, second)) if other == rank => {
                let [first, second] = [first, second].map(|index| self.names[*index].clone());
                Err(if normalise(&first) == normalise(&second) {
                    named_alike(first, second, column)
                } else {
                    OpenError::AmbiguousColumns {
                        first,
                        second,
                        content: column.content(),
                        option: column.option(),
                    }
                })
            }
            _ => Ok(Some(*first)),
        }
    }

    /// The columns of a date and of a time of day that are named alike, such as `start_date` and
    /// `start_time`, if there is no other that is as specific, or if the former is chosen. The rows
    /// show whether they are what their names say.
    fn date_and_clock(&self, column: Column) -> Option<[usize; 2]> {
        column.clock()?;
        let chosen = self.chosen[column as usize];
        let is_same = |(other, ..): &&(Column, Rank, usize)| *other == column;
        let (_, best, _) = self.recognised.iter().find(is_same)?;
        let same = self.recognised.iter().filter(is_same);
        let same: Vec<usize> = same
            .filter(|(_, rank, _)| chosen.is_some() || rank == best)
            .map(|(.., index)| *index)
            .collect();
        let end = |index: usize, kind: &str| {
            let name = normalise(&self.names[index]);
            name.strip_suffix(kind).map(str::to_owned)
        };
        let pair_of = |date: usize| {
            let of_date = end(date, "date")?;
            let is_clock = |index: &usize| end(*index, "time").as_ref() == Some(&of_date);
            let mut clocks = same.iter().copied().filter(is_clock);
            let clock = clocks.next()?;
            clocks.next().is_none().then_some([date, clock])
        };
        match (chosen, &same[..]) {
            (Some(date), _) => pair_of(date),
            (None, [first, second]) => pair_of(*first).or_else(|| pair_of(*second)),
            _ => None,
        }
    }

    fn has(&self, column: Column) -> bool {
        self.chosen[column as usize].is_some()
            || self.recognised.iter().any(|(other, ..)| *other == column)
    }

    /// Where the location of a trip end is; `None` if the file has none. Options are preferred, then
    /// numbers to text, and both to ids.
    fn place(&self, end: &EndColumns, has_locations: bool) -> Option<Place> {
        let is_chosen = |column: Column| self.chosen[column as usize].is_some();
        if is_chosen(end.text) {
            Some(Place::Text)
        } else if is_chosen(end.id) {
            has_locations.then_some(Place::Id)
        } else if end.pair.iter().all(|column| self.has(*column)) {
            Some(Place::Pair)
        } else if self.has(end.text) {
            Some(Place::Text)
        } else {
            (has_locations && self.has(end.id)).then_some(Place::Id)
        }
    }

    fn missing(&self, missing: &[Column], has_locations: bool) -> OpenError {
        let ids = [Column::OriginId, Column::DestinationId];
        let lacks_place = missing.iter().any(|column| *column != Column::Departure);
        let hint = if lacks_place && !has_locations && ids.iter().all(|column| self.has(*column)) {
            "The file has only ids of locations: give their coordinates with --locations FILE, or \
             in GraphQL as the upload `locations` of ingestTrips (columns id, lon and lat, or \
             station_information.json of GBFS)"
                .to_owned()
        } else {
            let option = |column: &Column| {
                let mut ends = [ORIGIN, DESTINATION].into_iter();
                match ends.find(|end| end.text == *column) {
                    Some(end) if has_locations => {
                        format!("{} or {}", end.id.option(), column.option())
                    }
                    _ => column.option().to_owned(),
                }
            };
            let options: Vec<_> = missing.iter().map(option).collect();
            format!("Name it with {}", options.join(", "))
        };
        OpenError::MissingColumns {
            missing: missing.iter().map(|column| column.name()).collect(),
            found: shown(self.names),
            hint,
        }
    }
}

/// The index of the column that an option names: spelled the same, or but for case, blanks and
/// punctuation.
fn find(names: &[String], wanted: &str, column: Column) -> Result<usize, OpenError> {
    let wanted = crate::text::trim(wanted);
    let unknown = || OpenError::UnknownColumn {
        name: wanted.to_owned(),
        option: column.option(),
        found: shown(names),
    };
    let key = normalise(wanted);
    let ways: [&dyn Fn(&String) -> bool; 3] = [
        &|name| name == wanted,
        &|name| name.eq_ignore_ascii_case(wanted),
        &|name| !key.is_empty() && normalise(name) == key,
    ];
    for is_wanted in ways {
        let mut found = (0..names.len()).filter(|index| is_wanted(&names[*index]));
        match (found.next(), found.next()) {
            (Some(index), None) => return Ok(index),
            (Some(first), Some(second)) => {
                let [first, second] = [first, second].map(|index| names[index].clone());
                return Err(named_alike(first, second, column));
            }
            (None, _) => {}
        }
    }
    Err(unknown())
}

/// Two columns with the same name: an option can choose one of them if it is spelled differently.
fn named_alike(first: String, second: String, column: Column) -> OpenError {
    if first == second {
        return OpenError::DuplicateColumn { column: first };
    }
    OpenError::SimilarColumns {
        first,
        second,
        content: column.content(),
        option: column.option(),
    }
}

/// Names for an error message.
pub(super) fn shown(names: &[String]) -> Vec<String> {
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

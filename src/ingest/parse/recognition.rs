//! What the first records of a file show of its format, where the names of its columns leave it open.

use std::borrow::Cow;

use super::chunk::RecordChunk;
use super::column::{COLUMNS, Column};
use super::date::{date_alone, is_clock_alone};
use super::header::Header;
use super::mapping::Place;
use super::open_error::OpenError;
use super::place::point;
use super::times::Times;
use crate::text::trim_bytes;

/// The fields of a record, by [`Column`].
type Row<'a> = [Cow<'a, [u8]>; COLUMNS];

impl Header {
    /// Recognises what the first records show: which columns locations and times are in, and the
    /// format of times, unless it is declared.
    pub(super) fn recognise(&mut self, first: &RecordChunk) -> Result<(), OpenError> {
        let records = first.iter();
        let rows: Vec<Row<'_>> = records
            .filter_map(|record| self.select(record).ok())
            .collect();
        self.recognise_ids(&rows);
        self.recognise_joined(&rows)?;
        self.recognise_times(&rows)
    }

    /// With a list of locations, a trip end that has a text and an id is at the id, unless the text is
    /// a location in some row.
    fn recognise_ids(&mut self, rows: &[Row<'_>]) {
        let is_point =
            |row: &Row<'_>, column: Column| point(self.value(&row[column as usize])).is_ok();
        let place = |place: Place, text: Column, id: Column| {
            let has_both = place == Place::Text && self.slots.contains(&Some(id));
            if has_both && !rows.is_empty() && !rows.iter().any(|row| is_point(row, text)) {
                Place::Id
            } else {
                place
            }
        };
        let origin = place(self.origin, Column::Origin, Column::OriginId);
        let destination = place(self.destination, Column::Destination, Column::DestinationId);
        (self.origin, self.destination) = (origin, destination);
    }

    /// A date and a time of day are joined if most of them are what the names of their columns say. If
    /// not, the columns may both be the time.
    fn recognise_joined(&mut self, rows: &[Row<'_>]) -> Result<(), OpenError> {
        for column in self.joined.clone() {
            let Some(clock) = column.clock() else {
                continue;
            };
            let is_there = |row: &&Row<'_>| {
                let is_empty = |column| self.trimmed(row, column).is_empty();
                !is_empty(column) && !is_empty(clock)
            };
            let is_apart = |row: &&Row<'_>| {
                date_alone(self.trimmed(row, column)).is_some()
                    && is_clock_alone(self.trimmed(row, clock))
            };
            let count = rows.iter().filter(is_there).count();
            let apart = rows.iter().filter(is_apart).count();
            if apart * 2 > count || count == 0 {
                continue;
            }
            let options = self.options.columns();
            if !options.iter().any(|(chosen, _)| *chosen == column) {
                return Err(OpenError::AmbiguousColumns {
                    first: self.column_name(column).to_owned(),
                    second: self.column_name(clock).to_owned(),
                    content: column.content(),
                    option: column.option(),
                });
            }
            self.joined.retain(|other| *other != column);
        }
        Ok(())
    }

    fn trimmed<'r>(&self, row: &'r Row<'_>, column: Column) -> &'r [u8] {
        trim_bytes(self.value(&row[column as usize]))
    }

    fn recognise_times(&mut self, rows: &[Row<'_>]) -> Result<(), OpenError> {
        let mut times = Times::default();
        for row in rows {
            for column in [Column::Departure, Column::Arrival] {
                let field = self.time(row, column);
                if !trim_bytes(&field).is_empty() {
                    times.add(&field);
                }
            }
        }
        if self.options.time_format.is_none() {
            let order = self.layout.and_then(|layout| layout.order);
            self.clock.format = times
                .format(order)
                .map_err(|dates| OpenError::AmbiguousDates {
                    column: self.column_name(Column::Departure).to_owned(),
                    example: dates.example,
                    beginnings: dates.beginnings,
                    formats: dates.formats,
                })?;
            self.time_notation = times.notation(&self.clock.format);
        }
        Ok(())
    }
}

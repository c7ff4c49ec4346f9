//! Histograms on disk: adding to them and taking from them.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};

use super::Error;
use super::by_place::place;
use super::list::List;
use super::statement::{column, statement};
use crate::model::{Counters, CountersError, Flows, WeeklyKey};

/// What is stored under a key, as bytes.
pub(super) trait Histogram: Default + Clone {
    /// The key.
    type Key: Copy;
    /// The table.
    const TABLE: &'static str;
    /// The columns of its key, in their order.
    const KEY: &'static [&'static str];
    /// The column of the key that is a cell, if a cluster distributes the table by its place.
    const CELL: Option<usize>;
    /// The column of the bytes.
    const BYTES: &'static str;
    /// Rows that are read and written by one statement: `SQLite` allows 32,766 parameters, and all of
    /// them are in memory.
    const ROWS_PER_STATEMENT: usize;

    /// The values of the key's columns.
    fn values(key: Self::Key) -> impl AsRef<[i64]>;
    /// Reads the bytes.
    fn from_bytes(bytes: Vec<u8>) -> Result<Self, CountersError>;
    /// The bytes.
    fn into_bytes(self) -> Vec<u8>;
    /// Whether it counts nothing.
    fn is_empty(&self) -> bool;
    /// Adds another.
    fn add(&mut self, other: &Self);
    /// Takes another off.
    fn subtract(&mut self, other: &Self) -> Result<(), CountersError>;
}

impl Histogram for Counters {
    type Key = WeeklyKey;
    const TABLE: &'static str = "weekly_histogram";
    const KEY: &'static [&'static str] = &["trip_end", "cell", "region_id", "iso_year"];
    const CELL: Option<usize> = Some(1);
    const BYTES: &'static str = "counters";
    const ROWS_PER_STATEMENT: usize = 4_000;

    fn values(key: WeeklyKey) -> impl AsRef<[i64]> {
        let end = i64::from(key.end.code());
        [
            end,
            key.cell.cast_signed(),
            key.region.into(),
            key.iso_year.into(),
        ]
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, CountersError> {
        Self::from_bytes(bytes)
    }

    fn into_bytes(self) -> Vec<u8> {
        self.into_bytes()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn add(&mut self, other: &Self) {
        *self = Counters::add(self, other);
    }

    fn subtract(&mut self, other: &Self) -> Result<(), CountersError> {
        *self = Counters::subtract(self, other)?;
        Ok(())
    }
}

impl Histogram for Flows {
    /// The origin cell.
    type Key = u64;
    const TABLE: &'static str = "flow_histogram";
    const KEY: &'static [&'static str] = &["origin_cell"];
    const CELL: Option<usize> = None;
    const BYTES: &'static str = "flows";
    /// A city has hundreds of destinations.
    const ROWS_PER_STATEMENT: usize = 256;

    fn values(origin: u64) -> impl AsRef<[i64]> {
        [origin.cast_signed()]
    }

    fn from_bytes(bytes: Vec<u8>) -> Result<Self, CountersError> {
        Self::from_bytes(&bytes)
    }

    fn into_bytes(self) -> Vec<u8> {
        self.to_bytes()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn add(&mut self, other: &Self) {
        self.add_all(other);
    }

    fn subtract(&mut self, other: &Self) -> Result<(), CountersError> {
        self.subtract_all(other)
    }
}

/// The place where histograms are stored.
#[derive(Clone, Copy)]
pub(super) struct Stored<'t> {
    /// The transaction that changes them.
    pub(super) tx: &'t DatabaseTransaction,
    /// Whether they are distributed by place over the nodes of a cluster.
    pub(super) by_place: bool,
}

impl Stored<'_> {
    /// The columns of a key; the place is one of them where rows are distributed by it.
    fn columns<H: Histogram>(self) -> Vec<&'static str> {
        let place = H::CELL.filter(|_| self.by_place).map(|_| "place");
        H::KEY.iter().copied().chain(place).collect()
    }

    /// The values of these columns.
    fn values<H: Histogram>(self, key: H::Key) -> Vec<i64> {
        let mut values = H::values(key).as_ref().to_vec();
        if let Some(cell) = H::CELL.filter(|_| self.by_place) {
            values.push(place(values[cell].cast_unsigned()).cast_signed());
        }
        values
    }

    /// A list of keys, in a statement without other parameters.
    fn keys<H: Histogram>(self, keys: impl Iterator<Item = H::Key>) -> List {
        let rows = keys.map(|key| self.values::<H>(key));
        let columns = self.columns::<H>().len();
        List::numbers(self.tx.get_database_backend(), 0, columns, rows)
    }
}

/// How many statements write so many histograms.
pub(super) const fn statements<H: Histogram>(histograms: &[(H::Key, H)]) -> usize {
    histograms.len().div_ceil(H::ROWS_PER_STATEMENT)
}

/// Adds to what is stored; `wrote` is called after each statement that writes.
pub(super) async fn add<H: Histogram>(
    stored: Stored<'_>,
    histograms: &[(H::Key, H)],
    wrote: &(impl Fn() + Sync),
) -> Result<(), Error> {
    let add = |histogram: &mut H, more: &H| {
        histogram.add(more);
        Ok(())
    };
    change(stored, histograms, add, wrote).await
}

/// Takes from what is stored; what is zero then is stored no longer.
pub(super) async fn subtract<H: Histogram>(
    stored: Stored<'_>,
    histograms: &[(H::Key, H)],
) -> Result<(), Error> {
    change(stored, histograms, H::subtract, &|| {}).await
}

/// Takes some from what is stored and adds others, where these differ; both are sorted by key.
pub(super) async fn replace<H: Histogram<Key: Ord> + PartialEq>(
    stored: Stored<'_>,
    before: &[(H::Key, H)],
    after: &[(H::Key, H)],
) -> Result<(), Error> {
    let without = |these: &[(H::Key, H)], others: &[(H::Key, H)]| -> Vec<(H::Key, H)> {
        let same = |(key, histogram): &&(H::Key, H)| {
            let found = others.binary_search_by(|(other, _)| other.cmp(key));
            found.is_ok_and(|index| others[index].1 == *histogram)
        };
        these.iter().filter(|of| !same(of)).cloned().collect()
    };
    // Added first: less than nothing cannot be stored.
    add(stored, &without(after, before), &|| {}).await?;
    subtract(stored, &without(before, after)).await
}

async fn change<H: Histogram>(
    stored: Stored<'_>,
    histograms: &[(H::Key, H)],
    change: impl Fn(&mut H, &H) -> Result<(), CountersError>,
    wrote: &(impl Fn() + Sync),
) -> Result<(), Error> {
    for chunk in histograms.chunks(H::ROWS_PER_STATEMENT) {
        let before = read(stored, chunk).await?;
        let (mut full, mut empty) = (Vec::with_capacity(chunk.len()), Vec::new());
        for ((key, by), mut histogram) in chunk.iter().zip(before) {
            change(&mut histogram, by)
                .map_err(|error| Error::from(error).in_row(H::TABLE, || described::<H>(*key)))?;
            if histogram.is_empty() {
                empty.push(*key);
            } else {
                full.push((*key, histogram));
            }
        }
        write(stored, full).await?;
        delete::<H>(stored, &empty).await?;
        wrote();
    }
    Ok(())
}

/// What is stored under some keys, in their order.
async fn read<H: Histogram>(
    stored: Stored<'_>,
    histograms: &[(H::Key, H)],
) -> Result<Vec<H>, Error> {
    let Stored { tx, .. } = stored;
    let list = stored.keys::<H>(histograms.iter().map(|(key, _)| *key));
    let equal: Vec<_> = stored
        .columns::<H>()
        .iter()
        .enumerate()
        .map(|(index, column)| format!("h.{column} = list.c{index}"))
        .collect();
    let sql = format!(
        "SELECT list.place, h.{} FROM {} CROSS JOIN {} AS h WHERE {}",
        H::BYTES,
        list.table(),
        H::TABLE,
        equal.join(" AND "),
    );
    let mut read = vec![H::default(); histograms.len()];
    for row in tx.query_all_raw(statement(tx, &sql, list.values)).await? {
        let index = usize::try_from(column::<i64>(&row, 0)? - 1).unwrap_or(usize::MAX);
        let (place, (key, _)) = read
            .get_mut(index)
            .zip(histograms.get(index))
            .ok_or(Error::Corrupt("histogram"))?;
        *place = column(&row, 1)
            .map_err(Error::from)
            .and_then(|bytes| Ok(H::from_bytes(bytes)?))
            .map_err(|error| error.in_row(H::TABLE, || described::<H>(*key)))?;
    }
    Ok(read)
}

async fn write<H: Histogram>(
    stored: Stored<'_>,
    histograms: Vec<(H::Key, H)>,
) -> Result<(), Error> {
    if histograms.is_empty() {
        return Ok(());
    }
    let Stored { tx, .. } = stored;
    let (source, values) = match tx.get_database_backend() {
        DbBackend::Postgres => listed(stored, histograms),
        _ => in_full(histograms),
    };
    let (columns, bytes) = (stored.columns::<H>().join(", "), H::BYTES);
    let sql = format!(
        "INSERT INTO {} ({columns}, {bytes}) {source} \
         ON CONFLICT ({columns}) DO UPDATE SET {bytes} = excluded.{bytes}",
        H::TABLE,
    );
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}

/// Rows to insert as a list: a statement of one length for any number, which is quick to plan.
fn listed<H: Histogram>(stored: Stored<'_>, histograms: Vec<(H::Key, H)>) -> (String, Vec<Value>) {
    let list = stored.keys::<H>(histograms.iter().map(|(key, _)| *key));
    let bytes = histograms.into_iter().map(|(_, histogram)| histogram);
    let list = list.with_bytes(bytes.map(H::into_bytes));
    let columns: Vec<_> = (0..=stored.columns::<H>().len())
        .map(|index| format!("list.c{index}"))
        .collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), list.table());
    (sql, list.values)
}

/// Rows to insert, written out: JSON, which is SQLite's way to pass a list, can't hold bytes.
fn in_full<H: Histogram>(histograms: Vec<(H::Key, H)>) -> (String, Vec<Value>) {
    // Not numbered: SQLite looks each number up among all of them.
    let marks = vec!["?"; H::KEY.len() + 1].join(",");
    let rows = vec![format!("({marks})"); histograms.len()].join(",");
    let values = histograms.into_iter().flat_map(|(key, histogram)| {
        let key = H::values(key);
        let numbers = key.as_ref().iter().copied().map(Value::from);
        let mut values: Vec<_> = numbers.collect();
        values.push(histogram.into_bytes().into());
        values
    });
    (format!("VALUES {rows}"), values.collect())
}

async fn delete<H: Histogram>(stored: Stored<'_>, deleted: &[H::Key]) -> Result<(), Error> {
    if deleted.is_empty() {
        return Ok(());
    }
    let Stored { tx, .. } = stored;
    let columns = stored.columns::<H>();
    let list = stored.keys::<H>(deleted.iter().copied());
    let listed: Vec<_> = (0..columns.len())
        .map(|index| format!("list.c{index}"))
        .collect();
    let sql = format!(
        "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {})",
        H::TABLE,
        columns.join(", "),
        listed.join(", "),
        list.table(),
    );
    tx.execute_raw(statement(tx, &sql, list.values)).await?;
    Ok(())
}

/// A key, for people.
fn described<H: Histogram>(key: H::Key) -> String {
    let values = H::values(key);
    let pairs = H::KEY.iter().zip(values.as_ref());
    let pairs: Vec<_> = pairs
        .map(|(column, value)| format!("{column} = {value}"))
        .collect();
    pairs.join(", ")
}

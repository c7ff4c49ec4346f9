//! Histograms on disk: adding to them and taking from them.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Value};

use super::Error;
use super::list::List;
use super::snapshot::{column, statement};
use crate::model::{Counters, CountersError, FlowKey, WeeklyKey};

/// `SQLite` allows 32,766 parameters a statement; a histogram has at most five.
const ROWS_PER_STATEMENT: usize = 4_000;

/// A key under which counters are stored.
pub(super) trait HistogramKey: Copy {
    /// The table.
    const TABLE: &'static str;
    /// The columns of its key, in their order.
    const COLUMNS: &'static [&'static str];
    /// The values of these columns.
    fn values(self) -> impl AsRef<[i64]>;
}

impl HistogramKey for WeeklyKey {
    const TABLE: &'static str = "weekly_histogram";
    const COLUMNS: &'static [&'static str] = &["trip_end", "cell", "region_id", "iso_year"];

    fn values(self) -> impl AsRef<[i64]> {
        let end = i64::from(self.end.code());
        [
            end,
            self.cell.cast_signed(),
            self.region.into(),
            self.iso_year.into(),
        ]
    }
}

impl HistogramKey for FlowKey {
    const TABLE: &'static str = "flow_histogram";
    const COLUMNS: &'static [&'static str] = &["origin_cell", "destination_cell", "region_id"];

    fn values(self) -> impl AsRef<[i64]> {
        let cells = [self.origin, self.destination].map(u64::cast_signed);
        [cells[0], cells[1], self.region.into()]
    }
}

/// Adds counters to what is stored.
pub(super) async fn add<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: &[(K, Counters)],
) -> Result<(), Error> {
    combine(tx, histograms, |stored, more| Ok(stored.add(more))).await
}

/// Takes counters from what is stored; what is zero then is stored no longer.
pub(super) async fn subtract<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: &[(K, Counters)],
) -> Result<(), Error> {
    combine(tx, histograms, Counters::subtract).await
}

async fn combine<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: &[(K, Counters)],
    combine: impl Fn(&Counters, &Counters) -> Result<Counters, CountersError>,
) -> Result<(), Error> {
    for chunk in histograms.chunks(ROWS_PER_STATEMENT) {
        let stored = read(tx, chunk).await?;
        let (mut full, mut empty) = (Vec::with_capacity(chunk.len()), Vec::new());
        for ((key, counters), stored) in chunk.iter().zip(stored) {
            let counters = combine(&stored.unwrap_or_default(), counters)?;
            if counters.is_empty() {
                empty.push(*key);
            } else {
                full.push((*key, counters));
            }
        }
        write(tx, full).await?;
        delete(tx, &empty).await?;
    }
    Ok(())
}

/// The stored counters of some keys, in their order.
async fn read<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: &[(K, Counters)],
) -> Result<Vec<Option<Counters>>, Error> {
    let list = keys::<K>(tx, histograms.iter().map(|(key, _)| *key));
    let equal: Vec<_> = K::COLUMNS
        .iter()
        .enumerate()
        .map(|(index, column)| format!("h.{column} = list.c{index}"))
        .collect();
    let sql = format!(
        "SELECT list.place, h.counters FROM {} CROSS JOIN {} AS h WHERE {}",
        list.table(),
        K::TABLE,
        equal.join(" AND "),
    );
    let mut stored = vec![None; histograms.len()];
    for row in tx.query_all_raw(statement(tx, &sql, list.values)).await? {
        let index = usize::try_from(column::<i64>(&row, 0)? - 1).unwrap_or(usize::MAX);
        let place = stored.get_mut(index).ok_or(Error::Corrupt("histogram"))?;
        *place = Some(Counters::from_bytes(column(&row, 1)?)?);
    }
    Ok(stored)
}

async fn write<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: Vec<(K, Counters)>,
) -> Result<(), Error> {
    if histograms.is_empty() {
        return Ok(());
    }
    let (source, values) = match tx.get_database_backend() {
        DbBackend::Postgres => listed(tx, histograms),
        _ => in_full(histograms),
    };
    let columns = K::COLUMNS.join(", ");
    let sql = format!(
        "INSERT INTO {} ({columns}, counters) {source} \
         ON CONFLICT ({columns}) DO UPDATE SET counters = excluded.counters",
        K::TABLE,
    );
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}

/// Rows to insert as a list: a statement of one length for any number, which is quick to plan.
fn listed<K: HistogramKey>(
    tx: &DatabaseTransaction,
    histograms: Vec<(K, Counters)>,
) -> (String, Vec<Value>) {
    let list = keys::<K>(tx, histograms.iter().map(|(key, _)| *key));
    let counters = histograms.into_iter().map(|(_, counters)| counters);
    let list = list.with_bytes(counters.map(Counters::into_bytes));
    let columns: Vec<_> = (0..=K::COLUMNS.len())
        .map(|index| format!("list.c{index}"))
        .collect();
    let sql = format!("SELECT {} FROM {}", columns.join(", "), list.table());
    (sql, list.values)
}

/// Rows to insert, written out: JSON, which is SQLite's way to pass a list, can't hold bytes.
fn in_full<K: HistogramKey>(histograms: Vec<(K, Counters)>) -> (String, Vec<Value>) {
    // Not numbered: SQLite looks each number up among all of them.
    let marks = vec!["?"; K::COLUMNS.len() + 1].join(",");
    let rows = vec![format!("({marks})"); histograms.len()].join(",");
    let values = histograms.into_iter().flat_map(|(key, counters)| {
        let key = key.values();
        let numbers = key.as_ref().iter().copied().map(Value::from);
        let mut values: Vec<_> = numbers.collect();
        values.push(counters.into_bytes().into());
        values
    });
    (format!("VALUES {rows}"), values.collect())
}

async fn delete<K: HistogramKey>(tx: &DatabaseTransaction, deleted: &[K]) -> Result<(), Error> {
    if deleted.is_empty() {
        return Ok(());
    }
    let list = keys::<K>(tx, deleted.iter().copied());
    let columns: Vec<_> = (0..K::COLUMNS.len())
        .map(|index| format!("list.c{index}"))
        .collect();
    let sql = format!(
        "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {})",
        K::TABLE,
        K::COLUMNS.join(", "),
        columns.join(", "),
        list.table(),
    );
    tx.execute_raw(statement(tx, &sql, list.values)).await?;
    Ok(())
}

/// A list of keys, in a statement without other parameters.
fn keys<K: HistogramKey>(tx: &DatabaseTransaction, keys: impl Iterator<Item = K>) -> List {
    let rows = keys.map(HistogramKey::values);
    List::numbers(tx.get_database_backend(), 0, K::COLUMNS.len(), rows)
}

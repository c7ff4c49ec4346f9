//! Histograms on disk: adding to them and taking from them.

use std::fmt::Write as _;

use sea_orm::{ConnectionTrait, DatabaseTransaction, Value};

use super::Error;
use super::snapshot::{column, statement};
use crate::model::{Counters, CountersError, FlowKey, WeeklyKey};

/// `SQLite` allows 32,766 parameters a statement; a histogram has at most five.
const ROWS_PER_STATEMENT: usize = 1_000;

/// A key under which counters are stored.
pub(super) trait HistogramKey: Copy {
    /// The table.
    const TABLE: &'static str;
    /// The columns of its key, in their order.
    const COLUMNS: &'static [&'static str];
    /// The values of these columns.
    fn values(self) -> impl Iterator<Item = i64>;
}

impl HistogramKey for WeeklyKey {
    const TABLE: &'static str = "weekly_histogram";
    const COLUMNS: &'static [&'static str] = &["trip_end", "cell", "region_id", "iso_year"];

    fn values(self) -> impl Iterator<Item = i64> {
        let end = i64::from(self.end.code());
        [
            end,
            self.cell.cast_signed(),
            self.region.into(),
            self.iso_year.into(),
        ]
        .into_iter()
    }
}

impl HistogramKey for FlowKey {
    const TABLE: &'static str = "flow_histogram";
    const COLUMNS: &'static [&'static str] = &["origin_cell", "destination_cell", "region_id"];

    fn values(self) -> impl Iterator<Item = i64> {
        let cells = [self.origin, self.destination].map(u64::cast_signed);
        [cells[0], cells[1], self.region.into()].into_iter()
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
    let equal: Vec<_> = K::COLUMNS
        .iter()
        .enumerate()
        .map(|(index, column)| format!("h.{column} = list.value ->> {index}"))
        .collect();
    let sql = format!(
        "SELECT list.key, h.counters FROM json_each(?) AS list CROSS JOIN {} AS h WHERE {}",
        K::TABLE,
        equal.join(" AND "),
    );
    let keys = tuples(histograms.iter().map(|(key, _)| *key));
    let mut stored = vec![None; histograms.len()];
    for row in tx.query_all_raw(statement(tx, &sql, [keys.into()])).await? {
        let index = usize::try_from(column::<i64>(&row, 0)?).unwrap_or(usize::MAX);
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
    let columns = K::COLUMNS.join(", ");
    let marks = vec!["?"; K::COLUMNS.len() + 1].join(",");
    let rows = vec![format!("({marks})"); histograms.len()].join(",");
    let sql = format!(
        "INSERT INTO {} ({columns}, counters) VALUES {rows} \
         ON CONFLICT ({columns}) DO UPDATE SET counters = excluded.counters",
        K::TABLE,
    );
    let values = histograms.into_iter().flat_map(|(key, counters)| {
        key.values()
            .map(Value::from)
            .chain([Value::from(counters.into_bytes())])
    });
    tx.execute_raw(statement(tx, &sql, values)).await?;
    Ok(())
}

async fn delete<K: HistogramKey>(tx: &DatabaseTransaction, keys: &[K]) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let values: Vec<_> = (0..K::COLUMNS.len())
        .map(|index| format!("value ->> {index}"))
        .collect();
    let sql = format!(
        "DELETE FROM {} WHERE ({}) IN (SELECT {} FROM json_each(?))",
        K::TABLE,
        K::COLUMNS.join(", "),
        values.join(", "),
    );
    tx.execute_raw(statement(tx, &sql, [tuples(keys.iter().copied()).into()]))
        .await?;
    Ok(())
}

/// Keys as one JSON array of arrays.
fn tuples<K: HistogramKey>(keys: impl Iterator<Item = K>) -> String {
    let mut json = String::from("[");
    for (row, key) in keys.enumerate() {
        json.push_str(if row == 0 { "[" } else { ",[" });
        for (index, value) in key.values().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(json, "{comma}{value}");
        }
        json.push(']');
    }
    json.push(']');
    json
}

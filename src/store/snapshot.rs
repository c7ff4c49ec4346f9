//! Reading for one answer: every question to a snapshot sees the same state of the database.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use entity::edition;
use futures::TryStreamExt;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, StreamTrait, TransactionOptions, TransactionTrait, Value,
};
use tokio::sync::OnceCell;

use super::by_place;
use super::edition as editions;
use super::list::List;
use super::replica::Reading;
use super::seen::Seen;
use super::sqlite::Interrupt;
use super::statement::{bytes, column, key, named, statement};
use super::{BrokenRow, Engine, Error, Meter, Replica, Store, postgres};
use crate::geo::{CellRange, Resolution, resolution_of};
use crate::model::{Counters, Entries, FlowEnd, Flows, KeyFilter, PackedDay, TripEnd, WeeklyKey};

/// What is read of `weekly_histogram`.
const WEEKLY: &str = "t.region_id, t.iso_year, t.counters, t.cell";

/// The state of the database at one moment. What is under way when it is dropped is stopped.
pub struct Snapshot {
    /// Dropped first: what the transaction is doing must end before it can be rolled back.
    pub(super) interrupt: Interrupt,
    pub(super) tx: DatabaseTransaction,
    pub(super) seen: Seen,
    pub(super) meter: Arc<Meter>,
    /// The edition, once it was asked for.
    pub(super) edition: OnceCell<edition::Model>,
    store: Store,
    /// Present if it is a replica that is read.
    reading: Option<Reading>,
    /// Whether something may be published while it is read, which is noticed at the end.
    is_tentative: bool,
    /// The corrupt rows that were skipped, with their keys.
    broken: Option<Mutex<Vec<BrokenRow>>>,
}

impl Store {
    /// As [`Store::snapshot`], but corrupt rows are recorded and skipped.
    pub async fn lenient_snapshot(&self) -> Result<Snapshot, Error> {
        let mut snapshot = self.snapshot().await?;
        if self.is_distributed() {
            postgres::hold_back_sql_rows(&snapshot.tx).await?;
        }
        snapshot.broken = Some(Mutex::default());
        Ok(snapshot)
    }

    /// The state of the database as of now, for the questions of one answer.
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.metered(Arc::new(Meter::unlimited())).await
    }

    /// As [`Store::snapshot`]; what is read from it is counted.
    pub async fn metered(&self, meter: Arc<Meter>) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(&self.inner.reader).await?;
        if self.is_distributed() {
            postgres::hold_back_publishers(&tx.1).await?;
        }
        self.see(tx, meter, None).await
    }

    /// As [`Store::metered`], but on a cluster, whose nodes do not share a snapshot, publishers are not
    /// held back: [`Snapshot::finish`] fails if what was read may be of several states.
    pub(super) async fn tentative(&self, meter: Arc<Meter>) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(&self.inner.reader).await?;
        let mut snapshot = self.see(tx, meter, None).await?;
        snapshot.is_tentative = self.is_distributed();
        Ok(snapshot)
    }

    /// The state of the primary, or of a replica.
    pub(super) async fn begin_at(
        &self,
        connection: &DatabaseConnection,
        meter: Arc<Meter>,
        reading: Option<Reading>,
    ) -> Result<Snapshot, Error> {
        let tx = self.begin_reading(connection).await?;
        self.see(tx, meter, reading).await
    }

    async fn begin_reading(
        &self,
        connection: &DatabaseConnection,
    ) -> Result<(Interrupt, DatabaseTransaction), Error> {
        let options = TransactionOptions {
            isolation_level: match self.inner.engine {
                Engine::Postgres { citus: false } => Some(IsolationLevel::RepeatableRead),
                // Here a transaction sees one state anyway; and there its nodes would not.
                Engine::Sqlite { .. } | Engine::Postgres { citus: true } => None,
            },
            access_mode: self.is_shared().then_some(AccessMode::ReadOnly),
            ..TransactionOptions::default()
        };
        let interrupt = Interrupt::default();
        let tx = interrupt
            .watched(connection.begin_with_options(options))
            .await?;
        Ok((interrupt, tx))
    }

    async fn see(
        &self,
        (interrupt, tx): (Interrupt, DatabaseTransaction),
        meter: Arc<Meter>,
        reading: Option<Reading>,
    ) -> Result<Snapshot, Error> {
        let edition = OnceCell::new();
        let seen = if self.is_distributed() {
            postgres::plan_lookups(&tx).await?;
            let current = editions::read(&tx).await?;
            self.settle(&current).await?;
            // It is not there yet.
            let _ = edition.set(current);
            Seen::only_live(&tx).await?
        } else {
            Seen::all_but_hidden(&tx).await?
        };
        Ok(Snapshot {
            interrupt,
            tx,
            seen,
            meter,
            edition,
            store: self.clone(),
            reading,
            is_tentative: false,
            broken: None,
        })
    }
}

impl Snapshot {
    /// The replica that is read; `None` if it is the primary.
    #[must_use]
    pub fn replica(&self) -> Option<Arc<Replica>> {
        self.reading.as_ref().map(|reading| Arc::clone(&reading.0))
    }

    /// The corrupt rows that were skipped so far.
    #[must_use]
    pub fn take_broken(&self) -> Vec<BrokenRow> {
        let broken = self.broken.as_ref();
        broken.map_or_else(Vec::new, |broken| {
            std::mem::take(&mut *broken.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// What a row came to: where it is broken, the error names it, or it is passed over.
    pub(super) fn of_row(
        &self,
        table: &'static str,
        key: impl FnOnce() -> String,
        result: Result<(), Error>,
    ) -> Result<(), Error> {
        match (
            result.map_err(|error| error.in_row(table, key)),
            &self.broken,
        ) {
            (Err(Error::Broken(row)), Some(broken)) => {
                let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.push(*row);
                Ok(())
            }
            (result, _) => result,
        }
    }

    /// Hands a row of the weekly histograms on: region, ISO year, counters, cell.
    fn weekly_row(
        &self,
        end: TripEnd,
        filter: &KeyFilter,
        row: &QueryResult,
        visit: &mut impl FnMut(i32, Entries<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut read = || {
            if filter.admits_region(column::<i32>(row, 0)?.cast_unsigned()) {
                visit(column(row, 1)?, Counters::entries(self.bytes(row, 2)?))?;
            }
            Ok(())
        };
        self.of_row(
            "weekly_histogram",
            || {
                let end = end.code();
                named(
                    row,
                    &["cell", "region_id", "iso_year"],
                    format!("trip_end = {end}"),
                )
            },
            read(),
        )
    }

    /// Whether what is read from it counts only once it is finished.
    #[must_use]
    pub const fn is_tentative(&self) -> bool {
        self.is_tentative
    }

    /// Gives the connection back; fails with [`Error::Crossed`] if what was read may be of several states.
    ///
    /// A node commits only after the coordinator, so what was published since is not in what was read
    /// as long as the coordinator has the same layout.
    pub async fn finish(self) -> Result<(), Error> {
        if self.is_tentative {
            let now = editions::read(&self.tx).await?;
            let then = self.whole_edition().await?;
            if (now.layout, now.fingerprint) != (then.layout, then.fingerprint) {
                return Err(Error::Crossed);
            }
        }
        self.close().await;
        Ok(())
    }

    /// Gives the connection back, for the next question to find it ready: one that is dropped is so
    /// only a little later.
    pub async fn close(self) {
        if let Err(error) = self.tx.rollback().await {
            tracing::debug!(%error, "a snapshot was not closed in order");
        }
    }

    /// Reads the weekly histograms of some cells, of any of the levels: their ISO years and
    /// counters, in no order.
    pub async fn weekly(
        &self,
        end: TripEnd,
        cells: &[u64],
        filter: &KeyFilter,
        mut visit: impl FnMut(i32, Entries<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        self.weekly_by_cell(end, cells, filter, |_, year, counters| {
            visit(year, counters)
        })
        .await
    }

    /// As [`Snapshot::weekly`], with the cell of each histogram.
    pub async fn weekly_by_cell(
        &self,
        end: TripEnd,
        cells: &[u64],
        filter: &KeyFilter,
        mut visit: impl FnMut(u64, i32, Entries<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        if cells.is_empty() {
            return Ok(());
        }
        let of_row = |row: QueryResult| {
            let mut of_cell = |year, counters: Entries<'_>| {
                visit(column::<i64>(&row, 3)?.cast_unsigned(), year, counters)
            };
            self.weekly_row(end, filter, &row, &mut of_cell)
        };
        if self.is_by_place() {
            let cells: Vec<_> = cells.iter().copied().map(CellRange::only).collect();
            return self
                .each_by_place("weekly_histogram", WEEKLY, end, &cells, of_row)
                .await;
        }
        let list = self.cells(1, cells);
        let sql = format!(
            "SELECT {WEEKLY} FROM {} CROSS JOIN weekly_histogram AS t \
             WHERE t.trip_end = $1 AND t.cell = list.c0",
            list.table()
        );
        let values = [end.code().into()].into_iter().chain(list.values);
        self.each(&sql, values, of_row).await
    }

    /// Whether rows are distributed by place over the nodes of a cluster.
    pub(super) fn is_by_place(&self) -> bool {
        self.store.is_distributed()
    }

    /// Hands on the rows of some ranges of cells, from a table that is distributed by place.
    pub(super) async fn each_by_place(
        &self,
        table: &str,
        columns: &str,
        end: TripEnd,
        cells: &[CellRange],
        mut visit: impl FnMut(QueryResult) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        for (sql, values) in by_place::statements(table, columns, end, cells) {
            self.each(&sql, values, &mut visit).await?;
        }
        Ok(())
    }

    /// The cells of some ranges that a table has, of those that are distributed by place; unordered.
    async fn occupied_by_place(
        &self,
        tables: &[&str],
        end: TripEnd,
        cells: &[CellRange],
    ) -> Result<Vec<u64>, Error> {
        let mut found = BTreeSet::new();
        for table in tables {
            self.each_by_place(table, "DISTINCT t.cell", end, cells, |row| {
                found.insert(column::<i64>(&row, 0)?.cast_unsigned());
                Ok(())
            })
            .await?;
        }
        Ok(found.into_iter().collect())
    }

    /// Reads the weekly histograms of all cells from one index to another.
    pub async fn weekly_between(
        &self,
        end: TripEnd,
        cells: CellRange,
        filter: &KeyFilter,
        mut visit: impl FnMut(i32, Entries<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = "SELECT region_id, iso_year, counters, cell FROM weekly_histogram \
                   WHERE trip_end = $1 AND cell BETWEEN $2 AND $3";
        let values = [end.code().into(), key(cells.first), key(cells.last)];
        self.each(sql, values, |row| {
            self.weekly_row(end, filter, &row, &mut visit)
        })
        .await
    }

    /// Which of some cells, all of one level, hold a trip end at all, or may.
    pub async fn occupied(&self, end: TripEnd, cells: &[u64]) -> Result<Vec<u64>, Error> {
        let Some(&any) = cells.first() else {
            return Ok(Vec::new());
        };
        // In patches of leaf cells there is nothing that is in no histogram of the cell.
        let with_patches = resolution_of(any) < Resolution::LEAF.get();
        if self.is_by_place() {
            let tables = &["weekly_histogram", "trip_patch"][..=usize::from(with_patches)];
            let cells: Vec<_> = cells.iter().copied().map(CellRange::only).collect();
            return self.occupied_by_place(tables, end, &cells).await;
        }
        let list = self.cells(1, cells);
        let held = |table| {
            format!(
                "SELECT DISTINCT list.c0 FROM {} CROSS JOIN {table} AS t \
                 WHERE t.trip_end = $1 AND t.cell = list.c0",
                list.table()
            )
        };
        let mut sql = held("weekly_histogram");
        if with_patches {
            sql = format!("{sql} UNION {}", held("trip_patch"));
        }
        let values = [end.code().into()].into_iter().chain(list.values);
        self.indexes(&sql, values).await
    }

    /// The cells of some ranges that hold a trip end, or may, ascending; the ranges must be of one of
    /// the levels, and not of the leaf cells'.
    pub async fn occupied_between(
        &self,
        end: TripEnd,
        cells: &[CellRange],
    ) -> Result<Vec<u64>, Error> {
        if cells.is_empty() {
            return Ok(Vec::new());
        }
        if self.is_by_place() {
            let tables = ["weekly_histogram", "trip_patch"];
            return self.occupied_by_place(&tables, end, cells).await;
        }
        let ranges = cells
            .iter()
            .map(|range| [range.first, range.last].map(u64::cast_signed));
        let list = List::numbers(self.backend(), 1, 2, ranges);
        let held = |table| {
            format!(
                "SELECT t.cell FROM {} CROSS JOIN {table} AS t \
                 WHERE t.trip_end = $1 AND t.cell BETWEEN list.c0 AND list.c1",
                list.table()
            )
        };
        let (histograms, patches) = (held("weekly_histogram"), held("trip_patch"));
        let sql = format!("{histograms} UNION {patches} ORDER BY cell");
        let values = [end.code().into()].into_iter().chain(list.values);
        self.indexes(&sql, values).await
    }

    /// The indexes of cells that a query finds.
    async fn indexes(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
    ) -> Result<Vec<u64>, Error> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(column::<i64>(&row, 0)?.cast_unsigned());
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Reads all weekly histograms, of every level.
    pub async fn all_weekly(
        &self,
        mut visit: impl FnMut(WeeklyKey, Entries<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = "SELECT trip_end, cell, region_id, iso_year, counters FROM weekly_histogram";
        self.each(sql, [], |row| {
            let mut read = || {
                let end = TripEnd::from_code(column(&row, 0)?).ok_or(Error::Corrupt("trip end"))?;
                let key = WeeklyKey {
                    end,
                    cell: column::<i64>(&row, 1)?.cast_unsigned(),
                    region: column::<i32>(&row, 2)?.cast_unsigned(),
                    iso_year: column(&row, 3)?,
                };
                visit(key, Counters::entries(self.bytes(&row, 4)?))
            };
            let result = read();
            let key = ["trip_end", "cell", "region_id", "iso_year"];
            self.of_row(
                "weekly_histogram",
                || named(&row, &key, String::new()),
                result,
            )
        })
        .await
    }

    /// Reads the flows of some origin cells, by these, destination cell, region and datasource.
    pub async fn flows(
        &self,
        origins: CellRange,
        filter: &KeyFilter,
        mut visit: impl FnMut(u64, FlowEnd, PackedDay<'_>) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = "SELECT origin_cell, flows FROM flow_histogram \
                   WHERE origin_cell BETWEEN $1 AND $2 ORDER BY origin_cell";
        self.each(sql, [key(origins.first), key(origins.last)], |row| {
            let mut read = || {
                let origin = column::<i64>(&row, 0)?.cast_unsigned();
                for flow in Flows::entries(self.bytes(&row, 1)?) {
                    let (end, day) = flow?;
                    if filter.admits_region(end.region) && filter.admits_datasource(end.datasource)
                    {
                        visit(origin, end, day)?;
                    }
                }
                Ok(())
            };
            let result = read();
            let key = || named(&row, &["origin_cell"], String::new());
            self.of_row("flow_histogram", key, result)
        })
        .await
    }

    /// A list of cells, in a statement that has some parameters already.
    fn cells(&self, parameters: usize, cells: &[u64]) -> List {
        let numbers = cells.iter().map(|cell| cell.cast_signed());
        List::column(self.backend(), parameters, numbers)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.store.inner.engine
    }

    pub(super) fn backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(&self.tx)
    }

    /// Runs a query and hands on its rows one by one, so that memory does not grow with them.
    pub(super) async fn each(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value> + Send,
        mut visit: impl FnMut(QueryResult) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        self.meter.statement().await;
        let mut rows = self.tx.stream_raw(statement(&self.tx, sql, values)).await?;
        while let Some(row) = rows.try_next().await? {
            visit(row)?;
            self.meter.row().await;
        }
        Ok(())
    }

    /// The large value of a column by its place; see [`bytes`].
    pub(super) fn bytes<'r>(&self, row: &'r QueryResult, index: usize) -> Result<&'r [u8], DbErr> {
        let bytes = bytes(row, index)?;
        self.meter.count(bytes.len());
        Ok(bytes)
    }

    /// Counts work that is done between the statements of a question, in bytes.
    pub fn count_work(&self, bytes: usize) {
        self.meter.count(bytes);
    }
}

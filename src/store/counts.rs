//! Reading histograms, and which cells have any.

use std::collections::BTreeSet;

use sea_orm::{QueryResult, Value};

use super::Error;
use super::list::List;
use super::snapshot::Snapshot;
use super::statement::{column, key, named};
use crate::geo::{CellRange, Resolution, resolution_of};
use crate::model::{Counters, Entries, FlowEnd, Flows, KeyFilter, PackedDay, TripEnd, WeeklyKey};

/// What is read of `weekly_histogram`.
const WEEKLY: &str = "t.region_id, t.iso_year, t.counters, t.cell";

impl Snapshot {
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

    /// The cells of some ranges that a table has, of those that are distributed by place, ascending.
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
        let ranges = CellRange::merged(cells.to_vec()).into_iter();
        let ranges = ranges.map(|range| [range.first, range.last].map(u64::cast_signed));
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
}

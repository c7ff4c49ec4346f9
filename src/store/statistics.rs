//! The statistics that PostgreSQL's planner goes by.

use sea_orm::{ConnectionTrait, Value};

use super::list::List;
use super::statement::{column, statement};
use super::{Error, Store};
use crate::model::IngestionId;

/// The tables that ingestions fill. One that is being analysed already is passed over.
const ANALYZE: &str = "ANALYZE (SKIP_LOCKED) trip_patch, weekly_histogram, flow_histogram, \
                       trip_summary";
/// The table of those who ask with SQL, which is filled later.
const ANALYZE_TRIPS: &str = "ANALYZE (SKIP_LOCKED) trip";
/// So few trips are found quickly in any way.
const FEW: u64 = 10_000;
/// Growth that is worth another look at the tables.
const GROWTH: f64 = 1.25;

impl Store {
    /// Renews the statistics after ingestions were published, where the number of trips has passed
    /// another power of 1.25 with them. Autovacuum does so, too, but late, and on Citus it never looks
    /// at the tables as a whole.
    pub async fn analyze_after(&self, ids: &[IngestionId]) -> Result<(), Error> {
        let list = List::column(
            self.inner.writer.get_database_backend(),
            0,
            ids.iter().copied(),
        );
        let sql = format!(
            "SELECT CAST(SUM(rows_ingested) AS BIGINT), \
             CAST(SUM(rows_ingested) FILTER (WHERE id IN (SELECT c0 FROM {})) AS BIGINT) \
             FROM ingestion WHERE state = 'SUCCEEDED'",
            list.table()
        );
        self.analyze_if_grown(ANALYZE, &sql, list.values).await
    }

    /// As [`Store::analyze_after`], but of the table `trip`, after this number of rows was written.
    pub async fn analyze_sql_trips_after(&self, rows: u64) -> Result<(), Error> {
        let sql = "SELECT CAST(SUM(sql_rows) AS BIGINT), CAST($1 AS BIGINT) FROM segment";
        self.analyze_if_grown(ANALYZE_TRIPS, sql, vec![rows.cast_signed().into()])
            .await
    }

    /// Analyses tables if they have grown enough: the statement answers with the number of trips,
    /// and how many of these were added.
    async fn analyze_if_grown(
        &self,
        analyze: &str,
        sql: &str,
        parameters: Vec<Value>,
    ) -> Result<(), Error> {
        if !self.is_shared() {
            return Ok(());
        }
        let writer = &self.inner.writer;
        let row = writer
            .query_one_raw(statement(writer, sql, parameters))
            .await?;
        let Some(row) = row else { return Ok(()) };
        let trips = |index| column::<Option<i64>>(&row, index);
        let (Some(after), Some(added)) = (trips(0)?, trips(1)?) else {
            return Ok(());
        };
        let (after, added) = (after.cast_unsigned(), added.cast_unsigned());
        if has_grown(after.saturating_sub(added), after) {
            writer.execute_unprepared(analyze).await?;
        }
        Ok(())
    }
}

fn has_grown(before: u64, after: u64) -> bool {
    let power = |trips: u64| (trips.max(FEW) as f64).log(GROWTH).floor();
    power(after) > power(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_grow_in_small_steps_are_analysed_now_and_then() {
        let analysed = |step: usize| {
            let totals = (0..=1_000_000).step_by(step);
            let pairs = totals.clone().zip(totals.skip(1));
            pairs
                .filter(|&(before, after)| has_grown(before, after))
                .count()
        };
        // 10,000 · 1.25^20 is about a million.
        for step in [100, 1_000] {
            assert!((19..=22).contains(&analysed(step)), "{}", analysed(step));
        }
        assert_eq!(analysed(500_000), 2);
        assert!(!has_grown(0, 5_000));
        assert!(has_grown(0, 50_000));
        assert!(!has_grown(50_000, 50_000));
    }
}

//! Trip summaries: what is known of regions and datasources without looking at trips.

use super::snapshot::{column, named};
use super::{Error, Snapshot, TripSummary};
use crate::model::{IngestionId, PairSummary};

impl Snapshot {
    /// The pairs of region and datasource that have trips, in no order.
    pub async fn pair_summaries(&self) -> Result<Vec<PairSummary>, Error> {
        // Summed up by number: names are only looked up, and neither sorted nor compared.
        let sql = "SELECT region.name, datasource.name, pair.trips, pair.first, pair.last \
                   FROM (SELECT region_id, datasource_id, CAST(SUM(trips) AS BIGINT) AS trips, \
                   MIN(first_departed_at) AS first, MAX(last_departed_at) AS last \
                   FROM trip_summary GROUP BY region_id, datasource_id) AS pair \
                   JOIN region ON region.id = pair.region_id \
                   JOIN datasource ON datasource.id = pair.datasource_id";
        let mut pairs = Vec::new();
        self.each(sql, [], |row| {
            pairs.push(PairSummary {
                region: column(&row, 0)?,
                datasource: column(&row, 1)?,
                trips: column::<i64>(&row, 2)?.cast_unsigned(),
                first_departed_at: column(&row, 3)?,
                last_departed_at: column(&row, 4)?,
            });
            Ok(())
        })
        .await?;
        Ok(pairs)
    }

    /// The trip summaries of one ingestion, by region and datasource.
    pub async fn summaries_of(&self, id: IngestionId) -> Result<Vec<TripSummary>, Error> {
        let sql = "SELECT region_id, datasource_id, trips, first_departed_at, last_departed_at, \
                   departures FROM trip_summary WHERE ingestion_id = $1 ORDER BY region_id, datasource_id";
        let mut summaries = Vec::new();
        self.each(sql, [id.into()], |row| {
            let mut read = || {
                summaries.push(TripSummary {
                    region: column::<i32>(&row, 0)?.cast_unsigned(),
                    datasource: column::<i32>(&row, 1)?.cast_unsigned(),
                    trips: column::<i64>(&row, 2)?.cast_unsigned(),
                    first_departed_at: column(&row, 3)?,
                    last_departed_at: column(&row, 4)?,
                    departures: column::<i64>(&row, 5)?.cast_unsigned(),
                });
                Ok(())
            };
            let result = read();
            let columns = ["region_id", "datasource_id"];
            let key = || named(&row, &columns, format!("ingestion_id = {id}"));
            self.of_row("trip_summary", key, result)
        })
        .await?;
        Ok(summaries)
    }
}

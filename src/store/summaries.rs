//! Trip summaries: what is known of regions and datasources without looking at trips.

use super::snapshot::column;
use super::{Error, Snapshot, TripSummary};
use crate::model::{IngestionId, PairSummary};

impl Snapshot {
    /// The pairs of region and datasource that have trips, by their names.
    pub async fn pair_summaries(&self) -> Result<Vec<PairSummary>, Error> {
        let sql = "SELECT region.name, datasource.name, CAST(SUM(trips) AS BIGINT), \
                   MIN(first_departed_at), MAX(last_departed_at) FROM trip_summary \
                   JOIN region ON region.id = region_id \
                   JOIN datasource ON datasource.id = datasource_id \
                   GROUP BY region.name, datasource.name ORDER BY region.name, datasource.name";
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
        let sql = "SELECT region_id, datasource_id, trips, first_departed_at, last_departed_at \
                   FROM trip_summary WHERE ingestion_id = $1 ORDER BY region_id, datasource_id";
        let mut summaries = Vec::new();
        self.each(sql, [id.into()], |row| {
            summaries.push(TripSummary {
                region: column::<i32>(&row, 0)?.cast_unsigned(),
                datasource: column::<i32>(&row, 1)?.cast_unsigned(),
                trips: column::<i64>(&row, 2)?.cast_unsigned(),
                first_departed_at: column(&row, 3)?,
                last_departed_at: column(&row, 4)?,
            });
            Ok(())
        })
        .await?;
        Ok(summaries)
    }
}

//! Single trips, by the file and line they came from.

use chrono::{DateTime, NaiveDateTime};

use super::list::List;
use super::snapshot::{column, key, named};
use super::{Error, Snapshot, TripRow, TripSummary};
use crate::geo::{Point, leaf_cell};
use crate::model::{IngestionId, Trip};

impl Snapshot {
    /// The trips that stand on some lines, in that order; lines without a trip are left out.
    pub async fn trips(&self, lines: &[(IngestionId, u64)]) -> Result<Vec<Trip>, Error> {
        let rows = lines.iter().map(|(id, line)| [*id, line.cast_signed()]);
        let list = List::numbers(self.backend(), 0, 2, rows);
        let sql = format!(
            "SELECT t.ingestion_id, t.line, region.name, datasource.name, t.origin_lon, \
             t.origin_lat, t.destination_lon, t.destination_lat, t.departed_at \
             FROM {} CROSS JOIN trip AS t \
             JOIN region ON region.id = t.region_id \
             JOIN datasource ON datasource.id = t.datasource_id \
             WHERE t.ingestion_id = list.c0 AND t.line = list.c1 ORDER BY list.place",
            list.table()
        );
        let mut trips = Vec::with_capacity(lines.len());
        self.each(&sql, list.values, |row| {
            let mut read = || {
                let departed_at = time(column(&row, 8)?)?;
                trips.push(Trip {
                    ingestion_id: column(&row, 0)?,
                    line: column::<i64>(&row, 1)?.cast_unsigned(),
                    region: column(&row, 2)?,
                    datasource: column(&row, 3)?,
                    origin: point(column(&row, 4)?, column(&row, 5)?)?,
                    destination: point(column(&row, 6)?, column(&row, 7)?)?,
                    departed_at,
                });
                Ok(())
            };
            let result = read();
            let key = || named(&row, &["ingestion_id", "line"], String::new());
            self.of_row("trip", key, result)
        })
        .await?;
        Ok(trips)
    }

    /// What the trips of one ingestion so far come to, by region and datasource.
    pub async fn sums_of(&self, id: IngestionId) -> Result<Vec<TripSummary>, Error> {
        // The two halves of the departures are summed apart: SQLite's sums must not overflow.
        let sql = "SELECT region_id, datasource_id, COUNT(*), MIN(departed_at), \
                   MAX(departed_at), CAST(SUM(departed_at >> 32) AS BIGINT), \
                   CAST(SUM(departed_at & 4294967295) AS BIGINT) \
                   FROM trip WHERE ingestion_id = $1 \
                   GROUP BY region_id, datasource_id ORDER BY region_id, datasource_id";
        let mut sums = Vec::new();
        self.each(sql, [id.into()], |row| {
            sums.push(TripSummary {
                region: column::<i32>(&row, 0)?.cast_unsigned(),
                datasource: column::<i32>(&row, 1)?.cast_unsigned(),
                trips: column::<i64>(&row, 2)?.cast_unsigned(),
                first_departed_at: time(column(&row, 3)?)?,
                last_departed_at: time(column(&row, 4)?)?,
                departures: (column::<i64>(&row, 5)?.cast_unsigned() << 32)
                    .wrapping_add(column::<i64>(&row, 6)?.cast_unsigned()),
            });
            Ok(())
        })
        .await?;
        Ok(sums)
    }

    /// Reads all trips of one ingestion in the order of their lines, their cells computed anew.
    pub async fn trips_of(
        &self,
        id: IngestionId,
        mut visit: impl FnMut(TripRow) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = "SELECT line, region_id, datasource_id, origin_lon, origin_lat, \
                   destination_lon, destination_lat, departed_at FROM trip \
                   WHERE ingestion_id = $1 ORDER BY line";
        self.each(sql, [key(id.cast_unsigned())], |row| {
            let mut read = || {
                let origin = point(column(&row, 3)?, column(&row, 4)?)?;
                let destination = point(column(&row, 5)?, column(&row, 6)?)?;
                visit(TripRow {
                    line: column::<i64>(&row, 0)?.cast_unsigned(),
                    region: column::<i32>(&row, 1)?.cast_unsigned(),
                    datasource: column::<i32>(&row, 2)?.cast_unsigned(),
                    origin,
                    destination,
                    origin_cell: leaf_cell(origin).into(),
                    destination_cell: leaf_cell(destination).into(),
                    departed_at: column(&row, 7)?,
                })
            };
            let result = read();
            let key = || named(&row, &["line"], format!("ingestion_id = {id}"));
            self.of_row("trip", key, result)
        })
        .await
    }
}

fn time(micros: i64) -> Result<NaiveDateTime, Error> {
    let time = DateTime::from_timestamp_micros(micros).ok_or(Error::Corrupt("time"))?;
    Ok(time.naive_utc())
}

fn point(lon: f64, lat: f64) -> Result<Point, Error> {
    Point::new(lon, lat).map_err(|_| Error::Corrupt("point"))
}

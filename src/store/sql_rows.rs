//! Reading the table `trip` back, to verify it.

use super::snapshot::{column, named};
use super::{Error, Snapshot, SqlTrip};
use crate::geo::Point;
use crate::model::{IngestionId, IngestionState, LocalTime};

/// What the table `trip` should hold of an ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlRows {
    /// All its trips.
    All,
    /// The first of its trips: so many.
    First(u64),
    /// Rows that are about to be deleted.
    Leftover,
    /// None.
    None,
}

impl Snapshot {
    /// What the table `trip` should hold of each ingestion.
    pub async fn sql_rows(&self) -> Result<Vec<(IngestionId, SqlRows)>, Error> {
        let sql = "SELECT id, state, has_rows, sql_complete, sql_rows FROM ingestion ORDER BY id";
        let mut ingestions = Vec::new();
        self.each(sql, [], |row| {
            let state: String = column(&row, 1)?;
            let succeeded = state == IngestionState::Succeeded.name();
            let rows = match (succeeded, column(&row, 2)?, column(&row, 3)?) {
                (true, _, true) => SqlRows::All,
                (true, _, false) => SqlRows::First(column::<i64>(&row, 4)?.cast_unsigned()),
                (false, true, _) => SqlRows::Leftover,
                (false, false, _) => SqlRows::None,
            };
            ingestions.push((column(&row, 0)?, rows));
            Ok(())
        })
        .await?;
        Ok(ingestions)
    }

    /// Reads all rows of the table `trip`, in no order.
    pub async fn sql_trips(
        &self,
        mut visit: impl FnMut(IngestionId, SqlTrip) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let sql = "SELECT ingestion_id, line, region_id, datasource_id, origin_lon, origin_lat, \
                   destination_lon, destination_lat, departed_at, arrived_at FROM trip";
        self.each(sql, [], |row| {
            let mut read = || {
                let point = |first| {
                    Point::new(column(&row, first)?, column(&row, first + 1)?)
                        .map_err(|_| Error::Corrupt("position"))
                };
                let time = |micros| LocalTime::from_micros(micros).ok_or(Error::Corrupt("time"));
                let trip = SqlTrip {
                    line: column::<i64>(&row, 1)?.cast_unsigned(),
                    region: column::<i32>(&row, 2)?.cast_unsigned(),
                    datasource: column::<i32>(&row, 3)?.cast_unsigned(),
                    origin: point(4)?,
                    destination: point(6)?,
                    departed_at: time(column(&row, 8)?)?,
                    arrived_at: column::<Option<i64>>(&row, 9)?.map(time).transpose()?,
                };
                visit(column(&row, 0)?, trip)
            };
            let key = || named(&row, &["ingestion_id", "line"], String::new());
            self.of_row("trip", key, read())
        })
        .await
    }
}

//! Reading the table `trip` back, to verify it.

use super::statement::{column, named};
use super::{Error, SegmentId, Snapshot, SqlTrip};
use crate::geo::Point;
use crate::model::{IngestionId, IngestionState, LocalTime};

/// What the table `trip` should hold of an ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlRows {
    /// All its trips.
    All,
    /// Some of the first trips of its segment.
    Begun(SegmentId),
    /// Rows that are about to be deleted.
    Leftover,
    /// None.
    None,
}

impl Snapshot {
    /// What the table `trip` should hold of each ingestion.
    pub async fn sql_rows(&self) -> Result<Vec<(IngestionId, SqlRows)>, Error> {
        let sql = "SELECT i.id, i.state, i.has_rows, s.sql_complete, s.id FROM ingestion AS i \
                   LEFT JOIN segment AS s ON s.id = i.segment_id ORDER BY i.id";
        let mut ingestions = Vec::new();
        self.each(sql, [], |row| {
            let state: String = column(&row, 1)?;
            let succeeded = state == IngestionState::Succeeded.name();
            let rows = match (
                succeeded,
                column(&row, 2)?,
                column::<Option<bool>>(&row, 3)?,
            ) {
                (true, _, Some(true)) => SqlRows::All,
                (true, ..) => SqlRows::Begun(column::<Option<i64>>(&row, 4)?.unwrap_or_default()),
                (false, true, _) => SqlRows::Leftover,
                (false, false, _) => SqlRows::None,
            };
            ingestions.push((column(&row, 0)?, rows));
            Ok(())
        })
        .await?;
        Ok(ingestions)
    }

    /// The number of rows that the table `trip` should hold of each live segment whose rows are not
    /// complete.
    pub async fn begun_sql_rows(&self) -> Result<Vec<(SegmentId, u64)>, Error> {
        let sql = "SELECT id, sql_rows FROM segment WHERE state = 'LIVE' AND NOT sql_complete \
                   ORDER BY id";
        let mut segments = Vec::new();
        self.each(sql, [], |row| {
            segments.push((column(&row, 0)?, column::<i64>(&row, 1)?.cast_unsigned()));
            Ok(())
        })
        .await?;
        Ok(segments)
    }

    /// Reads all rows of the table `trip`, in no order.
    pub async fn sql_trips(
        &self,
        mut visit: impl FnMut(SqlTrip) -> Result<(), Error> + Send,
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
                    ingestion: column(&row, 0)?,
                    line: column::<i64>(&row, 1)?.cast_unsigned(),
                    region: column::<i32>(&row, 2)?.cast_unsigned(),
                    datasource: column::<i32>(&row, 3)?.cast_unsigned(),
                    origin: point(4)?,
                    destination: point(6)?,
                    departed_at: time(column(&row, 8)?)?,
                    arrived_at: column::<Option<i64>>(&row, 9)?.map(time).transpose()?,
                };
                visit(trip)
            };
            let key = || named(&row, &["ingestion_id", "line"], String::new());
            self.of_row("trip", key, read())
        })
        .await
    }
}

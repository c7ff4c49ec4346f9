use async_graphql::{InputObject, SimpleObject};

use super::Long;
use crate::model;

/// How a file is read. Properties that are omitted are recognised from the file.
#[derive(Debug, Default, InputObject)]
pub(crate) struct TripFormat {
    /// Columns of the origin: one of WKT, GeoJSON or hexadecimal (E)WKB, or two of longitude and
    /// latitude.
    origin: Option<Vec<String>>,
    /// Columns of the destination, likewise.
    destination: Option<Vec<String>>,
    /// Column of the time of departure.
    departed_at: Option<String>,
    /// Column of the time of arrival.
    arrived_at: Option<String>,
    /// Column of the region.
    region: Option<String>,
    /// Region of every row.
    region_name: Option<String>,
    /// Column of the datasource.
    datasource: Option<String>,
    /// Datasource of every row. Without it and without a column, the datasource is the file's name
    /// without its endings.
    datasource_name: Option<String>,
    /// Column of the id of the location where a trip starts.
    origin_id: Option<String>,
    /// Column of the id of the location where a trip ends.
    destination_id: Option<String>,
    /// Format of times: in strftime's notation, or `epoch`, `epoch_ms` or `epoch_us`.
    time_format: Option<String>,
    /// IANA name of the time zone of the trips, to whose wall clock instants are converted.
    time_zone: Option<String>,
    /// Character between fields. Recognised: `,`, `;`, tab and `|`.
    delimiter: Option<String>,
    /// Values that are read as empty, beside `NULL` and `\N`.
    null_values: Option<Vec<String>>,
    /// Character encoding, such as `windows-1252`. UTF-8 and UTF-16 with a byte order mark are
    /// recognised.
    encoding: Option<String>,
}

impl From<TripFormat> for model::TripFormat {
    fn from(format: TripFormat) -> Self {
        Self {
            origin: format.origin.unwrap_or_default(),
            destination: format.destination.unwrap_or_default(),
            departed_at: format.departed_at,
            arrived_at: format.arrived_at,
            region: format.region,
            region_name: format.region_name,
            datasource: format.datasource,
            datasource_name: format.datasource_name,
            origin_id: format.origin_id,
            destination_id: format.destination_id,
            time_format: format.time_format,
            time_zone: format.time_zone,
            delimiter: format.delimiter,
            null_values: format.null_values.unwrap_or_default(),
            encoding: format.encoding,
        }
    }
}

/// The format that was recognised in a file. All fields are null or empty before the file is read.
#[derive(Debug, SimpleObject)]
pub(crate) struct RecognisedFormat {
    /// Name of the published format whose columns the file has; null if it has those of none.
    layout: Option<String>,
    /// Character encoding.
    encoding: Option<String>,
    /// Character between fields.
    delimiter: Option<String>,
    /// Columns of the origin: one, or longitude and latitude. Empty if the file names locations by
    /// id.
    origin: Vec<String>,
    /// Columns of the destination, likewise.
    destination: Vec<String>,
    /// Column of the time of departure.
    departed_at: Option<String>,
    /// Column of the time of arrival; null if the file has none.
    arrived_at: Option<String>,
    /// Column of the region; null if `regionName` is every row's region.
    region: Option<String>,
    /// Region of every row; null if the file has a column of regions.
    region_name: Option<String>,
    /// Column of the datasource; null if `datasourceName` is every row's datasource.
    datasource: Option<String>,
    /// Datasource of every row; null if the file has a column of datasources.
    datasource_name: Option<String>,
    /// Column of the id of the location where a trip starts.
    origin_id: Option<String>,
    /// Column of the id of the location where a trip ends.
    destination_id: Option<String>,
    /// Format of times, in the notation of `TripFormat.timeFormat`.
    time_format: Option<String>,
    /// IANA name of the time zone to whose wall clock instants are converted.
    time_zone: Option<String>,
}

impl From<model::RecognisedFormat> for RecognisedFormat {
    fn from(format: model::RecognisedFormat) -> Self {
        Self {
            layout: format.layout,
            encoding: format.encoding,
            delimiter: format.delimiter,
            origin: format.origin,
            destination: format.destination,
            departed_at: format.departed_at,
            arrived_at: format.arrived_at,
            region: format.region,
            region_name: format.region_name,
            datasource: format.datasource,
            datasource_name: format.datasource_name,
            origin_id: format.origin_id,
            destination_id: format.destination_id,
            time_format: format.time_format,
            time_zone: format.time_zone,
        }
    }
}

/// Rejected rows with the same kind of error.
#[derive(Debug, SimpleObject)]
pub(crate) struct RejectedReason {
    /// Column with the error; null if the error is not in a single column.
    column: Option<String>,
    /// Kind of the error.
    reason: String,
    /// Number of rows, also of those that `rejectedRows` does not keep.
    rows: Long,
}

impl From<&model::RejectedReason> for RejectedReason {
    fn from(reason: &model::RejectedReason) -> Self {
        Self {
            column: reason.column.clone(),
            reason: reason.reason.clone(),
            rows: reason.rows.into(),
        }
    }
}

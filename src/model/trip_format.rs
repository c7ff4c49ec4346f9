use serde::{Deserialize, Serialize};

/// How a file of trips is read. Properties that are omitted are recognised from the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TripFormat {
    /// The column of the origin, or its columns of longitude and latitude.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origin: Vec<String>,
    /// The column of the destination, or its columns of longitude and latitude.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destination: Vec<String>,
    /// The column of the departure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub departed_at: Option<String>,
    /// The column of the arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<String>,
    /// The column of the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The region of every row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_name: Option<String>,
    /// The column of the datasource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource: Option<String>,
    /// The datasource of every row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub datasource_name: Option<String>,
    /// The column of the id of the location where a trip starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_id: Option<String>,
    /// The column of the id of the location where a trip ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_id: Option<String>,
    /// Format of times: strftime, `epoch`, `epoch_ms` or `epoch_us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_format: Option<String>,
    /// IANA name of the time zone whose wall clock an instant is converted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The character between fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Values that are read as empty, beside `NULL` and `\N`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub null_values: Vec<String>,
    /// Name of the character encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

/// The format that was recognised in a file. Before the file is opened, all of it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RecognisedFormat {
    /// Name of the published format whose columns the file has.
    pub layout: Option<String>,
    /// Name of the character encoding.
    pub encoding: Option<String>,
    /// The character between fields.
    pub delimiter: Option<String>,
    /// The columns of the origin: one, or longitude and latitude.
    pub origin: Vec<String>,
    /// The columns of the destination: one, or longitude and latitude.
    pub destination: Vec<String>,
    /// The column of the departure.
    pub departed_at: Option<String>,
    /// The column of the arrival.
    pub arrived_at: Option<String>,
    /// The column of the region.
    pub region: Option<String>,
    /// The region of every row, if there is no column.
    pub region_name: Option<String>,
    /// The column of the datasource.
    pub datasource: Option<String>,
    /// The datasource of every row, if there is no column.
    pub datasource_name: Option<String>,
    /// The column of the id of the location where a trip starts.
    pub origin_id: Option<String>,
    /// The column of the id of the location where a trip ends.
    pub destination_id: Option<String>,
    /// Format of times: strftime, `epoch`, `epoch_ms` or `epoch_us`.
    pub time_format: Option<String>,
    /// IANA name of the time zone whose wall clock instants are converted to.
    pub time_zone: Option<String>,
}

/// Rejected rows that have the same kind of error.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RejectedReason {
    /// The column with the error; `None` if the error is not in a single column.
    pub column: Option<String>,
    /// The kind of the error.
    pub reason: String,
    /// Number of rows.
    pub rows: u64,
}

/// What an ingestion has found out about its file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// The recognised format.
    pub format: RecognisedFormat,
    /// Warnings about the file.
    pub warnings: Vec<super::Warning>,
    /// Rejected rows by reason, most rows first.
    pub rejected: Vec<RejectedReason>,
}

//! Options that say how files are to be read, instead of what would be recognised.

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::ingest::parse::{FileOptions, Locations, read_list, read_locations};
use crate::model::TripFormat;

/// Format of the files. Omitted settings are recognised from each file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Format of the files")]
pub(super) struct FormatArgs {
    /// Columns of the origin: longitude and latitude, or one column of WKT, GeoJSON or hexadecimal
    /// WKB
    #[arg(
        long,
        env = "TRIPGRAPH_ORIGIN",
        value_name = "LON,LAT",
        value_delimiter = ','
    )]
    origin: Vec<String>,
    /// Columns of the destination, likewise
    #[arg(
        long,
        env = "TRIPGRAPH_DESTINATION",
        value_name = "LON,LAT",
        value_delimiter = ','
    )]
    destination: Vec<String>,
    /// Column of the time of departure
    #[arg(long, env = "TRIPGRAPH_TIME", value_name = "COLUMN")]
    time: Option<String>,
    /// Column of the time of arrival
    #[arg(long, env = "TRIPGRAPH_ARRIVAL", value_name = "COLUMN")]
    arrival: Option<String>,
    /// Region of every trip [default: the column region, else unknown]
    #[arg(
        long,
        env = "TRIPGRAPH_REGION",
        value_name = "NAME",
        conflicts_with = "region_column"
    )]
    region: Option<String>,
    /// Column of the region
    #[arg(long, env = "TRIPGRAPH_REGION_COLUMN", value_name = "COLUMN")]
    region_column: Option<String>,
    /// Datasource of every trip [default: the column datasource, else the file's name without its
    /// endings]
    #[arg(
        long,
        env = "TRIPGRAPH_DATASOURCE",
        value_name = "NAME",
        conflicts_with = "datasource_column"
    )]
    datasource: Option<String>,
    /// Column of the datasource
    #[arg(long, env = "TRIPGRAPH_DATASOURCE_COLUMN", value_name = "COLUMN")]
    datasource_column: Option<String>,
    /// Format of times: in strftime's notation, such as '%m/%d/%Y %H:%M', or epoch, `epoch_ms` or
    /// `epoch_us`
    #[arg(long, env = "TRIPGRAPH_TIME_FORMAT", value_name = "FORMAT")]
    time_format: Option<String>,
    /// Time zone of the trips, such as Europe/Paris: times with a UTC offset and numbers since 1970
    /// become its wall clock
    #[arg(long, env = "TRIPGRAPH_TIME_ZONE", value_name = "ZONE")]
    time_zone: Option<String>,
    /// Character between fields
    #[arg(long, env = "TRIPGRAPH_DELIMITER", value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Value that is read as empty, in addition to NULL and \N; may be given several times
    #[arg(
        long = "null-value",
        env = "TRIPGRAPH_NULL_VALUES",
        value_name = "TEXT"
    )]
    null_values: Vec<String>,
    /// Character encoding, such as windows-1252 [default: UTF-8, or UTF-16 with a byte order mark]
    #[arg(long, env = "TRIPGRAPH_ENCODING", value_name = "NAME")]
    encoding: Option<String>,
    /// Column of the id of the location where a trip starts
    #[arg(
        long,
        env = "TRIPGRAPH_ORIGIN_ID",
        value_name = "COLUMN",
        conflicts_with = "origin"
    )]
    origin_id: Option<String>,
    /// Column of the id of the location where a trip ends
    #[arg(
        long,
        env = "TRIPGRAPH_DESTINATION_ID",
        value_name = "COLUMN",
        conflicts_with = "destination"
    )]
    destination_id: Option<String>,
    /// File of the locations that the ids name: CSV with the columns id, lon and lat, or
    /// `station_information.json` of GBFS
    #[arg(long, env = "TRIPGRAPH_LOCATIONS", value_name = "FILE")]
    locations: Option<PathBuf>,
}

/// The locations that ids name.
pub(super) struct LocationList {
    /// The bytes of their file.
    pub(super) bytes: Vec<u8>,
    pub(super) locations: Locations,
}

impl FormatArgs {
    /// The locations that ids name. Their file is read once: it may be a pipe.
    pub(super) fn locations(&self) -> anyhow::Result<Option<LocationList>> {
        let Some(path) = &self.locations else {
            return Ok(None);
        };
        let options = FileOptions::new(&self.format(), "")?;
        let shown = crate::text::Printable(path.to_string_lossy());
        let failed = || format!("cannot read {shown}");
        let bytes = read_list(File::open(path).with_context(failed)?).with_context(failed)?;
        let locations = read_locations(&bytes, &options).with_context(failed)?;
        Ok(Some(LocationList { bytes, locations }))
    }

    /// The format that the options give.
    pub(super) fn format(&self) -> TripFormat {
        let Self {
            origin,
            destination,
            time,
            arrival,
            region,
            region_column,
            datasource,
            datasource_column,
            time_format,
            time_zone,
            delimiter,
            null_values,
            encoding,
            origin_id,
            destination_id,
            locations: _,
        } = self.clone();
        TripFormat {
            origin,
            destination,
            departed_at: time,
            arrived_at: arrival,
            region: region_column,
            region_name: region,
            datasource: datasource_column,
            datasource_name: datasource,
            origin_id,
            destination_id,
            time_format,
            time_zone,
            delimiter,
            null_values,
            encoding,
        }
    }
}

//! Types of the API, one file per noun. They wrap the types of the model and never expose a table.

mod cell;
mod connection;
mod ingestion;
mod region;
mod scalar;
mod selection;
mod trip;
mod trip_group;
mod weekly_average;

pub(crate) use self::cell::{Cell, Point};
pub(crate) use self::connection::{TotalCount, connection};
pub(crate) use self::ingestion::{
    Ingestion, IngestionConnection, IngestionState, RejectedRowConnection, parse_id,
};
pub(crate) use self::region::{Datasource, Region};
pub(crate) use self::scalar::{Date, DateTime, LocalDateTime, Long, Upload, check_scalar};
pub(crate) use self::selection::{BoundingBox, TripEnd, TripFilter, selection};
pub(crate) use self::trip::{Trip, TripConnection};
pub(crate) use self::trip_group::{Grouping, TripGroup, TripGroupConnection};
pub(crate) use self::weekly_average::WeeklyAverage;

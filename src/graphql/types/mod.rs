//! Types of the API, one file per noun. They wrap the types of the model and never expose a table.

mod area;
mod cell;
mod comparison;
mod connection;
mod extent;
mod format;
mod ingestion;
mod region;
mod scalar;
mod selection;
mod trip;
mod trip_group;
mod trip_profile;
mod weekly_average;
mod zone;

pub(crate) use self::area::{AreaInput, BoundingBox};
pub(crate) use self::cell::{Cell, Point};
pub(crate) use self::comparison::{GroupOrder, PeriodInput, comparison};
pub(crate) use self::connection::{TotalCount, connection};
pub(crate) use self::extent::Extent;
pub(crate) use self::format::{RecognisedFormat, RejectedReason, TripFormat};
pub(crate) use self::ingestion::{
    Ingestion, IngestionConnection, IngestionState, RejectedRowConnection, parse_id,
};
pub(crate) use self::region::{Datasource, Region};
pub(crate) use self::scalar::{Date, DateTime, GeoJson, LocalDateTime, Long, Upload, check_scalar};
pub(crate) use self::selection::{Conditions, DayOfWeek, TimeRange, TripEnd, TripFilter, weeks};
pub(crate) use self::trip::{Trip, TripConnection};
pub(crate) use self::trip_group::{Grouping, TripGroup, TripGroupConnection};
pub(crate) use self::trip_profile::TripProfile;
pub(crate) use self::weekly_average::WeeklyAverage;
pub(crate) use self::zone::{OdPair, OdPairConnection, ZoneConnection, ZoneSet, zone_set};

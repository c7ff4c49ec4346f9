//! A trip as an SQL row, for people: no answer reads it.

use sea_orm::entity::prelude::*;

/// A trip: one row of a file.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trip")]
pub struct Model {
    /// The ingestion that brought it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ingestion_id: i64,
    /// The line of the file; the header is line 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// Number of the region.
    pub region_id: i32,
    /// Number of the datasource.
    pub datasource_id: i32,
    /// Longitude of the origin in degrees.
    pub origin_lon: f64,
    /// Latitude of the origin in degrees.
    pub origin_lat: f64,
    /// Longitude of the destination in degrees.
    pub destination_lon: f64,
    /// Latitude of the destination in degrees.
    pub destination_lat: f64,
    /// Wall-clock time of departure in microseconds since 1970-01-01 00:00:00.
    pub departed_at: i64,
    /// Wall-clock time of arrival, likewise, where the file has it.
    pub arrived_at: Option<i64>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

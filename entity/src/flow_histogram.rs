//! A flow histogram: the trips a half-hour of day between two cells in one region, by datasource.

use sea_orm::entity::prelude::*;

/// A flow histogram: the trips a half-hour of day between two cells in one region, by datasource.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "flow_histogram")]
pub struct Model {
    /// The H3 cell at resolution 7 of the origins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin_cell: i64,
    /// The H3 cell at resolution 7 of the destinations.
    #[sea_orm(primary_key, auto_increment = false)]
    pub destination_cell: i64,
    /// Number of the region.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region_id: i32,
    /// Packed counters, keyed by datasource and half-hour of day.
    pub counters: Vec<u8>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

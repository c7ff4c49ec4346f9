//! A trip total: what all ingestions in the answers brought of one datasource in one region.

use sea_orm::entity::prelude::*;

/// A trip total: what all ingestions in the answers brought of one datasource in one region.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "trip_total")]
pub struct Model {
    /// Number of the region.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region_id: i32,
    /// Number of the datasource.
    #[sea_orm(primary_key, auto_increment = false)]
    pub datasource_id: i32,
    /// Number of trips, at least 1.
    pub trips: i64,
    /// The earliest departure, wall clock.
    pub first_departed_at: DateTime,
    /// The latest departure, wall clock.
    pub last_departed_at: DateTime,
    /// Least longitude of all trip ends.
    pub west: f64,
    /// Least latitude.
    pub south: f64,
    /// Greatest longitude.
    pub east: f64,
    /// Greatest latitude.
    pub north: f64,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! A weekly histogram: the trips a week of one cell, region and ISO year, by datasource.

use sea_orm::entity::prelude::*;

/// A weekly histogram: the trips a week of one cell, region and ISO year, by datasource.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "weekly_histogram")]
pub struct Model {
    /// 0 for origins, 1 for destinations.
    #[sea_orm(primary_key, auto_increment = false)]
    pub trip_end: i16,
    /// An H3 cell at resolution 1, 3, 5, 7 or 9.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cell: i64,
    /// Number of the region.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region_id: i32,
    /// ISO year.
    #[sea_orm(primary_key, auto_increment = false)]
    pub iso_year: i32,
    /// Packed counters, keyed by datasource and ISO week.
    pub counters: Vec<u8>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

//! A flow histogram: the trips from one cell, by destination cell, region, datasource and half-hour
//! of day.

use sea_orm::entity::prelude::*;

/// A flow histogram: the trips from one cell, by destination cell, region, datasource and half-hour
/// of day.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "flow_histogram")]
pub struct Model {
    /// The H3 cell at resolution 7 of the origins.
    #[sea_orm(primary_key, auto_increment = false)]
    pub origin_cell: i64,
    /// Of each destination cell at resolution 7 and each region, packed counters, keyed by datasource
    /// and half-hour of day.
    pub flows: Vec<u8>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

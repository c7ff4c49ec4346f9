//! A trip patch: the trips with an end in one cell, from one batch, packed in four groups of columns.

use sea_orm::entity::prelude::*;

/// A trip patch: the trips with an end in one cell, from one batch, packed in four groups of columns.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trip_patch")]
pub struct Model {
    /// 0 for origins, 1 for destinations.
    #[sea_orm(primary_key, auto_increment = false)]
    pub trip_end: i16,
    /// The H3 cell at resolution 1, 3, 5, 7 or 9 that all the ends lie in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cell: i64,
    /// The segment that they are in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment_id: i64,
    /// The batch of the segment, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch: i32,
    /// CRC-32 of the four groups of columns, one behind the other.
    pub checksum: i64,
    /// What filters and groups need: the other end's leaf cell, week and time of departure, region,
    /// datasource, ingestion.
    pub keys: Vec<u8>,
    /// The position of this end.
    pub points: Vec<u8>,
    /// The position of the other end; empty for destinations.
    pub others: Vec<u8>,
    /// Line and time of arrival.
    pub rest: Vec<u8>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

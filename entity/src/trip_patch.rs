//! A trip patch: the trip ends of one cell from one batch, packed.

use sea_orm::entity::prelude::*;

/// A trip patch: the trip ends of one cell from one batch, packed.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trip_patch")]
pub struct Model {
    /// 0 for origins, 1 for destinations.
    #[sea_orm(primary_key, auto_increment = false)]
    pub trip_end: i16,
    /// The H3 cell at resolution 1, 3, 5, 7 or 9 that all the ends lie in.
    #[sea_orm(primary_key, auto_increment = false)]
    pub cell: i64,
    /// The ingestion that brought them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ingestion_id: i64,
    /// The batch of the ingestion, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub batch: i32,
    /// What the edge of a box needs: fixed-size records of the end and the keys of the trip.
    pub points: Vec<u8>,
    /// The rest: fixed-size records of the other end, the time of day and the line.
    pub rest: Vec<u8>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

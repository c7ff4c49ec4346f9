//! Locations whose ids the file of an ingestion names.

use sea_orm::entity::prelude::*;

/// Locations whose ids the file of an ingestion names.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ingestion_locations")]
pub struct Model {
    /// The ingestion.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ingestion_id: i64,
    /// A JSON object: longitude and latitude by id.
    pub locations: String,
}

/// Relations to other tables.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

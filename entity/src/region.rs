//! A region: a value of the `region` column of the files.

use sea_orm::entity::prelude::*;

/// A region: a value of the `region` column of the files.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "region")]
pub struct Model {
    /// Number of the region, from 1.
    #[sea_orm(primary_key)]
    pub id: i32,
    /// Its name, trimmed.
    #[sea_orm(unique)]
    pub name: String,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

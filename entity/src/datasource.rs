//! A datasource: a value of the `datasource` column of the files.

use sea_orm::entity::prelude::*;

/// A datasource: a value of the `datasource` column of the files.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "datasource")]
pub struct Model {
    /// Number of the datasource, from 1.
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

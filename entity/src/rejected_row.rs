//! A row of a file that could not be read; the first thousand of an ingestion are kept.

use sea_orm::entity::prelude::*;

/// A row of a file that could not be read; the first thousand of an ingestion are kept.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rejected_row")]
pub struct Model {
    /// The ingestion.
    #[sea_orm(primary_key, auto_increment = false)]
    pub ingestion_id: i64,
    /// The line of the file; the header is line 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: i64,
    /// The column at fault, where it is one.
    pub column_name: Option<String>,
    /// What is wrong, for people.
    pub reason: String,
    /// The row as it stands in the file, cut where it is long.
    pub raw: String,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

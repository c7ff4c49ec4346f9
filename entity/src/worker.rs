//! A worker: a program that takes ingestions from the queue.

use sea_orm::entity::prelude::*;

/// A worker: a program that takes ingestions from the queue.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "worker")]
pub struct Model {
    /// Made up anew at each start of the program.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Host and process, for people.
    pub name: String,
    /// The spool whose files it can read.
    pub spool: String,
    /// Whether it serves requests, rather than only ingesting some files.
    pub serves: bool,
    /// How long it may give no sign of life.
    pub lease_seconds: f64,
    /// Its last sign of life, by the database's clock.
    pub heartbeat_at: DateTimeUtc,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

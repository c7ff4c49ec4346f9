//! The edition of the answers: how often what is in them has changed.

use sea_orm::entity::prelude::*;

/// The one row of its table.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "edition")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Counted up by every publication and every removal.
    pub number: i64,
    /// Counted up by them, and whenever trips move from one segment to another.
    pub layout: i64,
    /// Random, and set anew by every publication and every removal.
    pub fingerprint: i64,
    /// Whether every node of a cluster is known to have committed what came before.
    pub settled: bool,
}

/// Relations to other tables: none.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

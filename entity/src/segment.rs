//! A segment: trips that are packed together, those of an ingestion or of several small ones.

use sea_orm::entity::prelude::*;

/// A segment: trips that are packed together, those of an ingestion or of several small ones.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "segment")]
pub struct Model {
    /// Number of the segment, from 1.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `WRITING` (an ingestion writes it), `MERGING` (a program merges others into it), `LIVE` (its
    /// trips are in the answers) or `RETIRED` (they are to be purged).
    pub state: String,
    /// Number of its trips, once it is live.
    pub trips: i64,
    /// Incremented when its patches change: by removals and joins.
    pub revision: i32,
    /// The program that merges into it; none where that is gone.
    pub worker_id: Option<String>,
    /// Rows of `trip` that were written for it.
    pub sql_rows: i64,
    /// The cursor of these rows: the batch whose trips are written next,
    pub sql_batch: i32,
    /// the least cell of its patches of origins whose trips may be missing,
    pub sql_cell: i64,
    /// and the number of trips of that cell's patch that are written.
    pub sql_trip: i64,
    /// Whether all its rows are in `trip`.
    pub sql_complete: bool,
    /// Whether the rows of its cells are joined, as far as they can be.
    pub joined: bool,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

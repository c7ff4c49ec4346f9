//! Which ingestions a question sees.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::Error;
use super::snapshot::{column, statement};
use crate::model::IngestionId;

/// The ingestions whose patches are to be seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not those that have not succeeded, or not any more: few.
    AllBut(HashSet<IngestionId>),
    /// Those that have succeeded.
    Only(HashSet<IngestionId>),
}

impl Seen {
    /// All that a transaction's state holds but those that are hidden in it.
    pub(super) async fn all_but_hidden(tx: &DatabaseTransaction) -> Result<Self, Error> {
        let hidden = ids(tx, "has_rows AND state <> 'SUCCEEDED'").await?;
        Ok(Self::AllBut(hidden))
    }

    /// Those that have succeeded in a transaction's state, whatever comes later.
    pub(super) async fn only_succeeded(tx: &DatabaseTransaction) -> Result<Self, Error> {
        Ok(Self::Only(ids(tx, "state = 'SUCCEEDED'").await?))
    }

    /// Whether an ingestion's patches are not to be seen.
    pub(super) fn hides(&self, id: IngestionId) -> bool {
        match self {
            Self::AllBut(hidden) => hidden.contains(&id),
            Self::Only(visible) => !visible.contains(&id),
        }
    }
}

async fn ids(tx: &DatabaseTransaction, condition: &str) -> Result<HashSet<IngestionId>, Error> {
    let sql = format!("SELECT id FROM ingestion WHERE {condition}");
    let rows = tx.query_all_raw(statement(tx, &sql, [])).await?;
    let ids = rows.iter().map(|row| column(row, 0));
    Ok(ids.collect::<Result<_, _>>()?)
}

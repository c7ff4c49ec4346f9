//! Which segments a question sees.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::statement::{column, statement};
use super::{Error, SegmentId};

/// The segments whose patches are to be seen.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Not those that are not live, or not any more: few.
    AllBut(HashSet<SegmentId>),
    /// Those that are live.
    Only(HashSet<SegmentId>),
}

impl Seen {
    /// All that a transaction's state holds but those that are hidden in it.
    pub(super) async fn all_but_hidden(tx: &DatabaseTransaction) -> Result<Self, Error> {
        let hidden = ids(tx, "state <> 'LIVE'").await?;
        Ok(Self::AllBut(hidden))
    }

    /// Those that are live in a transaction's state, whatever comes later.
    pub(super) async fn only_live(tx: &DatabaseTransaction) -> Result<Self, Error> {
        Ok(Self::Only(ids(tx, "state = 'LIVE'").await?))
    }

    /// Whether a segment's patches are not to be seen.
    pub(super) fn hides(&self, id: SegmentId) -> bool {
        match self {
            Self::AllBut(hidden) => hidden.contains(&id),
            Self::Only(visible) => !visible.contains(&id),
        }
    }
}

async fn ids(tx: &DatabaseTransaction, condition: &str) -> Result<HashSet<SegmentId>, Error> {
    let sql = format!("SELECT id FROM segment WHERE {condition}");
    let rows = tx.query_all_raw(statement(tx, &sql, [])).await?;
    let ids = rows.iter().map(|row| column(row, 0));
    Ok(ids.collect::<Result<_, _>>()?)
}

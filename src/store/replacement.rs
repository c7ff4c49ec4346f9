//! Replacement: a file whose trips appear in the moment in which those of an earlier one go.

use entity::ingestion;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::Error;
use crate::model::{IngestionId, IngestionState};

/// Why an ingestion cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotReplace {
    /// There is no such ingestion.
    #[error("there is no ingestion {0}")]
    Missing(IngestionId),
    /// It has not ended yet.
    #[error(
        "ingestion {id} is {}: replace it when it has succeeded, or cancel it and ingest the new \
         file without `replaces`", state.name()
    )]
    Unfinished {
        /// The ingestion to be replaced.
        id: IngestionId,
        /// Its state.
        state: IngestionState,
    },
    /// It has no trips in the answers.
    #[error(
        "ingestion {id} is {}, so there is nothing to replace: ingest the new file without \
         `replaces`", state.name()
    )]
    NotThere {
        /// The ingestion to be replaced.
        id: IngestionId,
        /// Its state.
        state: IngestionState,
    },
    /// Another one has taken its place.
    #[error(
        "ingestion {id} was replaced by ingestion {by} already: replace ingestion {by} instead"
    )]
    Replaced {
        /// The ingestion to be replaced.
        id: IngestionId,
        /// The one that has taken its place.
        by: IngestionId,
    },
    /// Another one is on the way to take its place.
    #[error(
        "ingestion {id} is being replaced by ingestion {by}, which is {}: wait for its end, or \
         cancel it", state.name()
    )]
    BeingReplaced {
        /// The ingestion to be replaced.
        id: IngestionId,
        /// The one that takes its place.
        by: IngestionId,
        /// The state of that one.
        state: IngestionState,
    },
    /// The bytes of the new file are those of a third ingestion.
    #[error(
        "the file has the same bytes as ingestion {same}: remove ingestion {id} instead of \
         replacing it, or allow the duplicate"
    )]
    Duplicate {
        /// The ingestion to be replaced.
        id: IngestionId,
        /// The one with the same bytes.
        same: IngestionId,
    },
}

impl CannotReplace {
    /// Why an ingestion in a state cannot be replaced; `None` where it can.
    #[must_use]
    pub const fn of_state(id: IngestionId, state: IngestionState) -> Option<Self> {
        match state {
            IngestionState::Succeeded => None,
            IngestionState::Queued | IngestionState::Running => {
                Some(Self::Unfinished { id, state })
            }
            IngestionState::Failed | IngestionState::Cancelled | IngestionState::Removed => {
                Some(Self::NotThere { id, state })
            }
        }
    }
}

/// Whether an ingestion can be replaced. It stays so until the transaction ends.
pub(super) async fn check(
    tx: &DatabaseTransaction,
    id: IngestionId,
) -> Result<Result<(), CannotReplace>, Error> {
    let row = ingestion::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?;
    let Some(row) = row else {
        return Ok(Err(CannotReplace::Missing(id)));
    };
    let state_of = |row: &ingestion::Model| {
        IngestionState::from_name(&row.state).ok_or(Error::Corrupt("ingestion"))
    };
    let state = state_of(&row)?;
    let by = |states: &[IngestionState]| {
        ingestion::Entity::find()
            .filter(ingestion::Column::Replaces.eq(id))
            .filter(ingestion::Column::State.is_in(states.iter().map(|state| state.name())))
            .order_by_desc(ingestion::Column::Id)
            .one(tx)
    };
    let unfinished = [IngestionState::Queued, IngestionState::Running];
    let reason = match state {
        IngestionState::Succeeded => match by(&unfinished).await? {
            Some(other) => Some(CannotReplace::BeingReplaced {
                id,
                by: other.id,
                state: state_of(&other)?,
            }),
            None => None,
        },
        IngestionState::Removed => by(&[IngestionState::Succeeded])
            .await?
            .map(|other| CannotReplace::Replaced { id, by: other.id }),
        _ => None,
    };
    let reason = reason.or_else(|| CannotReplace::of_state(id, state));
    Ok(reason.map_or(Ok(()), Err))
}

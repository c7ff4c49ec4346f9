//! Warnings: what is stored of them, and those that other ingestions give rise to.

use entity::ingestion;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::Error;
use crate::model::{IngestionId, IngestionState, Warning};

/// Another file of that name is in the answers, or on its way there.
const SAME_NAME: &str = "SAME_NAME";
/// Ingestions that a warning names.
const NAMED: usize = 3;

/// Warnings as they are stored.
pub(super) fn stored(warnings: &[Warning]) -> String {
    // The serialisation of texts and numbers cannot fail.
    serde_json::to_string(warnings).unwrap_or_default()
}

/// Warnings as they were stored.
pub(super) fn parse(stored: &str) -> Result<Vec<Warning>, Error> {
    serde_json::from_str(stored).map_err(|_| Error::Corrupt("list of warnings"))
}

/// Warns where other ingestions in some states have the same name and other content: of a file that
/// was corrected, both versions count. The one that is replaced does not.
pub(super) async fn of_same_name(
    tx: &DatabaseTransaction,
    source: &str,
    content_hash: &str,
    replaced: Option<IngestionId>,
    states: &[IngestionState],
) -> Result<Option<Warning>, Error> {
    let mut others = ingestion::Entity::find()
        .select_only()
        .column(ingestion::Column::Id)
        .column(ingestion::Column::State)
        .filter(ingestion::Column::Source.eq(source))
        .filter(ingestion::Column::ContentHash.ne(content_hash))
        .filter(ingestion::Column::State.is_in(states.iter().map(|state| state.name())))
        .order_by_desc(ingestion::Column::Id);
    if let Some(replaced) = replaced {
        others = others.filter(ingestion::Column::Id.ne(replaced));
    }
    let others: Vec<(IngestionId, String)> = others.into_tuple().all(tx).await?;
    let Some((newest, state)) = others.first() else {
        return Ok(None);
    };
    let named: Vec<_> = others
        .iter()
        .take(NAMED)
        .map(|(id, _)| id.to_string())
        .collect();
    let named = named.join(", ");
    let (ingestions, are) = match others.len() {
        1 => (format!("ingestion {named}"), "is"),
        more if more > NAMED => (
            format!("ingestions {named} and {} more", more - NAMED),
            "are",
        ),
        _ => (format!("ingestions {named}"), "are"),
    };
    let (place, mutation) = if state == IngestionState::Succeeded.name() {
        ("in the answers", "removeIngestion")
    } else {
        ("on the way into the answers", "cancelIngestion")
    };
    Ok(Some(Warning {
        code: SAME_NAME.to_owned(),
        message: format!(
            "{ingestions}, of the same name but with other content, {are} still {place}: trips \
             that are in both files count twice. If this file replaces ingestion {newest}, take its \
             trips out with mutation {{ {mutation}(id: \"{newest}\") {{ state }} }}. To do both in one \
             moment, send the new file with the id of the old ingestion: as `replaces` of \
             ingestTrips, or with ingest --replaces"
        ),
        rows: 0,
    }))
}

/// The warnings that an ingestion ends with, as they are stored: what else is in the answers may
/// have changed since it was put in the queue, and what has failed counts nothing twice.
pub(super) async fn at_end(
    tx: &DatabaseTransaction,
    row: &ingestion::Model,
    end: IngestionState,
) -> Result<String, Error> {
    let mut warnings = parse(&row.warnings)?;
    warnings.retain(|warning| warning.code != SAME_NAME);
    if end == IngestionState::Succeeded {
        warnings.extend(of_same_name(tx, &row.source, &row.content_hash, None, &[end]).await?);
    }
    Ok(stored(&warnings))
}

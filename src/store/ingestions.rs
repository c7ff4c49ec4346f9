//! Ingestions: their queue, their life and their rejected rows.

use chrono::{DateTime, Utc};
use entity::{ingestion, rejected_row};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::snapshot::column;
use super::{Checkpoint, Error, Snapshot, Store};
use crate::model::{Failure, Ingestion, IngestionId, IngestionState, Page, RejectedRow};

/// A file that is to be ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIngestion {
    /// Name of the file, for people.
    pub source: String,
    /// BLAKE3 of its bytes, hexadecimal.
    pub content_hash: String,
    /// Where it lies.
    pub path: String,
    /// Whether it is ours to delete.
    pub spooled: bool,
    /// Its size in bytes.
    pub bytes_total: u64,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
}

/// An ingestion that the worker has taken on.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// As everyone sees it.
    pub ingestion: Ingestion,
    /// Where its file lies.
    pub path: String,
    /// Whether the file is ours to delete.
    pub spooled: bool,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
    /// Where an earlier run of it came to.
    pub checkpoint: Option<Checkpoint>,
}

/// The counters an ingestion ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FinalCounts {
    /// Bytes of the file that were read.
    pub bytes_read: u64,
    /// Rows that were read.
    pub rows_read: u64,
    /// Rows of them that became trips.
    pub rows_ingested: u64,
    /// Rows of them that were rejected.
    pub rows_rejected: u64,
}

impl Store {
    /// Puts a file in the queue. Unless duplicates are allowed, the same bytes that wait, run or
    /// are in the answers already are not queued again: then the answer is that ingestion, and
    /// `true`.
    pub async fn enqueue(
        &self,
        new: NewIngestion,
        allow_duplicate: bool,
        now: DateTime<Utc>,
    ) -> Result<(Ingestion, bool), Error> {
        let tx = self.write().await?;
        if !allow_duplicate {
            let live = [
                IngestionState::Queued,
                IngestionState::Running,
                IngestionState::Succeeded,
            ];
            let same = ingestion::Entity::find()
                .filter(ingestion::Column::ContentHash.eq(&new.content_hash))
                .filter(ingestion::Column::State.is_in(live.map(IngestionState::name)))
                .order_by_asc(ingestion::Column::Id)
                .one(&tx)
                .await?;
            if let Some(same) = same {
                return Ok((describe(same)?, true));
            }
        }
        let row = ingestion::ActiveModel {
            id: NotSet,
            source: Set(new.source),
            state: Set(IngestionState::Queued.name().to_owned()),
            content_hash: Set(new.content_hash),
            path: Set(new.path),
            spooled: Set(new.spooled),
            max_rejected_rows: Set(new.max_rejected_rows.map(u64::cast_signed)),
            bytes_total: Set(new.bytes_total.cast_signed()),
            created_at: Set(now),
            ..Default::default()
        };
        let row = ActiveModelTrait::insert(row, &tx).await?;
        tx.commit().await?;
        Ok((describe(row)?, false))
    }

    /// Takes on the ingestion that waits longest; `None` when none does.
    pub async fn claim(&self, now: DateTime<Utc>) -> Result<Option<Claimed>, Error> {
        let tx = self.write().await?;
        let next = ingestion::Entity::find()
            .filter(ingestion::Column::State.eq(IngestionState::Queued.name()))
            .order_by_asc(ingestion::Column::Id)
            .one(&tx)
            .await?;
        let Some(next) = next else { return Ok(None) };
        let mut row: ingestion::ActiveModel = next.into();
        row.state = Set(IngestionState::Running.name().to_owned());
        row.has_rows = Set(true);
        row.started_at = Set(Some(now));
        let row = row.update(&tx).await?;
        tx.commit().await?;
        claimed(row).map(Some)
    }

    /// Ends an ingestion that waits or runs, without any trips; `None` where it does neither.
    pub async fn end(
        &self,
        id: IngestionId,
        state: IngestionState,
        failure: Option<Failure>,
        counts: FinalCounts,
        now: DateTime<Utc>,
    ) -> Result<Option<Claimed>, Error> {
        let tx = self.write().await?;
        let Some(row) = ingestion::Entity::find_by_id(id).one(&tx).await? else {
            return Ok(None);
        };
        let before = claimed(row.clone())?;
        if before.ingestion.state.is_final() {
            return Ok(None);
        }
        let (code, message) = failure
            .map(|failure| (failure.code, failure.message))
            .unzip();
        let mut row: ingestion::ActiveModel = row.into();
        row.error_code = Set(code);
        row.error_message = Set(message);
        finish(row, state, counts, now, &tx).await?;
        tx.commit().await?;
        Ok(Some(before))
    }

    /// Puts an ingestion that runs back in the queue, to go on from its checkpoint.
    pub async fn requeue(&self, id: IngestionId) -> Result<(), Error> {
        ingestion::Entity::update_many()
            .col_expr(
                ingestion::Column::State,
                Expr::value(IngestionState::Queued.name()),
            )
            .filter(ingestion::Column::Id.eq(id))
            .filter(ingestion::Column::State.eq(IngestionState::Running.name()))
            .exec(&self.inner.writer)
            .await?;
        Ok(())
    }

    /// Ingestions that wait or run, longest waiting first.
    pub async fn unfinished(&self) -> Result<Vec<Claimed>, Error> {
        let states = [IngestionState::Queued, IngestionState::Running].map(IngestionState::name);
        let rows = ingestion::Entity::find()
            .filter(ingestion::Column::State.is_in(states))
            .order_by_asc(ingestion::Column::Id)
            .all(&self.inner.reader)
            .await?;
        rows.into_iter().map(claimed).collect()
    }

    /// Ingestions that have rows nobody will see any more: leftovers to purge.
    pub async fn hidden(&self) -> Result<Vec<IngestionId>, Error> {
        let in_use = [
            IngestionState::Queued,
            IngestionState::Running,
            IngestionState::Succeeded,
        ];
        let ids = ingestion::Entity::find()
            .select_only()
            .column(ingestion::Column::Id)
            .filter(ingestion::Column::HasRows.eq(true))
            .filter(ingestion::Column::State.is_not_in(in_use.map(IngestionState::name)))
            .into_tuple()
            .all(&self.inner.reader)
            .await?;
        Ok(ids)
    }

    /// One ingestion; `None` where there is none of that number.
    pub async fn ingestion(&self, id: IngestionId) -> Result<Option<Ingestion>, Error> {
        let row = ingestion::Entity::find_by_id(id)
            .one(&self.inner.reader)
            .await?;
        row.map(describe).transpose()
    }

    /// Ingestions, newest first, of one state or of all; only numbers below `before`.
    pub async fn ingestions(
        &self,
        state: Option<IngestionState>,
        first: u64,
        before: Option<IngestionId>,
    ) -> Result<Page<Ingestion>, Error> {
        let Snapshot { tx, .. } = self.snapshot().await?;
        let mut query = ingestion::Entity::find();
        if let Some(state) = state {
            query = query.filter(ingestion::Column::State.eq(state.name()));
        }
        let total = query.clone().count(&tx).await?;
        if let Some(before) = before {
            query = query.filter(ingestion::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(ingestion::Column::Id)
            .limit(first + 1)
            .all(&tx)
            .await?;
        page(rows, first, total, describe)
    }

    /// The rejected rows that were kept of an ingestion, by line; only lines past `after`.
    pub async fn rejected_rows(
        &self,
        id: IngestionId,
        first: u64,
        after: Option<u64>,
    ) -> Result<Page<RejectedRow>, Error> {
        let Snapshot { tx, .. } = self.snapshot().await?;
        let mut query =
            rejected_row::Entity::find().filter(rejected_row::Column::IngestionId.eq(id));
        let total = query.clone().count(&tx).await?;
        if let Some(after) = after {
            query = query.filter(rejected_row::Column::Line.gt(after.cast_signed()));
        }
        let rows = query
            .order_by_asc(rejected_row::Column::Line)
            .limit(first + 1)
            .all(&tx)
            .await?;
        page(rows, first, total, |row| {
            Ok(RejectedRow {
                line: row.line.cast_unsigned(),
                column: row.column_name,
                reason: row.reason,
                raw: row.raw,
            })
        })
    }
}

impl Snapshot {
    /// The ingestions whose trips are in the answers, with the number of their trips.
    pub async fn visible_ingestions(&self) -> Result<Vec<(IngestionId, u64)>, Error> {
        let rows = ingestion::Entity::find()
            .filter(ingestion::Column::State.eq(IngestionState::Succeeded.name()))
            .order_by_asc(ingestion::Column::Id)
            .all(&self.tx)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.id, row.rows_ingested.cast_unsigned()))
            .collect())
    }

    /// Ingestions whose patches are read for answers though they have no trips in them.
    pub async fn stray_patches(&self) -> Result<Vec<IngestionId>, Error> {
        self.strays(
            "SELECT DISTINCT ingestion_id FROM trip_patch WHERE ingestion_id NOT IN \
             (SELECT id FROM ingestion WHERE has_rows OR state = 'SUCCEEDED')",
        )
        .await
    }

    /// Ingestions whose trip summaries are in answers though they have no trips in them.
    pub async fn stray_summaries(&self) -> Result<Vec<IngestionId>, Error> {
        self.strays(
            "SELECT DISTINCT ingestion_id FROM trip_summary WHERE ingestion_id NOT IN \
             (SELECT id FROM ingestion WHERE state = 'SUCCEEDED')",
        )
        .await
    }

    async fn strays(&self, sql: &str) -> Result<Vec<IngestionId>, Error> {
        let mut ids = Vec::new();
        self.each(sql, [], |row| {
            ids.push(column(&row, 0)?);
            Ok(())
        })
        .await?;
        Ok(ids)
    }
}

/// Writes a final state into an ingestion's row.
pub(super) async fn finish(
    mut row: ingestion::ActiveModel,
    state: IngestionState,
    counts: FinalCounts,
    now: DateTime<Utc>,
    tx: &DatabaseTransaction,
) -> Result<(), Error> {
    row.state = Set(state.name().to_owned());
    row.bytes_read = Set(counts.bytes_read.cast_signed());
    row.rows_read = Set(counts.rows_read.cast_signed());
    row.rows_ingested = Set(counts.rows_ingested.cast_signed());
    row.rows_rejected = Set(counts.rows_rejected.cast_signed());
    row.finished_at = Set(Some(now));
    row.update(tx).await?;
    Ok(())
}

fn claimed(row: ingestion::Model) -> Result<Claimed, Error> {
    Ok(Claimed {
        path: row.path.clone(),
        spooled: row.spooled,
        max_rejected_rows: row.max_rejected_rows.map(i64::cast_unsigned),
        checkpoint: (row.batches > 0).then(|| Checkpoint {
            batches: row.batches.cast_unsigned(),
            bytes_read: row.bytes_read.cast_unsigned(),
            next_line: row.next_line.cast_unsigned(),
            rows_read: row.rows_read.cast_unsigned(),
            rows_ingested: row.rows_ingested.cast_unsigned(),
            rows_rejected: row.rows_rejected.cast_unsigned(),
        }),
        ingestion: describe(row)?,
    })
}

fn describe(row: ingestion::Model) -> Result<Ingestion, Error> {
    let state = IngestionState::from_name(&row.state).ok_or(Error::Corrupt("ingestion"))?;
    let rows_per_second = match (row.started_at, row.finished_at) {
        (Some(start), Some(end)) if end > start => {
            let seconds = (end - start).as_seconds_f64();
            Some(row.rows_read as f64 / seconds)
        }
        _ => None,
    };
    Ok(Ingestion {
        id: row.id,
        source: row.source,
        state,
        content_hash: Some(row.content_hash),
        bytes_total: Some(row.bytes_total.cast_unsigned()),
        bytes_read: row.bytes_read.cast_unsigned(),
        rows_read: row.rows_read.cast_unsigned(),
        rows_ingested: row.rows_ingested.cast_unsigned(),
        rows_rejected: row.rows_rejected.cast_unsigned(),
        rows_per_second,
        eta_seconds: None,
        failure: row
            .error_code
            .zip(row.error_message)
            .map(|(code, message)| Failure { code, message }),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
    })
}

/// Cuts a list of up to `first + 1` rows to a page.
fn page<R, T>(
    mut rows: Vec<R>,
    first: u64,
    total: u64,
    convert: impl Fn(R) -> Result<T, Error>,
) -> Result<Page<T>, Error> {
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    let has_next = rows.len() > first;
    rows.truncate(first);
    let items = rows.into_iter().map(convert).collect::<Result<_, _>>()?;
    Ok(Page {
        items,
        has_next,
        total,
    })
}

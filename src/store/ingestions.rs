//! Ingestions: what is known of them, and their rejected rows.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{ingestion, rejected_row};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, NotSet, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Set,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::changes::{Message, notify};
use super::snapshot::column;
use super::{Checkpoint, Claim, Error, Head, Snapshot, Store, postgres, warnings};
use crate::model::{
    Failure, Ingestion, IngestionId, IngestionPhase, IngestionState, Page, RejectedRow,
};

/// A file that is to be ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewIngestion {
    /// Name of the file, for people.
    pub source: String,
    /// BLAKE3 of its bytes, hexadecimal.
    pub content_hash: String,
    /// The spool of the program that took it in.
    pub spool: String,
    /// Where it lies.
    pub path: String,
    /// Whether it lies in the spool, and is ours to delete.
    pub spooled: bool,
    /// Its size in bytes.
    pub bytes_total: u64,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
}

/// An ingestion as programs see it.
#[derive(Debug, Clone, PartialEq)]
pub struct IngestionRecord {
    /// As everyone sees it.
    pub ingestion: Ingestion,
    /// The spool of the program that took its file in.
    pub spool: String,
    /// Where its file lies.
    pub path: String,
    /// Whether the file lies in the spool, and is ours to delete.
    pub spooled: bool,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<u64>,
    /// The last claim on it.
    pub claim: Claim,
    /// Where earlier runs of it came to.
    pub checkpoint: Option<Checkpoint>,
}

/// The counters an ingestion ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

impl FinalCounts {
    /// The counters of an ingestion.
    #[must_use]
    pub const fn of(ingestion: &Ingestion) -> Self {
        Self {
            bytes_read: ingestion.bytes_read,
            rows_read: ingestion.rows_read,
            rows_ingested: ingestion.rows_ingested,
            rows_rejected: ingestion.rows_rejected,
        }
    }
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
        let key = Uuid::new_v4().simple().to_string();
        self.until_known(|_| self.try_enqueue(&new, &key, allow_duplicate, now))
            .await
    }

    /// Puts a file in the queue, unless an attempt with the same key did already.
    async fn try_enqueue(
        &self,
        new: &NewIngestion,
        key: &str,
        allow_duplicate: bool,
        now: DateTime<Utc>,
    ) -> Result<(Ingestion, bool), Error> {
        let tx = self.write().await?;
        if self.is_shared() {
            postgres::lock_content(&tx, &new.content_hash).await?;
        }
        let done = ingestion::Entity::find()
            .filter(ingestion::Column::IdempotencyKey.eq(key))
            .one(&tx)
            .await?;
        if let Some(done) = done {
            return Ok((describe(done)?, false));
        }
        let live = [
            IngestionState::Queued,
            IngestionState::Running,
            IngestionState::Succeeded,
        ];
        if !allow_duplicate {
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
        let source = without_zeros(&new.source);
        let same_name = warnings::of_same_name(&tx, &source, &new.content_hash, &live).await?;
        let row = ingestion::ActiveModel {
            id: NotSet,
            source: Set(source),
            warnings: Set(warnings::stored(same_name.as_slice())),
            state: Set(IngestionState::Queued.name().to_owned()),
            content_hash: Set(new.content_hash.clone()),
            idempotency_key: Set(Some(key.to_owned())),
            spool: Set(new.spool.clone()),
            path: Set(new.path.clone()),
            spooled: Set(new.spooled),
            // It will have, and nobody may see them before it succeeds.
            has_rows: Set(true),
            max_rejected_rows: Set(new.max_rejected_rows.map(u64::cast_signed)),
            bytes_total: Set(new.bytes_total.cast_signed()),
            created_at: Set(now),
            ..Default::default()
        };
        let row = ActiveModelTrait::insert(row, &tx).await?;
        notify(&tx, &Message::state(self.program(), row.id)).await?;
        self.commit(tx).await?;
        Ok((describe(row)?, false))
    }

    /// Ingestions that wait or run, longest waiting first.
    pub async fn unfinished(&self) -> Result<Vec<IngestionRecord>, Error> {
        let states = [IngestionState::Queued, IngestionState::Running].map(IngestionState::name);
        let rows = ingestion::Entity::find()
            .filter(ingestion::Column::State.is_in(states))
            .order_by_asc(ingestion::Column::Id)
            .all(&self.inner.reader)
            .await?;
        rows.into_iter().map(ingestion_record).collect()
    }

    /// Ingestions that have rows nobody will see any more: leftovers to purge.
    pub async fn purgeable(&self) -> Result<Vec<IngestionId>, Error> {
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
    pub async fn record(&self, id: IngestionId) -> Result<Option<IngestionRecord>, Error> {
        let row = ingestion::Entity::find_by_id(id)
            .one(&self.inner.reader)
            .await?;
        row.map(ingestion_record).transpose()
    }

    /// Ingestions, newest first, of one state or of all; only numbers below `before`.
    pub async fn ingestions(
        &self,
        state: Option<IngestionState>,
        first: u64,
        before: Option<IngestionId>,
    ) -> Result<Page<Ingestion>, Error> {
        let snapshot = self.snapshot().await?;
        let tx = &snapshot.tx;
        let mut query = ingestion::Entity::find();
        if let Some(state) = state {
            query = query.filter(ingestion::Column::State.eq(state.name()));
        }
        let total = query.clone().count(tx).await?;
        if let Some(before) = before {
            query = query.filter(ingestion::Column::Id.lt(before));
        }
        let rows = query
            .order_by_desc(ingestion::Column::Id)
            .limit(first + 1)
            .all(tx)
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
        let snapshot = self.snapshot().await?;
        let tx = &snapshot.tx;
        let mut query =
            rejected_row::Entity::find().filter(rejected_row::Column::IngestionId.eq(id));
        let total = query.clone().count(tx).await?;
        if let Some(after) = after {
            query = query.filter(rejected_row::Column::Line.gt(after.cast_signed()));
        }
        let rows = query
            .order_by_asc(rejected_row::Column::Line)
            .limit(first + 1)
            .all(tx)
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
        self.strays("trip_patch", "has_rows OR state = 'SUCCEEDED'")
            .await
    }

    /// Ingestions whose trip summaries are in answers though they have no trips in them.
    pub async fn stray_summaries(&self) -> Result<Vec<IngestionId>, Error> {
        self.strays("trip_summary", "state = 'SUCCEEDED'").await
    }

    /// Ingestions that have rows in a table and are not as they should be then.
    async fn strays(&self, table: &str, as_should_be: &str) -> Result<Vec<IngestionId>, Error> {
        let known = format!("SELECT id FROM ingestion WHERE {as_should_be}");
        let known: HashSet<_> = self.ids(&known).await?.into_iter().collect();
        let found = format!("SELECT DISTINCT ingestion_id FROM {table} ORDER BY ingestion_id");
        let mut found = self.ids(&found).await?;
        found.retain(|id| !known.contains(id));
        Ok(found)
    }

    async fn ids(&self, sql: &str) -> Result<Vec<IngestionId>, Error> {
        let mut ids = Vec::new();
        self.each(sql, [], |row| {
            ids.push(column(&row, 0)?);
            Ok(())
        })
        .await?;
        Ok(ids)
    }
}

/// A text as every database takes it.
pub(super) fn without_zeros(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// An ingestion's row as it is read.
pub(super) fn ingestion_record(row: ingestion::Model) -> Result<IngestionRecord, Error> {
    // Nothing is built on a checkpoint whose bytes cannot be compared.
    let head = (row.batches > 0)
        .then(|| Head::stored(row.head_bytes, &row.head_hash))
        .flatten();
    Ok(IngestionRecord {
        spool: row.spool.clone(),
        path: row.path.clone(),
        spooled: row.spooled,
        max_rejected_rows: row.max_rejected_rows.map(i64::cast_unsigned),
        claim: Claim {
            ingestion: row.id,
            number: row.claims,
        },
        checkpoint: head.map(|head| Checkpoint {
            head,
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
        phase: (state == IngestionState::Running).then(IngestionPhase::default),
        progress: None,
        eta_seconds: None,
        failure: row
            .error_code
            .zip(row.error_message)
            .map(|(code, message)| Failure { code, message }),
        warnings: warnings::parse(&row.warnings)?,
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

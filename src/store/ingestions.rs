//! Ingestions: what is known of them, and their rejected rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use entity::{ingestion, rejected_row};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, NotSet, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

use super::changes::{Message, notify};
use super::commit::CommitPoint;
use super::ingestion_record::{IngestionRecord, describe, ingestion_record};
use super::locations::insert_locations;
use super::outcome::Attempt;
use super::statement::column;
use super::{
    CannotReplace, Error, SegmentId, Snapshot, Store, findings, postgres, replacement, warnings,
};
use crate::geo::Point;
use crate::model::{Ingestion, IngestionId, IngestionState, Page, RejectedRow, TripFormat};

/// A file that is to be ingested.
#[derive(Debug, Clone, PartialEq)]
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
    /// The ingestion whose trips are to leave the answers when those of this one appear.
    pub replaces: Option<IngestionId>,
    /// How the file is to be read.
    pub format: TripFormat,
    /// The locations whose ids the file names.
    pub locations: Option<HashMap<String, Point>>,
    /// Whether it is queued even if its bytes are there already.
    pub allow_duplicate: bool,
}

/// The result of putting a file in the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Queued {
    /// It is queued as this ingestion.
    New(Box<Ingestion>),
    /// Its bytes are those of an ingestion that is queued, running or published.
    Duplicate {
        /// That ingestion.
        ingestion: Box<Ingestion>,
        /// Whether that one was given another format.
        format_differs: bool,
    },
    /// It is not queued, because it cannot replace what it is to replace.
    Refused(CannotReplace),
}

impl Store {
    /// Puts files in the queue, all or none of them. Unless duplicates are allowed, the same bytes that
    /// wait, run or are in the answers already are not queued again. Those of the ingestion that is
    /// replaced are: they may be read in another way this time.
    pub async fn enqueue(
        &self,
        files: &[NewIngestion],
        now: DateTime<Utc>,
    ) -> Result<Vec<Queued>, Error> {
        let keys: Vec<_> = files
            .iter()
            .map(|_| Uuid::new_v4().simple().to_string())
            .collect();
        self.until_known(|attempt| self.try_enqueue(files, &keys, now, attempt))
            .await
    }

    async fn try_enqueue(
        &self,
        files: &[NewIngestion],
        keys: &[String],
        now: DateTime<Utc>,
        attempt: Attempt,
    ) -> Result<Vec<Queued>, Error> {
        let tx = self.write().await?;
        if self.is_shared() {
            // In their order, so that two programs do not wait for each other.
            let mut hashes: Vec<_> = files.iter().map(|new| &new.content_hash).collect();
            hashes.sort_unstable();
            for hash in hashes {
                postgres::lock_content(&tx, hash).await?;
            }
        }
        let mut queued = Vec::with_capacity(files.len());
        for (new, key) in files.iter().zip(keys) {
            queued.push(self.enqueue_one(&tx, new, key, now, attempt).await?);
        }
        self.commit(CommitPoint::Enqueue, tx).await?;
        Ok(queued)
    }

    /// Puts a file in the queue, unless an attempt with the same key did already.
    async fn enqueue_one(
        &self,
        tx: &DatabaseTransaction,
        new: &NewIngestion,
        key: &str,
        now: DateTime<Utc>,
        attempt: Attempt,
    ) -> Result<Queued, Error> {
        if attempt == Attempt::Again {
            let done = ingestion::Entity::find()
                .filter(ingestion::Column::IdempotencyKey.eq(key))
                .one(tx)
                .await?;
            if let Some(done) = done {
                return Ok(Queued::New(Box::new(describe(done)?)));
            }
        }
        let live = [
            IngestionState::Queued,
            IngestionState::Running,
            IngestionState::Succeeded,
        ];
        if !new.allow_duplicate {
            let mut same = ingestion::Entity::find()
                .filter(ingestion::Column::ContentHash.eq(&new.content_hash))
                .filter(ingestion::Column::State.is_in(live.map(IngestionState::name)))
                .order_by_asc(ingestion::Column::Id);
            if let Some(replaced) = new.replaces {
                same = same.filter(ingestion::Column::Id.ne(replaced));
            }
            if let Some(same) = same.one(tx).await? {
                return Ok(match new.replaces {
                    // Not what was asked for: the trips of the other would stay.
                    Some(replaced) if same.replaces != new.replaces => {
                        Queued::Refused(CannotReplace::Duplicate {
                            id: replaced,
                            same: same.id,
                        })
                    }
                    _ => Queued::Duplicate {
                        format_differs: findings::parse_format(&same.format)? != new.format,
                        ingestion: Box::new(describe(same)?),
                    },
                });
            }
        }
        if let Some(replaced) = new.replaces
            && let Err(reason) = replacement::check(tx, replaced).await?
        {
            return Ok(Queued::Refused(reason));
        }
        let source = without_zeros(&new.source);
        let same_name =
            warnings::of_same_name(tx, &source, &new.content_hash, new.replaces, &live).await?;
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
            replaces: Set(new.replaces),
            format: Set(findings::stored_format(&new.format)),
            bytes_total: Set(new.bytes_total.cast_signed()),
            created_at: Set(now),
            ..Default::default()
        };
        let row = ActiveModelTrait::insert(row, tx).await?;
        if let Some(locations) = &new.locations {
            insert_locations(tx, row.id, locations).await?;
        }
        notify(tx, &Message::state(self.program(), row.id)).await?;
        Ok(Queued::New(Box::new(describe(row)?)))
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

    /// Several ingestions, by number; those that there are not are left out.
    pub async fn records(&self, ids: &[IngestionId]) -> Result<Vec<IngestionRecord>, Error> {
        let rows = ingestion::Entity::find()
            .filter(ingestion::Column::Id.is_in(ids.iter().copied()))
            .order_by_asc(ingestion::Column::Id)
            .all(&self.inner.reader)
            .await?;
        rows.into_iter().map(ingestion_record).collect()
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
    /// The segments whose trips are in the answers, with their ingestions and the number of trips of
    /// each.
    pub async fn visible_segments(
        &self,
    ) -> Result<BTreeMap<SegmentId, Vec<(IngestionId, u64)>>, Error> {
        let mut segments = BTreeMap::new();
        let sql = "SELECT id FROM segment WHERE state = 'LIVE'";
        for id in self.ids(sql).await? {
            segments.insert(id, Vec::new());
        }
        let rows = ingestion::Entity::find()
            .filter(ingestion::Column::State.eq(IngestionState::Succeeded.name()))
            .order_by_asc(ingestion::Column::Id)
            .all(&self.tx)
            .await?;
        for row in rows {
            let segment = row.segment_id.ok_or(Error::Corrupt("ingestion"))?;
            let ingestions = segments.entry(segment).or_default();
            ingestions.push((row.id, row.rows_ingested.cast_unsigned()));
        }
        Ok(segments)
    }

    /// Segments that are not known, but whose patches are read for answers.
    pub async fn stray_segments(&self) -> Result<Vec<SegmentId>, Error> {
        self.strays(
            "SELECT id FROM segment",
            "SELECT DISTINCT segment_id FROM trip_patch",
        )
        .await
    }

    /// Ingestions whose trip summaries are in answers though they have no trips in them.
    pub async fn stray_summaries(&self) -> Result<Vec<IngestionId>, Error> {
        self.strays(
            "SELECT id FROM ingestion WHERE state = 'SUCCEEDED'",
            "SELECT DISTINCT ingestion_id FROM trip_summary",
        )
        .await
    }

    /// The numbers that are found though they are not known.
    async fn strays(&self, known: &str, found: &str) -> Result<Vec<i64>, Error> {
        let known: HashSet<_> = self.ids(known).await?.into_iter().collect();
        let mut found = self.ids(found).await?;
        found.retain(|id| !known.contains(id));
        found.sort_unstable();
        Ok(found)
    }

    async fn ids(&self, sql: &str) -> Result<Vec<i64>, Error> {
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

//! An ingestion: one file on its way into the answers, or in them.

use sea_orm::entity::prelude::*;

/// An ingestion: one file on its way into the answers, or in them.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ingestion")]
pub struct Model {
    /// Number of the ingestion, from 1, in the order of arrival.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Name of the file, for people.
    pub source: String,
    /// `QUEUED`, `RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELLED` or `REMOVED`.
    pub state: String,
    /// BLAKE3 of the bytes, hexadecimal.
    pub content_hash: String,
    /// Made up by the program before it put the file in the queue: shows whether it got there where
    /// the database's answer was lost.
    pub idempotency_key: Option<String>,
    /// Where the bytes are while they are needed.
    pub path: String,
    /// Whether the file at `path` is ours to delete when it is no longer needed.
    pub spooled: bool,
    /// The spool that the program which took the file in has, and whose programs can read it;
    /// empty where it is from before there were several.
    pub spool: String,
    /// The ingestion fails when more rows than this are rejected.
    pub max_rejected_rows: Option<i64>,
    /// The ingestion whose trips leave the answers in the moment in which those of this one appear.
    pub replaces: Option<i64>,
    /// Size of the file in bytes.
    pub bytes_total: i64,
    /// Bytes up to the last committed batch: the checkpoint.
    pub bytes_read: i64,
    /// The line of the file that comes after the checkpoint.
    pub next_line: i64,
    /// Rows up to the checkpoint.
    pub rows_read: i64,
    /// Rows of them that became trips.
    pub rows_ingested: i64,
    /// Rows of them that were rejected.
    pub rows_rejected: i64,
    /// Batches that are committed.
    pub batches: i32,
    /// Bytes of the file that were read by the checkpoint; not fewer than `bytes_read`.
    pub head_bytes: i64,
    /// BLAKE3 of these bytes, hexadecimal; empty where there is no checkpoint.
    pub head_hash: String,
    /// The worker that has claimed it; none where it waits, or its worker is gone.
    pub worker_id: Option<String>,
    /// How often it was claimed: the number of the last claim.
    pub claims: i32,
    /// Whether it may have trips, or rows of `trip`.
    pub has_rows: bool,
    /// The segment that its trips are in; none before the first claim, and after a removal.
    pub segment_id: Option<i64>,
    /// Why it failed, for programs.
    pub error_code: Option<String>,
    /// Why it failed, for people.
    pub error_message: Option<String>,
    /// What may not be as its sender wanted: a JSON array of objects with code, message and rows.
    pub warnings: String,
    /// How the file is to be read: a JSON object of what was given with the file.
    pub format: String,
    /// What was found out about the file: a JSON object.
    pub findings: String,
    /// When it was put in the queue.
    pub created_at: DateTimeUtc,
    /// When it began to run.
    pub started_at: Option<DateTimeUtc>,
    /// When it ended.
    pub finished_at: Option<DateTimeUtc>,
}

/// Relations to other tables; rows are joined by hand where speed asks for it.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

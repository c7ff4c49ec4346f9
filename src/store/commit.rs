//! Commits: everything that the store changes takes effect in [`committed`], under the name of a
//! commit point.

use super::{Error, failpoint};

/// A place in the program where changes take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CommitPoint {
    /// The schema is brought up to date.
    Migrate,
    /// At its start a program forgets those that had the file before.
    ForgetWorkers,
    /// A program registers, or sends a heartbeat.
    Heartbeat,
    /// A program that is gone loses what it had claimed.
    ReplaceWorker,
    /// A program ends, and gives up what it had claimed.
    SignOff,
    /// A file is put in the queue.
    Enqueue,
    /// Ingestions are claimed.
    Claim,
    /// An ingestion is put back in the queue.
    Requeue,
    /// An ingestion is cancelled.
    Cancel,
    /// An ingestion fails.
    Fail,
    /// What was written after a checkpoint is deleted.
    Rewind,
    /// Regions or datasources get their numbers.
    Names,
    /// What is to be remembered of small files is written.
    Notes,
    /// A block of patches is written.
    Block,
    /// The last block of a batch is written, with its checkpoint.
    Checkpoint,
    /// A block of a merge, or of a group of small files, is written.
    MergeBlock,
    /// An ingestion is published.
    Publish,
    /// Several small ingestions are published.
    PublishGroup,
    /// An ingestion is published in place of another.
    PublishReplacement,
    /// An ingestion is removed.
    Remove,
    /// A segment is made for a group of small files.
    BeginGroup,
    /// A segment is made for a merge.
    BeginMerge,
    /// A merged segment takes the place of its sources.
    FinishMerge,
    /// A merge, or a group, is given up.
    AbandonMerge,
    /// Rows of some cells of a segment are joined.
    Join,
    /// Segments of programs that are gone are retired.
    RetireLeft,
    /// Patches of a retired segment are deleted.
    PurgePatches,
    /// A retired segment without patches is deleted.
    PurgeSegment,
    /// SQL rows of an ingestion that is not in the answers are deleted.
    PurgeSqlRows,
    /// Nothing is left of an ingestion but its row.
    Purged,
    /// A block of SQL rows is written.
    SqlRows,
    /// A set of zones is added or replaced.
    AddZones,
    /// A set of zones is removed.
    RemoveZones,
}

impl CommitPoint {
    const fn name(self) -> &'static str {
        match self {
            Self::Migrate => "migrate",
            Self::ForgetWorkers => "forget-workers",
            Self::Heartbeat => "heartbeat",
            Self::ReplaceWorker => "replace-worker",
            Self::SignOff => "sign-off",
            Self::Enqueue => "enqueue",
            Self::Claim => "claim",
            Self::Requeue => "requeue",
            Self::Cancel => "cancel",
            Self::Fail => "fail",
            Self::Rewind => "rewind",
            Self::Names => "names",
            Self::Notes => "notes",
            Self::Block => "block",
            Self::Checkpoint => "checkpoint",
            Self::MergeBlock => "merge-block",
            Self::Publish => "publish",
            Self::PublishGroup => "publish-group",
            Self::PublishReplacement => "publish-replacement",
            Self::Remove => "remove",
            Self::BeginGroup => "begin-group",
            Self::BeginMerge => "begin-merge",
            Self::FinishMerge => "finish-merge",
            Self::AbandonMerge => "abandon-merge",
            Self::Join => "join",
            Self::RetireLeft => "retire-left",
            Self::PurgePatches => "purge-patches",
            Self::PurgeSegment => "purge-segment",
            Self::PurgeSqlRows => "purge-sql-rows",
            Self::Purged => "purged",
            Self::SqlRows => "sql-rows",
            Self::AddZones => "add-zones",
            Self::RemoveZones => "remove-zones",
        }
    }
}

/// Waits for a commit, or for a statement that is a transaction of its own.
pub(super) async fn committed<T, E>(
    point: CommitPoint,
    commit: impl Future<Output = Result<T, E>>,
) -> Result<T, Error>
where
    Error: From<E>,
{
    if cfg!(feature = "failpoints") {
        failpoint::reach(point.name(), "before").await?;
    }
    let done = commit.await?;
    if cfg!(feature = "failpoints") {
        failpoint::reach(point.name(), "after").await?;
    }
    Ok(done)
}

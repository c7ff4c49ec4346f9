//! The inbox: a folder whose files are ingested as they appear.
//!
//! A file is read in place, and stays until its ingestion has ended. Then it moves to `done` or to
//! `failed`. So a program that was killed finds in the folder what is left to do: a file that has
//! an unfinished ingestion is followed to its end, and any other is put in the queue, where its
//! bytes tell whether it is there already.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures::StreamExt;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::fs;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{IngestError, IngestOptions, Ingestions, SpooledFile};
use crate::backoff::Backoff;
use crate::model::{Ingestion, IngestionId, IngestionState};

/// A file that has not changed for so long is complete.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
/// The same for an empty file, whose writer may only have begun.
const EMPTY_SETTLED_AFTER: Duration = Duration::from_secs(30);
/// Interval between looks at files that may be growing.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Interval between looks where the system reports no change, as for folders on other machines.
const LOOK_ANYWAY_EVERY: Duration = Duration::from_secs(15);
/// A file that could not be queued is tried again after this.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// Endings of the names of files that are being written.
const PARTIAL_ENDINGS: [&str; 5] = [".part", ".partial", ".tmp", ".crdownload", ".filepart"];

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// It cannot be read, or the folders in it cannot be made.
    #[error("cannot use the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system reports no changes.
    #[error("cannot watch the folder {}: {source}", path.display())]
    Watch {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: notify::Error,
    },
}

/// A folder that is watched.
#[derive(Debug)]
struct Inbox {
    ingestions: Ingestions,
    folder: PathBuf,
    done: PathBuf,
    failed: PathBuf,
    options: IngestOptions,
    /// Files that are queued or running, or could not be moved.
    taken: Mutex<HashSet<PathBuf>>,
}

/// A file as it was seen last.
#[derive(Debug, Clone, Copy)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
    /// When it is complete, unless it changes before.
    complete_at: Instant,
}

impl Ingestions {
    /// Ingests the files of a folder, those in it and those to come, until the program stops.
    pub async fn watch_folder(
        &self,
        folder: &Path,
        options: IngestOptions,
    ) -> Result<(), InboxError> {
        let failed = |source| InboxError::Folder {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).await.map_err(failed)?;
        let folder = fs::canonicalize(folder).await.map_err(failed)?;
        let (done, not_done) = (folder.join("done"), folder.join("failed"));
        for folder in [&done, &not_done] {
            fs::create_dir_all(folder).await.map_err(failed)?;
        }
        let (sender, changes) = mpsc::channel(1);
        let unwatched = |source| InboxError::Watch {
            path: folder.clone(),
            source,
        };
        // Which change it is does not matter: the folder is looked at.
        let mut watcher = notify::recommended_watcher(move |_: notify::Result<notify::Event>| {
            let _ = sender.try_send(());
        })
        .map_err(unwatched)?;
        watcher
            .watch(&folder, RecursiveMode::NonRecursive)
            .map_err(unwatched)?;
        tracing::info!(folder = %folder.display(), "watching a folder");
        let inbox = Inbox {
            ingestions: self.clone(),
            folder,
            done,
            failed: not_done,
            options,
            taken: Mutex::default(),
        };
        let tasks = &self.inner.tasks;
        tasks.spawn(Arc::new(inbox).watch(watcher, changes));
        Ok(())
    }
}

impl Inbox {
    /// Looks at the folder whenever something may have changed. `_watcher` reports that as long as
    /// it is held.
    async fn watch(self: Arc<Self>, _watcher: RecommendedWatcher, mut changes: mpsc::Receiver<()>) {
        let shutdown = &self.ingestions.inner.shutdown;
        let mut seen = HashMap::new();
        while !shutdown.is_cancelled() {
            let wait = tokio::select! {
                looked = self.look(&mut seen) => match looked {
                    Ok(true) => LOOK_EVERY,
                    Ok(false) => LOOK_ANYWAY_EVERY,
                    Err(error) => {
                        let folder = self.folder.display();
                        tracing::error!(%folder, %error, "cannot ingest the files of a folder");
                        LOOK_ANYWAY_EVERY
                    }
                },
                () = shutdown.cancelled() => return,
            };
            let change = async {
                // While files grow, changes come all the time.
                tokio::time::sleep(LOOK_EVERY).await;
                changes.recv().await
            };
            tokio::select! {
                _ = change => {}
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Takes the files that are complete. Returns whether others may be soon.
    async fn look(
        self: &Arc<Self>,
        seen: &mut HashMap<PathBuf, Seen>,
    ) -> Result<bool, IngestError> {
        let files = files(&self.folder).await.map_err(super::SpoolError::from)?;
        let mut before = std::mem::take(seen);
        let now = Instant::now();
        let mut complete = Vec::new();
        for (path, bytes, modified) in files {
            if self.is_taken(&path) {
                continue;
            }
            let settled_after = match bytes {
                0 => EMPTY_SETTLED_AFTER,
                _ => SETTLED_AFTER,
            };
            let new = Seen {
                bytes,
                modified,
                complete_at: now + settled_after,
            };
            let last = before.remove(&path);
            let same = last.filter(|last| (last.bytes, last.modified) == (bytes, modified));
            let last = same.unwrap_or(new);
            if last.complete_at <= now {
                complete.push(path.clone());
            }
            seen.insert(path, last);
        }
        if !complete.is_empty() {
            let unfinished = self.unfinished().await?;
            for path in complete {
                match self.take(&path, &unfinished).await {
                    Ok(()) => {
                        seen.remove(&path);
                    }
                    Err(error) => {
                        let path_shown = path.display();
                        tracing::error!(path = %path_shown, %error, "cannot queue a file, trying \
                                        again later");
                        if let Some(seen) = seen.get_mut(&path) {
                            seen.complete_at = now + TRY_AGAIN_AFTER;
                        }
                    }
                }
            }
        }
        Ok(!seen.is_empty())
    }

    /// Unfinished ingestions of files that are read in place.
    async fn unfinished(&self) -> Result<HashMap<PathBuf, IngestionId>, IngestError> {
        let spool = self.ingestions.spool();
        let records = self.ingestions.unfinished().await?;
        Ok(records
            .into_iter()
            .filter(|record| !record.spooled)
            .map(|record| (spool.locate(&record.path), record.ingestion.id))
            .collect())
    }

    /// Puts a file in the queue, unless it is there, and follows it to its end.
    async fn take(
        self: &Arc<Self>,
        path: &Path,
        unfinished: &HashMap<PathBuf, IngestionId>,
    ) -> Result<(), IngestError> {
        let id = if let Some(&id) = unfinished.get(path) {
            id
        } else {
            let file = SpooledFile::in_place(path).await;
            let file = file.map_err(super::SpoolError::from)?;
            let enqueued = self.ingestions.enqueue(file, &self.options).await?;
            let id = enqueued.ingestion.id;
            if enqueued.duplicate {
                let path = path.display();
                tracing::info!(%path, id, "a file is a duplicate of an ingestion");
            }
            id
        };
        self.taken().insert(path.to_owned());
        let (inbox, path) = (Arc::clone(self), path.to_owned());
        self.ingestions.inner.tasks.spawn(async move {
            let shutdown = inbox.ingestions.inner.shutdown.clone();
            let ended = tokio::select! {
                ended = inbox.ended(id) => ended,
                () = shutdown.cancelled() => return,
            };
            if let Err(error) = inbox.put_away(&path, &ended).await {
                let path = path.display();
                tracing::error!(%path, %error, "cannot move a file whose ingestion has ended");
                return;
            }
            inbox.taken().remove(&path);
        });
        Ok(())
    }

    /// An ingestion when it has ended.
    async fn ended(&self, id: IngestionId) -> Ingestion {
        let mut backoff = Backoff::default();
        loop {
            match self.ingestions.watch(id).await {
                Ok(Some(changes)) => {
                    let last = changes
                        .fold(None, |_, last| async move { Some(last) })
                        .await;
                    if let Some(ended) = last.filter(|last| last.state.is_final()) {
                        return ended;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(id, %error, "cannot follow an ingestion"),
            }
            backoff.wait().await;
        }
    }

    /// Moves a file whose ingestion has ended.
    async fn put_away(&self, path: &Path, ended: &Ingestion) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default();
        let is_done = matches!(
            ended.state,
            IngestionState::Succeeded | IngestionState::Removed
        );
        let folder = if is_done { &self.done } else { &self.failed };
        let mut target = folder.join(name);
        if fs::try_exists(&target).await? {
            let mut numbered = std::ffi::OsString::from(format!("{}-", ended.id));
            numbered.push(name);
            target = folder.join(numbered);
        }
        if !is_done {
            let reason = ended.failure.as_ref().map_or_else(
                || format!("ingestion {} was cancelled\n", ended.id),
                |failure| {
                    let (message, code, id) = (&failure.message, &failure.code, ended.id);
                    format!("{message} ({code}); ingestion {id}\n")
                },
            );
            let mut beside = target.clone().into_os_string();
            beside.push(".error.txt");
            fs::write(beside, reason).await?;
        }
        fs::rename(path, target).await
    }

    fn is_taken(&self, path: &Path) -> bool {
        self.taken().contains(path)
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a folder by name, with size and time of the last change, without hidden ones and
/// those that are being written by their name.
async fn files(folder: &Path) -> io::Result<Vec<(PathBuf, u64, Option<SystemTime>)>> {
    let mut files = Vec::new();
    let mut entries = fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if name.starts_with('.') || PARTIAL_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            continue;
        }
        // It may have been moved away.
        let Ok(data) = entry.metadata().await else {
            continue;
        };
        if data.is_file() {
            files.push((entry.path(), data.len(), data.modified().ok()));
        }
    }
    files.sort();
    Ok(files)
}

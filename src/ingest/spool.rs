//! The spool: the directory of uploads that are queued or running.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use blake3::Hasher;
use futures::{Stream, StreamExt};
use tempfile::NamedTempFile;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

use super::queued_path;
use crate::model::Ingestion;

const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// The file in the spool's folder with its id, the same wherever the folder is mounted.
const ID_FILE: &str = "spool.id";

/// The folder of rejected rows, beside that of the spool.
const REJECTED_FOLDER: &str = "rejected";

/// The folder that uploads are written to.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    /// The folder of rejected rows.
    rejected: PathBuf,
    id: String,
    /// The name of this program, with which the names of its files begin.
    program: String,
}

/// Why a file could not be written to the spool.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// It is larger than allowed.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The sender broke off.
    #[error("the transfer was interrupted: {0}")]
    Source(Box<dyn StdError + Send + Sync>),
    /// The disk failed.
    #[error("cannot write the upload: {0}")]
    Io(#[from] io::Error),
}

impl Spool {
    /// Opens the spool in a folder, which is created if missing. The names of the files that this
    /// program writes begin with `program`.
    pub async fn open(folder: PathBuf, program: &str) -> io::Result<Self> {
        fs::create_dir_all(&folder).await?;
        let folder = fs::canonicalize(folder).await?;
        let rejected = folder.with_file_name(REJECTED_FOLDER);
        fs::create_dir_all(&rejected).await?;
        Ok(Self {
            id: identify(&folder).await?,
            folder,
            rejected,
            program: program.to_owned(),
        })
    }

    /// Id of the spool, the same for all programs and machines that mount the same folder.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether files of the spool with that id can be read here. Entries without an id are older.
    pub(super) fn holds(&self, id: &str) -> bool {
        id == self.id || id.is_empty()
    }

    /// The path of a queued file: a name in the spool, or a path outside it.
    pub(super) fn locate(&self, path: &str) -> PathBuf {
        self.folder.join(queued_path::path(path))
    }

    /// Where the rejected rows of an ingestion are written. The folder may have those of an ingestion of
    /// another database with the same number.
    pub(super) fn rejected(&self, ingestion: &Ingestion) -> PathBuf {
        let hash = ingestion.content_hash.as_deref().unwrap_or_default();
        let hash: String = hash.chars().take(16).collect();
        let name = format!("{}-{hash}.csv", ingestion.id);
        self.rejected.join(name)
    }

    /// Streams a file to the disk, for one ingestion. `source` is its display name, `limit` its
    /// maximum size in bytes.
    pub async fn receive<S, B, E>(
        &self,
        source: &str,
        bytes: S,
        limit: u64,
    ) -> Result<SpooledFile, SpoolError>
    where
        S: Stream<Item = Result<B, E>> + Unpin,
        B: AsRef<[u8]>,
        E: StdError + Send + Sync + 'static,
    {
        self.upload(source, bytes, limit).await?.spool().await
    }

    /// Streams a file to the disk, for any number of ingestions: hashed while it is written, then
    /// synced.
    pub async fn upload<S, B, E>(
        &self,
        source: &str,
        mut bytes: S,
        limit: u64,
    ) -> Result<ReceivedFile, SpoolError>
    where
        S: Stream<Item = Result<B, E>> + Unpin,
        B: AsRef<[u8]>,
        E: StdError + Send + Sync + 'static,
    {
        // The name is one under which a start-up deletes the file.
        let path = self.folder.join(format!("{}.part", self.unique_name()));
        let mut upload = SpooledFile {
            path,
            source: source.to_owned(),
            content_hash: String::new(),
            bytes: 0,
            ownership: Ownership::Abandoned,
        };
        let mut hasher = Hasher::new();
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&upload.path)
            .await?;
        let mut file = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        while let Some(chunk) = bytes.next().await {
            let chunk = chunk.map_err(|error| SpoolError::Source(Box::new(error)))?;
            let chunk = chunk.as_ref();
            upload.bytes += chunk.len() as u64;
            if upload.bytes > limit {
                return Err(SpoolError::TooLarge { limit });
            }
            hasher.update(chunk);
            file.write_all(chunk).await?;
        }
        file.flush().await?;
        file.get_ref().sync_all().await?;
        upload.content_hash = hasher.finalize().to_hex().to_string();
        Ok(ReceivedFile {
            file: upload,
            spool: self.clone(),
        })
    }

    /// Checks that a file can be written to the spool.
    pub async fn writable(&self) -> Result<(), SpoolError> {
        let path = self.folder.join(format!("{}.part", self.unique_name()));
        fs::write(&path, b"tripgraph").await?;
        fs::remove_file(&path).await?;
        Ok(())
    }

    /// A file that is deleted when it is dropped, or at a start-up.
    pub(super) fn scratch_file(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(&format!("{}.", self.program))
            .suffix(".part")
            .tempfile_in(&self.folder)
    }

    /// All uploads in the folder, complete or not.
    pub(super) async fn uploads(&self) -> io::Result<Vec<PathBuf>> {
        let mut uploads = Vec::new();
        let mut entries = fs::read_dir(&self.folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            let path = entry.path();
            if path
                .extension()
                .is_some_and(|end| end == "csv" || end == "part")
            {
                uploads.push(path);
            }
        }
        Ok(uploads)
    }

    fn unique_name(&self) -> String {
        format!("{}.{}", self.program, Uuid::new_v4().simple())
    }
}

/// Whether an upload was written by a program.
pub(super) fn is_of(upload: &Path, program: &str) -> bool {
    let name = upload.file_name().unwrap_or_default().to_string_lossy();
    name.split_once('.')
        .is_some_and(|(owner, _)| owner == program)
}

/// Reads the id of a spool, or gives the folder a new id.
async fn identify(folder: &Path) -> io::Result<String> {
    let path = folder.join(ID_FILE);
    loop {
        match fs::read_to_string(&path).await {
            Ok(id) => return Ok(id.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        // Linked when it is whole, and only if nobody else was faster.
        let new = folder.join(format!("{}.new", Uuid::new_v4().simple()));
        fs::write(&new, format!("{}\n", Uuid::new_v4().simple())).await?;
        let linked = fs::hard_link(&new, &path).await;
        fs::remove_file(&new).await?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
}

/// A completely received file that may be spooled for any number of ingestions. Dropping it does
/// not affect the spooled files.
#[derive(Debug)]
pub struct ReceivedFile {
    file: SpooledFile,
    spool: Spool,
}

impl ReceivedFile {
    /// The file, for one ingestion: a hard link, so that the file is in the spool completely or not
    /// at all, and remains until this ingestion has ended, independent of other ingestions.
    pub async fn spool(&self) -> Result<SpooledFile, SpoolError> {
        let Spool { folder, .. } = &self.spool;
        let spooled = SpooledFile {
            path: folder.join(format!("{}.csv", self.spool.unique_name())),
            source: self.file.source.clone(),
            content_hash: self.file.content_hash.clone(),
            bytes: self.file.bytes,
            ownership: Ownership::Abandoned,
        };
        fs::hard_link(&self.file.path, &spooled.path).await?;
        sync_names(folder).await?;
        Ok(spooled)
    }
}

/// Syncs a folder, so that the names of new files outlast a power cut. Windows cannot open a folder
/// as a file; NTFS has a journal for names.
async fn sync_names(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder).await?.sync_all().await?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// A file that is ready to be ingested. If it is a file of the spool, it is deleted when this is
/// dropped, unless an ingestion may need it.
#[derive(Debug)]
pub struct SpooledFile {
    path: PathBuf,
    source: String,
    content_hash: String,
    bytes: u64,
    ownership: Ownership,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// In the spool, not needed by an ingestion.
    Abandoned,
    /// In the spool, needed by an ingestion or perhaps needed soon.
    Enqueued,
    /// Outside the spool: read in place and never deleted.
    Foreign,
}

impl SpooledFile {
    /// A file that is read in place and never deleted. Reads it once, for its hash.
    pub async fn in_place(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).await?;
        let source = source(&path);
        let (content_hash, bytes) = hash_file(path.clone()).await?;
        Ok(Self {
            path,
            source,
            content_hash,
            bytes,
            ownership: Ownership::Foreign,
        })
    }

    /// Its path as the queue stores it: a name in the spool, or a path outside it.
    #[must_use]
    pub fn queued_path(&self) -> String {
        let path = match self.ownership {
            Ownership::Foreign => self.path.as_os_str(),
            _ => self.path.file_name().unwrap_or_default(),
        };
        queued_path::text(Path::new(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its display name.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// BLAKE3 hash of its bytes, in hexadecimal.
    #[must_use]
    pub fn content_hash(&self) -> &str {
        &self.content_hash
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it is a file of the spool, to be deleted when it is no longer needed.
    #[must_use]
    pub fn is_spooled(&self) -> bool {
        self.ownership != Ownership::Foreign
    }

    /// Marks it as needed by an ingestion, or possibly needed.
    pub(super) fn keep(&mut self) {
        if self.ownership == Ownership::Abandoned {
            self.ownership = Ownership::Enqueued;
        }
    }

    /// Marks it as not needed by an ingestion: if it is spooled, it is deleted when this is dropped.
    pub(super) fn discard(&mut self) {
        if self.ownership == Ownership::Enqueued {
            self.ownership = Ownership::Abandoned;
        }
    }
}

impl Drop for SpooledFile {
    fn drop(&mut self) {
        if self.ownership == Ownership::Abandoned {
            // What cannot be deleted now is swept at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The display name of a file.
fn source(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// BLAKE3 hash of a file, in hexadecimal, and its size in bytes.
async fn hash_file(path: PathBuf) -> io::Result<(String, u64)> {
    let hash = tokio::task::spawn_blocking(move || {
        let mut hasher = Hasher::new();
        hasher.update_reader(std::fs::File::open(path)?)?;
        io::Result::Ok((hasher.finalize().to_hex().to_string(), hasher.count()))
    });
    hash.await.map_err(io::Error::other)?
}

//! The file of a database: by which path the driver opens it, and the lock of the program that
//! works on it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::store::{Address, Error};

/// What is held open as long as the database is.
#[derive(Debug)]
pub(in crate::store) struct Held {
    _folder: Option<File>,
    _lock: Option<File>,
}

impl Held {
    pub(super) const fn new(folder: Option<File>, lock: Option<File>) -> Self {
        Self {
            _folder: folder,
            _lock: lock,
        }
    }
}

/// A path that the driver takes, which wants UTF-8, for a file of any path. The path may be valid
/// only while the folder that is returned is open.
pub(super) fn openable(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    // A name that begins with `file:` would be taken for a URI.
    let path = std::path::absolute(path)?;
    if path.to_str().is_some() {
        return Ok((path, None));
    }
    by_its_folder(&path)
}

/// By the number of the folder, which is open. `SQLite` follows that link to the folder's own path.
#[cfg(target_os = "linux")]
fn by_its_folder(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    use std::os::fd::AsRawFd;

    let folder = File::open(path.parent().unwrap_or(path))?;
    let mut openable = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    openable.push(path.file_name().unwrap_or_default());
    Ok((openable, Some(folder)))
}

#[cfg(not(target_os = "linux"))]
fn by_its_folder(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    Ok((path.to_owned(), None))
}

/// Makes the file where it is missing and locks it: `SQLite` lets several programs write, but only
/// one may work on the queue.
pub(super) fn lock(address: &Address, path: &Path) -> Result<File, Error> {
    let failed = |reason| Error::LockFile {
        path: address.to_string(),
        reason,
    };
    let file = lockable(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(address.to_string())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The database itself, by whatever name or link: its lock (`flock`) belongs to the file, and is
/// no concern of those that `SQLite` takes on bytes of it (`fcntl`). Those end when the process
/// closes the file, so it is held open for as long as there are connections.
#[cfg(target_os = "linux")]
fn lockable(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::MetadataExt;

    let file = open(path)?;
    if file.metadata()?.nlink() > 1 {
        tracing::warn!(
            path = %path.display(),
            "the database has hard links: always open it by the same name, since what was written \
             last is in a file beside that name"
        );
    }
    Ok(file)
}

/// A file beside the database, since elsewhere the two kinds of locks are one.
#[cfg(not(target_os = "linux"))]
fn lockable(path: &Path) -> io::Result<File> {
    drop(open(path)?);
    let mut beside = path.canonicalize()?.into_os_string();
    beside.push(".lock");
    open(Path::new(&beside))
}

fn open(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

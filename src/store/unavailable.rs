use std::io;

/// Why something cannot be done now, though it may be later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// There is no room, or writing fails.
    #[error("the disk is full or cannot be written")]
    DiskFull,
    /// The process may open no more files.
    #[error("the server has too many files open")]
    OutOfFiles,
    /// The database is busy, stopped, or out of reach.
    #[error("the database is busy or can't be reached")]
    Away,
    /// The connection broke before the database confirmed a change.
    #[error(
        "the database can't be reached, and has not confirmed the change, which may have been made"
    )]
    InDoubt,
}

/// `ENFILE` and `EMFILE`, which have the same numbers on every Unix and no [`io::ErrorKind`].
const OUT_OF_FILES: [i32; 2] = [23, 24];

impl Unavailable {
    /// What a failure to read or write a file means; `None` where trying again would not help.
    #[must_use]
    pub fn of_file(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::ReadOnlyFilesystem => Some(Self::DiskFull),
            _ if cfg!(unix) => error
                .raw_os_error()
                .filter(|code| OUT_OF_FILES.contains(code))
                .map(|_| Self::OutOfFiles),
            _ => None,
        }
    }
}

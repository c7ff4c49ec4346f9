use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use sqlx::sqlite::SqliteConnectOptions;

use super::postgres::without_password;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A URL, such as `sqlite://data/tripgraph.db` or `postgres://user:password@host/database`;
    /// the path in it is percent-decoded.
    Url(String),
    /// An `SQLite` database in a file, whatever bytes its path is of.
    File(PathBuf),
}

impl Address {
    /// The file of an `SQLite` database; `None` for another database.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Url(url) if url.starts_with("sqlite:") => {
                let options: SqliteConnectOptions = url.parse().ok()?;
                Some(options.get_filename().to_owned())
            }
            Self::Url(_) => None,
        }
    }

    /// Whether it is a `PostgreSQL` database.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self, Self::Url(url) if !url.starts_with("sqlite:"))
    }

    /// As it may be shown: a URL without its user, password and options.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Url(url) => without_password(url),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for Address {
    fn from(url: &T) -> Self {
        Self::Url(url.as_ref().to_owned())
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

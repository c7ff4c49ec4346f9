use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

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

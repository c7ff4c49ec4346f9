//! The note that a server leaves beside its `SQLite` database, so that `ingest` finds it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::http::{Scope, Token};
use crate::store::Address;

/// Where a running server is, and how files are handed to it. Only its own user can read it, who
/// can read and write the database as well.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ServerNote {
    pub(super) url: String,
    /// A secret that the server accepts, if it has tokens.
    pub(super) token: Option<String>,
}

impl ServerNote {
    /// The note of a server that listens on that address. If it has tokens, adds one for the note.
    pub(super) fn new(listen: SocketAddr, tokens: &mut Vec<Token>) -> Self {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        // Elsewhere the note is as readable as its folder.
        let token = (cfg!(unix) && !tokens.is_empty()).then(|| {
            let secret = Uuid::new_v4().simple().to_string();
            tokens.push(Token {
                name: "local".to_owned(),
                scope: Scope::Write,
                secret: secret.clone(),
            });
            secret
        });
        Self {
            url: format!("http://{}", SocketAddr::new(ip, listen.port())),
            token,
        }
    }

    /// Leaves the note beside a database, if that is a file.
    pub(super) fn write(&self, database: &Address) -> io::Result<()> {
        let Some(path) = path(database) else {
            return Ok(());
        };
        // A note of a server that was killed is replaced.
        remove(database)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())
    }

    /// The note beside a database. The server may be gone, unless it holds the database.
    pub(super) fn read(database: &Address) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(database)?).ok()?).ok()
    }
}

/// Removes the note beside a database.
pub(super) fn remove(database: &Address) -> io::Result<()> {
    match path(database).map(fs::remove_file) {
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Beside the database itself, by whatever link it was opened.
fn path(database: &Address) -> Option<PathBuf> {
    let mut path = fs::canonicalize(database.file()?).ok()?.into_os_string();
    path.push(".server");
    Some(path.into())
}

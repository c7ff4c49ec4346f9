//! Checks of the structure of the database itself, beside those of its contents.

use sea_orm::DbBackend;

use super::statement::column;
use super::{Error, Snapshot};

/// Faults that `SQLite` lists at most.
const FAULTS: u32 = 1_000;

impl Snapshot {
    /// Hands on what is wrong with pages, keys and indexes: `SQLite` finds what it would look up in
    /// the wrong place, and values that differ between a table and its index, as those of names.
    /// PostgreSQL has no such check without an extension.
    pub async fn check(&self, mut visit: impl FnMut(String) + Send) -> Result<(), Error> {
        if self.backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let sql = format!("PRAGMA integrity_check({FAULTS})");
        self.each(&sql, [], |row| {
            let fault: String = column(&row, 0)?;
            if fault != "ok" {
                visit(fault);
            }
            Ok(())
        })
        .await
    }
}

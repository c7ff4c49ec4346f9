//! What is `SQLite`'s own: its connections, its way of loading, its way to pass a list.

mod blocks;
mod checkpoint;
mod file;
mod insert;
mod interrupt;
mod sql_trips;
mod unavailable;

pub(super) use blocks::{keep_notes, load};
pub(super) use checkpoint::Checkpointer;
pub(super) use file::Held;
pub(super) use interrupt::Interrupt;
use interrupt::watching;
pub(super) use sql_trips::{delete_sql_trips, write_sql_block};
pub(super) use unavailable::unavailable;

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, SqlxSqliteConnector};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor};

use super::commit::{CommitPoint, committed};
use super::helpers::Helpers;
use super::migrate::migrate;
use super::{Access, Address, Engine, Error, READERS, STATEMENTS_LOGGED};

/// Connections that help readers, of all questions together.
const HELPERS: u32 = 6;
/// Rows that a reader's thread may be ahead of who asked: the two then take turns less often.
const ROWS_AHEAD: usize = 256;

/// Pages of 16 KiB in the log, from which on the writer itself copies what is left to copy.
const WRITERS_CHECKPOINT_PAGES: &str = "12288";

/// Connects the pool of readers and the one writer.
pub(super) async fn connect(
    address: &Address,
    access: Access,
) -> Result<(DatabaseConnection, DatabaseConnection, Engine), Error> {
    if access == Access::WriteDistributed {
        return Err(Error::NotDistributed);
    }
    let failed = |source| Error::Open {
        url: address.to_string(),
        source,
    };
    let options: SqliteConnectOptions = match address {
        Address::Url(url) => url.parse().map_err(failed)?,
        Address::File(path) => SqliteConnectOptions::new().filename(path),
    };
    if access == Access::Read && !options.get_filename().exists() {
        return Err(Error::Missing(address.to_string()));
    }
    let lock = match access {
        Access::Write | Access::WriteDistributed => {
            Some(file::lock(address, options.get_filename())?)
        }
        Access::Read => None,
    };
    let (options, folder) = match address {
        Address::Url(_) => (options, None),
        Address::File(path) => {
            let (path, folder) =
                file::openable(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
            (options.filename(path), folder)
        }
    };
    let options = options
        .create_if_missing(access != Access::Read)
        .page_size(16_384)
        .journal_mode(SqliteJournalMode::Wal)
        // An answered upload must outlast a power cut, so each commit is synced; but see `load`.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_mins(1))
        .pragma("wal_autocheckpoint", WRITERS_CHECKPOINT_PAGES)
        .pragma("journal_size_limit", "268435456")
        .pragma("temp_store", "memory")
        .log_statements(STATEMENTS_LOGGED)
        .log_slow_statements(STATEMENTS_LOGGED, Duration::MAX);

    let writer = pool(1)
        .acquire_timeout(Duration::from_mins(10))
        .before_acquire(|connection, _| {
            Box::pin(async {
                connection.execute("PRAGMA synchronous = FULL").await?;
                Ok(is_sound(connection))
            })
        })
        .connect_with(match access {
            Access::Write | Access::WriteDistributed => {
                options.clone().pragma("cache_size", "-16384")
            }
            Access::Read => options.clone().pragma("query_only", "on"),
        })
        .await
        .map_err(failed)?;
    let checkpointer = pool(1).connect_lazy_with(options.clone());
    // Not mapped into memory: where the database is not in it, the system would read eight times what
    // is needed around each place.
    let options = options
        .pragma("query_only", "on")
        .pragma("cache_size", "-16384")
        .row_buffer_size(ROWS_AHEAD);
    let reader = watching(READERS)
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let helpers = watching(HELPERS).connect_lazy_with(options);
    let (reader, writer) = (from_pool(reader), from_pool(writer));
    if access != Access::Read {
        migrate(&writer).await?;
        // The lock tells that no other program works here.
        let forgotten = writer.execute_unprepared("DELETE FROM worker");
        committed(CommitPoint::ForgetWorkers, forgotten).await?;
    }
    let engine = Engine::Sqlite {
        checkpointer: Checkpointer::new(checkpointer),
        helpers: Helpers::new(from_pool(helpers), HELPERS as usize),
        _held: Held::new(folder, lock),
    };
    Ok((reader, writer, engine))
}

/// A pool of so many connections at most, which replaces those that are not sound.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .before_acquire(|connection, _| Box::pin(async { Ok(is_sound(connection)) }))
}

/// Whether a connection that waits in a pool is outside of transactions, as it should be. Where a
/// disk is full, for one, `SQLite` rolls back by itself: the driver's own `ROLLBACK` then fails,
/// and it goes on to count a transaction that is no more.
fn is_sound(connection: &SqliteConnection) -> bool {
    !connection.is_in_transaction()
}

fn from_pool(pool: SqlitePool) -> DatabaseConnection {
    SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, Unavailable};

    #[tokio::test]
    async fn a_connection_that_rolled_back_by_itself_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("full.db").display());
        let store = Store::open(&url, Access::Write).await.unwrap();
        let writer = &store.inner.writer;
        let run = async |sql| writer.execute_unprepared(sql).await;
        run("CREATE TABLE filler (bytes blob)").await.unwrap();
        for _ in 0..3 {
            // No page more than there are: of this connection alone.
            run("PRAGMA max_page_count = 1").await.unwrap();
            let tx = store.write().await.unwrap();
            let fill = "INSERT INTO filler VALUES (zeroblob(10000000))";
            let error = tx.execute_unprepared(fill).await.unwrap_err();
            let error = Error::from(error);
            assert_eq!(error.unavailable(), Some(Unavailable::DiskFull), "{error}");
            drop(tx);

            let pool = writer.get_sqlite_connection_pool();
            let mut connection = pool.acquire().await.unwrap();
            let tx = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            tx.commit().await.unwrap();
            drop(connection);
            let tx = store.write().await.unwrap();
            tx.execute_unprepared(fill).await.unwrap();
            tx.rollback().await.unwrap();
        }
        store.close().await.unwrap();
    }
}

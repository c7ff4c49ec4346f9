//! The sessions of each program, known by their name, so that those of a program that has frozen or
//! lost its way to the server can be ended: they may hold locks for ever.

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

use super::is_lock_timeout;
use crate::store::Error;
use crate::store::changes::{Message, notify};
use crate::store::commit::{CommitPoint, committed};
use crate::store::statement::{column, statement};

/// How long to wait for sessions to end, and their locks with them.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '500ms'";

/// The name of a program's sessions in `pg_stat_activity`.
pub(super) fn name(program: &str) -> String {
    format!("tripgraph/{program}")
}

/// The programs that have not been seen for their lease.
pub(in crate::store) async fn expired(
    connection: &DatabaseConnection,
) -> Result<Vec<String>, Error> {
    let sql =
        "SELECT id FROM worker WHERE heartbeat_at < now() - lease_seconds * INTERVAL '1 second'";
    let rows = connection
        .query_all_raw(statement(connection, sql, []))
        .await?;
    let programs = rows.iter().map(|row| column(row, 0));
    Ok(programs.collect::<Result<_, _>>()?)
}

/// Ends a program's sessions and deletes its row, so that everybody may claim what it had; where
/// only an expired program is to go, unless it was seen meanwhile. `false` where its row stays, or
/// its locks could not be had in time.
pub(in crate::store) async fn replace(
    connection: &DatabaseConnection,
    program: &str,
    by: &str,
    only_expired: bool,
) -> Result<bool, Error> {
    end(connection, program).await;
    let tx = connection.begin().await?;
    tx.execute_unprepared(LOCK_TIMEOUT).await?;
    let sql = "DELETE FROM worker WHERE id = $1 AND (NOT $2 \
               OR heartbeat_at < now() - lease_seconds * INTERVAL '1 second')";
    let deleted = statement(&tx, sql, [program.into(), only_expired.into()]);
    let deleted = match tx.execute_raw(deleted).await.map_err(Error::from) {
        Err(error) if error.driver().is_some_and(is_lock_timeout) => {
            tracing::warn!(program, "sessions of a program that ended still hold locks");
            return Ok(false);
        }
        deleted => deleted?.rows_affected() > 0,
    };
    if deleted {
        notify(&tx, &Message::work(by)).await?;
        committed(CommitPoint::ReplaceWorker, tx.commit()).await?;
    }
    Ok(deleted)
}

/// Ends a program's sessions, as far as this program's role may.
async fn end(connection: &DatabaseConnection, program: &str) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = $1 AND datname = current_database()";
    let ended = statement(connection, sql, [name(program).into()]);
    if let Err(error) = connection.query_all_raw(ended).await {
        tracing::warn!(program, %error, "cannot end the sessions of a program that ended");
    }
}

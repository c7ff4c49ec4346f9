//! What is PostgreSQL's own: its connections, `COPY`, advisory locks, `LISTEN` and `NOTIFY`.

mod blocks;
mod citus;
mod copy;
mod listen;
mod sessions;
mod sql_trips;
mod standby;
mod tls;

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqlxPostgresConnector};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

pub(super) use self::blocks::{keep_notes, load};
pub(super) use self::citus::{commit_in_two_phases, ping_nodes, plan_lookups, prepared};
pub(super) use self::listen::{CHANNEL, messages};
pub(super) use self::sessions::{expired, replace};
pub(super) use self::sql_trips::{delete_sql_trips, write_sql_block};
pub(super) use self::standby::{Standby, position};
use super::statement::statement;
use super::{Access, Engine, Error, READERS, STATEMENTS_LOGGED};

/// Two load at the same time, one listens; the others wait for nobody.
const WRITERS: u32 = 6;
/// How long a question waits for a connection before the database counts as away.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may take to finish what nobody waits for any more, before it is closed.
const ENDING: Duration = Duration::from_millis(100);

/// Keys of advisory locks; the database is the program's own.
const MIGRATION_LOCK: i64 = 0x7472_6970_0001;
const PUBLISH_LOCK: i64 = 0x7472_6970_0002;
const SQL_ROWS_LOCK: i64 = 0x7472_6970_0003;

/// Connects the pools of readers and writers; their sessions bear the name of the program.
pub(super) async fn connect(
    url: &str,
    access: Access,
    program: &str,
) -> Result<(DatabaseConnection, DatabaseConnection, Engine), Error> {
    let failed = |source| Error::Open {
        url: without_password(url),
        source,
    };
    let mut options = options(url, program)?;
    let reader = match readers(READERS).connect_with(options.clone()).await {
        Err(error) if tls::is_handshake(&error) => {
            options = tls::fall_back(options, error, without_password(url))?;
            readers(READERS).connect_with(options.clone()).await
        }
        reader => reader,
    };
    let reader = match reader {
        Ok(reader) => reader,
        // It has waited for a server that is about to start; the reason is told without a pool.
        Err(sqlx::Error::PoolTimedOut) => {
            let reason = PgConnection::connect_with(&options).await.err();
            return Err(failed(reason.unwrap_or(sqlx::Error::PoolTimedOut)));
        }
        Err(error) => return Err(failed(error)),
    };
    let writer = pool(WRITERS).connect_lazy_with(options.clone());
    if access == Access::Read {
        let sql = "SELECT to_regclass('ingestion') IS NOT NULL";
        let made: bool = sqlx::query_scalar(sql).fetch_one(&reader).await?;
        if !made {
            return Err(Error::Missing(without_password(url)));
        }
    } else {
        migrate(&options, &writer, access).await?;
    }
    let citus = citus::is_distributed(&reader).await?;
    Ok((
        from_pool(reader),
        from_pool(writer),
        Engine::Postgres { citus },
    ))
}

/// How a program connects; its sessions bear its name.
fn options(url: &str, program: &str) -> Result<PgConnectOptions, Error> {
    let options: PgConnectOptions = url.parse().map_err(|source| Error::Open {
        url: without_password(url),
        source,
    })?;
    Ok(options
        .application_name(&sessions::name(program))
        .options([
            // Notes are for people at a prompt.
            ("client_min_messages", "error"),
            // Plans are for the lists at hand, and over before they would be worth compiling.
            ("jit", "off"),
            ("plan_cache_mode", "force_custom_plan"),
            // Everything is looked up by its key. The planner can't know how short a list is, or how
            // large a table has become since it was analysed, and would rather read tables whole.
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("max_parallel_workers_per_gather", "0"),
            // A program that is cut off must not hold its locks for hours.
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("idle_in_transaction_session_timeout", "15s"),
            // Without Citus these mean nothing.
            citus::KEPT_CONNECTIONS,
            citus::PASS_ON,
        ])
        .log_statements(STATEMENTS_LOGGED)
        .log_slow_statements(STATEMENTS_LOGGED, Duration::MAX))
}

/// Connections that are free again once nothing is left of what they did. A future that is dropped
/// leaves its statement behind, whose rows the connection would have to read first, and a `BEGIN`
/// that is not answered yet leaves a transaction open (<https://github.com/launchbadge/sqlx/issues/4393>):
/// what comes next would be a part of it.
fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(TIMEOUT)
        .after_release(|connection, _| {
            Box::pin(async {
                // Ends any transaction, and warns of none where there was none. It fails in one that
                // has failed; then the connection is closed.
                let end = sqlx::raw_sql("BEGIN; ROLLBACK").execute(connection);
                let ended = tokio::time::timeout(ENDING, end).await;
                Ok(ended.is_ok_and(|ended| ended.is_ok()))
            })
        })
}

/// Connections of questions: the server stops a statement once its connection is closed.
fn readers(connections: u32) -> PgPoolOptions {
    pool(connections).after_connect(|connection, _| {
        Box::pin(async {
            // A server that cannot do this finds out when it sends the next row.
            let sql = "SELECT set_config('client_connection_check_interval', '500ms', false)";
            if let Err(error) = sqlx::query(sql).execute(connection).await {
                tracing::debug!(%error, "the server does not notice closed connections early");
            }
            Ok(())
        })
    })
}

/// Brings the schema up to date. Where several programs start at once, one after the other.
async fn migrate(options: &PgConnectOptions, writer: &PgPool, access: Access) -> Result<(), Error> {
    let mut lock = PgConnection::connect_with(options).await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut lock)
        .await?;
    super::migrate::migrate(&from_pool(writer.clone())).await?;
    citus::distribute(writer, access == Access::WriteDistributed).await?;
    // With the connection goes the lock.
    Ok(lock.close().await?)
}

/// Lets nobody else publish or retire until the transaction ends: what they change they read
/// before, and one after the other they cannot block each other.
pub(super) async fn lock_publishing(tx: &DatabaseTransaction) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock($1)";
    tx.execute_raw(statement(tx, sql, [PUBLISH_LOCK.into()]))
        .await?;
    Ok(())
}

/// Lets nobody else put the same bytes in the queue until the transaction ends.
pub(super) async fn lock_content(tx: &DatabaseTransaction, hash: &str) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    tx.execute_raw(statement(tx, sql, [hash.into()])).await?;
    Ok(())
}

/// Lets nobody publish or retire until the transaction ends, which only reads.
pub(super) async fn hold_back_publishers(tx: &DatabaseTransaction) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock_shared($1)";
    tx.execute_raw(statement(tx, sql, [PUBLISH_LOCK.into()]))
        .await?;
    Ok(())
}

/// Lets nobody write or delete rows for SQL on the nodes of a cluster until the transaction ends, which
/// only reads: it could see other rows than their number says.
pub(super) async fn hold_back_sql_rows(tx: &DatabaseTransaction) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock_shared($1)";
    tx.execute_raw(statement(tx, sql, [SQL_ROWS_LOCK.into()]))
        .await?;
    Ok(())
}

/// Whether it is worth trying again: the server is away, starting, stopping, full, no longer the
/// one that writes, or has waited too long for this program.
pub(super) fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // A server that hangs up while a connection is made says so: what answers is no byte.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // <https://www.postgresql.org/docs/current/errcodes-appendix.html>
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("08")
                || [
                    "57P01", "57P02", "57P03", "57P05", "53300", "25006", "25P03", "40001",
                    "40P01",
                ]
                .contains(&&*code)
                || code == "XX000" && citus::is_node_away(error.message())
        }),
        _ => false,
    }
}

/// Whether a standby has cancelled a statement, or ended a session, to go on with its replay. It
/// fails no read-only transaction in this way for any other reason.
pub(super) fn is_cancelled_by_replay(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| ["40001", "40P01"].contains(&&*code))
}

/// Whether a lock could not be had in the time that was set for it.
fn is_lock_timeout(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| code == "55P03")
}

fn from_pool(pool: PgPool) -> DatabaseConnection {
    SqlxPostgresConnector::from_sqlx_postgres_pool(pool)
}

/// An address that may be shown.
pub(super) fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
    let (place, parameters) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    if parameters.contains('@') {
        // Of a password that should have been percent-encoded.
        return format!("{scheme}://…");
    }
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn addresses_are_shown_without_secrets() {
        for (url, shown) in [
            (
                "postgres://ann:s3cret@db:5432/trips",
                "postgres://db:5432/trips",
            ),
            (
                "postgres://ann:p@ss@db/trips?sslmode=require",
                "postgres://db/trips",
            ),
            ("postgresql:///trips?password=s3cret", "postgresql:///trips"),
            ("postgres:trips", "postgres://"),
            ("postgres://ann:s3?cr3t@db/trips", "postgres://…"),
            ("postgres://ann:s3#cr3t@db/trips", "postgres://…"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}

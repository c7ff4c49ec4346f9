//! The connections to a hot standby: a server that replays the write-ahead log of the primary, and
//! answers queries meanwhile.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool};

use super::{from_pool, options, readers, tls, without_password};
use crate::store::{Error, QUESTIONS};

/// One for each question, and some to check the server.
const CONNECTIONS: u32 = QUESTIONS + 4;
/// How long a question waits for a connection before the primary is asked instead.
const TIMEOUT: Duration = Duration::from_millis(500);

/// A pool of connections to a standby.
#[derive(Debug)]
pub(in crate::store) struct Standby {
    pool: PgPool,
    options: PgConnectOptions,
    /// Its address without the password.
    address: String,
}

/// How far a standby has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::store) struct Progress {
    /// Whether it replays a write-ahead log, as opposed to a server that was promoted.
    pub(in crate::store) in_recovery: bool,
    /// Seconds since the last transaction that it has replayed was committed, or 0 if it has replayed
    /// all.
    pub(in crate::store) lag_seconds: f64,
}

impl Standby {
    /// A pool that connects when it is used.
    pub(in crate::store) fn open(url: &str, program: &str) -> Result<Self, Error> {
        let options = options(url, program)?;
        let pool = readers(CONNECTIONS)
            .acquire_timeout(TIMEOUT)
            .connect_lazy_with(options.clone());
        Ok(Self {
            pool,
            options,
            address: without_password(url),
        })
    }

    pub(in crate::store) fn address(&self) -> &str {
        &self.address
    }

    pub(in crate::store) fn connection(&self) -> DatabaseConnection {
        from_pool(self.pool.clone())
    }

    pub(in crate::store) fn is_closed(&self) -> bool {
        self.pool.is_closed()
    }

    pub(in crate::store) async fn close(&self) {
        self.pool.close().await;
    }

    /// Checks that the server answers. After a failed TLS handshake later connections are made without
    /// TLS, if the URL allows that.
    pub(in crate::store) async fn ping(&self) -> Result<(), Error> {
        let answered = async { self.pool.acquire().await?.ping().await }.await;
        match answered {
            Err(error) if tls::is_handshake(&error) => {
                let options = self.options.clone();
                let options = tls::fall_back(options, error, self.address.clone())?;
                self.pool.set_connect_options(options);
                Ok(self.pool.acquire().await?.ping().await?)
            }
            answered => Ok(answered?),
        }
    }

    /// How far it has come, compared with a position in the write-ahead log.
    pub(in crate::store) async fn progress(&self, position: &str) -> Result<Progress, Error> {
        let sql = "SELECT pg_is_in_recovery(), \
                   CASE WHEN pg_last_wal_replay_lsn() < $1::text::pg_lsn THEN \
                   GREATEST(EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp()), 0) \
                   END::float8";
        let row: (bool, Option<f64>) = sqlx::query_as(sql)
            .bind(position)
            .fetch_one(&self.pool)
            .await?;
        Ok(Progress {
            in_recovery: row.0,
            lag_seconds: row.1.unwrap_or(0.0),
        })
    }
}

/// The current position in a server's write-ahead log.
pub(in crate::store) async fn position(connection: &DatabaseConnection) -> Result<String, Error> {
    // The database that programs write to can be a standby for a moment, while it fails over.
    let sql = "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() \
               ELSE pg_current_wal_lsn() END)::text";
    let pool = connection.get_postgres_connection_pool();
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use sea_orm::DatabaseConnection;
use sqlx::postgres::{PgListener, PgPool};

use crate::backoff::Backoff;

/// What the programs of one database call out on.
pub(in crate::store) const CHANNEL: &str = "tripgraph";

struct Listening {
    pool: PgPool,
    listener: Option<PgListener>,
    silence: Duration,
    backoff: Backoff,
}

/// What is called out from now on; `None` whenever something may have been missed: at first, and
/// after the connection was lost.
pub(in crate::store) fn messages(
    connection: &DatabaseConnection,
    silence: Duration,
) -> BoxStream<'static, Option<String>> {
    let listening = Listening {
        pool: connection.get_postgres_connection_pool().clone(),
        listener: None,
        silence,
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(5)),
    };
    stream::unfold(listening, |mut listening| async {
        let message = listening.next().await?;
        Some((message, listening))
    })
    .boxed()
}

impl Listening {
    /// The outer `None` is the end: the store is closed.
    async fn next(&mut self) -> Option<Option<String>> {
        loop {
            if self.pool.is_closed() {
                return None;
            }
            let Some(listener) = &mut self.listener else {
                match self.listen().await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return Some(None);
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot listen to the database");
                        self.backoff.wait().await;
                        continue;
                    }
                }
            };
            match tokio::time::timeout(self.silence, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    self.backoff.reset();
                    return Some(Some(notification.payload().to_owned()));
                }
                Ok(Ok(None) | Err(_)) => tracing::warn!("the database's connection is lost"),
                Err(_) => tracing::warn!("the database is silent"),
            }
            self.listener = None;
            // A connection that is lost as soon as it is made counts as none.
            self.backoff.wait().await;
        }
    }

    async fn listen(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }
}

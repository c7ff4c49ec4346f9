//! Stopping statements whose question is no longer wanted.
//!
//! A dropped future does not stop what `SQLite` does on the connection's thread: a statement that
//! sorts or groups may run for seconds before its first row shows that nobody waits for it.
//! Therefore a connection that is taken for a question watches a flag of that question.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePoolOptions;

use super::is_sound;

/// Instructions of `SQLite`'s virtual machine between two looks at the flag, some 0.1 ms.
const INSTRUCTIONS: i32 = 10_000;

tokio::task_local! {
    /// The flag of the question that a connection is being taken for.
    static QUESTION: Arc<AtomicBool>;
}

/// Interrupts the statements of a question when it is dropped.
#[derive(Debug, Default)]
pub(in crate::store) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes a connection that watches this question.
    pub(in crate::store) async fn watched<T>(&self, take: impl Future<Output = T>) -> T {
        QUESTION.scope(Arc::clone(&self.0), take).await
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A pool of at most `connections`, each of which watches the question that it is taken for.
/// Connections that are not sound are replaced.
pub(super) fn watching(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .after_connect(|connection, _| Box::pin(watch(connection)))
        .before_acquire(|connection, _| {
            Box::pin(async {
                if !is_sound(connection) {
                    return Ok(false);
                }
                watch(connection).await?;
                Ok(true)
            })
        })
}

/// Has a connection watch the question that it is taken for, and none where there is none.
async fn watch(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let question = QUESTION.try_with(Arc::clone).ok();
    let mut handle = connection.lock_handle().await?;
    match question {
        Some(dropped) => {
            handle.set_progress_handler(INSTRUCTIONS, move || !dropped.load(Ordering::Relaxed));
        }
        None => handle.remove_progress_handler(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Never has a row.
    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                           SELECT COUNT(*) FROM n";

    #[tokio::test]
    async fn a_statement_is_stopped_with_its_question() {
        let pool = watching(1).connect("sqlite::memory:").await.unwrap();
        for _ in 0..2 {
            let question = async {
                let question = Interrupt::default();
                let mut connection = question.watched(pool.begin()).await.unwrap();
                let endless = sqlx::query(ENDLESS).execute(&mut *connection);
                endless.await.unwrap();
            };
            let gone = tokio::time::timeout(Duration::from_millis(50), question).await;
            assert!(gone.is_err());
            // The only connection is free again, and whole.
            let mut connection = pool.begin().await.unwrap();
            let one = sqlx::query_scalar::<_, i32>("SELECT 1").fetch_one(&mut *connection);
            assert_eq!(one.await.unwrap(), 1);
            connection.rollback().await.unwrap();
        }
    }
}

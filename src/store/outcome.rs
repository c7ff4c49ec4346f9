//! Write transactions whose outcome must be known, even where the answer to their `COMMIT` is lost.
//!
//! A connection that breaks during `COMMIT` leaves open whether the transaction took effect. Such a
//! transaction is run again on another connection until its outcome is known. It begins by locking
//! what it is about, and so waits for the end of the attempt before, and by looking whether that one
//! took effect: by the idempotency key of an upload, or the state and claim of an ingestion.

use std::time::{Duration, Instant};

use sea_orm::DatabaseTransaction;
use tokio::time::timeout;

use super::commit::{CommitPoint, committed};
use super::{Error, Store};
use crate::backoff::Backoff;

/// How long the outcome is asked for. A session that lost its client in the middle of a transaction
/// is ended by the server before that.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Which attempt at a transaction it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The first: nothing has been done yet.
    First,
    /// A later one: the one before may have taken effect.
    Again,
}

impl Store {
    /// Commits a transaction of [`Store::until_known`].
    pub(super) async fn commit(
        &self,
        point: CommitPoint,
        tx: DatabaseTransaction,
    ) -> Result<(), Error> {
        committed(point, tx.commit()).await.map_err(|error| {
            // An embedded database does not lose its answers.
            if self.is_shared() && error.is_unavailable() {
                Error::InDoubt(Box::new(error))
            } else {
                error
            }
        })
    }

    /// Runs a transaction until its outcome is known, or fails with [`Error::InDoubt`] where that
    /// takes too long.
    pub(super) async fn until_known<T, F>(&self, run: impl Fn(Attempt) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let mut error = match run(Attempt::First).await {
            Err(error) if error.is_in_doubt() => error,
            outcome => return outcome,
        };
        let since = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
        loop {
            tracing::warn!(%error, "asking the database whether it made a change");
            backoff.wait().await;
            match timeout(TIMEOUT.saturating_sub(since.elapsed()), run(Attempt::Again)).await {
                Ok(Err(again)) if again.is_of_statement() => {
                    error = match again {
                        Error::InDoubt(_) => again,
                        again => Error::InDoubt(Box::new(again)),
                    };
                }
                Ok(outcome) => return outcome,
                Err(_) => return Err(error),
            }
        }
    }
}

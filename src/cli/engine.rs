//! What `serve` and `ingest` have in common: a database and a worker on its queue.

use anyhow::Context;

use crate::config::DatabaseConfig;
use crate::ingest::{Ingestions, Role, Spool};
use crate::store::{Access, Store};

/// A database with a worker.
pub(super) struct Engine {
    pub(super) store: Store,
    pub(super) ingestions: Ingestions,
}

impl Engine {
    /// Opens the database, brings it up to date and takes up what was left in the queue, as a
    /// server or only for some files.
    pub(super) async fn start(config: &DatabaseConfig, serves: bool) -> anyhow::Result<Self> {
        let data_dir = config.data_dir();
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("cannot make the data directory {}", data_dir.display()))?;
        let access = if config.citus() {
            Access::WriteDistributed
        } else {
            Access::Write
        };
        let store = Store::open(config.address(), access).await?;
        let spool_dir = config.spool_dir();
        let spool = Spool::open(spool_dir.clone(), store.program())
            .await
            .with_context(|| format!("cannot open the spool {}", spool_dir.display()))?;
        let role = Role {
            serves,
            lease: config.lease(),
        };
        let ingestions = Ingestions::start(store.clone(), spool, role).await?;
        Ok(Self { store, ingestions })
    }

    /// Finishes the batch in hand and closes the database.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.ingestions.stop().await;
        self.store
            .close()
            .await
            .context("cannot close the database")
    }
}

/// Waits until somebody wants the program to end.
pub(super) async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

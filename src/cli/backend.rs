//! The database and the worker that `serve` and `ingest` share.

use anyhow::Context;

use crate::config::{DatabaseConfig, WorkerConfig};
use crate::ingest::{Ingestions, Role, Spool};
use crate::store::{Access, Store};

/// A database with a worker.
pub(super) struct Backend {
    pub(super) store: Store,
    pub(super) ingestions: Ingestions,
}

/// What the program that opens it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To answer queries and ingest files.
    Serve,
    /// To ingest files.
    Ingest,
    /// To compact the database at once, not in the background.
    Compact,
}

impl Backend {
    /// Opens and migrates the database and resumes the queue.
    pub(super) async fn start(
        config: &DatabaseConfig,
        worker: WorkerConfig,
        purpose: Purpose,
    ) -> anyhow::Result<Self> {
        let data_dir = config.data_dir();
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("cannot create the data directory {}", data_dir.display()))?;
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
            serves: purpose == Purpose::Serve,
            lease: config.lease(),
            sql_trips: worker.sql_trips,
            compacts: purpose != Purpose::Compact,
        };
        let ingestions = Ingestions::start(store.clone(), spool, role).await?;
        Ok(Self { store, ingestions })
    }

    /// Finishes the current batch and closes the database.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.ingestions.stop().await;
        self.store
            .close()
            .await
            .context("cannot close the database")
    }
}

/// Waits for Ctrl-C or, on Unix, `SIGTERM`.
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

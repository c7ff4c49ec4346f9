//! `tripgraph compact`: merges segments, and joins the patches of large ones, at once.

use std::process::ExitCode;

use clap::Args;
use indicatif::HumanCount;

use super::backend::{Backend, Purpose};
use super::{Log, sql_trips};
use crate::config::{DatabaseConfig, WorkerConfig};
use crate::telemetry::LogFormat;

#[derive(Debug, Args)]
pub(super) struct Compact {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    worker: WorkerConfig,
}

impl Compact {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let _telemetry = Log {
            filter: "warn".to_owned(),
            format: LogFormat::Text,
        }
        .init(&self.database)?;
        let backend = Backend::start(&self.database, self.worker, Purpose::Compact).await?;
        // What lacks rows for SQL is merged after they are written.
        sql_trips::follow(&backend.ingestions).await;
        let done = backend.ingestions.compact().await?;
        let left = backend.store.live_segments().await?;
        backend.stop().await?;
        println!(
            "{} segments with {} trips merged, {} patches joined; {} segments now",
            HumanCount(done.segments),
            HumanCount(done.trips),
            HumanCount(done.patches_joined),
            HumanCount(left),
        );
        Ok(ExitCode::SUCCESS)
    }
}

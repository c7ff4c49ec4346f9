//! `tripgraph verify`: every summary against the trips themselves.

use std::process::ExitCode;

use clap::Args;
use indicatif::HumanCount;

use crate::analytics::verify;
use crate::config::DatabaseConfig;
use crate::store::{Access, Store};
use crate::text::Printable;
use crate::threads::step_back;

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    database: DatabaseConfig,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        // A server that runs on the same machine comes first. The threads of SQLite's connections
        // are started from this one.
        step_back();
        let store = Store::open(self.database.address(), Access::Read).await?;
        let findings = verify(&store).await?;
        store.close().await?;
        println!(
            "{} trips read, {} summaries held against them, {} differ",
            HumanCount(findings.trips),
            HumanCount(findings.summaries),
            HumanCount(findings.differing),
        );
        for broken in &findings.broken {
            println!("broken: {}", Printable(broken));
        }
        for difference in &findings.differences {
            println!("{}", Printable(difference));
        }
        Ok(if findings.differing == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

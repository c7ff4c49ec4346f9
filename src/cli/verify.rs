//! `tripgraph verify`: compares every summary with the trips.

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
        // Gives priority to a server on the same machine. SQLite's connection threads are started
        // from this thread and inherit its priority.
        step_back();
        let store = Store::open(self.database.address(), Access::Read).await?;
        let verification = verify(&store).await?;
        store.close().await?;
        println!(
            "{} trips read, {} summaries compared, {} differ",
            HumanCount(verification.trips),
            HumanCount(verification.summaries),
            HumanCount(verification.differing),
        );
        for broken in &verification.broken {
            println!("broken: {}", Printable(broken));
        }
        for difference in &verification.differences {
            println!("{}", Printable(difference));
        }
        Ok(if verification.differing == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

//! The `tripgraph` program.

use std::process::ExitCode;

use clap::Parser;
use tripgraph::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}

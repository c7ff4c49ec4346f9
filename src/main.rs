//! The `tripgraph` program.

use std::process::ExitCode;

use tripgraph::cli::Cli;

fn main() -> ExitCode {
    Cli::read().run()
}

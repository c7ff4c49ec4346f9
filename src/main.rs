//! The `tripgraph` program.

use std::process::ExitCode;

use tripgraph::cli::Cli;

/// What SQLite's threads allocate others free: with the system's allocator they wait for each other.
/// `SQLite` itself allocates with it, too. How it is set up is in `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::read().run()
}

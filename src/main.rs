//! The `tripgraph` program.

use std::process::ExitCode;

use tripgraph::cli::Cli;

/// Memory that one of SQLite's threads allocates is freed by another: with the system's allocator,
/// such threads block each other. SQLite itself uses this allocator, too. It is configured in
/// `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::read().run()
}

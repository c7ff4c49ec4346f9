//! `tripgraph schema`: prints the GraphQL schema.

use std::io::{Write, stdout};
use std::process::ExitCode;

use crate::graphql;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    stdout().write_all(graphql::sdl().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

//! `tripgraph generate`: writes synthetic trips.

use std::fs::File;
use std::io::stdout;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::generate::{Shape, write};

#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Number of trips
    #[arg(long, env = "TRIPGRAPH_GENERATE_ROWS")]
    rows: u64,
    /// Seed of the random numbers: the same seed gives the same trips
    #[arg(long, env = "TRIPGRAPH_GENERATE_SEED", default_value_t = 1)]
    seed: u64,
    /// Geographic distribution of the trips
    #[arg(
        long,
        env = "TRIPGRAPH_GENERATE_SHAPE",
        value_enum,
        default_value = "cities"
    )]
    shape: ShapeName,
    /// Output file [default: standard output]
    #[arg(long, short, env = "TRIPGRAPH_GENERATE_OUTPUT", value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ShapeName {
    /// Dense: three cities with hubs and rush hours
    Cities,
    /// Sparse: scattered over the whole world
    World,
}

impl Generate {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let shape = match self.shape {
            ShapeName::Cities => Shape::Cities,
            ShapeName::World => Shape::World,
        };
        match &self.output {
            Some(path) => {
                let failed = || format!("cannot write {}", path.display());
                let file = File::create(path).with_context(failed)?;
                write(file, shape, self.rows, self.seed).with_context(failed)?;
            }
            None => write(stdout().lock(), shape, self.rows, self.seed)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

//! `tripgraph zones`: imports, lists and removes sets of zones.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use indicatif::HumanCount;

use crate::analytics::ZoneSets;
use crate::config::DatabaseConfig;
use crate::model::{ZoneProperties, ZoneSet};
use crate::store::{Access, Store};
use crate::text::Printable;

#[derive(Debug, Args)]
pub(super) struct Zones {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Import a GeoJSON FeatureCollection of polygons; it replaces the set of this name
    Import(Import),
    /// List the sets and their number of zones
    List {
        #[command(flatten)]
        database: DatabaseConfig,
    },
    /// Remove a set
    Remove {
        /// Name of the set
        set: String,
        #[command(flatten)]
        database: DatabaseConfig,
    },
}

#[derive(Debug, Args)]
struct Import {
    /// GeoJSON `FeatureCollection` of polygons
    file: PathBuf,
    /// Name of the set
    #[arg(long, value_name = "NAME")]
    set: String,
    /// Property that identifies a zone [default: the id of the feature, or its number]
    #[arg(long, value_name = "PROPERTY")]
    id: Option<String>,
    /// Property with the name of a zone [default: name, or what identifies the zone]
    #[arg(long, value_name = "PROPERTY")]
    name: Option<String>,
    #[command(flatten)]
    database: DatabaseConfig,
}

impl Zones {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Import(import) => import.run().await?,
            Action::List { database } => {
                let store = Store::open(database.address(), Access::Read).await?;
                for set in ZoneSets::new(store.clone()).all().await? {
                    println!("{}", line(&set));
                }
                store.close().await?;
            }
            Action::Remove { set, database } => {
                let store = Store::open(database.address(), Access::Write).await?;
                let removed = store.remove_zones(&set).await?;
                store.close().await?;
                if !removed {
                    bail!("there is no zone set {set}");
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    async fn run(self) -> anyhow::Result<()> {
        let cannot = || format!("cannot import {}", self.file.display());
        let json = std::fs::read(&self.file).with_context(cannot)?;
        let properties = ZoneProperties {
            id: self.id.clone(),
            name: self.name.clone(),
        };
        let set = ZoneSet::from_geojson(&self.set, &json, &properties).with_context(cannot)?;
        let data_dir = self.database.data_dir();
        std::fs::create_dir_all(data_dir)
            .with_context(|| format!("cannot create the data directory {}", data_dir.display()))?;
        let store = Store::open(self.database.address(), Access::Write).await?;
        store.add_zones(&set).await?;
        store.close().await?;
        println!("{}", line(&set));
        Ok(())
    }
}

fn line(set: &ZoneSet) -> String {
    let count = set.zones().len();
    let zones = if count == 1 { "zone" } else { "zones" };
    format!(
        "{}: {} {zones}",
        Printable(&set.name),
        HumanCount(count as u64)
    )
}

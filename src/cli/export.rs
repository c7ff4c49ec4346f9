//! `tripgraph export`: writes answers to files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};

use super::destination::{Destination, unless_interrupted};
use crate::analytics::{Answers, ZoneSets};
use crate::config::DatabaseConfig;
use crate::export::{ExportError, ExportParams, Flowmap, Format, Subject};
use crate::store::{Access, Store};

#[derive(Debug, Args)]
pub(super) struct ExportCommand {
    /// What is exported
    #[arg(value_enum)]
    subject: Subject,
    /// File to write, or - for standard output; of flowmap, a directory. A file appears under its
    /// name when it is whole
    #[arg(long, short, env = "TRIPGRAPH_EXPORT_OUTPUT", value_name = "FILE")]
    output: PathBuf,
    /// Format of the file [default: that of its ending, or csv]
    #[arg(long, env = "TRIPGRAPH_EXPORT_FORMAT", value_enum)]
    format: Option<FileFormat>,
    /// Only trips with the ends given by --trip-end in this area: a file with a GeoJSON geometry of
    /// type Polygon or `MultiPolygon`, or a feature with one
    #[arg(long, env = "TRIPGRAPH_EXPORT_POLYGON", value_name = "FILE")]
    polygon: Option<PathBuf>,
    #[command(flatten)]
    params: ExportParams,
    #[command(flatten)]
    database: DatabaseConfig,
}

/// Format of a file, or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    One(Format),
    /// `locations.csv` and `flows.csv`.
    Flowmap,
}

impl ValueEnum for FileFormat {
    fn value_variants<'a>() -> &'a [Self] {
        const FORMATS: [FileFormat; Format::ALL.len() + 1] = {
            let mut formats = [FileFormat::Flowmap; Format::ALL.len() + 1];
            let mut index = 0;
            while index < Format::ALL.len() {
                formats[index] = FileFormat::One(Format::ALL[index]);
                index += 1;
            }
            formats
        };
        &FORMATS
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        match self {
            Self::One(format) => format.to_possible_value(),
            Self::Flowmap => Some(
                clap::builder::PossibleValue::new("flowmap")
                    .help("locations.csv and flows.csv, for flowmap.blue and FlowmapCity"),
            ),
        }
    }
}

impl ExportCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::open(self.database.address(), Access::Read).await?;
        let answers = Answers::new(store.clone(), 0);
        let zones = ZoneSets::new(store.clone());
        let written = unless_interrupted(Box::pin(self.write(&answers, &zones))).await;
        store.close().await?;
        written.map(|()| ExitCode::SUCCESS)
    }

    async fn write(self, answers: &Answers, zones: &ZoneSets) -> anyhow::Result<()> {
        let Self {
            subject,
            output,
            format,
            polygon,
            mut params,
            ..
        } = self;
        if let Some(file) = polygon {
            let text = std::fs::read_to_string(&file);
            params.polygon = Some(text.with_context(|| format!("cannot read {}", file.display()))?);
        }
        match format.unwrap_or_else(|| of_ending(&output)) {
            FileFormat::One(format) => {
                let export = params.export(subject, format, zones).await;
                let export = export.map_err(option_error)?;
                let destination = Destination::create(&output)?;
                export.write(answers, destination.writer()?).await?;
                destination.keep()
            }
            FileFormat::Flowmap => {
                let flowmap = Flowmap::new(params, subject, zones).await;
                let flowmap = flowmap.map_err(option_error)?;
                std::fs::create_dir_all(&output)
                    .with_context(|| format!("cannot create {}", output.display()))?;
                let locations = Destination::create(&output.join("locations.csv"))?;
                let flows = Destination::create(&output.join("flows.csv"))?;
                flowmap
                    .write(answers, locations.writer()?, flows.writer()?)
                    .await?;
                locations.keep()?;
                flows.keep()
            }
        }
    }
}

/// The format that the ending of a file's name stands for; CSV if it stands for none.
fn of_ending(path: &Path) -> FileFormat {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let format = ending.and_then(|ending| ending.to_ascii_lowercase().parse().ok());
    FileFormat::One(format.unwrap_or(Format::Csv))
}

/// The error; of a parameter, with the name of the option.
pub(super) fn option_error(error: ExportError) -> anyhow::Error {
    let ExportError::Param(error) = error else {
        return error.into();
    };
    let mut option = String::from("--");
    for c in error.name.chars() {
        if c.is_ascii_uppercase() {
            option.push('-');
        }
        option.push(c.to_ascii_lowercase());
    }
    anyhow!("{option}: {}", error.message)
}

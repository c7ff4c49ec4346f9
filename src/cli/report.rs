//! `tripgraph report`: prints regions, weekly averages and the largest groups, or writes a page.

use std::fmt::Display;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use chrono::NaiveDateTime;
use clap::Args;
use clap::builder::BoolishValueParser;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use h3o::CellIndex;
use serde_json::{Value, json};

use super::destination::{Destination, unless_interrupted};
use super::export::option_error;
use crate::analytics::{
    Answers, RowsQuestion, Summaries, WeeklyAverage, ZoneSets, similar_trips, summaries,
    weekly_average,
};
use crate::clock;
use crate::config::DatabaseConfig;
use crate::export::{ExportError, ExportParams, Subject};
use crate::geo::{self, BoundingBox, Resolution};
use crate::model::{Area, BucketMinutes, Selection, Similarity, TripEndRule, TripGroup};
use crate::report::{Collector, Heading, page};
use crate::store::{Access, Store};
use crate::text::{Printable, escape_json};

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Only trips that start in this box, in degrees; west > east crosses the antimeridian
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_BBOX",
        value_name = "WEST,SOUTH,EAST,NORTH",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    bbox: Option<Vec<f64>>,
    /// Number of groups to show, largest first
    #[arg(long, env = "TRIPGRAPH_REPORT_GROUPS", default_value_t = 10)]
    groups: u64,
    /// Print JSON instead of tables
    #[arg(long, env = "TRIPGRAPH_REPORT_JSON", value_parser = BoolishValueParser::new())]
    json: bool,
    /// Write one page of HTML with a trend, a profile, maps and tables. It reads every trip
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_HTML",
        value_parser = BoolishValueParser::new(),
        requires = "output",
        conflicts_with = "json"
    )]
    html: bool,
    /// File of the page, or - for standard output
    #[arg(
        long,
        short,
        env = "TRIPGRAPH_REPORT_OUTPUT",
        value_name = "FILE",
        requires = "html"
    )]
    output: Option<PathBuf>,
    /// Only trips of the region of this name, on the page
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_REGION",
        value_name = "NAME",
        requires = "html"
    )]
    region: Option<String>,
    /// Only trips of the datasource of this name, on the page
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_DATASOURCE",
        value_name = "NAME",
        requires = "html"
    )]
    datasource: Option<String>,
    /// Any date in the first week of the page's period
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_FROM_WEEK",
        value_name = "DATE",
        requires = "html"
    )]
    from_week: Option<String>,
    /// Any date in the last week of the page's period
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_TO_WEEK",
        value_name = "DATE",
        requires = "html"
    )]
    to_week: Option<String>,
    /// Only trips that start in the zone with this identifier, on the page
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_ZONE",
        value_name = "ID",
        requires = "html",
        conflicts_with = "bbox"
    )]
    zone: Option<String>,
    /// Map and list the zones of this set on the page, instead of H3 cells
    #[arg(
        long,
        env = "TRIPGRAPH_REPORT_ZONE_SET",
        value_name = "NAME",
        requires = "html"
    )]
    zone_set: Option<String>,
    #[command(flatten)]
    database: DatabaseConfig,
}

/// The data of a report.
struct ReportData {
    summaries: Summaries,
    /// Weekly averages of all trips, then of each region.
    averages: Vec<(Option<String>, WeeklyAverage)>,
    groups: Vec<TripGroup>,
}

const SIMILARITY: Similarity = Similarity {
    resolution: Resolution::FLOW,
    bucket: BucketMinutes::HOUR,
};

impl Report {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.html {
            return unless_interrupted(Box::pin(self.write_page())).await;
        }
        let area = self.area()?;
        let store = Store::open(self.database.address(), Access::Read).await?;
        let summaries = summaries(&store).await?;
        let regions = summaries
            .regions(None)
            .into_iter()
            .map(|(name, _)| Some(name.to_owned()));
        let mut averages = Vec::new();
        for region in [None].into_iter().chain(regions) {
            let selection = Selection {
                area: area.clone(),
                region: region.clone(),
                ..Selection::default()
            };
            averages.push((
                region,
                weekly_average(&store, &selection, None, None).await?,
            ));
        }
        let selection = Selection {
            area,
            ..Selection::default()
        };
        let groups = similar_trips(&store, &selection, SIMILARITY, 1, self.groups, None).await?;
        store.close().await?;

        let findings = ReportData {
            summaries,
            averages,
            groups: groups.items,
        };
        if self.json {
            let json = format!("{:#}", findings.json());
            writeln!(stdout(), "{}", escape_json(&json))?;
        } else {
            write!(stdout(), "{}", findings.tables())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn write_page(self) -> anyhow::Result<ExitCode> {
        let borders = self.bbox.as_ref().map(|borders| {
            let borders = borders.iter().map(f64::to_string);
            borders.collect::<Vec<_>>().join(",")
        });
        let mut restrictions = Vec::new();
        if let Some(borders) = &borders {
            restrictions.push(format!("Trips that start in the box {borders}"));
        }
        if let Some(zone) = &self.zone {
            restrictions.push(format!("Trips that start in the zone {zone}"));
        }
        if let Some(datasource) = &self.datasource {
            restrictions.push(format!("Trips of the datasource {datasource}"));
        }
        let params = ExportParams {
            bbox: borders,
            zone: self.zone,
            region: self.region.clone(),
            datasource: self.datasource,
            from_week: self.from_week,
            to_week: self.to_week,
            ..ExportParams::default()
        };
        let store = Store::open(self.database.address(), Access::Read).await?;
        let zones = ZoneSets::new(store.clone());
        let question = params.question(Subject::Trips, &zones).await;
        let question = question.map_err(option_error)?;
        let RowsQuestion::Trips { selection } = &question else {
            bail!("the report is about trips");
        };
        let (from, to) = (selection.from_week, selection.to_week);
        let zone_set = match &self.zone_set {
            Some(name) => {
                let set = zones.named(name).await?;
                Some(set.ok_or_else(|| option_error(ExportError::NoZoneSet(name.clone())))?)
            }
            None => None,
        };
        let destination = Destination::create(self.output.as_deref().unwrap_or("-".as_ref()))?;
        let collector = Collector::default();
        let answers = Answers::new(store.clone(), 0);
        answers.export(question, collector.sink(zone_set)).await?;
        store.close().await?;
        let heading = Heading {
            region: self.region,
            restrictions,
            from,
            to,
            today: clock::now().date_naive(),
        };
        let page = page(&heading, &collector.take());
        let mut writer = destination.writer()?;
        writer.write_all(page.as_bytes())?;
        writer.flush()?;
        destination.keep()?;
        Ok(ExitCode::SUCCESS)
    }

    fn area(&self) -> anyhow::Result<Option<Area>> {
        let Some(bounds) = &self.bbox else {
            return Ok(None);
        };
        let &[west, south, east, north] = bounds.as_slice() else {
            bail!("--bbox takes four numbers: west,south,east,north");
        };
        let bbox = BoundingBox::new(west, south, east, north).context("--bbox")?;
        Ok(Some(Area {
            place: bbox.into(),
            ends: TripEndRule::Origin,
        }))
    }
}

impl ReportData {
    fn tables(&self) -> String {
        let mut regions = table(&["region", "trips", "first", "last", "latest datasource"]);
        for (name, summary) in self.summaries.regions(None) {
            let latest = self
                .summaries
                .latest_datasource(name)
                .map_or("", |(name, _)| name);
            regions.add_row([
                Cell::new(Printable(name)),
                number(summary.trips),
                Cell::new(summary.first_departed_at),
                Cell::new(summary.last_departed_at),
                Cell::new(Printable(latest)),
            ]);
        }
        let mut averages = table(&[
            "region",
            "trips a week",
            "in active weeks",
            "trips",
            "weeks",
            "active",
        ]);
        for (region, average) in &self.averages {
            averages.add_row([
                Cell::new(Printable(region.as_deref().unwrap_or("(all)"))),
                number(format!("{:.1}", average.average())),
                number(format!("{:.1}", average.average_of_active_weeks())),
                number(average.total_trips()),
                number(average.calendar_weeks()),
                number(average.active_weeks()),
            ]);
        }
        let mut groups = table(&["trips", "from", "to", "origin", "destination"]);
        for group in &self.groups {
            let (start, end) = SIMILARITY.bucket.clock(group.bucket);
            groups.add_row([
                number(group.trips),
                Cell::new(start),
                Cell::new(end),
                Cell::new(cell(group.origin)),
                Cell::new(cell(group.destination)),
            ]);
        }
        format!(
            "Regions\n{regions}\n\nWeekly averages\n{averages}\n\n\
             Largest groups of similar trips (H3 resolution 7, 60 minutes)\n{groups}\n"
        )
    }

    fn json(&self) -> Value {
        let time = |time: NaiveDateTime| time.format("%Y-%m-%dT%H:%M:%S%.f").to_string();
        let regions = self.summaries.regions(None).into_iter().map(|(name, summary)| {
            json!({
                "name": name,
                "trips": summary.trips,
                "firstDepartedAt": time(summary.first_departed_at),
                "lastDepartedAt": time(summary.last_departed_at),
                "latestDatasource": self.summaries.latest_datasource(name).map(|(name, _)| name),
            })
        });
        let averages = self.averages.iter().map(|(region, average)| {
            json!({
                "region": region,
                "average": average.average(),
                "averageOfActiveWeeks": average.average_of_active_weeks(),
                "totalTrips": average.total_trips(),
                "calendarWeeks": average.calendar_weeks(),
                "activeWeeks": average.active_weeks(),
                "firstWeek": average.first.map(|week| week.monday().to_string()),
                "lastWeek": average.last().map(|week| week.monday().to_string()),
            })
        });
        let groups = self.groups.iter().map(|group| {
            let (start, end) = SIMILARITY.bucket.clock(group.bucket);
            json!({
                "trips": group.trips,
                "startTime": start,
                "endTime": end,
                "origin": group.origin.to_string(),
                "destination": group.destination.to_string(),
            })
        });
        json!({
            "regions": regions.collect::<Vec<_>>(),
            "weeklyAverages": averages.collect::<Vec<_>>(),
            "largestGroups": groups.collect::<Vec<_>>(),
        })
    }
}

fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_header(columns.to_vec());
    table
}

fn number(value: impl Display) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

/// A cell's index, and the longitude and latitude of its center.
fn cell(cell: CellIndex) -> String {
    let center = geo::center(cell);
    format!("{cell} ({:.4} {:.4})", center.lon(), center.lat())
}

//! The page.

use std::collections::HashMap;

use chrono::NaiveDate;
use h3o::CellIndex;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::collect::{Counts, Total};
use super::grouped;
use super::map::{Flow, Place, map};
use super::profile::profile;
use super::trend::trend;
use super::zones::ZoneCounts;
use crate::geo;
use crate::model::Week;
use crate::text::Printable;

/// Rows of each table.
const ROWS: usize = 15;
/// Regions that have a map.
const MAPS: usize = 4;

/// What a report is about.
#[derive(Debug, Clone, Default)]
pub struct Heading {
    /// The region, if only its trips were counted.
    pub region: Option<String>,
    /// Other restrictions, in words.
    pub restrictions: Vec<String>,
    /// The first week of the period, if given.
    pub from: Option<Week>,
    /// The last week of the period, if given.
    pub to: Option<Week>,
    /// The day on which the page is written.
    pub today: NaiveDate,
}

/// The page as HTML. Nothing in it is loaded from elsewhere.
#[must_use]
pub fn page(heading: &Heading, counts: &Counts) -> String {
    let title = match &heading.region {
        Some(region) => format!("Trips of {}", Printable(region)),
        None => "Trips".to_owned(),
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                header {
                    h1 { (title) }
                    @if let Some((first, last)) = counts.span() {
                        p { (first.to_naive().date()) " to " (last.to_naive().date()) }
                    }
                    @for restriction in &heading.restrictions { p { (Printable(restriction)) } }
                }
                @if counts.trips() == 0 {
                    p { "There are no such trips." }
                } @else {
                    (sections(heading, counts))
                }
                footer {
                    "Written on " (heading.today) " by tripgraph " (env!("CARGO_PKG_VERSION"))
                    ". Times are local wall-clock times."
                }
            }
        }
    };
    markup.into_string()
}

fn sections(heading: &Heading, counts: &Counts) -> Markup {
    let average = counts.weekly_average(heading.from, heading.to);
    html! {
        section.figures {
            (figure(&grouped(counts.trips()), "trips"))
            (figure(&format!("{:.1}", average.average()), "trips a week on average"))
            (figure(&grouped(average.calendar_weeks() as u64), "weeks"))
            (figure(&grouped(average.active_weeks() as u64), "weeks with trips"))
        }
        section {
            h2 { "Trips a week" }
            (trend(&average))
        }
        section {
            h2 { "Day and hour of departure" }
            (profile(&counts.profile))
        }
        @if let Some(zones) = &counts.zones { (of_zones(zones, counts.trips())) } @else { (maps(counts)) }
        section {
            h2 { "Regions" }
            (totals("region", &counts.regions()))
        }
        section {
            h2 { "Datasources" }
            (totals("datasource", &counts.datasources()))
        }
        (groups(counts))
    }
}

fn figure(number: &str, what: &str) -> Markup {
    html! { div { strong { (number) } " " span { (what) } } }
}

/// A map of each of the largest regions.
fn maps(counts: &Counts) -> Markup {
    let regions = counts.regions();
    html! {
        @for &(name, total) in regions.iter().take(MAPS) {
            @let (places, flows) = cell_map(&counts.flows(total));
            @if let Some(map) = map(&places, &flows) {
                section {
                    h2 { "Where trips go: " (Printable(name)) }
                    (map)
                    (legend("Cells", "cell"))
                }
            }
        }
        @if regions.len() > MAPS {
            p.note { "Maps are drawn for the " (MAPS) " largest of " (regions.len()) " regions." }
        }
    }
}

/// What a map shows.
fn legend(places: &str, place: &str) -> Markup {
    html! {
        p.note {
            (places) " are shaded by the number of trips that start in them. Lines are the largest \
             flows between " (place) "s, and bend to the right in the direction of travel; circles \
             are trips within a " (place) "."
        }
    }
}

/// The cells of flows as places of a map, and the flows between them.
fn cell_map(flows: &[(u64, u64, u64)]) -> (Vec<Place>, Vec<Flow>) {
    let mut numbers = HashMap::new();
    let mut places = Vec::new();
    let mut place = |index: u64| {
        if let Some(&number) = numbers.get(&index) {
            return Some(number);
        }
        let cell = CellIndex::try_from(index).ok()?;
        places.push(Place {
            name: None,
            center: geo::center(cell),
            outline: vec![geo::ring(cell)],
        });
        numbers.insert(index, places.len() - 1);
        Some(places.len() - 1)
    };
    let flow = |&(origin, destination, trips)| Some((place(origin)?, place(destination)?, trips));
    let flows = flows.iter().filter_map(flow).collect();
    (places, flows)
}

/// A map of zones, and tables of zones and of the flows between them.
fn of_zones(zones: &ZoneCounts, all: u64) -> Markup {
    let (places, flows) = zones.map();
    let (totals, pairs) = (zones.totals(), zones.pairs());
    let share = |trips: u64| format!("{:.1} %", 100.0 * trips as f64 / all as f64);
    html! {
        section {
            h2 { "Where trips go: zones of " (Printable(&zones.set.name)) }
            @if let Some(map) = map(&places, &flows) { (map) (legend("Zones", "zone")) }
            @else { p { "No trip has both ends in a zone." } }
        }
        section {
            h2 { "Zones" }
            table {
                thead {
                    tr { th { "zone" } th.number { "starts" } th.number { "share" } th.number { "ends" } }
                }
                tbody {
                    @for total in totals.iter().take(ROWS) {
                        tr {
                            td { (Printable(zones.name(Some(total.zone)))) }
                            td.number { (grouped(total.starts)) }
                            td.number { (share(total.starts)) }
                            td.number { (grouped(total.ends)) }
                        }
                    }
                }
            }
            (left_out(totals.len()))
        }
        section {
            h2 { "From zone to zone" }
            table {
                thead {
                    tr { th.number { "trips" } th.number { "share" } th { "from" } th { "to" } }
                }
                tbody {
                    @for &([origin, destination], trips) in pairs.iter().take(ROWS) {
                        tr {
                            td.number { (grouped(trips)) }
                            td.number { (share(trips)) }
                            td { (Printable(zones.name(origin))) }
                            td { (Printable(zones.name(destination))) }
                        }
                    }
                }
            }
            (left_out(pairs.len()))
        }
    }
}

fn totals(what: &str, totals: &[(&str, Total)]) -> Markup {
    let all: u64 = totals.iter().map(|(_, total)| total.trips).sum();
    html! {
        table {
            thead {
                tr {
                    th { (what) }
                    th.number { "trips" }
                    th.number { "share" }
                    th { "first departure" }
                    th { "last departure" }
                }
            }
            tbody {
                @for (name, total) in totals.iter().take(ROWS) {
                    tr {
                        td { (Printable(name)) }
                        td.number { (grouped(total.trips)) }
                        td.number { (format!("{:.1} %", 100.0 * total.trips as f64 / all as f64)) }
                        td { (total.first.to_naive().format("%Y-%m-%d %H:%M")) }
                        td { (total.last.to_naive().format("%Y-%m-%d %H:%M")) }
                    }
                }
            }
        }
        (left_out(totals.len()))
    }
}

fn groups(counts: &Counts) -> Markup {
    let groups = counts.largest_groups(ROWS);
    html! {
        section {
            h2 { "Most frequent trips" }
            table {
                thead {
                    tr {
                        th.number { "trips" }
                        th { "region" }
                        th { "hour" }
                        th { "from" }
                        th { "to" }
                    }
                }
                tbody {
                    @for (region, key, trips) in groups {
                        tr {
                            td.number { (grouped(trips)) }
                            td { (Printable(region)) }
                            td { (format!("{:02}:00–{:02}:00", key.hour, key.hour + 1)) }
                            td { (place(key.origin)) }
                            td { (place(key.destination)) }
                        }
                    }
                }
            }
            p.note {
                "Trips from one H3 cell of resolution " (counts.resolution.get())
                " to another within one hour of the day; places are the latitudes and longitudes of \
                 the cells’ middles."
            }
        }
    }
}

fn place(cell: u64) -> String {
    CellIndex::try_from(cell).map_or_else(
        |_| String::new(),
        |cell| {
            let center = geo::center(cell);
            format!("{:.4}, {:.4}", center.lat(), center.lon())
        },
    )
}

fn left_out(rows: usize) -> Markup {
    html! {
        @if rows > ROWS {
            p.note { "The " (ROWS) " largest of " (grouped(rows as u64)) "." }
        }
    }
}

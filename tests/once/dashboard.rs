//! The dashboard for Grafana, against the metrics that the reference lists.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The names of metrics in a text, without the endings of the series of a histogram.
fn names(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    let names = words.filter(|word| word.starts_with("tripgraph_") || word.starts_with("process_"));
    let endings = ["_bucket", "_count", "_sum"];
    names
        .map(|name| {
            endings
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name)
        })
        .collect()
}

/// The expressions and the sources of variables.
fn expressions<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            let texts = ["expr", "definition"].map(|name| fields.get(name).and_then(Value::as_str));
            found.extend(texts.into_iter().flatten());
            fields.values().for_each(|value| expressions(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| expressions(value, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let reference = read("docs/reference/metrics.md");
    let (_, table) = reference.split_once("<!-- generated").unwrap();
    let (table, _) = table.split_once("<!-- /generated").unwrap();
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/metrics.json")).unwrap();
    let mut shown = Vec::new();
    expressions(&dashboard, &mut shown);
    let shown = names(&shown.join("\n"))
        .into_iter()
        .map(str::to_owned)
        .collect();
    // What says the same as another, or nothing over time.
    let left_out = [
        "process_start_time_seconds",
        "process_threads",
        "process_virtual_memory_bytes",
    ];
    let listed = names(table)
        .into_iter()
        .filter(|name| !left_out.contains(name));
    let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
    assert_eq!(listed, shown);
}

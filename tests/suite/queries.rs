//! `queries.sql` answers what a plain reading of the CSV file answers.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use program::Home;

/// The columns of each of the questions that are compared.
const COLUMNS: [&[&str]; 3] = [
    &["latest_datasource", "region", "last_departed_at"],
    &["region", "trips", "latest_datasource", "last_departed_at"],
    &["region", "trips", "first_departed_at", "last_departed_at"],
];

type Answers = [Vec<Vec<String>>; 3];

/// What the file of queries answers.
async fn queried(home: &Home) -> Answers {
    let text = include_str!("../../queries.sql");
    let statements: Vec<_> = text
        .split(';')
        .filter(|statement| {
            statement
                .lines()
                .any(|line| !line.trim().is_empty() && !line.starts_with("--"))
        })
        .collect();
    assert_eq!(statements.len(), COLUMNS.len());
    assert!(
        !statements.iter().any(|statement| statement
            .lines()
            .filter(|line| !line.starts_with("--"))
            .flat_map(str::split_whitespace)
            .any(|word| word == "trip" || word == "visible_trip")),
        "a query reads every trip"
    );

    let database = home.sql().await;
    let mut answers = Answers::default();
    for ((statement, columns), answer) in statements.iter().zip(COLUMNS).zip(&mut answers) {
        // As text, as a person reads them.
        let texts: Vec<_> = columns
            .iter()
            .map(|column| format!("CAST({column} AS TEXT)"))
            .collect();
        let statement = format!("SELECT {} FROM ({statement}) AS answer", texts.join(", "));
        for row in database.rows(&statement).await {
            let values = (0..columns.len()).map(|index| row.try_get_by_index(index).unwrap());
            answer.push(values.collect());
        }
    }
    database.close().await;
    answers
}

/// The same from the files themselves, the obvious way.
fn counted(files: &[&Path]) -> Answers {
    #[derive(Clone)]
    struct Seen {
        trips: u64,
        first: String,
        last: String,
    }
    let mut pairs: BTreeMap<(String, String), Seen> = BTreeMap::new();
    for file in files {
        let mut reader = csv::Reader::from_path(file).unwrap();
        let header = reader.headers().unwrap().clone();
        let at = |name| header.iter().position(|column| column == name).unwrap();
        let (region, datasource, time) = (at("region"), at("datasource"), at("datetime"));
        for row in reader.records() {
            let row = row.unwrap();
            let seen = pairs
                .entry((row[region].to_owned(), row[datasource].to_owned()))
                .or_insert(Seen {
                    trips: 0,
                    first: row[time].to_owned(),
                    last: row[time].to_owned(),
                });
            seen.trips += 1;
            seen.first = seen.first.clone().min(row[time].to_owned());
            seen.last = seen.last.clone().max(row[time].to_owned());
        }
    }
    let mut regions: BTreeMap<&str, u64> = BTreeMap::new();
    for ((region, _), seen) in &pairs {
        *regions.entry(region).or_default() += seen.trips;
    }
    let mut top: Vec<_> = regions.into_iter().collect();
    top.sort_by_key(|&(name, trips)| (Reverse(trips), name));
    top.truncate(2);

    let latest_in = |regions: &[&str]| {
        pairs
            .iter()
            .filter(|((region, _), _)| regions.contains(&region.as_str()))
            .min_by_key(|((region, datasource), seen)| {
                (
                    Reverse(seen.last.clone()),
                    datasource.clone(),
                    region.clone(),
                )
            })
            .map(|((region, datasource), seen)| {
                (region.clone(), datasource.clone(), seen.last.clone())
            })
    };
    let names: Vec<_> = top.iter().map(|&(name, _)| name).collect();
    let one = latest_in(&names).map(|(region, datasource, last)| vec![datasource, region, last]);
    let each = top.iter().filter_map(|&(name, trips)| {
        latest_in(&[name])
            .map(|(region, datasource, last)| vec![region, trips.to_string(), datasource, last])
    });
    let mut cheap: Vec<_> = pairs
        .iter()
        .filter(|((_, datasource), _)| datasource == "cheap_mobile")
        .map(|((region, _), seen)| (region.clone(), seen.clone()))
        .collect();
    cheap.sort_by_key(|(region, seen)| (Reverse(seen.trips), region.clone()));
    let cheap = cheap
        .into_iter()
        .map(|(region, seen)| vec![region, seen.trips.to_string(), seen.first, seen.last]);
    [one.into_iter().collect(), each.collect(), cheap.collect()]
}

#[tokio::test]
async fn the_example_is_answered() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/trips.csv");
    let home = Home::new();
    assert!(home.run(&["ingest", example.to_str().unwrap()]).succeeded());
    let answers = queried(&home).await;
    assert_eq!(answers, counted(&[&example]));
    let [one, each, cheap] = answers;
    assert_eq!(one, [["cheap_mobile", "Prague", "2018-12-30 15:22:21"]]);
    assert_eq!(
        each,
        [
            ["Prague", "722", "cheap_mobile", "2018-12-30 15:22:21"],
            ["Turin", "717", "pt_search_app", "2018-12-28 18:59:21"],
        ]
    );
    let cheap: Vec<_> = cheap.iter().map(|row| (&*row[0], &*row[1])).collect();
    assert_eq!(
        cheap,
        [("Turin", "254"), ("Prague", "249"), ("Hamburg", "191")]
    );
}

#[tokio::test]
async fn several_ingestions_are_summed_and_removed_ones_are_not() {
    let home = Home::new();
    let files: Vec<_> = (1..4)
        .map(|seed| home.generate(&format!("{seed}.csv"), 3_000, seed))
        .collect();
    let names = files.iter().map(|file| file.to_str().unwrap());
    let arguments: Vec<_> = ["ingest"].into_iter().chain(names).collect();
    assert!(home.run(&arguments).succeeded());
    let all: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    assert_eq!(queried(&home).await, counted(&all));

    let server = home.serve();
    let remove = "mutation { removeIngestion(id: 3) { state } }";
    server.ask(remove, serde_json::json!({})).await;
    assert_eq!(queried(&home).await, counted(&all[..2]));
    assert_ne!(counted(&all), counted(&all[..2]));
}

#[tokio::test]
async fn ties_are_settled_by_name() {
    let row = |region: &str, datasource: &str, day: u32| {
        format!(
            "{region},POINT (14.4 50.1),POINT (14.5 50.0),2018-05-{day:02} 09:03:40,{datasource}\n"
        )
    };
    let mut text = "region,origin_coord,destination_coord,datetime,datasource\n".to_owned();
    for region in ["Turin", "Prague", "Hamburg"] {
        for datasource in ["funny_car", "cheap_mobile", "baba_car"] {
            text += &row(region, datasource, 7);
        }
    }
    let home = Home::new();
    let file = home.write("ties.csv", &text);
    assert!(home.run(&["ingest", "ties.csv"]).succeeded());
    let answers = queried(&home).await;
    assert_eq!(answers, counted(&[&file]));
    let [one, each, cheap] = answers;
    assert_eq!(one, [["baba_car", "Hamburg", "2018-05-07 09:03:40"]]);
    let first = |rows: &[Vec<String>]| rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(first(&each), ["Hamburg", "Prague"]);
    assert_eq!(first(&cheap), ["Hamburg", "Prague", "Turin"]);
}

#[tokio::test]
async fn an_empty_database_has_no_answers() {
    let home = Home::new();
    drop(home.serve());
    assert_eq!(queried(&home).await, Answers::default());
}

//! `tripgraph report --html`: the page for people.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program::Home;
use crate::suite::support::data::{HEADER, REGIONS, Shape};
use crate::suite::support::random::Random;
use crate::suite::support::reference::Reference;

use tripgraph::model::Selection;

/// A number as the page shows it.
fn shown(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join("\u{2009}".as_bytes())).unwrap()
}

fn page(home: &Home, options: &[&str]) -> String {
    let ran = home.run(&[&["report", "--html", "-o", "-"], options].concat());
    assert!(ran.succeeded(), "{ran:?}");
    assert!(ran.stdout.starts_with("<!DOCTYPE html>") && ran.stdout.ends_with("</html>"));
    ran.stdout
}

#[test]
fn the_page_counts_what_a_scan_counts() {
    let home = Home::new();
    let csv = Shape::new(3_000).file(&mut Random::new(12));
    let file = home.write("trips.csv", &csv);
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    let mut reference = Reference::default();
    reference.add(1, &csv);
    let figure =
        |number: &str, what: &str| format!("<strong>{number}</strong> <span>{what}</span>");

    let everything = page(&home, &[]);
    assert!(everything.contains(&figure(&shown(reference.trips.len()), "trips")));
    for (region, ..) in REGIONS {
        assert!(
            everything.contains(&format!("<td>{region}</td>")),
            "{region}"
        );
    }
    assert_eq!(everything.matches("<svg class=\"map\"").count(), 4);
    // Every hour of the week.
    assert_eq!(everything.matches("class=\"heat\"").count(), 168);

    let selection = Selection {
        region: Some("Turin".to_owned()),
        ..Selection::default()
    };
    let turin = page(&home, &["--region", "Turin"]);
    let average = reference.weekly_average(&selection, None, None);
    assert!(turin.contains("<h1>Trips of Turin</h1>"));
    assert!(turin.contains(&figure(
        &shown(usize::try_from(average.total).unwrap()),
        "trips"
    )));
    assert!(turin.contains(&figure(
        &format!("{:.1}", average.average),
        "trips a week on average"
    )));
    assert!(turin.contains(&figure(&average.weeks.len().to_string(), "weeks")));
    let (from, to) = (average.weeks[3].0, average.weeks[9].0);
    let average = reference.weekly_average(&selection, Some(from), Some(to));
    let options = [
        "--region",
        "Turin",
        "--from-week",
        &from.to_string(),
        "--to-week",
        &to.to_string(),
    ];
    let period = page(&home, &options);
    assert!(period.contains(&figure(
        &shown(usize::try_from(average.total).unwrap()),
        "trips"
    )));
    assert!(period.contains(&figure("7", "weeks")));
    assert_eq!(period.matches("class=\"bar\"").count(), 7);

    assert!(page(&home, &["--region", "Atlantis"]).contains("There are no such trips."));
}

#[test]
fn the_page_counts_trips_by_zone() {
    let home = Home::new();
    let csv = [
        // Twice from A to B, on their border once; within A; and out of all zones.
        ("14.1 50.5", "14.9 50.5"),
        ("14.1 50.5", "14.6 50.1"),
        ("14.5 50.5", "14.2 50.2"),
        ("14.9 50.1", "16.0 50.0"),
    ]
    .map(|(from, to)| format!("Prague,POINT ({from}),POINT ({to}),2018-05-28 09:03:40,app\n"))
    .concat();
    let file = home.write("trips.csv", &format!("{HEADER}{csv}"));
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    let zone = |name: &str, west: f64, east: f64| {
        let ring = [
            [west, 50.0],
            [east, 50.0],
            [east, 51.0],
            [west, 51.0],
            [west, 50.0],
        ];
        serde_json::json!({ "type": "Feature", "properties": { "name": name },
            "geometry": { "type": "Polygon", "coordinates": [ring] } })
    };
    let zones = [zone("<A>", 14.0, 14.5), zone("B", 14.5, 15.0)];
    let zones = serde_json::json!({ "type": "FeatureCollection", "features": zones });
    let file = home.write("zones.geojson", &zones.to_string());
    let import = ["zones", "import", file.to_str().unwrap(), "--set", "halves"];
    assert!(home.run(&import).succeeded());

    let halves = page(&home, &["--zone-set", "halves"]);
    let row = |cells: &[&str]| {
        let cell = |text: &&str| {
            let number = text.starts_with(|c: char| c.is_ascii_digit());
            let class = if number { " class=\"number\"" } else { "" };
            format!("<td{class}>{text}</td>")
        };
        let cells = cells.iter().map(cell).collect::<Vec<_>>().concat();
        format!("<tr>{cells}</tr>")
    };
    for cells in [
        // The border is in the first zone.
        &["&lt;A&gt;", "3", "75.0 %", "1"],
        &["B", "1", "25.0 %", "2"],
        &["2", "50.0 %", "&lt;A&gt;", "B"],
        &["1", "25.0 %", "&lt;A&gt;", "&lt;A&gt;"],
        &["1", "25.0 %", "B", "outside the zones"],
    ] {
        assert!(halves.contains(&row(cells)), "{cells:?}: {halves}");
    }
    assert!(halves.contains("<h2>Where trips go: zones of halves</h2>"));
    assert_eq!(halves.matches("<path class=\"cell\"").count(), 2);
    assert_eq!(halves.matches("class=\"flow\"").count(), 2);
    assert!(halves.contains("&lt;A&gt; → B: 2 trips"));

    let one = page(&home, &["--zone-set", "halves", "--zone", "halves/2"]);
    assert!(one.contains("<p>Trips that start in the zone halves/2</p>"));
    // The whole zone, with the border that the set counts for the other one.
    for cells in [
        &["1", "50.0 %", "&lt;A&gt;", "&lt;A&gt;"],
        &["1", "50.0 %", "B", "outside the zones"],
    ] {
        assert!(one.contains(&row(cells)), "{cells:?}: {one}");
    }
    let out = page(
        &home,
        &["--zone-set", "halves", "--bbox", "14.8,50,15,50.2"],
    );
    assert!(out.contains("No trip has both ends in a zone."));
    for (option, name) in [
        ("--zone-set", "there is no"),
        ("--zone", "there is no zone"),
    ] {
        let ran = home.run(&["report", "--html", "-o", "x.html", option, "nowhere/1"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(name), "{ran:?}");
        assert!(!home.path("x.html").exists());
    }
}

#[test]
fn the_page_loads_nothing_and_escapes_names() {
    let home = Home::new();
    let name = "<script>alert(1)</script>&\"\u{202e}";
    let quoted = name.replace('"', "\"\"");
    let csv = format!(
        "{HEADER}\"{quoted}\",POINT (14.4 50.0),POINT (14.5 50.1),2018-05-28 09:03:40,\"{quoted}\"\n"
    );
    let file = home.write("trips.csv", &csv);
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    for options in [&[][..], &["--region", name, "--datasource", name]] {
        let page = page(&home, options);
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}'),
            "{page}"
        );
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&amp;"),
            "{page}"
        );
        for loading in ["http://", "https://", "url(", "src=", "href=", "@import"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
}

#[test]
fn the_page_is_a_file() {
    let home = Home::new();
    let file = home.generate("trips.csv", 200, 1);
    assert!(home.run(&["ingest", file.to_str().unwrap()]).succeeded());
    assert!(
        home.run(&["report", "--html", "-o", "report.html"])
            .succeeded()
    );
    let written = std::fs::read_to_string(home.path("report.html")).unwrap();
    assert_eq!(written, page(&home, &[]));
    for (arguments, code, message) in [
        (&["report", "--html"][..], 2, "--output <FILE>"),
        (&["report", "--region", "Turin"], 2, "--html"),
        (
            &["report", "--html", "--json", "-o", "x.html"],
            2,
            "cannot be used with",
        ),
        (
            &["report", "--html", "-o", "x.html", "--from-week", "soon"],
            1,
            "--from-week: \"soon\" is not a date",
        ),
        (
            &["report", "--html", "-o", "x.html", "--bbox", "1,2,3"],
            1,
            "--bbox: \"1,2,3\" is not four numbers",
        ),
    ] {
        let ran = home.run(arguments);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(message), "{ran:?}");
        assert!(!home.path("x.html").exists());
    }
}

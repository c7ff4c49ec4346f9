//! What clients read when a request or a file is wrong. Each catalogue is a snapshot.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::program::{Home, Serving};
use super::support::Server;
use super::support::snapshot::assert_snapshot;

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

const HEADER: &str = "region,origin_coord,destination_coord,datetime,datasource";
const ROW: &str = "Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,bikes";
const INGEST: &str = "mutation ($file: Upload!) { ingestTrips(file: $file) { duplicate } }";

/// Wrong requests, and the errors that answer them.
#[derive(Default)]
struct Catalogue(String);

impl Catalogue {
    /// Sends a request; its answer has errors.
    async fn add(&mut self, what: &str, request: RequestBuilder) {
        let request = request.header(ACCEPT, "application/graphql-response+json");
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        writeln!(self.0, "{what}").unwrap();
        let errors = answer["errors"].as_array();
        for error in errors.unwrap_or_else(|| panic!("{what}: {answer}")) {
            let code = error["extensions"]["code"].as_str().unwrap();
            let message = error["message"].as_str().unwrap();
            writeln!(self.0, "  {status} {code}: {message}").unwrap();
        }
    }
}

fn post(server: &Server) -> RequestBuilder {
    Client::new().post(server.url("/graphql"))
}

fn operation(server: &Server, query: &str) -> RequestBuilder {
    post(server).json(&json!({ "query": query }))
}

#[tokio::test]
async fn operations_that_are_wrong() {
    let server = Server::start().await;
    let mut catalogue = Catalogue::default();
    for query in [
        "{ ingestion(id: ",
        "{ nonsense }",
        "{ regions }",
        "{ weeklyAverage { average { x } } }",
        "{ region { name } }",
        "{ region(name: 5) { name } }",
        "query ($name: String!) { region(name: $name) { name } }",
        "query A { __typename } query B { __typename }",
        "fragment A on Query { __typename }",
        "{ weeklyAverage(bbox: {west: 0, south: -91, east: 1, north: 1}) { average } }",
        "{ weeklyAverage(bbox: {west: -181, south: 0, east: 1, north: 1}) { average } }",
        "{ weeklyAverage(bbox: {west: 0, south: 2, east: 1, north: 1}) { average } }",
        r#"{ weeklyAverage(fromWeek: "2020-01-31", toWeek: "2020-01-01") { average } }"#,
        r#"{ weeklyAverage(fromWeek: "2020-02-30") { average } }"#,
        "{ groupedTrips(timeBucketMinutes: 45) { totalCount } }",
        "{ groupedTrips(resolution: 10) { totalCount } }",
        "{ groupedTrips(first: 1001) { totalCount } }",
        "{ groupedTrips(first: -1) { totalCount } }",
        "{ groupedTrips(minTrips: -1) { totalCount } }",
        r#"{ groupedTrips(after: "rubbish") { totalCount } }"#,
        "{ groupedTrips(first: 1000) { nodes { members(first: 1000) { totalCount } } } }",
        "subscription { ingestionUpdates { id } }",
        r#"mutation { cancelIngestion(id: "77") { id } }"#,
        r#"mutation { removeIngestion(id: "abc") { id } }"#,
        r#"mutation { ingestTrips(file: "x") { duplicate } }"#,
        INGEST,
    ] {
        catalogue.add(query, operation(&server, query)).await;
    }
    for file in ["x", "0", "#__graphql_file__:0"] {
        let body = json!({ "query": INGEST, "variables": { "file": file } });
        let what = format!("the variable `file` is {file:?}");
        catalogue.add(&what, post(&server).json(&body)).await;
    }

    let list = |make: &dyn Fn(u32) -> String, count| (0..count).map(make).collect::<String>();
    let nested = "datasources { regions { ".repeat(12) + "name" + &" } }".repeat(12);
    let doubled = |n| format!(" fragment F{n} on Query {{ ...F{0} ...F{0} }}", n + 1);
    for (what, query) in [
        ("deep fields", format!("{{ regions {{ {nested} }} }}")),
        (
            "150 aliases",
            format!("{{ {} }}", list(&|n| format!("a{n}: __typename "), 150)),
        ),
        (
            "fragments that double",
            format!(
                "{{ ...F0 }} {} fragment F40 on Query {{ __typename }}",
                list(&doubled, 40)
            ),
        ),
        (
            "deep selection sets",
            format!("{{ {} __typename {} }}", "... {".repeat(40), "}".repeat(40)),
        ),
        (
            "many tokens",
            format!("{{ {} }}", "__typename ".repeat(21_000)),
        ),
    ] {
        catalogue.add(what, operation(&server, &query)).await;
    }

    let csv = format!("{HEADER}\n{ROW}\n");
    let id = server.backend.ingest(&csv).await.id;
    let cancel = format!("mutation {{ cancelIngestion(id: {id}) {{ state }} }}");
    let remove = format!("mutation {{ removeIngestion(id: {id}) {{ state }} }}");
    catalogue.add(&cancel, operation(&server, &cancel)).await;
    operation(&server, &remove).send().await.unwrap();
    catalogue.add(&remove, operation(&server, &remove)).await;
    assert_snapshot("errors-operations", &catalogue.0);
}

#[tokio::test]
async fn requests_that_are_wrong() {
    let server = Server::start().await;
    let mut catalogue = Catalogue::default();
    let json = |body: &str| {
        let request = post(&server).header(CONTENT_TYPE, "application/json");
        request.body(body.to_owned())
    };
    for body in [
        "",
        "{",
        "1",
        "{}",
        r#"[{"query":"{ __typename }"}]"#,
        r#"{"query":1}"#,
        r#"{"query":"{ __typename }","operationName":1}"#,
        r#"{"query":"{ __typename }","operationName":"A"}"#,
        r#"{"query":"{ __typename }","variables":"x"}"#,
    ] {
        catalogue.add(&format!("POST {body}"), json(body)).await;
    }
    let long = " ".repeat(2 << 20);
    catalogue.add("2 MiB of JSON", json(&long)).await;
    for query in [
        "",
        "?query={__typename}&variables=[",
        "?query={__typename}&query={__typename}",
        "?query=mutation{cancelIngestion(id:1){id}}",
    ] {
        let request = Client::new().get(server.url("/graphql") + query);
        catalogue.add(&format!("GET {query}"), request).await;
    }
    let body = r#"{"query":"{ __typename }"}"#;
    for (name, value) in [
        (CONTENT_TYPE, "text/plain"),
        (CONTENT_TYPE, "application/json; charset=utf-16"),
        (CONTENT_TYPE, "multipart/form-data"),
        (CONTENT_TYPE, "multipart/form-data; boundary="),
        (CONTENT_ENCODING, "gzip"),
        (ORIGIN, "https://evil.example"),
        (HOST, "evil.example"),
        (HOST, "a/b"),
    ] {
        let request = match &name {
            &CONTENT_TYPE => post(&server).body(body),
            _ => json(body),
        };
        let what = format!("{name}: {value}");
        catalogue.add(&what, request.header(name, value)).await;
    }

    let server = Server::with(&["ann:read:look-at-the-trips"]).await;
    let query = "{ __typename }";
    catalogue.add("no token", operation(&server, query)).await;
    let wrong = operation(&server, query).bearer_auth("wrong");
    catalogue.add("an unknown token", wrong).await;
    let mutation = "mutation { cancelIngestion(id: 1) { id } }";
    let mutation = operation(&server, mutation).bearer_auth("look-at-the-trips");
    catalogue.add("a mutation, read token", mutation).await;
    assert_snapshot("errors-requests", &catalogue.0);
}

#[tokio::test]
async fn uploads_that_are_wrong_leave_nothing() {
    let server = Server::start().await;
    let operations = json!({ "query": INGEST, "variables": { "file": null } }).to_string();
    let map = r#"{"0":["variables.file"]}"#;
    let file = || Part::text("x").file_name("trips.csv");
    let parts = |operations: &str, map: &str| {
        let form = Form::new().text("operations", operations.to_owned());
        form.text("map", map.to_owned()).part("0", file())
    };
    let large = Part::text("x".repeat(3 << 20)).file_name("trips.csv");
    let files: Vec<_> = (0..17)
        .map(|n| format!(r#""{n}":["variables.x"]"#))
        .collect();
    let mut catalogue = Catalogue::default();
    for (what, form) in [
        ("no operations", Form::new().text("map", map)),
        (
            "file first",
            Form::new()
                .part("0", file())
                .text("operations", operations.clone())
                .text("map", map),
        ),
        (
            "no map",
            Form::new()
                .text("operations", operations.clone())
                .part("0", file()),
        ),
        (
            "no file",
            Form::new()
                .text("operations", operations.clone())
                .text("map", map),
        ),
        ("unknown part", parts(&operations, map).part("1", file())),
        ("same part twice", parts(&operations, map).part("0", file())),
        ("batch", parts(&format!("[{operations}]"), map)),
        ("map is a list", parts(&operations, "[]")),
        (
            "map to no variable",
            parts(&operations, r#"{"0":["variables.nothing"]}"#),
        ),
        ("map to nothing", parts(&operations, r#"{"0":[]}"#)),
        (
            "map to one variable twice",
            parts(&operations, r#"{"0":["variables.file","variables.file"]}"#),
        ),
        (
            "17 files",
            parts(&operations, &format!("{{{}}}", files.join(","))),
        ),
        (
            "variable is not null",
            parts(&operations.replace("null", "\"x\""), map),
        ),
        (
            "invalid document",
            parts(&operations.replace("duplicate", "nonsense"), map),
        ),
        ("2 MiB of operations", parts(&" ".repeat(2 << 20), map)),
        (
            "3 MiB of file",
            Form::new()
                .text("operations", operations.clone())
                .text("map", map)
                .part("0", large),
        ),
    ] {
        catalogue.add(what, post(&server).multipart(form)).await;
    }
    assert_snapshot("errors-uploads", &catalogue.0);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.spooled(), 0);
    let none = server.backend.ingestions.list(None, 1, None).await.unwrap();
    assert!(none.items.is_empty(), "{none:?}");
}

/// Uploads a file; how its ingestion failed.
async fn failure(home: &Home, server: &Serving, text: &[u8]) -> String {
    let path = home.path("trips.csv");
    std::fs::write(&path, text).unwrap();
    let id = server.upload(&path).await;
    let ended = server.ended(&id).await;
    assert_eq!(ended["state"], "FAILED", "{ended}");
    let part = |name: &str| ended["error"][name].as_str().unwrap().to_owned();
    format!("{}: {}", part("code"), part("message"))
}

#[tokio::test]
async fn files_without_trips() {
    let home = Home::new();
    let server = home.serve();
    let text = format!("{HEADER}\n{ROW}\n");
    let swapped = "datasource,origin_coord,destination_coord,datetime,region";
    let mut catalogue = String::new();
    for (what, text) in [
        ("no bytes", String::new()),
        ("binary", "PK\0\u{3}\0".to_owned()),
        ("no rows", format!("{HEADER}\n")),
        ("two columns", "region,datetime\nLyon,2021\n".to_owned()),
        ("a column twice", text.replace("datasource", "region")),
        (
            "a title above the header",
            format!("Trip report March 2021,,,,\n{text}"),
        ),
        ("quoted lines", format!("\"{HEADER}\"\n\"{ROW}\"\n")),
        ("a separator that is not recognised", text.replace(',', "~")),
        (
            "columns that may be the same",
            text.replace("region,", "from_point,")
                .replace("origin_coord", "pickup_location"),
        ),
        (
            "dates that may be read in two ways",
            text.replace("2021-03-01", "3/1/2021"),
        ),
        (
            "a web page",
            "<!doctype html><title>Log in</title>".to_owned(),
        ),
        (
            "a Git LFS pointer",
            "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n".to_owned(),
        ),
        ("JSON without trips", "{\"data\": [1]}".to_owned()),
        (
            "JSON that was cut off",
            "{\"trips\": [{\"trip_id\": \"a\", \"route\": {}}".to_owned(),
        ),
        (
            "rows of JSON",
            "[{\"trip_id\": \"a\", \"start_lng\": 4.83}]".to_owned(),
        ),
        (
            "an error of an object store",
            "<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code></Error>".to_owned(),
        ),
        ("JSON of numbers", "{\"trips\": [1]}".to_owned()),
        ("broken JSON", "{\"trips\": [{a}]}".to_owned()),
        (
            "invisible characters in the header",
            text.replace("origin_coord,", "\"\u{feff}origin\u{200b}_coord\u{1b}\","),
        ),
        ("a quote left open", text.replacen("region", "\"region", 1)),
        (
            "text after a closing quote",
            text.replacen("region", "\"region\"x", 1),
        ),
        ("a long header", "x".repeat(100_000)),
        ("another header below", format!("{text}{swapped}\n{ROW}\n")),
        ("no good row", text.replace("4.83 45.76", "4.83 95")),
    ] {
        let failure = failure(&home, &server, text.as_bytes()).await;
        writeln!(catalogue, "{what}\n  {failure}").unwrap();
    }
    let utf_16: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let failure = failure(&home, &server, &utf_16).await;
    writeln!(catalogue, "UTF-16\n  {failure}").unwrap();
    assert_snapshot("errors-files", &catalogue);
    assert_eq!(server.trips().await, 0);
}

#[tokio::test]
async fn rows_that_are_rejected() {
    let home = Home::new();
    let server = home.serve();
    let mut rows = vec![ROW.to_owned()];
    for point in [
        "",
        "4.83 45.76",
        "POINT EMPTY",
        "POINT Z (4.83 45.76 1)",
        "LINESTRING (4.83 45.76)",
        "POINT (4.83)",
        "POINT (4.83 45.76 1)",
        "POINT (x 45.76)",
        "SRID=3857;POINT (4.83 45.76)",
        "POINT (4.83 95)",
        "POINT (-181 45.76)",
        "POINT (nan 45.76)",
    ] {
        rows.push(ROW.replace("POINT (4.83 45.76)", point));
    }
    for time in [
        "",
        "yesterday",
        "0000-03-01 08:00:00",
        "2021-13-01 08:00:00",
        "2021-02-30 08:00:00",
        "2021-03-01 24:00:00",
        "1614585600",
    ] {
        rows.push(ROW.replace("2021-03-01 08:00:00", time));
    }
    rows.extend([
        ROW.replace("Lyon", ""),
        ROW.replace("Lyon", &"x".repeat(300)),
        ROW.replace("bikes", " "),
        ROW.replace(",bikes", ""),
        format!("{ROW},x"),
        ROW.replace("bikes", "\"bikes\" blue"),
        ROW.replace("bikes", "\"bikes"),
        HEADER.to_owned(),
    ]);
    let text = format!("{HEADER}\n{}\n", rows.join("\n"));
    let id = server.upload(&home.write("trips.csv", &text)).await;
    server.ended(&id).await;
    let query = "query ($id: ID!) { ingestion(id: $id) {
        rejectedRows(first: 1000) { nodes { line column reason } } } }";
    let answer = server.ask(query, json!({ "id": id })).await;
    let mut catalogue = String::new();
    for row in answer["ingestion"]["rejectedRows"]["nodes"]
        .as_array()
        .unwrap()
    {
        let line = usize::try_from(row["line"].as_u64().unwrap()).unwrap();
        let column = row["column"].as_str().map(|column| format!("{column}: "));
        let (text, reason) = (&rows[line - 2], row["reason"].as_str().unwrap());
        writeln!(
            catalogue,
            "{text}\n  {}{reason}",
            column.unwrap_or_default()
        )
        .unwrap();
    }
    assert_eq!(server.trips().await, 1);
    assert_snapshot("errors-rows", &catalogue);
}

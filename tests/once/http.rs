//! GraphQL over HTTP: uploads, answers, errors, and who is let in.
#![allow(clippy::unwrap_used, reason = "tests")]

mod cors;
mod headers;
mod hosts;
mod inspect;
mod limits;
mod multipart;

use crate::suite::support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};
use serde_json::{Value, json};
use support::Server;
use support::snapshot::assert_snapshot;

const NEW: &str = "application/graphql-response+json";
const CSV: &str = "region,origin_coord,destination_coord,datetime,datasource
Prague,POINT (14.4 50.05),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car
Prague,POINT (14.4 50.05),POINT (14.5 50.1),2018-05-21 09:30:00,cheap_mobile
Prague,POINT (14.4 50.05),POINT (14.5 50.1),2018-05-29 09:59:59.5,cheap_mobile
Prague,POINT (14.4 95.0),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car
Turin,POINT (7.67 44.99),POINT (7.72 45.06),2018-05-21 02:54:04,baba_car
";
const INGEST: &str = "mutation ($file: Upload!) { ingestTrips(file: $file) { duplicate ingestion { id state source } } }";

fn client() -> Client {
    Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap()
}

fn post(server: &Server) -> RequestBuilder {
    client().post(server.url("/graphql"))
}

async fn ask_with(server: &Server, query: &str, variables: Value) -> Value {
    let response = post(server)
        .json(&json!({ "query": query, "variables": variables }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{query}");
    response.json().await.unwrap()
}

async fn ask(server: &Server, query: &str) -> Value {
    ask_with(server, query, json!({})).await
}

fn form(csv: &str) -> Form {
    Form::new()
        .text(
            "operations",
            json!({ "query": INGEST, "variables": { "file": null } }).to_string(),
        )
        .text("map", json!({ "0": ["variables.file"] }).to_string())
        .part("0", Part::text(csv.to_owned()).file_name("trips.csv"))
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no code: {answer}"))
}

async fn body(response: Response) -> Value {
    response.json().await.unwrap()
}

/// Uploads and waits until the ingestion has ended.
async fn ingest(server: &Server, csv: &str) -> String {
    let answer = body(post(server).multipart(form(csv)).send().await.unwrap()).await;
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned();
    for _ in 0..200 {
        let answer = ask_with(
            server,
            "query ($id: ID!) { ingestion(id: $id) { state } }",
            json!({ "id": id }),
        )
        .await;
        if !["QUEUED", "RUNNING"].contains(&answer["data"]["ingestion"]["state"].as_str().unwrap())
        {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("ingestion {id} does not end");
}

#[tokio::test]
async fn an_upload_is_ingested_and_answers() {
    let server = Server::start().await;
    let id = ingest(&server, CSV).await;
    let answer = ask_with(
        &server,
        "query ($id: ID!) { ingestion(id: $id) { source state bytesTotal rowsRead rowsIngested rowsRejected percent createdAt
           rejectedRows { totalCount nodes { line reason raw } } } }",
        json!({ "id": id }),
    )
    .await;
    let ingestion = &answer["data"]["ingestion"];
    assert_eq!(ingestion["source"], "trips.csv");
    assert_eq!(ingestion["state"], "SUCCEEDED");
    assert_eq!(ingestion["bytesTotal"], CSV.len());
    assert_eq!(
        (
            &ingestion["rowsRead"],
            &ingestion["rowsIngested"],
            &ingestion["rowsRejected"]
        ),
        (&json!(5), &json!(4), &json!(1))
    );
    assert_eq!(ingestion["rejectedRows"]["nodes"][0]["line"], 5);
    assert!(ingestion["createdAt"].as_str().unwrap().ends_with('Z'));

    let answer = ask(&server, "{ weeklyAverage(region: \"Prague\") { average totalTrips calendarWeeks activeWeeks firstWeek lastWeek weeks { week trips } } }").await;
    assert_eq!(
        answer["data"]["weeklyAverage"],
        json!({
            "average": 1.5, "totalTrips": 3, "calendarWeeks": 2, "activeWeeks": 2, "firstWeek": "2018-05-21", "lastWeek": "2018-05-28",
            "weeks": [{ "week": "2018-05-21", "trips": 1 }, { "week": "2018-05-28", "trips": 2 }],
        })
    );
    let answer = ask(
        &server,
        "{ weeklyAverage(bbox: {west: 7, south: 44, east: 8, north: 46}) { totalTrips } }",
    )
    .await;
    assert_eq!(answer["data"]["weeklyAverage"]["totalTrips"], 1);
    let answer = ask(
        &server,
        "{ weeklyAverage(region: \"Nowhere\") { average weeks { trips } firstWeek } }",
    )
    .await;
    assert_eq!(
        answer["data"]["weeklyAverage"],
        json!({ "average": 0.0, "weeks": [], "firstWeek": null })
    );
}

#[tokio::test]
async fn groups_and_members_are_paged() {
    let server = Server::start().await;
    let id = ingest(&server, CSV).await;
    let query = "query ($after: String) { groupedTrips(first: 1, after: $after) { totalCount pageInfo { hasNextPage endCursor }
        nodes { id trips startTime endTime origin { index resolution boundary { lon } } members(first: 2) { totalCount pageInfo { hasNextPage endCursor }
          edges { cursor node { id line departedAt origin { lon lat } ingestion { id } } } } } } }";
    let first = ask(&server, query).await;
    let groups = &first["data"]["groupedTrips"];
    assert_eq!(groups["totalCount"], 2);
    assert_eq!(groups["pageInfo"]["hasNextPage"], true);
    let group = &groups["nodes"][0];
    assert_eq!(
        (&group["trips"], &group["startTime"], &group["endTime"]),
        (&json!(3), &json!("09:00"), &json!("10:00"))
    );
    assert_eq!(group["origin"]["resolution"], 7);
    assert_eq!(group["members"]["totalCount"], 3);
    let member = &group["members"]["edges"][0]["node"];
    assert_eq!(member["departedAt"], "2018-05-28T09:03:40");
    assert_eq!(member["origin"], json!({ "lon": 14.4, "lat": 50.05 }));
    assert_eq!(member["ingestion"]["id"], id);
    let second = ask_with(
        &server,
        query,
        json!({ "after": groups["pageInfo"]["endCursor"] }),
    )
    .await;
    let groups = &second["data"]["groupedTrips"];
    assert_eq!(groups["nodes"][0]["trips"], 1);
    assert_eq!(groups["pageInfo"]["hasNextPage"], false);
    let last = ask(
        &server,
        "{ groupedTrips(timeBucketMinutes: 1440, resolution: 0) { nodes { endTime } } }",
    )
    .await;
    assert_eq!(last["data"]["groupedTrips"]["nodes"][0]["endTime"], "24:00");
}

#[tokio::test]
async fn regions_know_their_latest_datasource() {
    let server = Server::start().await;
    ingest(&server, CSV).await;
    let answer = ask(&server, "{ regions { name trips firstDepartedAt lastDepartedAt latestDatasource { name trips } datasources { name trips regions { name trips } } } nowhere: region(name: \"x\") { name } datasource(name: \"baba_car\") { trips regions { name } } }").await;
    let data = &answer["data"];
    assert_eq!(data["regions"][0]["name"], "Prague");
    assert_eq!(data["regions"][0]["trips"], 3);
    assert_eq!(data["regions"][0]["firstDepartedAt"], "2018-05-21T09:30:00");
    assert_eq!(
        data["regions"][0]["lastDepartedAt"],
        "2018-05-29T09:59:59.500"
    );
    assert_eq!(
        data["regions"][0]["latestDatasource"],
        json!({ "name": "cheap_mobile", "trips": 2 })
    );
    assert_eq!(data["nowhere"], Value::Null);
    assert_eq!(
        data["datasource"],
        json!({ "trips": 1, "regions": [{ "name": "Turin" }] })
    );
}

#[tokio::test]
async fn the_same_bytes_are_recognised() {
    let server = Server::start().await;
    let id = ingest(&server, CSV).await;
    let answer = body(post(&server).multipart(form(CSV)).send().await.unwrap()).await;
    assert_eq!(answer["data"]["ingestTrips"]["duplicate"], true);
    assert_eq!(answer["data"]["ingestTrips"]["ingestion"]["id"], id);
}

#[tokio::test]
async fn an_ended_ingestion_can_be_removed_but_not_cancelled() {
    let server = Server::start().await;
    let id = ingest(&server, CSV).await;
    let query = |name: &str| format!("mutation {{ {name}(id: \"{id}\") {{ state }} }}");
    assert_eq!(
        code(&ask(&server, &query("cancelIngestion")).await),
        "CONFLICT"
    );
    assert_eq!(
        ask(&server, &query("removeIngestion")).await["data"]["removeIngestion"]["state"],
        "REMOVED"
    );
    assert_eq!(
        ask(&server, "{ weeklyAverage { totalTrips } }").await["data"]["weeklyAverage"]["totalTrips"],
        0
    );
}

#[tokio::test]
async fn several_files_of_one_request() {
    let server = Server::start().await;
    let query = "mutation ($one: Upload!, $two: Upload!) { a: ingestTrips(file: $one) { ingestion { source } } b: ingestTrips(file: $two) { ingestion { source } } }";
    let form = Form::new()
        .text(
            "operations",
            json!({ "query": query, "variables": { "one": null, "two": null } }).to_string(),
        )
        .text(
            "map",
            json!({ "x": ["variables.one"], "y": ["variables.two"] }).to_string(),
        )
        .part(
            "y",
            Part::text(format!("{CSV}\n")).file_name("C:\\data\\two.csv"),
        )
        .part("x", Part::text(CSV).file_name("../one.csv"));
    let answer = body(post(&server).multipart(form).send().await.unwrap()).await;
    assert_eq!(
        answer["data"],
        json!({ "a": { "ingestion": { "source": "one.csv" } }, "b": { "ingestion": { "source": "two.csv" } } }),
        "{answer}"
    );
}

#[tokio::test]
async fn an_unused_file_is_dropped() {
    let server = Server::start().await;
    let operations = json!({ "query": "{ __typename }", "variables": { "file": null } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{"0":["variables.file"]}"#)
        .part("0", Part::text(CSV).file_name("trips.csv"));
    let answer = body(post(&server).multipart(form).send().await.unwrap()).await;
    assert_eq!(answer["data"]["__typename"], "Query", "{answer}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.spooled(), 0);
}

#[tokio::test]
async fn an_unknown_ingestion_is_null() {
    let server = Server::start().await;
    let query = "{ ingestion(id: \"abc\") { id } other: ingestion(id: \"7\") { id } }";
    let answer = ask(&server, query).await;
    let none = json!({ "data": { "ingestion": null, "other": null } });
    assert_eq!(answer, none);
}

#[tokio::test]
async fn an_ordinary_operation_is_within_the_limits() {
    let server = Server::start().await;
    let ordinary = "{ groupedTrips(first: 100) { nodes { trips origin { index center { lon lat } } members(first: 20) { nodes { id region datasource departedAt origin { lon lat } destination { lon lat } } } } } }";
    assert_eq!(ask(&server, ordinary).await["errors"], Value::Null);
}

#[tokio::test]
async fn introspection_passes() {
    let server = Server::start().await;
    let of_type = "ofType { kind name ".repeat(9) + &"}".repeat(9);
    let query = format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }} subscriptionType {{ name kind }}
          types {{ ...FullType }} directives {{ name description locations args {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL
          fields(includeDeprecated: true) {{ name description args {{ ...InputValue }} type {{ ...TypeRef }} isDeprecated deprecationReason }}
          inputFields {{ ...InputValue }} interfaces {{ ...TypeRef }}
          enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }} possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue }}
        fragment TypeRef on __Type {{ kind name {of_type} }}"
    );
    let answer = ask(&server, &query).await;
    assert_eq!(answer["errors"], Value::Null);
    assert_eq!(
        answer["data"]["__schema"]["subscriptionType"]["name"],
        "Subscription"
    );
}

#[tokio::test]
async fn get_is_for_queries() {
    let server = Server::start().await;
    let get = |query: &[(&str, &str)]| {
        let url = reqwest::Url::parse_with_params(&server.url("/graphql"), query).unwrap();
        client().get(url)
    };
    let response = get(&[
        (
            "query",
            "query A($id: ID!) { ingestion(id: $id) { id } } query B { __typename }",
        ),
        ("operationName", "A"),
        ("variables", "{\"id\":\"1\"}"),
    ])
    .send()
    .await
    .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        body(response).await,
        json!({ "data": { "ingestion": null } })
    );
    let response = get(&[("query", "mutation { cancelIngestion(id: \"1\") { id } }")])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "POST");
}

#[tokio::test]
async fn the_client_chooses_the_media_type() {
    let server = Server::start().await;
    let send = async |accept: Option<&str>, payload: &str| {
        let mut request = post(&server)
            .header(CONTENT_TYPE, "application/json")
            .body(payload.to_owned());
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        let response = request.send().await.unwrap();
        let media_type = response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        let status = response.status().as_u16();
        (status, media_type, body(response).await)
    };
    let good = r#"{"query":"{ __typename }"}"#;
    assert_eq!(send(None, good).await.1, "application/json; charset=utf-8");
    assert_eq!(
        send(Some("*/*"), good).await.1,
        "application/json; charset=utf-8"
    );
    assert_eq!(
        send(Some(NEW), good).await.1,
        "application/graphql-response+json; charset=utf-8"
    );
    for bad in [
        r#"{"query":"{ nonsense }"}"#,
        r#"{"query":"{"}"#,
        r#"{"query":"query ($id: ID!) { ingestion(id: $id) { id } }"}"#,
    ] {
        let (status, _, answer) = send(Some(NEW), bad).await;
        assert_eq!(status, 400, "{bad}: {answer}");
        assert!(answer.get("data").is_none(), "{bad}: {answer}");
        assert_eq!(send(Some("application/json"), bad).await.0, 200, "{bad}");
    }
    for malformed in [
        "",
        "{",
        "[]",
        "{}",
        r#"[{"query":"{ __typename }"}]"#,
        r#"{"query":"{ __typename }","variables":"x"}"#,
    ] {
        assert_eq!(
            send(Some("application/json"), malformed).await.0,
            400,
            "{malformed}"
        );
        assert_eq!(send(Some(NEW), malformed).await.0, 400, "{malformed}");
    }
    let (status, _, answer) = send(
        Some(NEW),
        r#"{"query":"mutation { cancelIngestion(id: \"1\") { id } }"}"#,
    )
    .await;
    assert_eq!((status, &answer["data"]), (200, &Value::Null));
    assert!(answer.get("data").is_some());
    assert_eq!(
        send(None, &format!("{{\"query\":\"{}\"}}", " ".repeat(2 << 20)))
            .await
            .0,
        413
    );
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let server = Server::start().await;
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
    ] {
        let request = post(&server)
            .header(CONTENT_TYPE, media_type)
            .body(r#"{"query":"{ __typename }"}"#);
        assert_eq!(request.send().await.unwrap().status(), 415, "{media_type}");
    }
    let host = server.address.to_string();
    for (headers, status) in [
        (vec![(ORIGIN, format!("http://{host}"))], 200),
        (vec![(ORIGIN, "https://evil.example".to_owned())], 403),
        (vec![(ORIGIN, "null".to_owned())], 403),
        (
            vec![
                (ORIGIN, "https://localhost".to_owned()),
                (HOST, "localhost".to_owned()),
            ],
            200,
        ),
        (
            vec![("sec-fetch-site".parse().unwrap(), "cross-site".to_owned())],
            403,
        ),
    ] {
        for method in [Method::POST, Method::GET] {
            let mut request = match method {
                Method::POST => post(&server).json(&json!({ "query": "{ __typename }" })),
                _ => client().get(server.url("/graphql?query={__typename}")),
            };
            for (name, value) in &headers {
                request = request.header(name, value);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{headers:?}");
            if status == 403 {
                assert_eq!(code(&body(response).await), "FORBIDDEN");
            }
        }
    }
    let response = post(&server)
        .header(ORIGIN, "https://evil.example")
        .multipart(form(CSV))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn tokens_say_who_may_do_what() {
    let server = Server::with(&[
        "eve:aggregate:count-the-trips-only",
        "ann:read:look-at-the-trips",
        "bob:write:change-the-trips",
    ])
    .await;
    let query = json!({ "query": "{ __typename }" });
    let mutation = json!({ "query": "mutation { cancelIngestion(id: \"1\") { id } }" });
    for (token, payload, status, expected) in [
        (None, &query, 401, "UNAUTHENTICATED"),
        (Some("Bearer wrong"), &query, 401, "UNAUTHENTICATED"),
        (
            Some("Basic bG9vay1hdC10aGUtdHJpcHM="),
            &query,
            401,
            "UNAUTHENTICATED",
        ),
        (Some("Bearer look-at-the-trips"), &query, 200, ""),
        (
            Some("Bearer look-at-the-trips"),
            &mutation,
            403,
            "FORBIDDEN",
        ),
        (Some("Bearer change-the-trips"), &query, 200, ""),
        (Some("Bearer change-the-trips"), &mutation, 200, "NOT_FOUND"),
    ] {
        let mut request = post(&server).json(payload);
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{token:?}");
        assert_eq!(
            response.headers().contains_key("www-authenticate"),
            status == 401
        );
        let answer = body(response).await;
        if !expected.is_empty() {
            assert_eq!(code(&answer), expected, "{answer}");
        }
    }
    for (token, write, aggregates_only) in [
        (None, false, false),
        (Some("Bearer wrong"), false, false),
        (Some("Bearer count-the-trips-only"), false, true),
        (Some("Bearer look-at-the-trips"), false, false),
        (Some("Bearer change-the-trips"), true, false),
    ] {
        let mut request = client().get(server.url("/graphiql/config.json"));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        let config = body(request.send().await.unwrap()).await;
        assert_eq!(
            [
                &config["tokens"],
                &config["write"],
                &config["aggregatesOnly"]
            ],
            [&json!(true), &json!(write), &json!(aggregates_only)],
            "{token:?}"
        );
    }
    for (token, status) in [
        (None, 401),
        (Some("Bearer look-at-the-trips"), 403),
        (Some("Bearer change-the-trips"), 200),
    ] {
        let mut request = post(&server).multipart(form(CSV));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{token:?}");
    }
    for path in ["/health/live", "/health/ready", "/graphiql"] {
        assert_eq!(
            client()
                .get(server.url(path))
                .send()
                .await
                .unwrap()
                .status(),
            200,
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_health_and_request_ids() {
    let server = Server::start().await;
    let get = async |path: &str| client().get(server.url(path)).send().await.unwrap();
    assert_eq!(get("/").await.headers()["location"], "/graphiql");
    assert_eq!(get("/health/live").await.status(), 200);
    assert_eq!(get("/nowhere").await.status(), 404);
    let ready = get("/health/ready").await;
    assert!(ready.headers().contains_key("x-request-id"));
    assert_eq!(ready.status(), 200);
    server.shutdown.request();
}

#[tokio::test]
async fn an_example_can_be_had() {
    let server = Server::start().await;
    let response = client().get(server.url("/graphiql/example.csv"));
    let response = response.send().await.unwrap();
    let name = "attachment; filename=\"trips.csv\"";
    assert_eq!(response.headers()["content-disposition"], name);
    let committed = std::fs::read_to_string("examples/trips.csv").unwrap();
    assert!(response.text().await.unwrap() == committed);
}

/// The page needs no other host, and lets in none.
#[cfg(console)]
#[tokio::test]
async fn the_console_is_all_of_our_own() {
    let server = Server::start().await;
    let get = |path: &str| client().get(server.url(path));
    let page = get("/graphiql").send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let tag = page.headers()["etag"].clone();
    let page = page.text().await.unwrap();
    assert!(!page.contains("//"), "{page}");
    let again = get("/graphiql").header("if-none-match", tag);
    assert_eq!(again.send().await.unwrap().status(), 304);

    let script = page.split('"').find(|text| text.contains("/assets/index"));
    let script = script.unwrap();
    let plain = get(script).send().await.unwrap().bytes().await.unwrap();
    for (accepted, encoding) in [
        ("gzip, deflate, br, zstd", Some("gzip")),
        ("GZIP;q=0.5", Some("gzip")),
        ("br", Some("br")),
        ("gzip;q=0", None),
        ("identity", None),
    ] {
        let script = get(script).header("accept-encoding", accepted).send();
        let script = script.await.unwrap();
        assert_eq!(script.status(), 200);
        let headers = script.headers();
        let found = headers.get("content-encoding");
        assert_eq!(found.map(|found| found.to_str().unwrap()), encoding);
        assert_eq!(headers["vary"], "accept-encoding", "{accepted}");
        assert_eq!(
            headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(headers["content-type"], "text/javascript");
        let bytes = script.bytes().await.unwrap();
        match encoding {
            Some("gzip") => {
                let mut content = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(&*bytes);
                decoder.read_to_end(&mut content).unwrap();
                assert!(content == plain);
            }
            Some(_) => assert!(bytes.len() < plain.len() / 2),
            None => assert!(bytes == plain),
        }
    }
    for missing in ["/graphiql/assets/none.js", "/graphiql/assets/../index.html"] {
        assert_eq!(get(missing).send().await.unwrap().status(), 404);
    }
    let config = get("/graphiql/config.json").send().await.unwrap();
    let config = body(config).await;
    assert_eq!(
        config,
        json!({
            "baseMap": null,
            "tokens": false,
            "write": true,
            "aggregatesOnly": false,
            "database": "sqlite"
        })
    );
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    use tokio::io::AsyncWriteExt;
    let server = Server::start().await;
    let operations = json!({ "query": INGEST, "variables": { "file": null } });
    let part = |name: &str, body: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{body}")
    };
    let body = format!(
        "{}\r\n{}\r\n{}",
        part("operations", &operations.to_string()),
        part("map", r#"{"0":["variables.file"]}"#),
        part("0\"; filename=\"a.csv", CSV),
    );
    let mut socket = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n";
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    for _ in 0..100 {
        if server.spooled() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.spooled(), 1);
    drop(socket);
    for _ in 0..100 {
        if server.spooled() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(server.spooled(), 0);
    let answer = ask(&server, "{ ingestions { totalCount } }").await;
    assert_eq!(answer["data"]["ingestions"]["totalCount"], 0);
}

/// Clients of Apollo and urql look for this code, or this message, and then send the document.
#[tokio::test]
async fn stored_documents_are_refused_so_that_clients_send_them() {
    let server = Server::start().await;
    let hash = json!({ "persistedQuery": { "version": 1, "sha256Hash": "0".repeat(64) } });
    let query = "{ __typename }";
    for (request, expected, message) in [
        (
            json!({ "extensions": hash }),
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        ),
        (
            json!({ "documentId": "sha256:00" }),
            "BAD_USER_INPUT",
            "send the document as `query`",
        ),
        (
            json!([{ "query": query }]),
            "BAD_USER_INPUT",
            "batched requests are not supported",
        ),
    ] {
        let response = post(&server).json(&request).send().await.unwrap();
        assert_eq!(response.status(), 400);
        let answer = body(response).await;
        assert_eq!(code(&answer), expected);
        let text = answer["errors"][0]["message"].as_str().unwrap();
        assert!(text.contains(message), "{text}");
    }
    let extensions = format!("/graphql?extensions={}", encoded(&hash.to_string()));
    let response = client().get(server.url(&extensions)).send().await.unwrap();
    let answer = body(response).await;
    assert_eq!(code(&answer), "PERSISTED_QUERY_NOT_SUPPORTED");
    let request = json!({ "query": query, "extensions": hash, "documentId": "sha256:00" });
    let response = post(&server).json(&request).send().await.unwrap();
    assert_eq!(body(response).await["data"]["__typename"], "Query");
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let server = Server::start().await;
    ingest(&server, CSV).await;
    let text = async || {
        let response = client().get(server.url("/metrics")).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.text().await.unwrap()
    };
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    // The worker counts an ingestion just after its last state is there to see.
    let ended = "tripgraph_ingestions_ended_total{state=\"SUCCEEDED\"}";
    let mut page = text().await;
    for _ in 0..200 {
        if page.contains(ended) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        page = text().await;
    }
    assert_eq!(value(&page, ended), "1");
    assert_eq!(value(&page, "tripgraph_ingest_rows_read_total "), "5");
    assert_eq!(value(&page, "tripgraph_ingest_rows_rejected_total "), "1");
    let bytes = value(&page, "tripgraph_ingest_read_bytes_total ");
    assert_eq!(bytes, CSV.len().to_string());
    let stage = "tripgraph_ingest_stage_seconds_total{stage=\"writing\"}";
    assert!(value(&page, stage).parse::<f64>().unwrap() > 0.0);
    assert_eq!(value(&page, "tripgraph_ingestions{state=\"RUNNING\"}"), "0");
    let posts = "tripgraph_http_request_duration_seconds_count{method=\"POST\",path=\"/graphql\",status=\"200\"}";
    assert!(value(&page, posts).parse::<u64>().unwrap() >= 2);
    client().get(server.url("/a/b")).send().await.unwrap();
    assert!(text().await.contains("path=\"other\",status=\"404\""));
    let errors = "tripgraph_graphql_errors_total{code=\"TOO_COMPLEX\"}";
    assert_eq!(value(&text().await, errors), "0");
    let deep = format!("{}{}", "{ regions ".repeat(40), "}".repeat(40));
    ask_raw(&server, &deep).await;
    assert_eq!(value(&text().await, errors), "1");
    #[cfg(target_os = "linux")]
    for name in [
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
    ] {
        assert!(value(&page, name).parse::<f64>().unwrap() > 0.0, "{name}");
    }
    assert!(page.ends_with("# EOF\n"));
}

/// Sends a query, whatever comes of it.
async fn ask_raw(server: &Server, query: &str) -> Value {
    let request = post(server).json(&json!({ "query": query }));
    body(request.send().await.unwrap()).await
}

/// A family with the names of the labels that its samples have, without their values.
fn families(page: &str) -> String {
    let mut families = String::new();
    let mut labels = BTreeSet::new();
    for line in page.lines() {
        if let Some((_, list)) = line.split_once('{') {
            let (list, _) = list.split_once('}').unwrap();
            let names = list
                .split("\",")
                .map(|label| label.split('=').next().unwrap());
            labels.extend(names);
        } else if (line.starts_with("# HELP") || line == "# EOF") && !labels.is_empty() {
            let names: Vec<_> = std::mem::take(&mut labels).into_iter().collect();
            writeln!(families, "  labels: {}", names.join(", ")).unwrap();
        }
        if line.starts_with('#') {
            writeln!(families, "{line}").unwrap();
        }
    }
    families
}

#[tokio::test]
async fn metrics_have_names_types_and_labels() {
    let server = Server::start().await;
    ingest(&server, CSV).await;
    let query = "{ weeklyAverage { totalTrips } groupedTrips { totalCount } }";
    assert_eq!(ask(&server, query).await["errors"], Value::Null);
    let get = async || client().get(server.url("/metrics")).send().await.unwrap();
    let mut page = get().await.text().await.unwrap();
    for _ in 0..200 {
        if page.contains("tripgraph_ingestions_ended_total{") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        page = get().await.text().await.unwrap();
    }
    assert_snapshot("metrics", &families(&page));
}

/// Each set of labels is kept as long as the server runs.
#[tokio::test]
async fn metrics_do_not_grow_with_what_strangers_send() {
    let server = Server::start().await;
    let client = client();
    let send = async |number: usize| {
        let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
        let path = match number % 3 {
            0 => "/graphql".to_owned(),
            1 => format!("/{number}"),
            _ => format!("/graphiql/assets/{number}"),
        };
        let request = client.request(method, server.url(&path)).body("{");
        let response = request.send().await.unwrap();
        assert!(response.status().is_client_error());
    };
    let lines = async || {
        let response = client.get(server.url("/metrics")).send().await.unwrap();
        let text = response.text().await.unwrap();
        assert!(!text.contains("M1"), "{text}");
        text.lines().count()
    };
    lines().await;
    for number in 0..10 {
        send(number).await;
    }
    let before = lines().await;
    for number in 10..500 {
        send(number).await;
    }
    assert_eq!(lines().await, before);
}

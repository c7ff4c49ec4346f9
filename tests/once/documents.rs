//! Which GraphQL documents are accepted, and that hostile ones cost an error at most.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program::{Home, Serving};
use crate::suite::support::Server;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use reqwest::Client;
use reqwest::header::ACCEPT;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const CORPUS: &str = include_str!("../documents/corpus.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    valid: bool,
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Value,
}

async fn post(url: &str, body: &Value) -> (u16, Value) {
    let response = Client::new()
        .post(url)
        .header(ACCEPT, "application/graphql-response+json")
        .json(body)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn documents_are_judged_as_the_specification_does() {
    let server = Server::start().await;
    let url = server.url("/graphql");
    let entries: Vec<Entry> = serde_json::from_str(CORPUS).unwrap();
    let mut wrong = Vec::new();
    for entry in &entries {
        let body = json!({
            "query": entry.query,
            "operationName": entry.operation_name,
            "variables": entry.variables,
        });
        let (status, answer) = post(&url, &body).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        // A valid subscription comes as far as being told where it belongs.
        let accepted = answer.get("data").is_some() || message.contains("needs a WebSocket");
        let refused = status == 400 && answer["errors"][0]["extensions"]["code"].is_string();
        if accepted != entry.valid || (!accepted && !refused) {
            wrong.push(format!("{}: {status} {answer}", entry.name));
        }
    }
    assert!(entries.len() > 250);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A chain of fragments, each of which holds the spread of the next one in `body`.
fn chain(fragments: usize, body: impl Fn(&str) -> String) -> String {
    let mut document = String::new();
    for number in 0..fragments {
        let next = body(&format!("...F{}", number + 1));
        write!(document, " fragment F{number} on Query {{ {next} }}").unwrap();
    }
    document + &format!(" fragment F{fragments} on Query {{ __typename }}")
}

/// Documents that are small to send and would cost a careless server its stack or its time.
fn hostile() -> Vec<(&'static str, String)> {
    let inline = |next: &str| format!("{} {next} {}", "... {".repeat(60), "}".repeat(60));
    let nested = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(50_000), close.repeat(50_000))
    };
    let brackets = |inner| nested("[", inner, "]");
    let many = |make: &dyn Fn(u32) -> String, count| (0..count).map(make).collect::<String>();
    let operations = many(&|n| format!("query A{n} {{ ...F0 }} "), 2_000);
    let conflicts = many(&|n| format!("a: __typename a{n}: __typename "), 4_000);
    vec![
        (
            "chain",
            "{ ...F0 }".to_owned() + &chain(7_600, str::to_owned),
        ),
        (
            "chain of nests",
            "{ ...F0 }".to_owned() + &chain(400, inline),
        ),
        (
            "unused chain",
            "{ __typename }".to_owned() + &chain(7_600, str::to_owned),
        ),
        (
            "unused chain of nests",
            "{ __typename }".to_owned() + &chain(400, inline),
        ),
        (
            "chain of an operation not chosen",
            format!(
                "query A {{ __typename }} query B {{ ...F0 }} {}",
                chain(400, inline)
            ),
        ),
        (
            "fragments that double",
            "{ ...F0 }".to_owned() + &chain(28, |next| format!("{next} {next}")),
        ),
        (
            "circle",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
        ),
        ("selections", nested("{ a ", "", "}")),
        ("inline fragments", nested("{ ... ", "{ __typename }", "}")),
        (
            "list",
            format!("{{ ingestion(id: {}) {{ id }} }}", brackets("1")),
        ),
        (
            "open list",
            format!("{{ ingestion(id: {}", "[".repeat(100_000)),
        ),
        (
            "input objects",
            format!(
                "{{ groupedTrips(filter: {}) {{ totalCount }} }}",
                nested("{bbox: ", "1", "}")
            ),
        ),
        (
            "type",
            format!("query ($x: {}) {{ __typename }}", brackets("Int")),
        ),
        (
            "default",
            format!("query ($x: Int = {}) {{ __typename }}", brackets("1")),
        ),
        (
            "argument of a directive",
            format!("{{ __typename @skip(if: {}) }}", brackets("true")),
        ),
        ("many operations", operations + &chain(20, str::to_owned)),
        ("many fields", format!("{{ {conflicts} }}")),
        (
            "many directives",
            format!("{{ __typename {} }}", "@skip(if: false) ".repeat(9_000)),
        ),
    ]
}

/// A WebSocket with one operation, whose id is 1.
async fn subscribed(address: &str, payload: &Value) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request = format!("ws://{address}/graphql")
        .into_client_request()
        .unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = connect_async(request).await.unwrap();
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
    for message in [json!({ "type": "connection_init" }), subscribe] {
        socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }
    socket
}

/// The error of an answer over a WebSocket, in the newer protocol.
async fn over_websocket(server: &Serving, document: &str) -> Value {
    let payload = json!({ "query": document, "operationName": chosen(document) });
    let mut socket = subscribed(&server.address, &payload).await;
    loop {
        let Some(Ok(message)) = socket.next().await else {
            panic!("the connection broke");
        };
        let Message::Text(text) = message else {
            continue;
        };
        let mut message: Value = serde_json::from_str(&text).unwrap();
        if message["id"] == "1" {
            assert_eq!(message["type"], "error", "{message}");
            return message["payload"][0].take();
        }
    }
}

async fn over_multipart(server: &Serving, document: &str) -> Value {
    let operations = json!({ "query": document, "operationName": chosen(document) });
    let form = reqwest::multipart::Form::new()
        .text("operations", operations.to_string())
        .text("map", "{}");
    let request = Client::new().post(server.url("/graphql")).multipart(form);
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    answer["errors"][0].take()
}

fn chosen(document: &str) -> Option<&'static str> {
    document.starts_with("query A ").then_some("A")
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_documents_are_refused_by_every_transport() {
    let home = Home::new();
    let server = home.serve();
    let url = server.url("/graphql");
    for (name, document) in hostile() {
        let start = Instant::now();
        let body = json!({ "query": document, "operationName": chosen(&document) });
        let (_, mut answer) = post(&url, &body).await;
        let errors = [
            answer["errors"][0].take(),
            over_multipart(&server, &document).await,
            over_websocket(&server, &document).await,
        ];
        for error in errors {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            let known = ["BAD_USER_INPUT", "TOO_COMPLEX"].contains(&code);
            assert!(known, "{name}: {error}");
            assert!(error.to_string().len() < 2_000, "{name}: {error}");
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{name}");
    }
    // What is as deep as is allowed is answered.
    let deepest = "{ ...F0 }".to_owned() + &chain(29, str::to_owned);
    let data = json!({ "__typename": "Query" });
    assert_eq!(server.ask(&deepest, json!({})).await, data);
    let (open, close) = ("... { ".repeat(31), " }".repeat(31));
    let deepest = format!("{{ {open}__typename{close} }}");
    assert_eq!(server.ask(&deepest, json!({})).await, data);
    // Values of variables, which no document holds.
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let value = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let body = format!(r#"{{"query":"{{ __typename }}","variables":{{"x":{value}}}}}"#);
        let request = Client::new()
            .post(&url)
            .header("content-type", "application/json")
            .body(body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    }
    assert_eq!(server.trips().await, 0);
}

#[tokio::test]
async fn a_variable_left_out_gives_the_argument_its_default() {
    let home = Home::new();
    let mut csv = String::from("region,origin_coord,destination_coord,datetime,datasource\n");
    csv.push_str(&"A,POINT (1 2),POINT (3 4),never,x\n".repeat(25));
    csv.push_str("A,POINT (1 2),POINT (3 4),2021-03-01 08:00:00,x\n");
    let server = home.serve();
    let id = server.upload(&home.write("trips.csv", &csv)).await;
    assert_eq!(server.ended(&id).await["state"], "SUCCEEDED");
    let query = "query ($id: ID!, $first: Int, $end: TripEnd, $min: Long, $resolution: Int) {
        ingestion(id: $id) { rejectedRows(first: $first) { nodes { line } } }
        argument: weeklyAverage(bbox: {west: 1, south: 2, east: 1, north: 2}, tripEnd: $end) { totalTrips }
        field: groupedTrips(filter: {bbox: {west: 1, south: 2, east: 1, north: 2}, tripEnd: $end}, minTrips: $min, resolution: $resolution) {
            totalCount nodes { origin { resolution } } } }";
    let rows = |answer: &Value| {
        let nodes = &answer["ingestion"]["rejectedRows"]["nodes"];
        nodes.as_array().unwrap().len()
    };
    let answer = server.ask(query, json!({ "id": id })).await;
    assert_eq!(rows(&answer), 20);
    assert_eq!(answer["argument"]["totalTrips"], 1);
    assert_eq!(answer["field"]["nodes"][0]["origin"]["resolution"], 7);
    let given = json!({ "id": id, "first": 3, "end": "DESTINATION", "min": 1, "resolution": 5 });
    let answer = server.ask(query, given).await;
    assert_eq!(rows(&answer), 3);
    assert_eq!(answer["argument"]["totalTrips"], 0);
    assert_eq!(answer["field"]["totalCount"], 0);
    for name in ["first", "end", "min", "resolution"] {
        let answer = server.answer(query, json!({ "id": id, name: null })).await;
        assert_ne!(answer["errors"], Value::Null, "{name}");
    }
    // A variable's own default counts in directives, too.
    let query = "query ($skip: Boolean = true) { a: __typename @skip(if: $skip) b: __typename }";
    assert_eq!(server.ask(query, json!({})).await, json!({ "b": "Query" }));
    let query = "query ($first: Int!) { ingestions(first: $first) { nodes { id } } }";
    for first in ["1.0", "1e0", "-0"] {
        let variables: Value = serde_json::from_str(&format!(r#"{{"first":{first}}}"#)).unwrap();
        server.ask(query, variables).await;
    }
    assert_eq!(
        server.ask(r#"{ a: region(name: "\u{1F600}") { name } b: region(name: "\uD83D\uDE00") { name } ingestions(first: -0) { nodes { id } } }"#, json!({})).await["ingestions"]["nodes"],
        json!([])
    );
}

#[tokio::test]
async fn a_subscription_may_name_its_field_twice() {
    let server = Server::start().await;
    let id = server.backend.enqueue("region\n", None).await;
    server.backend.ended(id).await;
    let query = "subscription ($id: ID!) { ...A ...B }
        fragment A on Subscription { ingestionStatus(id: $id) { id } }
        fragment B on Subscription { ingestionStatus(id: $id) { state error { code } } }";
    let payload = json!({ "query": query, "variables": { "id": id.to_string() } });
    let mut socket = subscribed(&server.address.to_string(), &payload).await;
    let mut messages = Vec::new();
    while messages.len() < 3 {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            messages.push(serde_json::from_str::<Value>(&text).unwrap());
        }
    }
    let status = &messages[1]["payload"]["data"]["ingestionStatus"];
    assert_eq!(status["id"], id.to_string(), "{messages:?}");
    assert_eq!(status["state"], "FAILED", "{messages:?}");
    assert!(status["error"]["code"].is_string(), "{messages:?}");
    assert_eq!(messages[2]["type"], "complete", "{messages:?}");
}

//! GraphQL over Server-Sent Events.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::support;

use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use support::Server;

const EVENTS: &str = "text/event-stream";
const CSV: &str = "region,origin_coord,destination_coord,datetime,datasource
Prague,POINT (14.4 50.05),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car
";
const INGEST: &str =
    "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id state } } }";

fn post(server: &Server, query: &str) -> RequestBuilder {
    plain(server, query).header(ACCEPT, EVENTS)
}

/// Without `Accept`.
fn plain(server: &Server, query: &str) -> RequestBuilder {
    let request = Client::new().post(server.url("/graphql"));
    request.json(&json!({ "query": query }))
}

fn get(server: &Server, query: &str) -> RequestBuilder {
    let mut parameters = form_urlencoded::Serializer::new(String::new());
    let parameters = parameters.append_pair("query", query).finish();
    let url = server.url(&format!("/graphql?{parameters}"));
    Client::new().get(url).header(ACCEPT, EVENTS)
}

fn upload(server: &Server) -> RequestBuilder {
    let operations = json!({ "query": INGEST, "variables": { "file": null } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": ["variables.file"] }).to_string())
        .part("0", Part::text(CSV).file_name("a.csv"));
    Client::new().post(server.url("/graphql")).multipart(form)
}

/// Events of a response, as a browser reads them.
struct Events {
    response: Response,
    text: String,
}

#[derive(Debug, PartialEq)]
enum Event {
    Next(Value),
    Complete,
    Comment,
}

impl Events {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], EVENTS);
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let text = String::new();
        Self { response, text }
    }

    /// The next event; `None` at the end of the response.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                return Some(parsed(event.trim_end_matches('\n')));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.response.chunk());
            let Some(bytes) = chunk.await.unwrap().unwrap() else {
                assert_eq!(self.text, "");
                return None;
            };
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The next result; `None` after `complete`, which must be the last event.
    async fn result(&mut self) -> Option<Value> {
        loop {
            match self.next().await {
                Some(Event::Comment) => {}
                Some(Event::Next(result)) => return Some(result),
                Some(Event::Complete) => {
                    assert_eq!(self.next().await, None);
                    return None;
                }
                None => panic!("the stream ended without `complete`"),
            }
        }
    }

    async fn results(request: RequestBuilder) -> Vec<Value> {
        let (mut events, mut results) = (Self::of(request).await, Vec::new());
        while let Some(result) = events.result().await {
            results.push(result);
        }
        results
    }
}

fn parsed(event: &str) -> Event {
    if event.starts_with(':') {
        return Event::Comment;
    }
    let data = |name: &str| {
        let (kind, data) = event.split_once('\n')?;
        (kind == format!("event: {name}")).then(|| data.strip_prefix("data:").unwrap().trim())
    };
    if let Some(data) = data("next") {
        return Event::Next(serde_json::from_str(data).unwrap());
    }
    assert_eq!(data("complete"), Some(""), "{event}");
    Event::Complete
}

/// The value of a metric.
async fn metric(server: &Server, name: &str) -> u64 {
    let response = reqwest::get(server.url("/metrics")).await.unwrap();
    let text = response.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn status_is_pushed_to_the_end() {
    let server = Server::start().await;
    let answer: Value = upload(&server).send().await.unwrap().json().await.unwrap();
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"].clone();
    let query = format!("subscription {{ ingestionStatus(id: {id}) {{ state rowsIngested }} }}");
    let results = Events::results(post(&server, &query)).await;
    let last = &results.last().unwrap()["data"]["ingestionStatus"];
    assert_eq!(last, &json!({ "state": "SUCCEEDED", "rowsIngested": 1 }));
    // A client that connects again gets the current state first, over GET too.
    let results = Events::results(get(&server, &query)).await;
    assert_eq!(results.len(), 1);
    assert_eq!(&results[0]["data"]["ingestionStatus"], last);
}

#[tokio::test]
async fn every_operation_is_answered_with_events() {
    let server = Server::start().await;
    let one = |results: Vec<Value>| {
        assert_eq!(results.len(), 1, "{results:?}");
        results.into_iter().next().unwrap()
    };
    let result = one(Events::results(post(&server, "{ __typename }")).await);
    assert_eq!(result, json!({ "data": { "__typename": "Query" } }));
    let result = one(Events::results(upload(&server).header(ACCEPT, EVENTS)).await);
    assert!(result["data"]["ingestTrips"]["ingestion"]["id"].is_string());
    // Errors in the document, and errors of resolvers.
    for (query, code) in [
        ("{ nonsense }", "BAD_USER_INPUT"),
        ("{", "BAD_USER_INPUT"),
        (
            "subscription { ingestionStatus(id: 77) { id } }",
            "NOT_FOUND",
        ),
        ("mutation { cancelIngestion(id: 77) { id } }", "NOT_FOUND"),
        (
            "{ groupedTrips(first: 1001) { totalCount } }",
            "BAD_USER_INPUT",
        ),
    ] {
        let result = one(Events::results(post(&server, query)).await);
        assert_eq!(result["errors"][0]["extensions"]["code"], code, "{query}");
    }
    assert!(
        metric(
            &server,
            "tripgraph_graphql_errors_total{code=\"NOT_FOUND\"}"
        )
        .await
            >= 2
    );
}

#[tokio::test]
async fn what_is_refused_has_a_status() {
    let server = Server::with(&["ann:read:reader-0123456789"]).await;
    let query = "subscription { ingestionUpdates { id } }";
    let mutation = "mutation { cancelIngestion(id: 77) { id } }";
    let authorized =
        |request: RequestBuilder| request.header(AUTHORIZATION, "Bearer reader-0123456789");
    for (request, status, code) in [
        (post(&server, query), 401, "UNAUTHENTICATED"),
        (authorized(post(&server, mutation)), 403, "FORBIDDEN"),
        (authorized(get(&server, mutation)), 405, "BAD_USER_INPUT"),
        (
            authorized(post(&server, query).header("origin", "https://evil.example")),
            403,
            "FORBIDDEN",
        ),
        (
            // Without `Accept`, there is no way to send more than one result.
            authorized(plain(&server, query)),
            400,
            "BAD_USER_INPUT",
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
    }
    Events::of(authorized(post(&server, query))).await;
}

#[tokio::test]
async fn comments_keep_the_stream_open_and_nothing_is_held_back() {
    let server = Server::start().await;
    let query = "subscription { ingestionUpdates { id state } }";
    let request = post(&server, query).header(ACCEPT_ENCODING, "gzip, br");
    let mut events = Events::of(request).await;
    assert_eq!(events.response.headers().get(CONTENT_ENCODING), None);
    assert_eq!(events.next().await, Some(Event::Comment));
    upload(&server).send().await.unwrap();
    let first = events.result().await.unwrap();
    assert_eq!(first["data"]["ingestionUpdates"]["state"], "QUEUED");
}

#[tokio::test]
async fn the_work_ends_with_the_connection() {
    let server = Server::start().await;
    let open = "tripgraph_event_streams";
    let query = "subscription { ingestionUpdates { id } }";
    let events = Events::of(post(&server, query)).await;
    assert_eq!(metric(&server, open).await, 1);
    drop(events);
    for _ in 0..100 {
        if metric(&server, open).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the stream is still open");
}

#[tokio::test]
async fn a_shutdown_ends_streams_so_that_clients_connect_again() {
    let server = Server::start().await;
    let query = "subscription { ingestionUpdates { id } }";
    let mut events = Events::of(post(&server, query)).await;
    server.shutdown.request();
    // The response is whole, but the operation is not complete.
    loop {
        match events.next().await {
            Some(Event::Comment) => {}
            None => break,
            other => panic!("{other:?}"),
        }
    }
    let ended = tokio::time::timeout(Duration::from_secs(1), server.task);
    ended.await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn apollo_gets_the_results_of_a_subscription_as_parts() {
    const ACCEPTED: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";
    let server = Server::start().await;
    let answer: Value = upload(&server).send().await.unwrap().json().await.unwrap();
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"].clone();
    let query = format!("subscription {{ ingestionStatus(id: {id}) {{ state }} }}");
    let request = plain(&server, &query)
        .header(ACCEPT, ACCEPTED)
        .header(ACCEPT_ENCODING, "gzip");
    let response = request.send().await.unwrap();
    assert_eq!(
        response.headers()[CONTENT_TYPE],
        "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0"
    );
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    let body = response.text().await.unwrap();
    let parts = body.strip_prefix("--graphql").unwrap();
    let parts = parts.strip_suffix("\r\n--graphql--\r\n").unwrap();
    let last = parts.split("\r\n--graphql").last().unwrap();
    let json = last
        .strip_prefix("\r\ncontent-type: application/json\r\n\r\n")
        .unwrap();
    let state = json!({ "data": { "ingestionStatus": { "state": "SUCCEEDED" } } });
    assert_eq!(
        serde_json::from_str::<Value>(json).unwrap(),
        json!({ "payload": state })
    );
    // Other operations, and what is refused, are JSON.
    for query in ["{ __typename }", "subscription { nothing }"] {
        let request = plain(&server, query).header(ACCEPT, ACCEPTED);
        let response = request.send().await.unwrap();
        let media_type = response.headers()[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(media_type.starts_with("application/json"), "{media_type}");
    }
}

//! Traces and metrics of the program, as an OpenTelemetry collector receives them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;

use futures::{SinkExt, StreamExt};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::program::{Home, Serving};
use super::support::collector::{Collector, attributes};
use super::support::database::on_postgres;

/// A span of a client, in the notation of the W3C.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

fn traceparent() -> String {
    format!("00-{TRACE}-{CLIENT}-01")
}

/// A server that exports to an endpoint at once.
fn serve(home: &Home, endpoint: &str, variables: &[(&str, &str)]) -> Serving {
    Serving::start(command(home, endpoint, variables))
}

fn command(home: &Home, endpoint: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_BSP_SCHEDULE_DELAY", "50")
        .envs(variables.iter().copied());
    command
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn is_below_the_client(span: &Span) -> bool {
    hex(&span.trace_id) == TRACE && hex(&span.parent_span_id) == CLIENT
}

/// Posts JSON as the client whose span is the parent.
async fn post(server: &Serving, accept: &str, body: &Value) -> String {
    let request = reqwest::Client::new()
        .post(server.url("/graphql"))
        .header("accept", accept)
        .header("traceparent", traceparent())
        .json(body);
    request.send().await.unwrap().text().await.unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn operations_are_spans_below_the_client() {
    let (home, collector) = (Home::new(), Collector::start());
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc");
    let resource = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "deployment.environment.name=test",
    );
    let server = serve(&home, &collector.url(), &[headers, resource]);
    let query = json!({
        "query": "query Regions { regions { name } }", "operationName": "Regions",
    });
    post(&server, "application/json", &query).await;
    let received = collector.spans("query", 1);
    let span = received.named("query")[0];
    assert!(is_below_the_client(span), "{span:?}");
    assert_eq!(span.kind, SpanKind::Server as i32);
    let named = attributes(&span.attributes);
    assert_eq!(named["graphql.operation.type"], "query");
    assert_eq!(named["graphql.operation.name"], "Regions");
    assert!(!named.contains_key("error.type"), "{named:?}");
    assert_eq!(received.resource["service.name"], "tripgraph");
    assert_eq!(
        received.resource["service.version"],
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(received.resource["deployment.environment.name"], "test");
    assert_eq!(received.headers["x-key"], "abc");

    // Its statements are below it.
    let statements = received.below(span);
    assert!(!statements.is_empty());
    for statement in statements {
        let named = attributes(&statement.attributes);
        let system = if on_postgres() {
            "postgresql"
        } else {
            "sqlite"
        };
        assert_eq!(named["db.system.name"], system);
        assert_eq!(named["db.query.summary"], statement.name);
        assert_eq!(statement.kind, SpanKind::Client as i32);
        assert!(statement.start_time_unix_nano >= span.start_time_unix_nano);
        assert!(statement.end_time_unix_nano <= span.end_time_unix_nano);
    }

    let invalid = json!({ "query": "{ nothing }" });
    post(&server, "application/json", &invalid).await;
    let received = collector.spans("GraphQL Operation", 1);
    let span = received.named("GraphQL Operation")[0];
    assert_eq!(attributes(&span.attributes)["error.type"], "BAD_USER_INPUT");
    assert_eq!(span.status.as_ref().unwrap().code, StatusCode::Error as i32);

    let missing = json!({ "query": "mutation { cancelIngestion(id: 7) { id } }" });
    post(&server, "application/json", &missing).await;
    let received = collector.spans("mutation", 1);
    let span = received.named("mutation")[0];
    assert!(is_below_the_client(span), "{span:?}");
    assert_eq!(attributes(&span.attributes)["error.type"], "NOT_FOUND");
    // The log names the trace.
    let (_, log) = server.process.terminate();
    assert!(log.contains(&format!("trace_id=\"{TRACE}\"")), "{log}");
}

#[tokio::test]
async fn an_ingestion_is_a_trace_of_its_stages() {
    let (home, collector) = (Home::new(), Collector::start());
    let file = home.generate("trips.csv", 2_000, 1);
    let server = serve(&home, &collector.url(), &[("OTEL_SERVICE_NAME", "trips")]);
    let operations = json!({
        "query": "mutation ($file: Upload!) { ingestTrips(file: $file) { ingestion { id } } }",
        "variables": { "file": null },
    });
    let bytes = std::fs::read(&file).unwrap();
    let size = bytes.len();
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", r#"{ "0": ["variables.file"] }"#)
        .part("0", Part::bytes(bytes).file_name("trips.csv"));
    let request = reqwest::Client::new()
        .post(server.url("/graphql"))
        .header("traceparent", traceparent())
        .multipart(form);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let id = answer["data"]["ingestTrips"]["ingestion"]["id"]
        .as_str()
        .unwrap();

    let received = collector.spans("ingestion", 1);
    assert_eq!(received.resource["service.name"], "trips");
    let upload = received.named("mutation")[0];
    assert!(is_below_the_client(upload), "{upload:?}");
    let below = received.below(upload);
    let receive = below.iter().find(|span| span.name == "receive").unwrap();
    assert_eq!(
        attributes(&receive.attributes)["file.size"],
        size.to_string()
    );
    let enqueue = below.iter().find(|span| span.name == "enqueue").unwrap();
    assert_eq!(
        attributes(&enqueue.attributes)["tripgraph.ingestion.id"],
        id
    );

    let ingestion = received.named("ingestion")[0];
    assert!(ingestion.parent_span_id.is_empty());
    let of_run = attributes(&ingestion.attributes);
    assert_eq!(of_run["tripgraph.ingestion.id"], id);
    assert_eq!(of_run["tripgraph.rows.read"], "2000");
    assert_eq!(of_run["tripgraph.bytes.read"], size.to_string());
    let stages = received.below(ingestion);
    let names: BTreeSet<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
    let expected = [
        "pack destinations",
        "pack origins",
        "publish",
        "read",
        "write",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let stage = |name: &str| *stages.iter().find(|stage| stage.name == name).unwrap();
    for name in ["read", "pack origins", "pack destinations", "write"] {
        let busy = &attributes(&stage(name).attributes)["tripgraph.busy.seconds"];
        assert!(busy.parse::<f64>().unwrap() > 0.0, "{name}");
        // Those of publishing are few, and tell what readers wait for.
        assert!(received.below(stage(name)).is_empty(), "{name}");
    }
    assert!(!received.below(stage("publish")).is_empty());

    // One that fails says why.
    let bad = home.write("bad.csv", "nothing\n1\n");
    server.upload(&bad).await;
    let received = collector.spans("ingestion", 2);
    let failed = attributes(&received.named("ingestion")[1].attributes);
    assert_eq!(failed["error.type"], "MISSING_COLUMNS", "{failed:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn subscriptions_are_spans_over_each_transport() {
    let (home, collector) = (Home::new(), Collector::start());
    let file = home.generate("trips.csv", 10, 1);
    let server = serve(&home, &collector.url(), &[]);
    let id = server.upload(&file).await;
    collector.spans("ingestion", 1);
    // Its final state is all that there is, so the stream ends.
    let subscription = json!({
        "query": "subscription ($id: ID!) { ingestionStatus(id: $id) { state } }",
        "variables": { "id": id },
    });
    let events = post(&server, "text/event-stream", &subscription).await;
    assert!(events.contains("SUCCEEDED"), "{events}");
    let received = collector.spans("subscription", 1);
    let span = received.named("subscription")[0];
    assert!(is_below_the_client(span), "{span:?}");
    assert_eq!(span.kind, SpanKind::Server as i32);

    let mut request = format!("ws://{}/graphql", server.address)
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert(
        "sec-websocket-protocol",
        "graphql-transport-ws".parse().unwrap(),
    );
    headers.insert("traceparent", traceparent().parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let init = json!({ "type": "connection_init" });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": subscription });
    for message in [init, subscribe] {
        socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }
    loop {
        let message = socket.next().await.unwrap().unwrap();
        if message.to_text().unwrap().contains("complete") {
            break;
        }
    }
    let received = collector.spans("subscription", 2);
    let span = received.named("subscription")[1];
    assert!(is_below_the_client(span), "{span:?}");
    let named = attributes(&span.attributes);
    assert_eq!(named["graphql.operation.type"], "subscription");
    // Each line of the log names its request.
    let (_, log) = server.process.terminate();
    let lines = log
        .lines()
        .filter(|line| line.contains(r#"kind="subscription""#));
    let requests: Vec<_> = lines
        .map(|line| line.contains("request{method=GET") || line.contains("request{method=POST"))
        .collect();
    assert_eq!(requests, [true, true], "{log}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_last_spans_are_sent_at_the_end() {
    let (home, collector) = (Home::new(), Collector::start());
    let hour = ("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let server = serve(&home, &collector.url(), &[hour]);
    server.ask("{ regions { name } }", json!({})).await;
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    assert_eq!(collector.received().named("query").len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_collector_that_is_away_or_silent_stops_nothing() {
    let home = Home::new();
    // Nobody listens on the first; nobody answers on the second.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let [away, silent_url] =
        [&closed, &silent].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
    drop(closed);
    for (endpoint, is_silent) in [(away, false), (silent_url, true)] {
        let server = serve(&home, &endpoint, &[("OTEL_BSP_MAX_QUEUE_SIZE", "10")]);
        for _ in 0..100 {
            server.ask("{ regions { name } }", json!({})).await;
        }
        let (status, log) = server.process.terminate();
        assert!(status.success(), "{log}");
        let told = log.matches("does not take traces").count();
        assert_eq!(told, usize::from(!is_silent), "{log}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_environment_forbids_is_not_sent() {
    let (home, collector) = (Home::new(), Collector::start());
    let server = serve(&home, &collector.url(), &[("OTEL_SDK_DISABLED", "true")]);
    server.ask("{ regions { name } }", json!({})).await;
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let server = serve(&home, &collector.url(), &[grpc]);
    server.ask("{ regions { name } }", json!({})).await;
    let (_, log) = server.process.terminate();
    assert!(log.contains("the only protocol is http/protobuf"), "{log}");
    let never = ("OTEL_TRACES_SAMPLER", "always_off");
    let server = serve(&home, &collector.url(), &[never]);
    server.ask("{ regions { name } }", json!({})).await;
    let (_, log) = server.process.terminate();
    assert!(!log.contains("WARN"), "{log}");
    assert!(collector.received().spans.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn metrics_are_those_of_the_page() {
    let (home, collector) = (Home::new(), Collector::start());
    let often = ("OTEL_METRIC_EXPORT_INTERVAL", "50");
    let server = serve(&home, &collector.url(), &[often]);
    // Some series begin with the first request.
    server.ask("{ regions { name } }", json!({})).await;
    let page = reqwest::get(server.url("/metrics")).await.unwrap();
    let page = page.text().await.unwrap();
    collector.until("metrics", |received| !received.metrics.is_empty());
    let hour = ("OTEL_METRIC_EXPORT_INTERVAL", "3600000");
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    let server = serve(&home, &collector.url(), &[hour]);
    server.ask("{ regions { name } }", json!({})).await;
    // The last values are sent at the end.
    let (status, log) = server.process.terminate();
    assert!(status.success(), "{log}");
    let metrics = collector.received().metrics;
    let series = |line: &str| line.split(['{', ' ']).next().map(str::to_owned);
    let listed = page.lines().filter(|line| !line.starts_with('#'));
    let listed: BTreeSet<_> = listed.filter_map(series).collect();
    for metric in &metrics {
        let ending = match &metric.data {
            Some(Data::Histogram(_)) => "_count",
            _ => "",
        };
        let name = format!("{}{ending}", metric.name);
        assert!(listed.contains(&name), "{name} in {listed:?}");
    }
    let named = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap();
    let requests = named("tripgraph_http_request_duration_seconds");
    assert_eq!(requests.unit, "s");
    let Some(Data::Histogram(requests)) = &requests.data else {
        panic!("{requests:?}");
    };
    let point = requests.data_points.iter().find(|point| {
        let labels = attributes(&point.attributes);
        labels["path"] == "/graphql" && labels["status"] == "200"
    });
    let point = point.unwrap();
    assert_eq!(point.count, 1);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    let Some(Data::Sum(errors)) = &named("tripgraph_graphql_errors_total").data else {
        panic!("{metrics:?}");
    };
    assert!(errors.is_monotonic && errors.data_points.len() > 5);
}

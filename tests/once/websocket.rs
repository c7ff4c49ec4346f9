//! GraphQL over WebSocket, in both protocols.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::support;

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use support::Server;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

async fn open(server: &Server, headers: &[(&'static str, &str)]) -> Result<Socket, Error> {
    let mut request = format!("ws://{}/graphql", server.address)
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    connect_async(request)
        .await
        .map(|(socket, _)| Socket(socket))
}

const NEW: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");
const OLD: (&str, &str) = ("sec-websocket-protocol", "graphql-ws");

impl Socket {
    async fn new(server: &Server) -> Self {
        let mut socket = open(server, &[NEW]).await.unwrap();
        socket.say(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.hear().await, json!({ "type": "connection_ack" }));
        socket
    }

    async fn say(&mut self, message: Value) {
        self.0
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(json!({ "type": "subscribe", "id": id, "payload": { "query": query } }))
            .await;
    }

    async fn message(&mut self) -> Message {
        loop {
            match tokio::time::timeout(Duration::from_secs(10), self.0.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap()
            {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(self.message().await.to_text().unwrap()).unwrap()
    }

    async fn closed(&mut self) -> u16 {
        loop {
            match self.message().await {
                Message::Close(frame) => return frame.unwrap().code.into(),
                Message::Text(text) if text.contains("connection_error") => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn upload(server: &Server, csv: &str) -> String {
    let query = "mutation ($f: Upload!) { ingestTrips(file: $f) { ingestion { id } } }";
    let form = reqwest::multipart::Form::new()
        .text(
            "operations",
            json!({ "query": query, "variables": { "f": null } }).to_string(),
        )
        .text("map", json!({ "0": ["variables.f"] }).to_string())
        .part(
            "0",
            reqwest::multipart::Part::text(csv.to_owned()).file_name("a.csv"),
        );
    let response = reqwest::Client::new()
        .post(server.url("/graphql"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    let answer: Value = response.json().await.unwrap();
    answer["data"]["ingestTrips"]["ingestion"]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

const CSV: &str = "region,origin_coord,destination_coord,datetime,datasource
Prague,POINT (14.4 50.05),POINT (14.5 50.1),2018-05-28 09:03:40,funny_car
";

#[tokio::test]
async fn status_is_pushed_to_the_end() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    let id = upload(&server, CSV).await;
    socket
        .subscribe(
            "s",
            &format!("subscription {{ ingestionStatus(id: \"{id}\") {{ state rowsIngested }} }}"),
        )
        .await;
    let mut states = Vec::new();
    loop {
        let message = socket.hear().await;
        if message["type"] == "complete" {
            assert_eq!(message["id"], "s");
            break;
        }
        assert_eq!(message["type"], "next", "{message}");
        states.push(
            message["payload"]["data"]["ingestionStatus"]["state"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(states.last().map(String::as_str), Some("SUCCEEDED"));
    // One who comes late hears the final state, and the end.
    socket
        .subscribe(
            "s",
            &format!("subscription {{ ingestionStatus(id: \"{id}\") {{ state }} }}"),
        )
        .await;
    assert_eq!(
        socket.hear().await["payload"]["data"]["ingestionStatus"]["state"],
        "SUCCEEDED"
    );
    assert_eq!(socket.hear().await["type"], "complete");
}

#[tokio::test]
async fn the_older_protocol_works_too() {
    let server = Server::start().await;
    let mut socket = open(&server, &[OLD]).await.unwrap();
    socket
        .say(json!({ "type": "connection_init", "payload": {} }))
        .await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    assert_eq!(socket.hear().await["type"], "ka");
    socket.say(json!({ "type": "start", "id": "u", "payload": { "query": "subscription { ingestionUpdates { id state } }" } })).await;
    socket
        .say(json!({ "type": "start", "id": "q", "payload": { "query": "{ __typename }" } }))
        .await;
    assert_eq!(
        socket.hear().await,
        json!({ "type": "data", "id": "q", "payload": { "data": { "__typename": "Query" } } })
    );
    assert_eq!(
        socket.hear().await,
        json!({ "type": "complete", "id": "q" })
    );
    let id = upload(&server, CSV).await;
    let message = socket.hear().await;
    assert_eq!(
        (
            &message["type"],
            &message["payload"]["data"]["ingestionUpdates"]["id"]
        ),
        (&json!("data"), &json!(id))
    );
    socket.say(json!({ "type": "stop", "id": "u" })).await;
    while socket.hear().await["type"] != "complete" {}
    socket
        .say(json!({ "type": "start", "id": "e", "payload": { "query": "{ nonsense }" } }))
        .await;
    let message = socket.hear().await;
    assert_eq!(
        (&message["type"], &message["payload"]["extensions"]["code"]),
        (&json!("error"), &json!("BAD_USER_INPUT"))
    );
    socket.say(json!({ "type": "connection_terminate" })).await;
    assert_eq!(socket.closed().await, 1000);
}

#[tokio::test]
async fn an_unknown_ingestion_is_not_found() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    for id in ["77", "abc"] {
        socket
            .subscribe(
                "s",
                &format!("subscription {{ ingestionStatus(id: \"{id}\") {{ state }} }}"),
            )
            .await;
        let message = socket.hear().await;
        assert_eq!(message["type"], "next", "{message}");
        assert_eq!(
            message["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND",
            "{message}"
        );
        assert_eq!(
            socket.hear().await,
            json!({ "type": "complete", "id": "s" })
        );
    }
    socket.subscribe("s", "subscription { nonsense }").await;
    let message = socket.hear().await;
    assert_eq!(
        (
            &message["type"],
            &message["payload"][0]["extensions"]["code"]
        ),
        (&json!("error"), &json!("BAD_USER_INPUT"))
    );
    socket
        .subscribe("s", "mutation { cancelIngestion(id: \"77\") { id } }")
        .await;
    assert_eq!(
        socket.hear().await["payload"]["errors"][0]["extensions"]["code"],
        "NOT_FOUND"
    );
    assert_eq!(socket.hear().await["type"], "complete");
}

#[tokio::test]
async fn a_client_that_closes_gets_a_reply() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    socket
        .subscribe("1", "subscription { ingestionUpdates { id } }")
        .await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "done".into(),
    };
    socket.0.close(Some(frame)).await.unwrap();
    assert_eq!(socket.closed().await, 1000);
    // Not a reset.
    assert!(socket.0.next().await.is_none());
}

#[tokio::test]
async fn connections_are_closed_with_the_right_code() {
    let server = Server::start().await;
    let mut socket = open(&server, &[NEW]).await.unwrap();
    assert_eq!(socket.closed().await, 4408);
    let mut socket = open(&server, &[NEW]).await.unwrap();
    socket.subscribe("1", "{ __typename }").await;
    assert_eq!(socket.closed().await, 4401);
    let mut socket = Socket::new(&server).await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.closed().await, 4429);
    let mut socket = Socket::new(&server).await;
    socket.say(json!({ "type": "nonsense" })).await;
    assert_eq!(socket.closed().await, 4400);
    let mut socket = Socket::new(&server).await;
    socket
        .subscribe("1", "subscription { ingestionUpdates { id } }")
        .await;
    socket
        .subscribe("1", "subscription { ingestionUpdates { id } }")
        .await;
    assert_eq!(socket.closed().await, 4409);
}

#[tokio::test]
async fn a_message_over_the_limit_is_1009() {
    let server = Server::start().await;
    for size in [(1 << 20) + 1, 8 << 20] {
        let mut socket = Socket::new(&server).await;
        socket
            .0
            .feed(Message::text("x".repeat(size)))
            .await
            .unwrap();
        let (mut sink, mut stream) = socket.0.split();
        // The server may close before it has read everything.
        let (sent, closed) = tokio::join!(sink.flush(), async {
            loop {
                match stream.next().await.unwrap().unwrap() {
                    Message::Close(frame) => return frame.unwrap(),
                    Message::Ping(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        });
        assert_eq!(u16::from(closed.code), 1009, "{size} {sent:?}");
        assert!(closed.reason.contains("1048576 bytes"), "{closed:?}");
    }
}

#[tokio::test]
async fn an_internal_error_tells_the_id_of_the_handshake() {
    let server = Server::start().await;
    let id = upload(&server, CSV).await;
    server.backend.ended(id.parse().unwrap()).await;
    let sql = server.backend.sql().await;
    sql.execute("DROP TABLE rejected_row").await;
    let headers = [NEW, ("x-request-id", "dashboard-1")];
    let mut socket = open(&server, &headers).await.unwrap();
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await["type"], "connection_ack");
    let rejected = "rejectedRows { totalCount }";
    for query in [
        format!("{{ ingestion(id: {id}) {{ {rejected} }} }}"),
        format!("subscription {{ ingestionStatus(id: {id}) {{ {rejected} }} }}"),
    ] {
        socket.subscribe("s", &query).await;
        let message = socket.hear().await;
        let error = &message["payload"]["errors"][0];
        assert_eq!(error["extensions"]["code"], "INTERNAL", "{message}");
        assert_eq!(error["extensions"]["requestId"], "dashboard-1", "{message}");
        assert_eq!(error["path"][1], "rejectedRows", "{message}");
        assert_eq!(socket.hear().await["type"], "complete");
    }
}

#[tokio::test]
async fn pings_are_sent_and_answered() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    socket
        .say(json!({ "type": "ping", "payload": { "a": 1 } }))
        .await;
    assert_eq!(
        socket.hear().await,
        json!({ "type": "pong", "payload": { "a": 1 } })
    );
    let ping = tokio::time::timeout(Duration::from_secs(5), socket.0.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert!(ping.is_ping());
    // A silent client stays, as long as it answers pings.
    let silence = async {
        while let Some(Ok(message)) = socket.0.next().await {
            assert!(message.is_ping());
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(2), silence)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_subscription_can_be_ended() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    socket
        .subscribe("u", "subscription { ingestionUpdates { id } }")
        .await;
    socket.say(json!({ "type": "complete", "id": "u" })).await;
    // What was said before the ping has been heard when the pong comes.
    socket.say(json!({ "type": "ping" })).await;
    while socket.hear().await["type"] != "pong" {}
    upload(&server, CSV).await;
    socket.subscribe("u", "{ __typename }").await;
    assert_eq!(
        socket.hear().await["payload"]["data"]["__typename"],
        "Query"
    );
    assert_eq!(socket.hear().await["type"], "complete");
}

#[tokio::test]
async fn tokens_come_with_the_first_message_or_the_headers() {
    let server = Server::with(&["ann:read:look-at-the-trips", "bob:write:change-the-trips"]).await;
    for payload in [json!({}), json!({ "Authorization": "Bearer wrong" })] {
        let mut socket = open(&server, &[NEW]).await.unwrap();
        socket
            .say(json!({ "type": "connection_init", "payload": payload }))
            .await;
        assert_eq!(socket.closed().await, 4403);
    }
    assert!(
        matches!(open(&server, &[NEW, ("authorization", "Bearer wrong")]).await, Err(Error::Http(answer)) if answer.status() == 401)
    );
    let mut reader = open(&server, &[NEW]).await.unwrap();
    reader
        .say(json!({ "type": "connection_init", "payload": { "authorization": "Bearer look-at-the-trips" } }))
        .await;
    assert_eq!(reader.hear().await["type"], "connection_ack");
    reader
        .subscribe("m", "mutation { cancelIngestion(id: \"1\") { id } }")
        .await;
    let message = reader.hear().await;
    assert_eq!(
        (
            &message["type"],
            &message["payload"][0]["extensions"]["code"]
        ),
        (&json!("error"), &json!("FORBIDDEN"))
    );
    let mut writer = open(
        &server,
        &[NEW, ("authorization", "Bearer change-the-trips")],
    )
    .await
    .unwrap();
    writer.say(json!({ "type": "connection_init" })).await;
    assert_eq!(writer.hear().await["type"], "connection_ack");
    writer
        .subscribe("m", "mutation { cancelIngestion(id: \"1\") { id } }")
        .await;
    assert_eq!(
        writer.hear().await["payload"]["errors"][0]["extensions"]["code"],
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn handshakes_of_others_are_refused() {
    let server = Server::start().await;
    let status = async |headers: &[(&'static str, &str)]| match open(&server, headers).await {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
        Ok(_) => 101,
    };
    assert_eq!(
        status(&[NEW, ("origin", "https://evil.example")]).await,
        403
    );
    assert_eq!(
        status(&[NEW, ("origin", &format!("http://{}", server.address))]).await,
        101
    );
    assert_eq!(status(&[NEW, ("host", "evil.example")]).await, 403);
    assert_eq!(status(&[NEW, ("host", "localhost:1")]).await, 101);
    assert_eq!(status(&[]).await, 400);
    assert_eq!(status(&[("sec-websocket-protocol", "soap")]).await, 400);
}

#[tokio::test]
async fn a_shutdown_says_goodbye() {
    let server = Server::start().await;
    let mut socket = Socket::new(&server).await;
    socket
        .subscribe("u", "subscription { ingestionUpdates { id } }")
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.shutdown.request();
    assert_eq!(socket.closed().await, 1001);
    drop(socket);
    tokio::time::timeout(Duration::from_secs(5), server.task)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

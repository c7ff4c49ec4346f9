//! How long clients may take, and how many there may be.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tripgraph::http::Rate;

use super::*;

/// A limit that a test waits for.
const SHORT: Duration = Duration::from_millis(400);

/// Nothing that is waited for may take longer.
const LONG: Duration = Duration::from_secs(20);

/// Short limits, so that a limit that is not the one under test would be noticed.
async fn impatient() -> Server {
    Server::set_up(&[], |settings| {
        settings.header_read = SHORT;
        settings.connection_idle = 3 * SHORT;
        settings.body.idle = 4 * SHORT;
        settings.body.small = 2 * SHORT;
        settings.body.files = Rate {
            bytes_per_second: 1_000,
            window: 2 * SHORT,
        };
    })
    .await
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// All that still comes, and after what time the connection was closed.
async fn rest(socket: &mut TcpStream) -> (String, Duration) {
    let (start, mut bytes) = (Instant::now(), Vec::new());
    let read = timeout(LONG, socket.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the connection is not closed");
    (String::from_utf8(bytes).unwrap(), start.elapsed())
}

/// Sends byte by byte until the server has answered or closed the connection; what it said.
async fn trickle(socket: TcpStream, bytes: &[u8]) -> (String, Duration) {
    let (mut reader, mut writer) = socket.into_split();
    let start = Instant::now();
    let write = async {
        for byte in bytes.iter().cycle() {
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut answer = Vec::new();
        let mut buffer = [0; 1_000];
        // A reset is an end, too.
        while let Ok(read @ 1..) = reader.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
        }
        answer
    };
    let answer = tokio::select! {
        answer = timeout(LONG, read) => answer.unwrap(),
        () = write => unreachable!(),
    };
    (String::from_utf8(answer).unwrap(), start.elapsed())
}

#[tokio::test]
async fn silent_connections_and_slow_headers_are_closed() {
    let server = impatient().await;
    let (answer, took) = rest(&mut connect(&server).await).await;
    assert_eq!(answer, "");
    assert!(took >= SHORT / 2, "{took:?}");
    let mut socket = connect(&server).await;
    socket
        .write_all(b"GET /health/live HTTP/1.1\r\n")
        .await
        .unwrap();
    assert_eq!(rest(&mut socket).await.0, "");
    let mut socket = connect(&server).await;
    socket
        .write_all(b"GET /health/live HTTP/1.1\r\nx: ")
        .await
        .unwrap();
    let (answer, took) = trickle(socket, b"x").await;
    assert_eq!(answer, "");
    assert!(took < LONG / 2, "{took:?}");
}

#[tokio::test]
async fn a_connection_may_be_idle_between_requests_for_longer() {
    let server = impatient().await;
    let mut socket = connect(&server).await;
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut buffer = [0; 1_000];
    for _ in 0..2 {
        sleep(SHORT / 2).await;
        socket.write_all(request).await.unwrap();
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
    }
    // More than new connections have for their headers, less than idle ones have.
    sleep(SHORT * 3 / 2).await;
    socket.write_all(request).await.unwrap();
    let read = socket.read(&mut buffer).await.unwrap();
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
    let (answer, took) = rest(&mut socket).await;
    assert_eq!(answer, "");
    assert!(took >= 2 * SHORT, "{took:?}");
    // The headers of a second request are waited for no longer than those of the first.
    let mut socket = connect(&server).await;
    socket.write_all(request).await.unwrap();
    assert!(socket.read(&mut buffer).await.unwrap() > 0);
    let (answer, _) = trickle(socket, b"x").await;
    assert_eq!(answer, "");
}

#[tokio::test]
async fn a_small_body_must_arrive_in_time() {
    let server = impatient().await;
    let head = "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n";
    let multipart = "content-type: multipart/form-data; boundary=b\r\n\r\n";
    let part = "--b\r\ncontent-disposition: form-data; name=\"operations\"\r\n\r\n";
    for start in [
        "content-type: application/json\r\n\r\n".to_owned(),
        format!("{multipart}{part}"),
        // Before any part has begun.
        multipart.to_owned(),
    ] {
        let mut socket = connect(&server).await;
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(start.as_bytes()).await.unwrap();
        let (answer, _) = trickle(socket, b" ").await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{start}: {answer}");
        assert!(answer.contains("\"TIMEOUT\""), "{start}: {answer}");
        let mut socket = connect(&server).await;
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(start.as_bytes()).await.unwrap();
        let (answer, _) = rest(&mut socket).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{start}: {answer}");
    }
}

fn upload_head() -> String {
    let operations = json!({ "query": INGEST, "variables": { "file": null } });
    let part = |name: &str, body: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{body}")
    };
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\
         content-type: multipart/form-data; boundary=b\r\n\r\n{}\r\n{}\r\n{}",
        part("operations", &operations.to_string()),
        part("map", r#"{"0":["variables.file"]}"#),
        part("0\"; filename=\"a.csv", CSV),
    )
}

#[tokio::test]
async fn an_upload_has_a_least_rate() {
    let server = impatient().await;
    let mut socket = connect(&server).await;
    socket.write_all(upload_head().as_bytes()).await.unwrap();
    let (answer, took) = trickle(socket, b"x").await;
    assert!(answer.contains("\"TIMEOUT\""), "{answer}");
    assert!(answer.contains("1000 bytes per second"), "{answer}");
    assert!(took >= 2 * SHORT, "{took:?}");
    let mut socket = connect(&server).await;
    socket.write_all(upload_head().as_bytes()).await.unwrap();
    let (answer, _) = rest(&mut socket).await;
    assert!(answer.contains("nothing arrived"), "{answer}");
    sleep(SHORT).await;
    assert_eq!(server.spooled(), 0);
}

/// Longer than a small body may take.
#[tokio::test]
async fn an_upload_may_take_long_while_it_goes_on() {
    let server = impatient().await;
    let chunks = futures::stream::unfold(0, |number| async move {
        sleep(Duration::from_millis(100)).await;
        let row = CSV.lines().nth(1).unwrap();
        let text = match number {
            0 => CSV.to_owned(),
            1..20 => format!("{row}\n").repeat(4),
            _ => return None,
        };
        Some((Ok::<_, std::io::Error>(text), number + 1))
    });
    let file = Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("slow.csv");
    let operations = json!({ "query": INGEST, "variables": { "file": null } });
    let form = Form::new()
        .text("operations", operations.to_string())
        .text("map", json!({ "0": ["variables.file"] }).to_string())
        .part("0", file);
    let answer = body(post(&server).multipart(form).send().await.unwrap()).await;
    let ingestion = &answer["data"]["ingestTrips"]["ingestion"];
    assert_eq!(ingestion["source"], "slow.csv", "{answer}");
}

#[tokio::test]
async fn connections_over_the_limit_wait() {
    let server = Server::set_up(&[], |settings| settings.max_connections = 2).await;
    let request = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut buffer = [0; 1_000];
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut socket = connect(&server).await;
        socket.write_all(request).await.unwrap();
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
        open.push(socket);
    }
    let mut third = connect(&server).await;
    third.write_all(request).await.unwrap();
    assert!(timeout(SHORT, third.read(&mut buffer)).await.is_err());
    open.pop();
    let read = timeout(LONG, third.read(&mut buffer)).await.unwrap();
    assert!(buffer[..read.unwrap()].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_waited_for() {
    let server = Server::set_up(&[], |settings| {
        settings.write_stall = SHORT;
        settings.max_connections = 1;
    })
    .await;
    let mut socket = connect(&server).await;
    // Far more answers than the buffers of the sockets hold.
    let request = "GET /graphiql/example.csv HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200);
    socket.write_all(request.as_bytes()).await.unwrap();
    let other = client().get(server.url("/health/live")).send();
    let response = timeout(LONG, other).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    drop(socket);
}

/// The answer is made at once, and takes longer to be read than a connection may be idle.
#[tokio::test]
async fn a_client_that_reads_slowly_gets_the_whole_answer() {
    let server = Server::set_up(&[], |settings| settings.connection_idle = SHORT).await;
    ingest(&server, &super::headers::regions(5_000)).await;
    let names: Vec<_> = (0..90).map(|alias| format!("a{alias}: name")).collect();
    let query = format!("{{ regions {{ {} }} }}", names.join(" "));
    let query = json!({ "query": query }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{query}",
        query.len()
    );
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut socket = socket.connect(server.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let (mut answer, mut buffer) = (Vec::new(), vec![0; 256 << 10]);
    let mut pauses = 0;
    // Until the server closes the connection, which is idle then.
    while let read @ 1.. = socket.read(&mut buffer).await.unwrap() {
        if answer.len() >> 20 < (answer.len() + read) >> 20 {
            pauses += 1;
            sleep(SHORT / 2).await;
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    assert!(pauses > 6, "{pauses}");
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{head}"
    );
}

/// A connection that was closed with bytes unread would take the answer with it.
#[tokio::test]
async fn an_answer_arrives_although_the_request_was_not_read() {
    let server = Server::with(&["ann:read:0123456789abcdef"]).await;
    for _ in 0..20 {
        let upload = post(&server).multipart(form(&"x".repeat(4 << 20))).send();
        assert_eq!(upload.await.unwrap().status(), 401);
        let request = post(&server)
            .header(CONTENT_TYPE, "text/plain")
            .body("x".repeat(4 << 20));
        assert_eq!(request.send().await.unwrap().status(), 415);
    }
}

//! Which hosts the server answers to, so that a page of another site can't have its own name resolve
//! to the server's address.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::suite::program::{Home, Serving};

/// The answer to a request as it is written, over a connection of its own.
pub(super) async fn raw(address: &str, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of the answer to a request of these lines.
async fn status(address: &str, lines: &[&str]) -> u16 {
    let request = format!("{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
    let answer = raw(address, &request).await;
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status
        .parse()
        .unwrap_or_else(|_| panic!("{lines:?}: {answer}"))
}

const PATHS: [&str; 4] = [
    "/graphql?query=%7B__typename%7D",
    "/graphiql",
    "/metrics",
    "/a",
];

#[tokio::test]
async fn an_open_server_answers_to_local_hosts_only() {
    let server = Server::start().await;
    let address = server.address.to_string();
    for host in ["localhost", "127.0.0.1:1", "[::1]:8000", &address] {
        for (path, expected) in PATHS.into_iter().zip([200, 200, 200, 404]) {
            let (line, header) = (format!("GET {path} HTTP/1.1"), format!("host: {host}"));
            assert_eq!(
                status(&address, &[&line, &header]).await,
                expected,
                "{host} {path}"
            );
        }
    }
    for host in [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "10.0.0.1",
    ] {
        let header = format!("host: {host}");
        for path in PATHS {
            let line = format!("GET {path} HTTP/1.1");
            assert_eq!(
                status(&address, &[&line, &header]).await,
                403,
                "{host} {path}"
            );
        }
        // Load balancers know the server by whatever address.
        for path in ["/health/live", "/health/ready"] {
            let line = format!("GET {path} HTTP/1.1");
            assert_eq!(
                status(&address, &[&line, &header]).await,
                200,
                "{host} {path}"
            );
        }
        let response = post(&server)
            .header(HOST, host)
            .json(&json!({ "query": "{ __typename }" }));
        let response = response.send().await.unwrap();
        assert_eq!(response.status(), 403);
        let answer = body(response).await;
        assert_eq!(code(&answer), "FORBIDDEN");
        let message = answer["errors"][0]["message"].as_str().unwrap();
        let option = format!("--allowed-host {}", host.split(':').next().unwrap());
        assert!(message.contains(&option), "{message}");
        let upload = post(&server).header(HOST, host).multipart(form(CSV)).send();
        assert_eq!(upload.await.unwrap().status(), 403);
    }
    // The address of the request line counts, whatever the header says.
    let lines = [
        "GET http://evil.example/metrics HTTP/1.1",
        "host: localhost",
    ];
    assert_eq!(status(&address, &lines).await, 403);
    let lines = [
        "GET http://localhost/metrics HTTP/1.1",
        "host: evil.example",
    ];
    assert_eq!(status(&address, &lines).await, 403);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::with(&["ann:read:0123456789abcdef"]).await;
    let address = server.address.to_string();
    let live = "GET /health/live HTTP/1.1";
    for (lines, expected) in [
        (vec![live, "host: anything.example"], 200),
        (vec![live], 400),
        (vec![live, "host: a.example", "host: a.example"], 400),
        (vec![live, "host: a.example", "host: b.example"], 400),
        (vec![live, "host:"], 400),
        (vec![live, "host: a b"], 400),
        (vec![live, "host: user@a.example"], 400),
        (vec![live, "host: a.example:port"], 400),
        (vec!["GET /health/live HTTP/1.0"], 200),
        (vec!["GET /health/live HTTP/1.0", "host: a", "host: a"], 400),
    ] {
        assert_eq!(status(&address, &lines).await, expected, "{lines:?}");
    }
}

#[tokio::test]
async fn other_hosts_are_named_by_options() {
    let home = Home::new();
    let ask = async |server: &Serving, host: &str| {
        let header = format!("host: {host}");
        status(&server.address, &["GET /graphiql HTTP/1.1", &header]).await
    };
    let start = |arguments: &[&str], variable: &str| {
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .args(arguments)
            .env("TRIPGRAPH_ALLOWED_HOSTS", variable);
        Serving::start(command)
    };
    let server = start(
        &["--allowed-host", "a.example", "--allowed-host", "b.example"],
        "",
    );
    for (host, expected) in [
        ("a.example", 200),
        ("B.example:80", 200),
        ("localhost", 200),
        ("c.example", 403),
    ] {
        assert_eq!(ask(&server, host).await, expected, "{host}");
    }
    drop(server);
    let server = start(&[], "a.example,b.example");
    for (host, expected) in [("b.example", 200), ("127.0.0.1", 200), ("c.example", 403)] {
        assert_eq!(ask(&server, host).await, expected, "{host}");
    }
    drop(server);
    // A page of another site has no token.
    let server = start(&["--token", "ann:read:0123456789abcdef"], "");
    assert_eq!(ask(&server, "c.example").await, 200);
    drop(server);
    let mut command = home.command(&["serve", "--listen", "0.0.0.0:0", "--allow-anonymous"]);
    command.env("TRIPGRAPH_ALLOWED_HOSTS", "");
    let mut server = Serving::start(command);
    server.address = server.address.replace("0.0.0.0", "127.0.0.1");
    for (host, expected) in [("192.0.2.1", 200), ("localhost", 200), ("c.example", 403)] {
        assert_eq!(ask(&server, host).await, expected, "{host}");
    }
}

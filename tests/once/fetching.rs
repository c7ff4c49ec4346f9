//! `ingestUrl`: the server downloads files, but only those that its operator allows.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::suite::program;
use crate::suite::support::web::{Site, response};

use program::{Home, Serving};
use serde_json::{Value, json};

const FILE: &str = "region,origin_coord,destination_coord,datetime,datasource\n\
    Lyon,POINT (4.83 45.76),POINT (4.86 45.74),2021-03-01 08:00:00,phone\n";

fn server(home: &Home, options: &[&str]) -> Serving {
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    Serving::start(home.command(&[&listen, options].concat()))
}

async fn fetch(server: &Serving, url: &str) -> Value {
    let query = "mutation ($url: String!) { ingestUrl(url: $url) { duplicate ingestion { id source \
                 bytesTotal } } }";
    server.answer(query, json!({ "url": url })).await
}

fn code(answer: &Value) -> (&str, &str) {
    let error = &answer["errors"][0];
    let code = error["extensions"]["code"].as_str();
    let message = error["message"].as_str();
    code.zip(message).unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test]
async fn allowed_files_are_downloaded() {
    let home = Home::new();
    let site = Site::new(|path| match path {
        "/data/trips%20may.csv?key=1" => response("200 OK", FILE),
        "/data/moved.csv" => redirect("/data/more.csv"),
        "/data/more.csv" => response("200 OK", &format!("{FILE}\n")),
        "/data/away.csv" => redirect("/secret.csv"),
        "/data/large.csv" => response("200 OK", &FILE.repeat(20)),
        "/data/loop.csv" => redirect("/data/loop.csv"),
        "/data/short.csv" => "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\nregion".to_owned(),
        "/secret.csv" => panic!("the secret is read"),
        _ => response("404 Not Found", ""),
    });
    let prefix = site.url("/data/");
    let options = ["--allow-url-prefix", &prefix, "--max-upload-bytes", "1000"];
    let server = server(&home, &options);
    let answer = fetch(&server, &site.url("/data/trips%20may.csv?key=1")).await;
    let payload = &answer["data"]["ingestUrl"];
    assert_eq!(payload["duplicate"], false, "{answer}");
    assert_eq!(payload["ingestion"]["source"], "trips may.csv");
    assert_eq!(payload["ingestion"]["bytesTotal"], FILE.len());
    let again = fetch(&server, &site.url("/data/trips%20may.csv?key=1")).await;
    assert_eq!(again["data"]["ingestUrl"]["duplicate"], true, "{again}");
    let moved = fetch(&server, &site.url("/data/moved.csv")).await;
    assert_eq!(moved["data"]["ingestUrl"]["duplicate"], false, "{moved}");
    for id in ["1", "2"] {
        assert_eq!(server.ended(id).await["state"], "SUCCEEDED");
    }
    assert_eq!(server.trips().await, 2);
    for (path, expected, words) in [
        (
            "/data/away.csv",
            "BAD_USER_INPUT",
            "redirects to a URL that the server may not read",
        ),
        ("/data/loop.csv", "BAD_USER_INPUT", "too many redirects"),
        ("/data/missing.csv", "BAD_USER_INPUT", "404"),
        (
            "/data/short.csv",
            "BAD_USER_INPUT",
            "cannot download the file: the connection broke off: ",
        ),
        ("/data/large.csv", "TOO_LARGE", "1000 bytes"),
        ("/secret.csv", "FORBIDDEN", "--allow-url-prefix"),
        ("/data/../secret.csv", "FORBIDDEN", "--allow-url-prefix"),
    ] {
        let answer = fetch(&server, &site.url(path)).await;
        let (code, message) = code(&answer);
        assert_eq!(code, expected, "{path}: {message}");
        assert!(message.contains(words), "{path}: {message}");
    }
    assert!(home.spooled().is_empty());
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

#[tokio::test]
async fn nothing_is_read_unless_it_is_allowed() {
    let home = Home::new();
    let site = Site::new(|_| panic!("read"));
    let (file, by_name) = (
        site.url("/trips.csv"),
        site.url("/").replace("127.0.0.1", "localhost"),
    );
    let none = server(&home, &[]);
    assert_eq!(code(&fetch(&none, &file).await).0, "FORBIDDEN");
    assert_eq!(code(&fetch(&none, "trips.csv").await).0, "BAD_USER_INPUT");
    drop(none);
    // A name that leads to a private address.
    let named = server(&home, &["--allow-url-prefix", &by_name]);
    assert_eq!(code(&fetch(&named, &file).await).0, "FORBIDDEN");
    let answer = fetch(&named, &format!("{by_name}trips.csv")).await;
    let (code, message) = code(&answer);
    assert_eq!(code, "BAD_USER_INPUT");
    assert!(message.contains("no public address"), "{message}");
    let ran = home.run(&["serve", "--allow-url-prefix", "ftp://a.example/"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

//! `/inspect`: what would be read in a file, before it is uploaded.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::suite::program::Home;

fn inspect(server: &Server, query: &str, bytes: impl Into<Vec<u8>>) -> RequestBuilder {
    client()
        .post(server.url(&format!("/inspect?{query}")))
        .header(CONTENT_TYPE, "application/octet-stream")
        .body(bytes.into())
}

async fn inspected(server: &Server, query: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let response = inspect(server, query, bytes).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{query}");
    response.json().await.unwrap()
}

/// Asserts that a request is refused, and returns the message.
async fn refused(request: RequestBuilder, status: u16, expected: &str) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), status);
    let answer = body(response).await;
    assert_eq!(code(&answer), expected);
    answer["errors"][0]["message"].as_str().unwrap().to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Rows whose text does not compress to almost nothing.
fn rows(count: usize) -> String {
    let mut text = CSV.lines().next().unwrap().to_owned() + "\n";
    for row in 0..count {
        let lon = 14.0 + (row * 7_919 % 100_003) as f64 / 1e6;
        let _ = writeln!(
            text,
            "\"Pra\nha\",POINT ({lon} 50.05),POINT (14.5 50.1),2018-05-28 09:03:40,car"
        );
    }
    text
}

#[tokio::test]
async fn a_whole_file_is_inspected_as_on_the_command_line() {
    let server = Server::start().await;
    let home = Home::new();
    let odd = "a;b;c;d;when\n14.4;50.05;14.5;50.1;28.05.2018 09:03\n1;x;2;3;\"29.05.2018 09:03\"\n";
    for (name, text, options, query) in [
        ("trips.csv", CSV, &[][..], ""),
        ("empty.csv", "", &[], ""),
        ("odd.csv", odd, &[], ""),
        (
            "odd.csv",
            odd,
            &["--origin", "a,b", "--destination", "c,d", "--time", "when"],
            "&origin=a&origin=b&destination=c&destination=d&departedAt=when",
        ),
        ("page.csv", "<html><body>Log in</body></html>", &[], ""),
    ] {
        home.write(name, text);
        let ran = home.run(&[&["inspect", name, "--json"], options].concat());
        let expected: Value = serde_json::from_str(&ran.stdout).unwrap();
        let found = inspected(&server, &format!("name={name}{query}"), text).await;
        assert_eq!(found, expected[0], "{name}{query}");
    }
    let found = inspected(&server, "name=trips.csv", CSV).await;
    assert_eq!(found["complete"], true);
    assert_eq!(
        (&found["rowsRead"], &found["rowsIngested"]),
        (&json!(5), &json!(4))
    );
    assert_eq!(found["trips"].as_array().unwrap().len(), 4);
    assert_eq!(found["rejectedRows"][0]["line"], 5);
    assert_eq!(found["header"][1], "origin_coord");
    assert_eq!(found["firstRows"][3][1], "POINT (14.4 95.0)");
    // Columns of unknown names are shown, to be chosen from.
    let found = inspected(&server, "name=odd.csv", odd).await;
    assert_eq!(found["error"]["code"], "MISSING_COLUMNS");
    assert_eq!(found["header"], json!(["a", "b", "c", "d", "when"]));
    assert_eq!(found["firstRows"][1][4], "29.05.2018 09:03");
    assert_eq!(server.spooled(), 0);
}

#[tokio::test]
async fn a_beginning_is_read_up_to_its_last_whole_row() {
    let server = Server::start().await;
    let text = rows(60);
    let whole = inspected(&server, "", text.as_str()).await;
    assert_eq!(
        (&whole["rowsRead"], &whole["rowsIngested"]),
        (&json!(60), &json!(60))
    );
    // Wherever it is cut, within a quoted field or between CR and LF, no row is half a row.
    for (text, line) in [
        (text.clone(), "2018-05-28 09:03:40,car\n"),
        (text.replace('\n', "\r\n"), "2018-05-28 09:03:40,car\r\n"),
    ] {
        let header = text.find("datasource").unwrap() + 12;
        for cut in (header..text.len()).step_by(13) {
            let query = format!("bytesTotal={}", text.len());
            let found = inspected(&server, &query, &text.as_bytes()[..cut]).await;
            let expected = text[..cut].matches(line).count();
            assert_eq!(found["rowsRead"], expected, "{cut}: {found}");
            assert_eq!(found["rowsRejected"], 0, "{cut}: {found}");
            assert_eq!(found["complete"], false);
        }
    }
    // So it is in other encodings, and in JSON.
    let utf_16: Vec<u8> = format!("\u{feff}{}", text.replace("Pra\nha", "Žižkov"))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for cut in [3_001, 3_002, 3_003] {
        let query = format!("bytesTotal={}", utf_16.len());
        let found = inspected(&server, &query, &utf_16[..cut]).await;
        assert_eq!(found["format"]["encoding"], "UTF-16LE");
        assert!(found["rowsIngested"].as_u64().unwrap() > 10, "{found}");
        assert_eq!(found["rowsRejected"], 0, "{found}");
        assert_eq!(found["trips"][0]["region"], "Žižkov");
    }
    let trip = json!({
        "start_time": 1_527_491_020_000_i64,
        "start_location": { "lng": 14.4, "lat": 50.05 },
        "end_location": { "lng": 14.5, "lat": 50.1 },
    });
    let json = json!({ "trips": vec![trip; 20] }).to_string();
    let whole = inspected(&server, "", json.as_str()).await;
    assert_eq!(whole["rowsIngested"], 20, "{whole}");
    let query = format!("bytesTotal={}", json.len());
    let found = inspected(&server, &query, &json.as_bytes()[..json.len() / 2]).await;
    assert_eq!(
        (&found["rowsIngested"], &found["rowsRejected"]),
        (&json!(9), &json!(0))
    );
}

#[tokio::test]
async fn the_beginning_of_a_compressed_file_is_read_if_it_is_a_stream() {
    let server = Server::start().await;
    let text = rows(60_000);
    let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for bytes in [gzip(text.as_bytes()), zstd] {
        let half = bytes[..bytes.len() / 2].to_vec();
        assert!(half.len() < 1 << 20, "{}", half.len());
        let query = format!("name=trips.csv.gz&bytesTotal={}", bytes.len());
        let found = inspected(&server, &query, half.clone()).await;
        let count = found["rowsIngested"].as_u64().unwrap();
        assert!((10_000..60_000).contains(&count), "{count}");
        assert_eq!(
            (&found["rowsRejected"], &found["complete"]),
            (&json!(0), &json!(false))
        );
        assert_eq!(found["trips"][0]["datasource"], "car");
        // Half a file that is said to be a whole one is broken.
        let found = inspected(&server, "name=trips.csv.gz", half).await;
        assert_eq!(found["error"]["code"], "COMPRESSED_DATA_TRUNCATED");
        assert_eq!(found["header"][0], "region");
    }
    for bytes in [
        &b"PK\x03\x04 and more"[..],
        b"PAR1 and more",
        b"region,orig",
        b"",
    ] {
        let found = inspected(&server, "bytesTotal=100000", bytes).await;
        assert_eq!(found["error"]["code"], "MORE_BYTES_NEEDED", "{found}");
        assert_eq!(found["header"], json!([]));
    }
}

#[tokio::test]
async fn bad_requests_are_refused() {
    let server = Server::start().await;
    for (query, text) in [
        ("bytesTotal=x", "`bytesTotal` is not a number of bytes"),
        (
            "bytesTotal=4",
            "`bytesTotal` is 4, but the body has 5 bytes",
        ),
        ("name=a&name=b", "`name` is given twice"),
        ("time=x", "`time` is no parameter of an inspection"),
        ("origin=a&origin=b&origin=c", "origin names 3 columns"),
        (
            "region=a&regionName=b",
            "region and regionName exclude each other",
        ),
        ("timeZone=Mars", "there is no time zone \"Mars\""),
    ] {
        let message = refused(inspect(&server, query, "a,b,c"), 400, "BAD_USER_INPUT").await;
        assert!(message.starts_with(text), "{message}");
    }
    let url = server.url("/inspect");
    for (content_type, encoding) in [
        ("text/plain", "identity"),
        ("text/csv", "identity"),
        ("multipart/form-data; boundary=x", "identity"),
        ("application/octet-stream", "gzip"),
    ] {
        let request = client()
            .post(&url)
            .header(CONTENT_TYPE, content_type)
            .header("content-encoding", encoding)
            .body(CSV);
        refused(request, 415, "BAD_USER_INPUT").await;
    }
    let foreign = inspect(&server, "", CSV).header(ORIGIN, "https://example.com");
    refused(foreign, 403, "FORBIDDEN").await;
    let response = client().get(&url).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    // The limit of a body is 1 MiB here.
    let most = CSV.to_owned() + &" ".repeat((1 << 20) - CSV.len());
    inspected(&server, "", most.as_str()).await;
    refused(inspect(&server, "", most + " "), 413, "TOO_LARGE").await;
    assert_eq!(server.spooled(), 0);
}

#[tokio::test]
async fn a_client_that_stops_sending_is_not_waited_for() {
    let server = Server::set_up(&[], |settings| {
        settings.body.small = Duration::from_millis(300);
    })
    .await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /inspect HTTP/1.1\r\nhost: {}\r\ncontent-type: application/octet-stream\r\n\
         content-length: 1000\r\n\r\nregion,",
        server.address
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut answer)
        .await
        .unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("TIMEOUT"), "{answer}");
}

#[tokio::test]
async fn a_token_of_scope_write_is_needed() {
    let tokens = [
        "ann:aggregate:0123456789abcdef",
        "bob:read:0123456789abcdeg",
        "eve:write:0123456789abcdeh",
    ];
    let server = Server::with(&tokens).await;
    refused(inspect(&server, "", CSV), 401, "UNAUTHENTICATED").await;
    for secret in ["0123456789abcdef", "0123456789abcdeg"] {
        let request = inspect(&server, "", CSV).bearer_auth(secret);
        let message = refused(request, 403, "FORBIDDEN").await;
        assert_eq!(message, "an inspection needs a token of scope `write`");
    }
    let request = inspect(&server, "", CSV).bearer_auth("0123456789abcdeh");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
}

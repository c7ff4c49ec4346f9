//! Headers of answers, the id of a request, and the paths of errors.

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

use super::*;

/// Regions whose names fill an answer of some kilobytes.
pub(super) fn regions(count: usize) -> String {
    let row = |number| {
        format!("Region {number},POINT (14.4 50.05),POINT (14.5 50.1),2018-05-28 09:03:40,car\n")
    };
    let header = CSV.lines().next().unwrap();
    format!(
        "{header}\n{}",
        (0..count).map(row).collect::<Vec<_>>().concat()
    )
}

#[tokio::test]
async fn answers_are_compressed_and_not_cached() {
    let server = Server::start().await;
    ingest(&server, &regions(200)).await;
    let ask = |query: &str, encodings: &str| {
        post(&server)
            .header(ACCEPT_ENCODING, encodings)
            .json(&json!({ "query": query }))
            .send()
    };
    let (large, small) = ("{ regions { name trips } }", "{ __typename }");
    for (query, encodings, expected) in [
        (large, "gzip", Some("gzip")),
        (large, "gzip, deflate, br", Some("br")),
        (large, "br;q=0, gzip;q=0.5", Some("gzip")),
        (large, "identity", None),
        (large, "gzip;q=0", None),
        (small, "gzip, br", None),
        ("{ nonsense }", "gzip, br", None),
    ] {
        let response = ask(query, encodings).await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        let encoding = headers.get(CONTENT_ENCODING);
        let encoding = encoding.map(|encoding| encoding.to_str().unwrap());
        assert_eq!(encoding, expected, "{query} {encodings}");
        assert_eq!(headers["vary"], "accept, accept-encoding");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers[CONTENT_TYPE], "application/json; charset=utf-8");
        let bytes = response.bytes().await.unwrap();
        if query == large {
            let is_small = bytes.len() < 2_000;
            assert_eq!(is_small, expected.is_some(), "{encodings} {}", bytes.len());
        }
    }
    // A refusal is no less an answer.
    let refused = client().get(server.url("/graphql?variables=["));
    let refused = refused.send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.headers()["cache-control"], "no-store");
    assert_eq!(refused.headers()["vary"], "accept, accept-encoding");
    for path in ["/graphiql", "/metrics", "/health/live", "/nowhere"] {
        let response = client().get(server.url(path)).send().await.unwrap();
        assert_eq!(
            response.headers()["x-content-type-options"],
            "nosniff",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_compressed_request_is_refused() {
    let server = Server::start().await;
    for encoding in ["gzip", "deflate", "br", "gzip, br", "nonsense"] {
        let json = post(&server).json(&json!({ "query": "{ __typename }" }));
        for request in [json, post(&server).multipart(form(CSV))] {
            let response = request
                .header(CONTENT_ENCODING, encoding)
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 415, "{encoding}");
            assert_eq!(response.headers()["accept-encoding"], "identity");
            let answer = body(response).await;
            assert_eq!(code(&answer), "BAD_USER_INPUT");
        }
    }
    let request = post(&server).json(&json!({ "query": "{ __typename }" }));
    let response = request.header(CONTENT_ENCODING, "identity").send();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_request_keeps_its_id_in_bounds() {
    let server = Server::start().await;
    let id = async |given: Option<&[u8]>| {
        let mut request = client().get(server.url("/health/live"));
        if let Some(given) = given {
            let given = reqwest::header::HeaderValue::from_bytes(given).unwrap();
            request = request.header("x-request-id", given);
        }
        let response = request.send().await.unwrap();
        response.headers()["x-request-id"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(id(Some(b"proxy-17/a")).await, "proxy-17/a");
    assert_eq!(id(Some(&[b'x'; 5_000])).await, "x".repeat(128));
    assert_eq!(id(Some("a b\u{e9}\tc".as_bytes())).await, "abc");
    let made = id(None).await;
    assert_eq!(made.len(), 36);
    assert_ne!(id(None).await, made);
    assert_eq!(id(Some("\u{e9}".as_bytes())).await.len(), 36);
}

#[tokio::test]
async fn an_internal_error_tells_the_id_of_the_request() {
    let server = Server::start().await;
    let id = ingest(&server, CSV).await;
    let sql = server.backend.sql().await;
    sql.execute("DROP TABLE rejected_row").await;
    let query = format!("{{ ingestion(id: {id}) {{ rejectedRows {{ totalCount }} }} }}");
    let request = post(&server).header("x-request-id", "r-1");
    let response = request
        .json(&json!({ "query": query }))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-request-id"], "r-1");
    let answer = body(response).await;
    assert_eq!(code(&answer), "INTERNAL");
    let error = &answer["errors"][0];
    assert_eq!(error["extensions"]["requestId"], "r-1");
    assert_eq!(error["path"], json!(["ingestion", "rejectedRows"]));
    assert!(!error.to_string().contains("rejected_row"), "{error}");
    // Others have no use for it.
    let answer = ask(&server, "{ ingestions(first: -1) { totalCount } }").await;
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "BAD_USER_INPUT" })
    );
}

#[tokio::test]
async fn the_path_of_an_error_is_that_of_its_field() {
    let server = Server::start().await;
    ingest(&server, CSV).await;
    for (query, path) in [
        (
            "{ ingestions(first: -1) { totalCount } }",
            json!(["ingestions"]),
        ),
        (
            "{ groupedTrips { nodes { members(first: -1) { totalCount } } } }",
            json!(["groupedTrips", "nodes", 0, "members"]),
        ),
        (
            "{ a: groupedTrips { edges { node { b: members(first: -1) { totalCount } } } } }",
            json!(["a", "edges", 0, "node", "b"]),
        ),
        (
            "{ groupedTrips { nodes { ...M } } } fragment M on TripGroup { ... { members(first: -1) { totalCount } } }",
            json!(["groupedTrips", "nodes", 0, "members"]),
        ),
        (
            "{ ingestions { nodes { rejectedRows(after: \"x\") { totalCount } } } }",
            json!(["ingestions", "nodes", 0, "rejectedRows"]),
        ),
        (
            "{ groupedTrips(first: 1) { nodes { members(first: 1) { nodes { ingestion { rejectedRows(first: -1) { totalCount } } } } } } }",
            json!([
                "groupedTrips",
                "nodes",
                0,
                "members",
                "nodes",
                0,
                "ingestion",
                "rejectedRows"
            ]),
        ),
    ] {
        let answer = ask(&server, query).await;
        assert_eq!(answer["errors"][0]["path"], path, "{query}: {answer}");
        assert_eq!(answer["data"], Value::Null, "{query}: {answer}");
    }
}

//! Pages of other origins: which may use the server, and what their browsers are told.

use reqwest::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::*;

const APP: &str = "https://app.example";
const PUBLIC: &str = "https://trips.example";

async fn server() -> Server {
    Server::set_up(&[], |settings| {
        settings.cors_origins = vec![APP.parse().unwrap()];
        settings.public_url = Some(PUBLIC.parse().unwrap());
    })
    .await
}

fn preflight(server: &Server, path: &str, origin: &str) -> RequestBuilder {
    client()
        .request(Method::OPTIONS, server.url(path))
        .header(ORIGIN, origin)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(
            ACCESS_CONTROL_REQUEST_HEADERS,
            "authorization,content-type,x-app",
        )
}

#[tokio::test]
async fn preflights_are_answered_for_configured_origins() {
    let server = server().await;
    for path in ["/graphql", "/export/weeks.csv"] {
        let response = preflight(&server, path, APP).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let headers = response.headers();
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], APP);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
        assert_eq!(
            headers[ACCESS_CONTROL_ALLOW_HEADERS],
            "authorization,content-type,x-app"
        );
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
        for origin in ["https://evil.example", "null", "http://app.example"] {
            let response = preflight(&server, path, origin).send().await.unwrap();
            let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(allowed, None, "{origin}");
        }
    }
    // The console and the metrics are for the server's own pages.
    for path in ["/metrics", "/graphiql"] {
        let response = preflight(&server, path, APP).send().await.unwrap();
        assert_eq!(response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN), None);
    }
    let closed = Server::start().await;
    let response = preflight(&closed, "/graphql", APP).send().await.unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn configured_origins_may_ask_upload_and_subscribe() {
    let server = server().await;
    for (origin, shared) in [(APP, true), (PUBLIC, false)] {
        let from = |request: RequestBuilder| {
            request
                .header(ORIGIN, origin)
                .header("sec-fetch-site", "cross-site")
        };
        let query = post(&server).json(&json!({ "query": "{ __typename }" }));
        let response = from(query).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let allowed = response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed.is_some(), shared);
        let vary = response.headers().get_all("vary").iter();
        let vary: Vec<_> = vary.map(|value| value.to_str().unwrap()).collect();
        assert!(vary.join(",").contains("origin"), "{vary:?}");
        let upload = from(post(&server).multipart(form(CSV)))
            .send()
            .await
            .unwrap();
        assert!(body(upload).await["data"]["ingestTrips"].is_object());
        let export = from(client().get(server.url("/export/weeks.csv")));
        assert_eq!(export.send().await.unwrap().status(), 200);
        assert_eq!(socket(&server, origin).await, 101);
    }
    let origin = "https://evil.example";
    let query = post(&server).json(&json!({ "query": "{ __typename }" }));
    let response = query.header(ORIGIN, origin).send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert_eq!(code(&body(response).await), "FORBIDDEN");
    let upload = post(&server).multipart(form(CSV)).header(ORIGIN, origin);
    assert_eq!(upload.send().await.unwrap().status(), 403);
    assert_eq!(socket(&server, origin).await, 403);
}

/// The status of the answer to the handshake of a WebSocket.
async fn socket(server: &Server, origin: &str) -> u16 {
    let mut request = format!("ws://{}/graphql", server.address)
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert(ORIGIN, origin.parse().unwrap());
    let protocol = "graphql-transport-ws".parse().unwrap();
    headers.insert("sec-websocket-protocol", protocol);
    match connect_async(request).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

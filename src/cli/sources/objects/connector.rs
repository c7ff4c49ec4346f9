//! The HTTP of object stores: that of all other downloads.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Response;
use axum::http::header::{ACCEPT_ENCODING, HeaderValue};
use http_body_util::BodyExt;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use reqwest::{Body, Client, Request, Url};

use crate::cli::sources::download::SILENCE;
use crate::ingest::web;
use crate::text::causes;

/// Where machines of a cloud find their credentials, unless a variable says otherwise.
const METADATA: [&str; 2] = ["http://169.254.169.254", "http://metadata.google.internal"];
/// Outside a cloud, nobody answers there.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks Google for an object as it is stored: by default, it decompresses objects that are marked as
/// gzip, and does not say their size.
#[derive(Debug, Clone, Copy)]
pub(super) struct StoredBytes;

/// There are no credentials in the environment, and none for this machine.
#[derive(Debug, thiserror::Error)]
#[error("there are no credentials")]
pub(super) struct NoCredentials;

/// The address of the store begins with `http://`.
#[derive(Debug, thiserror::Error)]
#[error("the address is not encrypted")]
pub(super) struct NotEncrypted;

/// Makes clients with the settings of all downloads.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    /// The beginnings of the addresses that give a machine its credentials.
    metadata: Vec<String>,
    metadata_client: Client,
}

impl Connector {
    /// With one more address that gives a machine its credentials.
    pub(super) fn new(metadata: Option<String>) -> object_store::Result<Self> {
        let client = web::client()
            .connect_timeout(METADATA_TIMEOUT)
            .read_timeout(METADATA_TIMEOUT)
            .no_proxy()
            .build();
        let known = METADATA.map(str::to_owned).into_iter();
        Ok(Self {
            metadata: known.chain(metadata).collect(),
            metadata_client: client.map_err(not_set_up)?,
        })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let setting = options.get_config_value(&ClientConfigKey::AllowHttp);
        // As the crate reads it.
        let allows_http = setting.is_some_and(|value| {
            matches!(
                &*value.to_ascii_lowercase(),
                "1" | "true" | "on" | "yes" | "y"
            )
        });
        let client = web::client()
            .read_timeout(SILENCE)
            .https_only(!allows_http)
            .build();
        Ok(HttpClient::new(Service {
            connector: self.clone(),
            client: client.map_err(not_set_up)?,
            allows_http,
        }))
    }
}

fn not_set_up(error: reqwest::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "HTTP",
        source: error.into(),
    }
}

#[derive(Debug)]
struct Service {
    connector: Connector,
    client: Client,
    allows_http: bool,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let is_metadata = self
            .connector
            .metadata
            .iter()
            .any(|begin| url.starts_with(begin));
        let url: Url = url
            .parse()
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        if url.scheme() == "http" && !self.allows_http {
            return Err(HttpError::new(HttpErrorKind::Unknown, NotEncrypted));
        }
        let mut request = Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        if parts.extensions.get::<StoredBytes>().is_some() {
            let headers = request.headers_mut();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // Only uploads have other bodies.
        *request.body_mut() = body.as_bytes().map(|bytes| bytes.clone().into());
        if is_metadata {
            let response = self.connector.metadata_client.execute(request).await;
            return match response {
                // It may have credentials soon.
                Ok(response) if !response.status().is_client_error() => Ok(answer(response)),
                _ => Err(HttpError::new(HttpErrorKind::Unknown, NoCredentials)),
            };
        }
        let response = self.client.execute(request).await.map_err(failed)?;
        Ok(answer(response))
    }
}

fn answer(response: reqwest::Response) -> HttpResponse {
    let (parts, body) = Response::<Body>::from(response).into_parts();
    Response::from_parts(parts, HttpResponseBody::new(body.map_err(failed)))
}

/// A failed request. Its kind says whether it is sent again.
fn failed(error: reqwest::Error) -> HttpError {
    let error = error.without_url();
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if is_broken(&error) {
        HttpErrorKind::Interrupted
    } else {
        HttpErrorKind::Unknown
    };
    tracing::warn!(
        error = causes(&error),
        "the connection to the object store failed"
    );
    HttpError::new(kind, error)
}

/// Whether a connection broke off.
fn is_broken(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && (error.is_closed() || error.is_incomplete_message() || error.is_timeout())
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            let kinds = [
                ErrorKind::BrokenPipe,
                ErrorKind::ConnectionAborted,
                ErrorKind::ConnectionReset,
                ErrorKind::TimedOut,
                ErrorKind::UnexpectedEof,
            ];
            if kinds.contains(&error.kind()) {
                return true;
            }
        }
        cause = error.source();
    }
    false
}

//! The HTTP of the exporters: that of all downloads.

use std::time::Duration;

use async_trait::async_trait;
use axum::http;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::Client;
use tokio::runtime::Handle;

use super::outage::Outage;
use crate::text::causes;

/// The default of the specification.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector answers in a few bytes.
const MAX_ANSWER: usize = 1 << 16;

/// Sends one signal to the collector. The exporters run on threads outside the runtime, so it sends on
/// the runtime.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    runtime: Handle,
    timeout: Duration,
    /// What it sends, as in the names of the variables.
    signal: &'static str,
    outage: Outage,
}

impl Transport {
    /// Needs the runtime of tokio.
    pub(super) fn new(client: Client, signal: &'static str) -> Self {
        let names = [
            format!("OTEL_EXPORTER_OTLP_{signal}_TIMEOUT"),
            "OTEL_EXPORTER_OTLP_TIMEOUT".to_owned(),
        ];
        let milliseconds = names
            .iter()
            .find_map(|name| std::env::var(name).ok()?.trim().parse().ok());
        Self {
            client,
            runtime: Handle::current(),
            timeout: milliseconds.map_or(TIMEOUT, Duration::from_millis),
            signal,
            outage: Outage::default(),
        }
    }

    fn note(&self, url: &reqwest::Url, error: Option<String>) {
        let signal = self.signal.to_lowercase();
        // Without a user and a password.
        let (host, port) = (url.host_str(), url.port_or_known_default());
        match error {
            Some(error) if self.outage.failed() => tracing::warn!(
                host,
                port,
                error,
                "the OpenTelemetry collector does not take {signal}; those of this time are lost"
            ),
            None if self.outage.succeeded() => {
                tracing::info!(
                    host,
                    port,
                    "the OpenTelemetry collector takes {signal} again"
                );
            }
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request: reqwest::Request = request.try_into()?;
        let url = request.url().clone();
        *request.timeout_mut() = Some(self.timeout);
        let sent = self.runtime.spawn(send(self.client.clone(), request));
        // It fails if the program ends.
        let answer = sent.await?;
        let error = match &answer {
            Ok(response) if response.status().is_success() => None,
            Ok(response) => Some(format!("it answers {}", response.status())),
            Err(error) => Some(causes(error.as_ref())),
        };
        self.note(&url, error);
        answer
    }
}

async fn send(client: Client, request: reqwest::Request) -> Result<Response<Bytes>, HttpError> {
    let mut response = client
        .execute(request)
        .await
        .map_err(reqwest::Error::without_url)?;
    let mut answer = http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        *headers = std::mem::take(response.headers_mut());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)?
    {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer is too long".into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body.into())?)
}

//! A running server as a client sees it: files are uploaded to it, and followed to their end.

mod ingestion;

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::body::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Client, RequestBuilder, StatusCode, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::ingestion::{FIELDS, RemoteIngestion};
use super::target::SendError;
use crate::backoff::Backoff;
use crate::cli::sources::{Opened, Source};
use crate::ingest::{Enqueued, IngestOptions, web};
use crate::model::{Ingestion, IngestionId, Page, RejectedRow};

/// Interval between questions about an ingestion.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// Maximum duration of a request other than an upload.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// A server that does not answer is asked again for this long: it may be restarting.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running server.
pub(super) struct Remote {
    client: Client,
    /// The address of its GraphQL endpoint.
    url: Url,
    token: Option<String>,
    /// The file of the locations that the ids in files name.
    locations: Option<Bytes>,
}

/// Why a request failed.
enum RequestError {
    /// The server may answer later.
    Unreachable(anyhow::Error),
    /// It has answered with an error.
    Refused(anyhow::Error),
}

impl RequestError {
    fn into_inner(self) -> anyhow::Error {
        match self {
            Self::Unreachable(error) | Self::Refused(error) => error,
        }
    }
}

impl Remote {
    /// The server at a URL, such as `https://trips.example`. `locations` is sent with each file.
    pub(super) fn new(
        url: &str,
        token: Option<String>,
        locations: Option<Bytes>,
    ) -> anyhow::Result<Self> {
        let base: Url = url
            .parse()
            .map_err(|error| anyhow!("--server {url} is not a URL: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            bail!("--server {url} must begin with http:// or https://");
        }
        // A path is that of a proxy, or of the endpoint itself.
        let path = base.path().trim_end_matches('/');
        let path = path.strip_suffix("/graphql").unwrap_or(path);
        let mut url = base.clone();
        url.set_path(&format!("{path}/graphql"));
        Ok(Self {
            client: web::client()
                // A token is sent to no other server.
                .redirect(redirect::Policy::none())
                .build()
                .context("cannot set up HTTP")?,
            url,
            token,
            locations,
        })
    }

    /// Uploads a file.
    pub(super) async fn send(
        &self,
        source: &Source,
        options: &IngestOptions,
    ) -> Result<Enqueued, SendError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            ingest_trips: Payload,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Payload {
            duplicate: bool,
            format_differs: bool,
            ingestion: RemoteIngestion,
        }
        let part = file_part(source)
            .await
            .with_context(|| format!("cannot read {}", source.shown()))
            .map_err(SendError::OfFile)?;
        let operations = json!({
            "query": format!(
                "mutation ($file: Upload!, $format: TripFormat, $locations: Upload, \
                 $replaces: ID, $allowDuplicate: Boolean!, $maxRejectedRows: Long) {{ \
                 ingestTrips(file: $file, format: $format, locations: $locations, \
                 replaces: $replaces, \
                 allowDuplicate: $allowDuplicate, maxRejectedRows: $maxRejectedRows) \
                 {{ duplicate formatDiffers ingestion {{ {FIELDS} }} }} }}"
            ),
            "variables": {
                "file": null,
                "format": options.format,
                "locations": null,
                "replaces": options.replaces.map(|id| id.to_string()),
                "allowDuplicate": options.allow_duplicate,
                "maxRejectedRows": options.max_rejected_rows,
            },
        });
        let mut map = json!({ "0": ["variables.file"] });
        if self.locations.is_some() {
            map["1"] = json!(["variables.locations"]);
        }
        let mut form = Form::new()
            .text("operations", operations.to_string())
            .text("map", map.to_string())
            .part("0", part.file_name(source.name().into_owned()));
        if let Some(locations) = &self.locations {
            let part = Part::stream(locations.clone());
            form = form.part("1", part.file_name("locations"));
        }
        let request = self.post().multipart(form);
        let sent: Result<Data, _> = self.ask(request).await;
        let Payload {
            duplicate,
            format_differs,
            ingestion,
        } = sent.map_err(SendError::from)?.ingest_trips;
        Ok(Enqueued {
            ingestion: ingestion.try_into().map_err(SendError::OfTarget)?,
            duplicate,
            format_differs,
        })
    }

    /// The states of an ingestion until it has ended.
    pub(super) fn watch(&self, id: IngestionId) -> BoxStream<'_, anyhow::Result<Ingestion>> {
        stream::try_unfold(Some(Duration::ZERO), move |wait| async move {
            let Some(wait) = wait else {
                return Ok::<_, anyhow::Error>(None);
            };
            tokio::time::sleep(wait).await;
            let ingestion = self.ingestion(id).await?;
            let more = !ingestion.state.is_final();
            Ok(Some((ingestion, more.then_some(POLL_EVERY))))
        })
        .boxed()
    }

    /// The first rejected rows of an ingestion.
    pub(super) async fn rejected_rows(
        &self,
        id: IngestionId,
        first: u64,
    ) -> anyhow::Result<Page<RejectedRow>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Rows {
            rejected_rows: Connection,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Connection {
            nodes: Vec<Row>,
            total_count: u64,
            page_info: PageInfo,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct PageInfo {
            has_next_page: bool,
        }
        #[derive(Deserialize)]
        struct Row {
            line: u64,
            column: Option<String>,
            reason: String,
            raw: String,
        }
        let query = "query ($id: ID!, $first: Int!) { ingestion(id: $id) { \
                     rejectedRows(first: $first) { nodes { line column reason raw } totalCount \
                     pageInfo { hasNextPage } } } }";
        let variables = json!({ "id": id.to_string(), "first": first });
        let Rows { rejected_rows } = self.about(query, &variables).await?;
        Ok(Page {
            items: rejected_rows
                .nodes
                .into_iter()
                .map(|row| RejectedRow {
                    line: row.line,
                    column: row.column,
                    reason: row.reason,
                    raw: row.raw,
                })
                .collect(),
            has_next: rejected_rows.page_info.has_next_page,
            total: rejected_rows.total_count,
        })
    }

    async fn ingestion(&self, id: IngestionId) -> anyhow::Result<Ingestion> {
        let query = format!("query ($id: ID!) {{ ingestion(id: $id) {{ {FIELDS} }} }}");
        let variables = json!({ "id": id.to_string() });
        self.about::<RemoteIngestion>(&query, &variables)
            .await?
            .try_into()
    }

    /// Asks a query about an ingestion, again where the server does not answer.
    async fn about<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: &Value,
    ) -> anyhow::Result<T> {
        #[derive(Deserialize)]
        struct Data<T> {
            ingestion: Option<T>,
        }
        let mut backoff = Backoff::default();
        let start = tokio::time::Instant::now();
        loop {
            let body = json!({ "query": query, "variables": variables });
            let request = self.post().json(&body).timeout(REQUEST_TIMEOUT);
            match self.ask::<Data<T>>(request).await {
                Ok(data) => {
                    return data.ingestion.ok_or_else(|| {
                        anyhow!("the server at {} has lost the ingestion", self.url)
                    });
                }
                Err(RequestError::Unreachable(_)) if start.elapsed() < PATIENCE => {
                    backoff.wait().await;
                }
                Err(error) => return Err(error.into_inner()),
            }
        }
    }

    fn post(&self) -> RequestBuilder {
        let request = self.client.post(self.url.clone());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request. Returns the data of its answer.
    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, RequestError> {
        #[derive(Deserialize)]
        struct Answer<T> {
            data: Option<T>,
            #[serde(default)]
            errors: Vec<GraphqlError>,
        }
        #[derive(Deserialize)]
        struct GraphqlError {
            message: String,
        }
        let away = |error: reqwest::Error| {
            let error = anyhow::Error::new(error.without_url());
            RequestError::Unreachable(error.context(format!("no answer from {}", self.url)))
        };
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        let body = response.bytes().await.map_err(away)?;
        let refused = |reason: &str| {
            let error = anyhow!("the server at {} answers: {reason}", self.url);
            match status {
                StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT => RequestError::Unreachable(error),
                _ => RequestError::Refused(error),
            }
        };
        let Ok(answer) = serde_json::from_slice::<Answer<T>>(&body) else {
            return Err(refused(&format!(
                "{status}, which is not a tripgraph's answer"
            )));
        };
        match (answer.data, answer.errors.first()) {
            (_, Some(error)) => Err(refused(&error.message)),
            (Some(data), None) => Ok(data),
            (None, None) => Err(refused(status.as_str())),
        }
    }
}

impl From<RequestError> for SendError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Unreachable(error) => Self::OfTarget(error),
            RequestError::Refused(error) => Self::OfFile(error),
        }
    }
}

/// A file as a part of an upload, streamed.
async fn file_part(source: &Source) -> anyhow::Result<Part> {
    let Opened { bytes_total, bytes } = source.open().await?;
    let body = Body::wrap_stream(bytes);
    Ok(match bytes_total {
        Some(bytes) => Part::stream_with_length(body, bytes),
        None => Part::stream(body),
    })
}

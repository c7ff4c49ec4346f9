//! Files on the web, which are read once.

use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use axum::body::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Url;

use crate::ingest::web;

/// A server that sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_mins(1);

/// Whether an argument names a file on the web.
pub(super) fn url(argument: &str) -> Option<anyhow::Result<Url>> {
    let scheme = argument.split_once("://")?.0;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let url = argument.parse();
    Some(url.with_context(|| format!("{argument} is not a URL")))
}

/// A file on the web, on its way.
pub(super) struct Download {
    /// Its size, if the server says it.
    pub(super) bytes_total: Option<u64>,
    pub(super) bytes: BoxStream<'static, reqwest::Result<Bytes>>,
}

impl Download {
    /// Requests a file.
    pub(super) async fn start(url: &Url) -> anyhow::Result<Self> {
        let client = web::client().read_timeout(SILENCE).build();
        let client = client.context("cannot set up HTTP")?;
        let sent = client.get(url.clone()).send().await;
        let response = sent.map_err(|error| anyhow!(error.without_url()).context("no answer"))?;
        let status = response.status();
        ensure!(status.is_success(), "the server answers {status}");
        Ok(Self {
            bytes_total: response.content_length(),
            bytes: response.bytes_stream().boxed(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_names_of_files() {
        assert_eq!(
            url("HTTP://a.example/x").unwrap().unwrap().as_str(),
            "http://a.example/x"
        );
        assert!(url("trips.csv").is_none());
        assert!(url("ftp://a.example/trips.csv").is_none());
        assert!(url("http://").unwrap().is_err());
    }
}

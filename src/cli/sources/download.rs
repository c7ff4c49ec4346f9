//! Files on the web and in object stores, which are read once.

use std::io;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use axum::body::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use reqwest::Url;

#[cfg(feature = "cloud")]
use super::objects::Object;
use crate::cli::display::DownloadDisplay;
use crate::ingest::web;
use crate::text::Printable;

/// A server that sends nothing for so long has gone.
pub(super) const SILENCE: Duration = Duration::from_mins(1);

/// Whether an argument names a file on the web.
pub(super) fn url(argument: &str) -> Option<anyhow::Result<Url>> {
    let scheme = argument.split_once("://")?.0;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let url = argument.parse();
    Some(url.with_context(|| format!("{argument} is not a URL")))
}

/// A file that is downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum WebFile {
    /// At a URL of HTTP.
    Url(Url),
    /// In an object store.
    #[cfg(feature = "cloud")]
    Object(Object),
}

impl WebFile {
    /// The name of its ingestion.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Url(url) => web::name(url),
            #[cfg(feature = "cloud")]
            Self::Object(object) => object.name().to_owned(),
        }
    }

    /// The name for display.
    pub(super) fn shown(&self) -> String {
        match self {
            // What follows the path may be secret.
            Self::Url(_) => self.name(),
            #[cfg(feature = "cloud")]
            Self::Object(object) => object.url().to_string(),
        }
    }

    /// Requests the file. Shows the progress of its bytes.
    pub(super) async fn download(&self) -> anyhow::Result<Opened> {
        let Opened { bytes_total, bytes } = match self {
            Self::Url(url) => Opened::start(url).await?,
            #[cfg(feature = "cloud")]
            Self::Object(object) => object.download().await?,
        };
        let mut display = DownloadDisplay::new(Printable(self.shown()).to_string(), bytes_total);
        let bytes = bytes.inspect_ok(move |chunk| display.advance(chunk.len() as u64));
        Ok(Opened {
            bytes_total,
            bytes: bytes.boxed(),
        })
    }
}

/// A source whose bytes are on their way.
pub(in crate::cli) struct Opened {
    /// How many they are, if that is known.
    pub(in crate::cli) bytes_total: Option<u64>,
    pub(in crate::cli) bytes: BoxStream<'static, io::Result<Bytes>>,
}

impl Opened {
    /// Requests a file on the web.
    async fn start(url: &Url) -> anyhow::Result<Self> {
        let client = web::client().read_timeout(SILENCE).build();
        let client = client.context("cannot set up HTTP")?;
        let sent = client.get(url.clone()).send().await;
        let response = sent.map_err(|error| anyhow!(error.without_url()).context("no answer"))?;
        let status = response.status();
        ensure!(status.is_success(), "the server answers {status}");
        let bytes_total = response.content_length();
        let bytes = response.bytes_stream();
        let bytes = bytes.map_err(|error| io::Error::other(error.without_url()));
        Ok(Self {
            bytes_total,
            bytes: bytes.boxed(),
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

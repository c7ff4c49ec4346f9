//! Files on the web: the client that downloads them, and their names.

use std::time::Duration;

use reqwest::{Client, ClientBuilder, Url};

/// A client for HTTP with the settings that all have in common.
pub(crate) fn client() -> ClientBuilder {
    // The provider of cryptography is that of the database's connections. It may be set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("tripgraph/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(20))
}

/// The name of a file on the web: the end of its path, or its host.
pub(crate) fn name(url: &Url) -> String {
    let mut parts = url.path_segments().into_iter().flatten();
    let last = parts.rfind(|part| !part.is_empty());
    let encoded = last.or(url.host_str()).unwrap_or_default();
    // A name in a form is decoded alike, but for `+`.
    let form = encoded.replace('+', "%2B");
    let decoded = form_urlencoded::parse(form.as_bytes()).next();
    decoded.map_or_else(|| encoded.to_owned(), |(name, _)| name.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_the_end_of_their_path() {
        for (url, expected) in [
            (
                "https://a.example/x/trips%202021.csv?key=1#part",
                "trips 2021.csv",
            ),
            ("https://a.example/trips+more.csv/", "trips+more.csv"),
            ("http://a.example", "a.example"),
        ] {
            assert_eq!(name(&url.parse().unwrap()), expected);
        }
    }
}

//! Protection against cross-site requests: pages of other sites must not use this server through
//! the browser of a user who can reach it.

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};

use crate::graphql::{ApiError, Code};

/// Refuses requests that a browser sends for a page of another origin.
pub(super) fn check(headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if site == Some(b"cross-site") {
        return Err(forbidden());
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let host = match headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        // HTTP/2 has the host in the URI.
        None => uri.authority().map(Authority::as_str),
    };
    let same = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .zip(host)
        .is_some_and(|((scheme, origin), host)| same(scheme, origin, host));
    if same { Ok(()) } else { Err(forbidden()) }
}

/// Compares host and port. The scheme is not compared because a proxy may have terminated TLS.
fn same(scheme: &str, origin: &str, host: &str) -> bool {
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    bare(origin) == bare(host)
}

fn forbidden() -> ApiError {
    ApiError::new(
        Code::Forbidden,
        "requests from pages of other origins are not allowed",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(headers: &[(&str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(axum::http::HeaderName, axum::http::HeaderValue)>>();
        check(
            &HeaderMap::from_iter(headers),
            &Uri::from_static("/graphql"),
        )
        .is_ok()
    }

    #[test]
    fn programs_and_own_pages_pass() {
        assert!(allowed(&[("host", "a.example:8000")]));
        assert!(allowed(&[
            ("host", "a.example:8000"),
            ("origin", "http://a.example:8000")
        ]));
        assert!(allowed(&[
            ("host", "a.example"),
            ("origin", "https://A.example:443")
        ]));
        assert!(allowed(&[
            ("host", "a.example:443"),
            ("origin", "https://a.example")
        ]));
        assert!(allowed(&[
            ("host", "[::1]:8000"),
            ("origin", "http://[::1]:8000")
        ]));
        assert!(allowed(&[
            ("host", "a.example"),
            ("sec-fetch-site", "same-origin")
        ]));
    }

    #[test]
    fn pages_of_others_do_not() {
        assert!(!allowed(&[
            ("host", "a.example:8000"),
            ("origin", "http://a.example:8001")
        ]));
        assert!(!allowed(&[
            ("host", "a.example"),
            ("origin", "https://b.example")
        ]));
        assert!(!allowed(&[
            ("host", "a.example"),
            ("origin", "https://a.example.b.example")
        ]));
        assert!(!allowed(&[("host", "a.example"), ("origin", "null")]));
        assert!(!allowed(&[
            ("host", "a.example"),
            ("origin", "file://a.example")
        ]));
        assert!(!allowed(&[
            ("host", "a.example"),
            ("sec-fetch-site", "cross-site")
        ]));
        assert!(!allowed(&[("origin", "https://b.example")]));
    }
}

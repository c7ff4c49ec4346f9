//! Protection against cross-site requests: pages of other sites must not use this server through
//! the browser of a user who can reach it.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Uri};

use super::{Host, HttpSettings};
use crate::graphql::{ApiError, Code};

/// The origin of web pages: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    is_https: bool,
    host: Host,
    port: u16,
}

/// A text is not an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the origin of web pages, such as https://trips.example or http://localhost:3000: http or \
     https, a host, and a port unless it is the usual one, without a path"
)]
pub struct OriginError;

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(OriginError),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let authority: Authority = authority.parse().map_err(|_| OriginError)?;
        let host = Host::of(&authority).ok_or(OriginError)?;
        // A wildcard would be a name to the parser.
        let is_host = match &host {
            Host::Name(name) => name.parse() == Ok(host.clone()),
            Host::Address(_) => true,
        };
        if !is_host {
            return Err(OriginError);
        }
        let usual = if is_https { 443 } else { 80 };
        Ok(Self {
            is_https,
            host,
            port: authority.port_u16().unwrap_or(usual),
        })
    }
}

/// As browsers write it in the `Origin` header.
impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.is_https {
            ("https", 443)
        } else {
            ("http", 80)
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl Origin {
    /// The host without the port.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether a page of this origin addresses its own server with this `Host`. The scheme is not
    /// compared because a proxy may have terminated TLS.
    fn is_of(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let usual = if self.is_https { 443 } else { 80 };
        Host::of(&authority).as_ref() == Some(&self.host)
            && authority.port_u16().unwrap_or(usual) == self.port
    }
}

/// Refuses requests that a browser sends for a page of another origin, unless the settings allow the
/// origin.
pub(super) fn check(
    settings: &HttpSettings,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<(), ApiError> {
    let is_cross_site =
        headers.get("sec-fetch-site").map(HeaderValue::as_bytes) == Some(b"cross-site");
    let Some(header) = headers.get(ORIGIN) else {
        return if is_cross_site {
            Err(forbidden("another site"))
        } else {
            Ok(())
        };
    };
    let origin = header.to_str().ok().and_then(|text| text.parse().ok());
    let Some(origin): Option<Origin> = origin else {
        return Err(forbidden("an origin without a name"));
    };
    if settings.cors_origins.contains(&origin) || settings.public_url.as_ref() == Some(&origin) {
        return Ok(());
    }
    let host = match headers.get(HOST) {
        Some(host) => host.to_str().ok(),
        // HTTP/2 has the host in the URI.
        None => uri.authority().map(Authority::as_str),
    };
    if !is_cross_site && host.is_some_and(|host| origin.is_of(host)) {
        return Ok(());
    }
    Err(forbidden(&origin.to_string()))
}

fn forbidden(origin: &str) -> ApiError {
    let message = format!(
        "requests from pages of {origin} are not allowed; --cors-origin allows the pages of another \
         origin, and --public-url tells the server its own origin behind a proxy"
    );
    ApiError::new(Code::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(headers: &[(&str, &str)]) -> bool {
        allowed_by(&HttpSettings::default(), headers)
    }

    fn allowed_by(settings: &HttpSettings, headers: &[(&str, &str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(axum::http::HeaderName, axum::http::HeaderValue)>>();
        check(
            settings,
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

    #[test]
    fn configured_origins_pass() {
        let settings = HttpSettings {
            cors_origins: vec!["https://App.example:443".parse().unwrap()],
            public_url: Some("https://trips.example/".parse().unwrap()),
            ..HttpSettings::default()
        };
        let cross = ("sec-fetch-site", "cross-site");
        let host = ("host", "127.0.0.1:8000");
        for origin in ["https://app.example", "https://trips.example"] {
            assert!(allowed_by(&settings, &[host, ("origin", origin), cross]));
            assert!(!allowed(&[host, ("origin", origin), cross]));
        }
        for origin in [
            "http://app.example",
            "https://app.example:8443",
            "https://sub.app.example",
            "null",
        ] {
            assert!(!allowed_by(&settings, &[host, ("origin", origin), cross]));
        }
        // A form or an image of an allowed site has no origin.
        assert!(!allowed_by(&settings, &[host, cross]));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, shown) in [
            ("https://trips.example", "https://trips.example"),
            ("HTTPS://Trips.example:443/", "https://trips.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:80", "http://[::1]"),
            ("https://10.0.0.1:80", "https://10.0.0.1:80"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "*",
            "null",
            "trips.example",
            "ftp://trips.example",
            "https://",
            "https://*",
            "https://*.example",
            "https://trips.example/map",
            "https://trips.example?",
            "https://ann@trips.example",
            "https://trips.example:port",
            "https://trips.example:99999",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }
}

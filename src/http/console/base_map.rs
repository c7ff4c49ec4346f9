use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use axum::http::Uri;
use serde::Serialize;

/// The tiles that the maps of the console show instead of the built-in map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseMap {
    /// URL template of its tiles.
    pub url: TileUrl,
    /// Attribution, shown on the map, as most licences require.
    pub attribution: String,
}

/// URL template of map tiles with `{z}`, `{x}` and `{y}`, and optionally `{s}` for one of several
/// hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct TileUrl {
    template: String,
    source: String,
}

/// Why a text is not a URL template of map tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileUrlError {
    /// A placeholder is missing.
    #[error(
        "{0} is missing: a URL of tiles looks like https://tiles.example/{{z}}/{{x}}/{{y}}.png"
    )]
    Placeholder(&'static str),
    /// Not a URL that a browser can request.
    #[error("not a URL that begins with http:// or https://")]
    Address,
}

impl TileUrl {
    /// The origin of the tiles, as a source in a `Content-Security-Policy`.
    #[cfg_attr(
        not(console),
        allow(dead_code, reason = "a page from a CDN has no policy")
    )]
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

impl FromStr for TileUrl {
    type Err = TileUrlError;

    fn from_str(template: &str) -> Result<Self, TileUrlError> {
        for placeholder in ["{z}", "{x}", "{y}"] {
            if !template.contains(placeholder) {
                return Err(TileUrlError::Placeholder(placeholder));
            }
        }
        let mut example = template.replace("{s}", "a");
        for placeholder in ["{z}", "{x}", "{y}", "{r}"] {
            example = example.replace(placeholder, "0");
        }
        let uri: Uri = example.parse().map_err(|_| TileUrlError::Address)?;
        let (scheme, host) = uri
            .scheme_str()
            .filter(|scheme| ["http", "https"].contains(scheme))
            .zip(uri.host())
            .ok_or(TileUrlError::Address)?;
        // Only the first label may be a placeholder: a policy supports no other wildcards.
        let host = match host.split_once('.') {
            Some((_, domain)) if template.contains("://{s}.") => format!("*.{domain}"),
            _ if template
                .split('/')
                .nth(2)
                .is_some_and(|authority| authority.contains('{')) =>
            {
                return Err(TileUrlError::Address);
            }
            _ => host.to_owned(),
        };
        let port = uri
            .port()
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Ok(Self {
            template: template.to_owned(),
            source: format!("{scheme}://{host}{port}"),
        })
    }
}

impl Display for TileUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)
    }
}

impl From<TileUrl> for String {
    fn from(url: TileUrl) -> Self {
        url.template
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(template: &str) -> Result<String, TileUrlError> {
        template.parse().map(|url: TileUrl| url.source)
    }

    #[test]
    fn the_policy_names_the_host_of_the_tiles() {
        let cases = [
            (
                "https://tiles.example/{z}/{x}/{y}.png",
                "https://tiles.example",
            ),
            (
                "http://localhost:8080/{z}/{x}/{y}{r}.png?key=a",
                "http://localhost:8080",
            ),
            (
                "https://{s}.tile.example/{z}/{x}/{y}.png",
                "https://*.tile.example",
            ),
        ];
        for (template, expected) in cases {
            assert_eq!(source(template).unwrap(), expected);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let cases = [
            (
                "https://tiles.example/{z}/{x}.png",
                TileUrlError::Placeholder("{y}"),
            ),
            ("/tiles/{z}/{x}/{y}.png", TileUrlError::Address),
            ("ftp://tiles.example/{z}/{x}/{y}.png", TileUrlError::Address),
            (
                "https://a.example; script-src *//{z}/{x}/{y}",
                TileUrlError::Address,
            ),
            (
                "https://tiles.{s}.example/{z}/{x}/{y}.png",
                TileUrlError::Address,
            ),
            ("https://{x}.example/{z}/{x}/{y}.png", TileUrlError::Address),
        ];
        for (template, expected) in cases {
            assert_eq!(source(template).unwrap_err(), expected, "{template}");
        }
    }
}

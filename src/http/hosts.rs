//! The host names under which clients may address the server.
//!
//! Another site can let its own name resolve to this server's address ("DNS rebinding"). A browser
//! then treats its page and this server as the same origin. The `Host` header, which the page
//! cannot change, reveals the attack.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::Response;

use super::reply::Format;
use super::{AppState, health};
use crate::graphql::{ApiError, Code};

/// A name or an address of a server, without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name in lower case.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

/// A text is not a [`Host`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a host name or an IP address, without a scheme, a port or a path")]
pub struct HostError;

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address.to_canonical()));
        }
        let authority: Authority = text.parse().map_err(|_| HostError)?;
        let is_name = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        Self::of(&authority).filter(|_| is_name).ok_or(HostError)
    }
}

impl Host {
    /// The host of an authority with or without a port.
    fn of(authority: &Authority) -> Option<Self> {
        let (host, text) = (authority.host(), authority.as_str());
        let port = text.strip_prefix(host)?;
        if host.is_empty() || !(port.is_empty() || port == ":" || authority.port_u16().is_some()) {
            return None;
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Some(address) = bare {
            let address: IpAddr = address.parse().ok()?;
            return Some(Self::Address(address.to_canonical()));
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(Self::Address(address));
        }
        let name = host.strip_suffix('.').unwrap_or(host);
        Some(Self::Name(name.to_ascii_lowercase()))
    }
}

/// The hosts that requests may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any host: tokens protect the server, and a page of another site has none.
    Any,
    /// `localhost`, loopback addresses, the listen address, and others.
    Local {
        /// The address that the server listens on.
        listen: IpAddr,
        /// Additional hosts.
        others: Vec<Host>,
    },
}

impl AllowedHosts {
    /// Local hosts, for a server that listens on this address, and `others`.
    #[must_use]
    pub const fn local(listen: SocketAddr, others: Vec<Host>) -> Self {
        Self::Local {
            listen: listen.ip(),
            others,
        }
    }

    fn contains(&self, host: &Host) -> bool {
        let Self::Local { listen, others } = self else {
            return true;
        };
        let is_local = match host {
            Host::Name(name) => name == "localhost",
            // A server with an unspecified listen address is reachable at all addresses of the
            // machine. A page whose own host is an address cannot be rebound to another address.
            Host::Address(address) => {
                address.is_loopback()
                    || listen.is_unspecified()
                    || *address == listen.to_canonical()
            }
        };
        is_local || others.contains(host)
    }
}

/// Refuses requests that name no host, several hosts, or a host that is not allowed.
pub(super) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match refusal(&state.settings().allowed_hosts, &request) {
        None => next.run(request).await,
        Some((status, error)) => {
            tracing::info!(reason = error.message(), "refused a request by its host");
            Format::accepted(request.headers()).refusal(status, error)
        }
    }
}

fn refusal(allowed: &AllowedHosts, request: &Request) -> Option<(StatusCode, ApiError)> {
    let malformed = |what: &str| Some((StatusCode::BAD_REQUEST, ApiError::bad_input(what)));
    let mut headers = request.headers().get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(host), None) => Some(host),
        // HTTP/1.0 has no Host header. Browsers use HTTP/1.1.
        (None, None) if request.version() == Version::HTTP_10 => None,
        (None, None) => return malformed("the Host header is missing"),
        (Some(_), Some(_)) => return malformed("the Host header occurs twice"),
        (None, Some(_)) => return None,
    };
    let header = match header.map(|host| Authority::try_from(host.as_bytes())) {
        None => None,
        Some(Ok(authority)) => Some(authority),
        Some(Err(_)) => return malformed("the Host header is not a host and a port"),
    };
    // An address in the request line overrides the header; both are checked.
    for authority in header.iter().chain(request.uri().authority()) {
        let Some(host) = Host::of(authority) else {
            return malformed("the Host header is not a host and a port");
        };
        if !allowed.contains(&host) && !health::is_health(request.uri().path()) {
            let name = authority.host();
            let name = &name[..name.len().min(255)];
            let message = format!(
                "the host `{name}` is not allowed; to allow it, start the server with \
                 --allowed-host {name}"
            );
            let error = ApiError::new(Code::Forbidden, message);
            return Some((StatusCode::FORBIDDEN, error));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(hosts: &AllowedHosts, host: &str) -> bool {
        let authority: Authority = host.parse().unwrap();
        Host::of(&authority).is_some_and(|host| hosts.contains(&host))
    }

    #[test]
    fn local_names_and_addresses_are_allowed() {
        let hosts = AllowedHosts::local("127.0.0.1:8000".parse().unwrap(), Vec::new());
        for host in [
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "127.0.0.1:1",
            "127.8.9.10",
            "[::1]",
            "[::1]:8000",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(allowed(&hosts, host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "127.0.0.1.evil.example",
            "user@localhost",
            "192.168.1.5",
            "0.0.0.0",
            "[::2]",
        ] {
            assert!(!allowed(&hosts, host), "{host}");
        }
        assert!(allowed(&AllowedHosts::Any, "evil.example"));
    }

    #[test]
    fn the_address_listened_on_is_allowed() {
        let on = |address: &str| AllowedHosts::local(address.parse().unwrap(), Vec::new());
        assert!(allowed(&on("192.168.1.5:80"), "192.168.1.5:8000"));
        assert!(!allowed(&on("192.168.1.5:80"), "192.168.1.6"));
        assert!(allowed(&on("0.0.0.0:80"), "192.168.1.6"));
        assert!(allowed(&on("[::]:80"), "[fe80::1]:80"));
        assert!(!allowed(&on("0.0.0.0:80"), "evil.example"));
    }

    #[test]
    fn other_hosts_are_added() {
        let others = ["Trips.example", "10.1.2.3", "::2"].map(|host| host.parse().unwrap());
        let hosts = AllowedHosts::local("127.0.0.1:80".parse().unwrap(), others.to_vec());
        for host in ["trips.EXAMPLE:443", "10.1.2.3", "[::2]:80", "localhost"] {
            assert!(allowed(&hosts, host), "{host}");
        }
        assert!(!allowed(&hosts, "a.trips.example"));
    }

    #[test]
    fn an_option_is_a_host_alone() {
        for text in ["", "a:80", "http://a", "a/b", "a b", "u@a", "[::1]:80", "*"] {
            assert_eq!(text.parse::<Host>(), Err(HostError), "{text}");
        }
    }
}

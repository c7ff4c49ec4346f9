use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::uri::Authority;

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

/// As in a URL: an IPv6 address in brackets.
impl Display for Host {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl Host {
    /// The host of an authority with or without a port.
    pub(super) fn of(authority: &Authority) -> Option<Self> {
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

    pub(super) fn contains(&self, host: &Host) -> bool {
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

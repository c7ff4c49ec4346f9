//! Fetching: files that the server downloads, from addresses that its operator allows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{self, Attempt};
use reqwest::{Client, Url};
use tokio::sync::Semaphore;

use super::web;
use super::{Spool, SpoolError, SpooledFile};
use crate::text::causes;

/// Downloads that run at the same time; more wait.
const DOWNLOADS: usize = 4;
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// A server that sends nothing for so long has gone.
const SILENCE: Duration = Duration::from_mins(1);

/// The beginning of the URLs that may be read: scheme, host and port, and whole parts of the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPrefix(Url);

/// Why a text is not a prefix of URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a URL such as https://trips.example/data/")]
pub struct UrlPrefixError;

impl FromStr for UrlPrefix {
    type Err = UrlPrefixError;

    fn from_str(text: &str) -> Result<Self, UrlPrefixError> {
        let url: Url = text.parse().map_err(|_| UrlPrefixError)?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && !has_user(&url)
            && url.query().is_none()
            && url.fragment().is_none();
        is_plain.then_some(Self(url)).ok_or(UrlPrefixError)
    }
}

impl UrlPrefix {
    /// Whether a URL begins with it.
    fn contains(&self, url: &Url) -> bool {
        let Some(rest) = url.path().strip_prefix(self.0.path()) else {
            return false;
        };
        // Some servers take these for separators.
        let path = url.path().to_ascii_lowercase();
        let is_hidden = ["%2e", "%2f", "%5c"].iter().any(|code| path.contains(code));
        url.origin() == self.0.origin()
            && !has_user(url)
            && !is_hidden
            && (rest.is_empty() || rest.starts_with('/') || self.0.path().ends_with('/'))
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is malformed.
    #[error("`{0}` is not a URL")]
    NotUrl(String),
    /// No prefix allows the URL.
    #[error(
        "the server may not read this URL: its operator allows URLs with the option \
         --allow-url-prefix"
    )]
    Forbidden,
    /// The other server did not give the file.
    #[error("cannot download the file: {0}")]
    Away(String),
    /// The file could not be stored.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Downloads files into the spool.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    allowed: Arc<[UrlPrefix]>,
    max_bytes: u64,
    downloads: Arc<Semaphore>,
}

impl Fetcher {
    /// Reads URLs with these prefixes, and files of at most `max_bytes`.
    pub fn new(allowed: Vec<UrlPrefix>, max_bytes: u64) -> Result<Self, reqwest::Error> {
        let allowed: Arc<[UrlPrefix]> = allowed.into();
        let checked = Arc::clone(&allowed);
        let check = move |attempt: Attempt<'_>| {
            let is_allowed = checked.iter().any(|prefix| prefix.contains(attempt.url()));
            if !is_allowed {
                attempt.error("it redirects to a URL that the server may not read")
            } else if attempt.previous().len() > REDIRECTS {
                attempt.error("too many redirects")
            } else {
                attempt.follow()
            }
        };
        let client = web::client()
            .redirect(redirect::Policy::custom(check))
            .dns_resolver(Arc::new(PublicAddresses))
            .read_timeout(SILENCE)
            // A proxy would resolve names itself.
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            allowed,
            max_bytes,
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
        })
    }

    /// Downloads a file.
    pub async fn fetch(&self, url: &str, spool: &Spool) -> Result<SpooledFile, FetchError> {
        let url: Url = url
            .parse()
            .map_err(|_| FetchError::NotUrl(url.to_owned()))?;
        if !self.allowed.iter().any(|prefix| prefix.contains(&url)) {
            return Err(FetchError::Forbidden);
        }
        // It is never closed.
        let _turn = self.downloads.acquire().await;
        let away = |error: reqwest::Error| FetchError::Away(causes(&error.without_url()));
        let response = self.client.get(url.clone()).send().await.map_err(away)?;
        let status = response.status();
        if !status.is_success() {
            return Err(FetchError::Away(format!("the server answers {status}")));
        }
        let limit = self.max_bytes;
        if response.content_length().is_some_and(|bytes| bytes > limit) {
            return Err(SpoolError::TooLarge { limit }.into());
        }
        let bytes = Box::pin(response.bytes_stream());
        let file = spool.receive(&web::name(&url), bytes, limit).await;
        file.map_err(|error| match error {
            SpoolError::Source(error) => {
                let away = format!("the connection broke off: {}", causes(&*error));
                FetchError::Away(away)
            }
            error => error.into(),
        })
    }
}

/// Resolves names to addresses of the internet only. Private addresses are reached where a prefix
/// names them as such: addresses in URLs need no resolver.
#[derive(Debug)]
struct PublicAddresses;

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                let name = name.as_str();
                let error = format!(
                    "{name} has no public address, and prefixes allow private ones only as addresses"
                );
                return Err(error.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the internet.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_special = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0);
    let is_benchmark = a == 198 && (18..20).contains(&b);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || is_shared
        || is_special
        || is_benchmark)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // Those that are assigned, without documentation, Teredo and other tunnels to IPv4.
    parts[0] & 0xe000 == 0x2000
        && parts[0] != 0x2002
        && !(parts[0] == 0x2001 && parts[1] < 0x200)
        && (parts[0], parts[1]) != (0x2001, 0xdb8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_whole_parts_of_urls() {
        let prefix: UrlPrefix = "https://a.example/data".parse().unwrap();
        let contains = |url: &str| prefix.contains(&url.parse().unwrap());
        for url in [
            "https://a.example/data",
            "https://a.example/data/x.csv?key=1",
            "https://A.example:443/data/./y/../x.csv",
        ] {
            assert!(contains(url), "{url}");
        }
        for url in [
            "http://a.example/data/x.csv",
            "https://a.example:444/data/x.csv",
            "https://a.example.evil.example/data/x.csv",
            "https://a.example@evil.example/data/x.csv",
            "https://ann@a.example/data/x.csv",
            "https://a.example/database",
            "https://a.example/data/../secret",
            "https://a.example/data/%2e%2e/secret",
            "https://a.example/data/..%2Fsecret",
            "https://a.example/data/..\\secret",
        ] {
            assert!(!contains(url), "{url}");
        }
        let folder: UrlPrefix = "http://10.0.0.7:9000/data/".parse().unwrap();
        assert!(folder.contains(&"http://10.0.0.7:9000/data/x".parse().unwrap()));
        assert!(!folder.contains(&"http://10.0.0.7:9000/data".parse().unwrap()));
        for text in [
            "a.example",
            "ftp://a.example/",
            "https://a@b.example/",
            "https://a.example/?x",
        ] {
            assert!(text.parse::<UrlPrefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "8.8.8.8",
            "172.32.0.1",
            "2a00:1450:4001::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}

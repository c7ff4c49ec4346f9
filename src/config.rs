//! Configuration: command-line options, each of which is also an environment variable.

use std::convert::Infallible;
use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;

use crate::http::{AllowedHosts, BaseMap, Host, Origin, TileUrlError, Token, TokenError};
use crate::ingest::{SqlTrips, UrlPrefix};
use crate::model::CountUnit;
use crate::store::Address;

/// A value that is never printed. It is checked after the options are parsed, since error messages
/// of the option parser repeat the value.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Options of every command that uses the database.
#[derive(Debug, Clone, Args)]
pub struct DatabaseConfig {
    /// URL of the database [default: tripgraph.db in the data directory, created if missing]
    #[arg(long, env = "TRIPGRAPH_DATABASE_URL", value_name = "URL")]
    database_url: Option<Secret>,
    /// Directory of the database and the upload spool
    #[arg(
        long,
        env = "TRIPGRAPH_DATA_DIR",
        value_name = "DIR",
        default_value = "./data"
    )]
    data_dir: PathBuf,
    /// Distribute the tables over the nodes of a Citus cluster; automatic if the database has the
    /// extension
    #[arg(long, env = "TRIPGRAPH_CITUS", value_parser = BoolishValueParser::new())]
    citus: bool,
    /// Seconds without a heartbeat after which other servers of the same PostgreSQL database take
    /// over the ingestions of this one, 2 to 3600
    #[arg(
        long,
        env = "TRIPGRAPH_LEASE_SECONDS",
        value_name = "SECONDS",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(2..=3600)
    )]
    lease_seconds: u64,
}

impl DatabaseConfig {
    /// Options for a database in a directory, for tests.
    #[must_use]
    pub fn testing(data_dir: &Path) -> Self {
        Self {
            database_url: None,
            data_dir: data_dir.to_owned(),
            citus: false,
            lease_seconds: 15,
        }
    }

    /// Address of the database: the option or its variable, else `DATABASE_URL`, else a file in the
    /// data directory.
    #[must_use]
    pub fn address(&self) -> Address {
        self.database_url
            .as_ref()
            .map(|Secret(url)| url.clone())
            .or_else(|| std::env::var("DATABASE_URL").ok())
            .filter(|url| !url.is_empty())
            .map_or_else(
                || Address::File(self.data_dir.join("tripgraph.db")),
                Address::Url,
            )
    }

    /// Whether the tables are to be distributed over a Citus cluster.
    #[must_use]
    pub const fn citus(&self) -> bool {
        self.citus
    }

    /// Time without a heartbeat after which a worker has expired.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }

    /// Directory of the database and the upload spool.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Directory of uploads that are queued or running.
    #[must_use]
    pub fn spool_dir(&self) -> PathBuf {
        self.data_dir.join("spool")
    }
}

/// Options of every command that ingests files.
#[derive(Debug, Clone, Copy, Args)]
pub struct WorkerConfig {
    /// When to write SQL rows: a copy of each trip in the table `trip`, for people who use SQL
    #[arg(
        long,
        env = "TRIPGRAPH_SQL_TRIPS",
        value_name = "WHEN",
        value_enum,
        default_value = "background"
    )]
    pub sql_trips: SqlTrips,
}

/// Options of the server.
#[derive(Debug, Clone, Args)]
pub struct ServerConfig {
    /// IP address and port to listen on; port 0 picks a free port
    #[arg(
        long,
        env = "TRIPGRAPH_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:8000",
        value_parser = address
    )]
    pub listen: SocketAddr,
    /// URL of a read replica of the PostgreSQL database, a hot standby that answers queries as long as
    /// it has the state of the primary; may be given several times [default: none]
    #[arg(
        long = "read-url",
        env = "TRIPGRAPH_READ_URLS",
        value_name = "URL",
        value_delimiter = ','
    )]
    read_urls: Vec<Secret>,
    /// Maximum size of an upload in bytes [default: 32 GiB]
    #[arg(
        long,
        env = "TRIPGRAPH_MAX_UPLOAD_BYTES",
        value_name = "BYTES",
        default_value_t = 32 << 30,
        hide_default_value = true
    )]
    pub max_upload_bytes: u64,
    /// Folder to watch: new files are ingested, then moved to its subfolder `done`, or to `failed` with
    /// a file that states the reason. The format options apply to these files
    #[arg(long, env = "TRIPGRAPH_WATCH", value_name = "DIR")]
    pub watch: Option<PathBuf>,
    /// Beginning of the URLs that `ingestUrl` may read, such as `https://trips.example/data/`; may be
    /// given several times. A private address must itself be part of the prefix [default: none]
    #[arg(
        long = "allow-url-prefix",
        env = "TRIPGRAPH_ALLOW_URL_PREFIXES",
        value_name = "PREFIX",
        value_delimiter = ','
    )]
    pub allow_url_prefixes: Vec<UrlPrefix>,
    /// Token that gives access to the server: name:scope:secret, with scope aggregate, read or write,
    /// and a secret of at least 16 characters; may be given several times [default: no tokens,
    /// access for everybody]
    #[arg(
        long = "token",
        env = "TRIPGRAPH_TOKENS",
        value_name = "NAME:SCOPE:SECRET",
        value_delimiter = ','
    )]
    tokens: Vec<Secret>,
    /// Smallest number of trips that clients with a token of scope aggregate can see; all counts are
    /// rounded down to multiples of it
    #[arg(
        long,
        env = "TRIPGRAPH_MIN_TRIPS",
        value_name = "N",
        default_value = "1"
    )]
    min_trips: NonZeroU64,
    /// Host name or IP address, without a port, that clients may use to address the server; may be
    /// given several times [default without tokens: localhost, loopback addresses and the address
    /// listened on; with tokens: any]
    #[arg(
        long = "allowed-host",
        env = "TRIPGRAPH_ALLOWED_HOSTS",
        value_name = "HOST",
        value_delimiter = ','
    )]
    allowed_hosts: Vec<Host>,
    /// Origin of another site whose pages may use the server, such as `https://app.example`; may be
    /// given several times [default: none]
    #[arg(
        long = "cors-origin",
        env = "TRIPGRAPH_CORS_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ','
    )]
    pub cors_origins: Vec<Origin>,
    /// URL by which browsers reach the server if a proxy changes the Host header, such as
    /// `https://trips.example`; without a path
    #[arg(long, env = "TRIPGRAPH_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Origin>,
    /// Allow listening without tokens on an address that other machines can reach
    #[arg(long, env = "TRIPGRAPH_ALLOW_ANONYMOUS", value_parser = BoolishValueParser::new())]
    pub allow_anonymous: bool,
    /// Size of the cache of answers in bytes. An answer is valid until an ingestion is published or
    /// removed; 0 turns the cache off [default: 64 MiB]
    #[arg(
        long,
        env = "TRIPGRAPH_CACHE_BYTES",
        value_name = "BYTES",
        default_value_t = 64 << 20,
        hide_default_value = true
    )]
    pub cache_bytes: u64,
    /// Maximum duration of a query in seconds, including the time it waits, 1 to 86400
    #[arg(
        long,
        env = "TRIPGRAPH_QUERY_TIMEOUT_SECONDS",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    query_timeout_seconds: u64,
    /// URL of map tiles for the maps of the console, with {z}, {x} and {y}
    /// [default: a built-in map]
    #[arg(long, env = "TRIPGRAPH_BASE_MAP_URL", value_name = "URL")]
    base_map_url: Option<Secret>,
    /// Attribution that the console shows on the map
    #[arg(
        long,
        env = "TRIPGRAPH_BASE_MAP_ATTRIBUTION",
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    base_map_attribution: String,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "not an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000")
}

impl ServerConfig {
    /// The tiles that the maps of the console show instead of the built-in map, if configured.
    pub fn base_map(&self) -> Result<Option<BaseMap>, ConfigError> {
        let Some(Secret(url)) = &self.base_map_url else {
            return Ok(None);
        };
        Ok(Some(BaseMap {
            url: url.parse().map_err(ConfigError::BaseMap)?,
            attribution: self.base_map_attribution.clone(),
        }))
    }

    /// URLs of the read replicas.
    pub fn read_urls(&self) -> impl Iterator<Item = &str> {
        self.read_urls.iter().map(|Secret(url)| url.as_str())
    }

    /// The tokens that give access to the server.
    pub fn tokens(&self) -> Result<Vec<Token>, ConfigError> {
        let tokens = (1..).zip(&self.tokens);
        let parsed = tokens.map(|(number, Secret(text))| {
            let error = |error| ConfigError::Token { number, error };
            text.parse().map_err(error)
        });
        parsed.collect()
    }

    /// Unit of the counts of trips for clients with a token of scope `aggregate`.
    #[must_use]
    pub const fn min_trips(&self) -> CountUnit {
        CountUnit::new(self.min_trips)
    }

    /// The hosts that the server answers to when it listens on `address`.
    #[must_use]
    pub fn allowed_hosts(&self, address: SocketAddr) -> AllowedHosts {
        if self.allowed_hosts.is_empty() && !self.tokens.is_empty() {
            AllowedHosts::Any
        } else {
            // A proxy that keeps the Host header is allowed, too.
            let public = self.public_url.iter().map(|url| url.host().clone());
            let others = self.allowed_hosts.iter().cloned().chain(public);
            AllowedHosts::local(address, others.collect())
        }
    }

    /// Maximum duration of a query, waiting included.
    #[must_use]
    pub const fn query_timeout(&self) -> Duration {
        Duration::from_secs(self.query_timeout_seconds)
    }

    /// Fails if the server would be open to everybody on the network by mistake.
    pub fn check(&self) -> Result<(), ConfigError> {
        let open = self.tokens.is_empty() && !self.allow_anonymous;
        if open && !self.listen.ip().is_loopback() {
            return Err(ConfigError::Open(self.listen));
        }
        Ok(())
    }
}

/// Invalid or contradictory options. Messages never repeat a value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The server would be open to everybody on the network.
    #[error(
        "{0} can be reached from outside, and there are no tokens: give --token \
         name:write:secret, or --allow-anonymous if everybody may use the server"
    )]
    Open(SocketAddr),
    /// A token is malformed.
    #[error("token {number} of --token or TRIPGRAPH_TOKENS is invalid: {error}")]
    Token {
        /// Position of the token, from 1.
        number: usize,
        /// Reason why the token is invalid.
        error: TokenError,
    },
    /// The URL of the map tiles is malformed.
    #[error("--base-map-url or TRIPGRAPH_BASE_MAP_URL is invalid: {0}")]
    BaseMap(TileUrlError),
}

#[cfg(test)]
mod tests;

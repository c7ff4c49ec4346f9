use std::net::Ipv4Addr;
use std::time::Duration;

use super::{AllowedHosts, BaseMap, Origin, Patience, Rate, Token, Tokens};
use crate::model::CountUnit;

/// Settings of the HTTP server.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Maximum size of an uploaded file, in bytes.
    pub max_upload_bytes: u64,
    /// Maximum number of files in one request.
    pub max_files: usize,
    /// Maximum size in bytes of a JSON body, of a WebSocket message, and of each part of a
    /// multipart request that is not a file.
    pub max_body_bytes: usize,
    /// Maximum number of open connections, including upgraded ones; more wait to be accepted.
    pub max_connections: usize,
    /// Maximum time for the headers of a request. Also the maximum time until the first byte on a
    /// new connection.
    pub header_read: Duration,
    /// Maximum time that a connection may be idle between two requests. Should exceed the idle
    /// time-out of proxies and load balancers, usually one minute: else they would send requests
    /// over connections that are about to be closed.
    pub connection_idle: Duration,
    /// Time limits for the body of a request.
    pub body: Patience,
    /// Maximum time that a client may read nothing while a response waits to be sent.
    pub write_stall: Duration,
    /// Maximum time that an export may take, from the request to its last byte.
    pub export: Duration,
    /// Interval between two pings on a WebSocket, and between two comments on an event stream on
    /// which nothing else is sent.
    pub keep_alive: Duration,
    /// Maximum time until `connection_init` on a new WebSocket.
    pub connection_init: Duration,
    /// Maximum number of operations that run on one WebSocket at the same time.
    pub operations_per_connection: usize,
    /// Maximum time that requests may continue after a shutdown has begun.
    pub drain: Duration,
    /// The values of the `Host` header that the server accepts.
    pub allowed_hosts: AllowedHosts,
    /// Origins of other sites whose pages may use the server.
    pub cors_origins: Vec<Origin>,
    /// The origin by which browsers reach the server, if a proxy changes the `Host` header.
    pub public_url: Option<Origin>,
    /// Tokens that authorise clients; if empty, no token is needed.
    pub tokens: Tokens,
    /// Unit of the counts of trips that clients with a token of scope `aggregate` learn.
    pub min_trips: CountUnit,
    /// The tiles that the maps of the console show instead of the built-in map.
    pub base_map: Option<BaseMap>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 32 << 30,
            max_files: 16,
            // A polygon of 100,000 corners with all digits takes about 4 MB.
            max_body_bytes: 8 << 20,
            max_connections: 4_096,
            header_read: Duration::from_secs(20),
            connection_idle: Duration::from_secs(75),
            body: Patience {
                idle: Duration::from_mins(1),
                small: Duration::from_secs(30),
                files: Rate {
                    bytes_per_second: 1 << 10,
                    window: Duration::from_mins(1),
                },
            },
            write_stall: Duration::from_mins(2),
            export: Duration::from_hours(1),
            keep_alive: Duration::from_secs(25),
            connection_init: Duration::from_secs(10),
            operations_per_connection: 100,
            drain: Duration::from_secs(20),
            allowed_hosts: AllowedHosts::local((Ipv4Addr::LOCALHOST, 0).into(), Vec::new()),
            cors_origins: Vec::new(),
            public_url: None,
            tokens: Tokens::default(),
            min_trips: CountUnit::EXACT,
            base_map: None,
        }
    }
}

impl HttpSettings {
    /// Settings for tests: small limits and short time-outs.
    #[must_use]
    pub fn testing(tokens: Vec<Token>) -> Self {
        Self {
            max_upload_bytes: 1 << 20,
            max_body_bytes: 1 << 20,
            connection_init: Duration::from_millis(500),
            keep_alive: Duration::from_millis(200),
            drain: Duration::from_secs(2),
            allowed_hosts: if tokens.is_empty() {
                AllowedHosts::local((Ipv4Addr::LOCALHOST, 0).into(), Vec::new())
            } else {
                AllowedHosts::Any
            },
            tokens: Tokens::new(tokens),
            ..Self::default()
        }
    }
}

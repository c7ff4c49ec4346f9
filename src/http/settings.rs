use std::net::Ipv4Addr;
use std::time::Duration;

use super::{AllowedHosts, BaseMap, Patience, Rate, Token, Tokens};

/// What the HTTP side can be told.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Bytes of one uploaded file at most.
    pub max_upload_bytes: u64,
    /// Files of one request at most.
    pub max_files: usize,
    /// Bytes of a JSON body, of each part of a multipart request that is not a file, and of a
    /// WebSocket message at most.
    pub max_body_bytes: usize,
    /// Connections at the same time at most, upgraded ones among them; more wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to send the headers of a request; also how long it may take to
    /// send anything over a new connection.
    pub header_read: Duration,
    /// How long a connection may be idle between two requests. Longer than what proxies and load
    /// balancers keep idle connections for, mostly a minute: else they would send requests over
    /// connections that are about to be closed.
    pub connection_idle: Duration,
    /// How long a client may take to send a body.
    pub body: Patience,
    /// How long a client may read nothing of an answer that is ready to be sent.
    pub write_stall: Duration,
    /// Time between two pings over a WebSocket.
    pub websocket_ping: Duration,
    /// How long a WebSocket may stay open without `connection_init`.
    pub connection_init: Duration,
    /// Operations that run at the same time over one WebSocket at most.
    pub operations_per_connection: usize,
    /// How long requests may go on after a shutdown has begun.
    pub drain: Duration,
    /// The hosts that the server answers to.
    pub allowed_hosts: AllowedHosts,
    /// Who may do what.
    pub tokens: Tokens,
    /// What the console draws under the flows of trips.
    pub base_map: Option<BaseMap>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            max_upload_bytes: 32 << 30,
            max_files: 16,
            max_body_bytes: 1 << 20,
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
            websocket_ping: Duration::from_secs(25),
            connection_init: Duration::from_secs(10),
            operations_per_connection: 100,
            drain: Duration::from_secs(20),
            allowed_hosts: AllowedHosts::local((Ipv4Addr::LOCALHOST, 0).into(), Vec::new()),
            tokens: Tokens::default(),
            base_map: None,
        }
    }
}

impl HttpSettings {
    /// Settings for tests: small limits, short times.
    #[must_use]
    pub fn testing(tokens: Vec<Token>) -> Self {
        Self {
            max_upload_bytes: 1 << 20,
            connection_init: Duration::from_millis(500),
            websocket_ping: Duration::from_millis(200),
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

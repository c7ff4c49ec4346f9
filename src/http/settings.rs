use std::time::Duration;

use super::{BaseMap, Token, Tokens};

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
    /// How long a client may send nothing in the middle of a request's body.
    pub body_idle: Duration,
    /// Time between two pings over a WebSocket.
    pub websocket_ping: Duration,
    /// How long a WebSocket may stay open without `connection_init`.
    pub connection_init: Duration,
    /// Operations that run at the same time over one WebSocket at most.
    pub operations_per_connection: usize,
    /// How long requests may go on after a shutdown has begun.
    pub drain: Duration,
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
            body_idle: Duration::from_mins(1),
            websocket_ping: Duration::from_secs(25),
            connection_init: Duration::from_secs(10),
            operations_per_connection: 100,
            drain: Duration::from_secs(20),
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
            tokens: Tokens::new(tokens),
            ..Self::default()
        }
    }
}

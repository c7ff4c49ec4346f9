//! The HTTP server: GraphQL over HTTP, Server-Sent Events and WebSocket, streaming uploads, health, metrics and the
//! console.

mod auth;
mod body;
mod connection;
mod console;
mod cors;
mod event_stream;
mod export;
mod file_name;
mod graphql;
mod health;
mod host;
mod hosts;
mod inspect;
mod metrics;
mod monitoring;
pub(crate) mod multipart;
mod operation_span;
mod operations;
mod origin;
mod params;
mod process_metrics;
mod rejected;
mod reply;
mod request_id;
mod router;
mod serve;
mod settings;
mod state;
mod websocket;

pub use self::auth::{Scope, Token, TokenError, Tokens};
pub use self::body::{Patience, Rate};
pub use self::console::{BaseMap, TileUrl, TileUrlError};
pub use self::host::{AllowedHosts, Host, HostError};
pub use self::origin::{Origin, OriginError};
pub use self::router::router;
pub use self::serve::{Shutdown, serve};
pub use self::settings::HttpSettings;
pub use self::state::AppState;

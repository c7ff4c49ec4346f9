//! The HTTP server: GraphQL over HTTP and WebSocket, streaming uploads, health, metrics and the
//! console.

mod auth;
mod body;
mod connection;
mod console;
mod file_name;
mod graphql;
mod health;
mod hosts;
mod metrics;
mod multipart;
mod origin;
mod params;
mod reply;
mod request_id;
mod router;
mod serve;
mod settings;
mod websocket;

pub use self::auth::{Scope, Token, TokenError, Tokens};
pub use self::body::{Patience, Rate};
pub use self::console::{BaseMap, TileUrl, TileUrlError};
pub use self::hosts::{AllowedHosts, Host, HostError};
pub use self::router::{AppState, router};
pub use self::serve::{Shutdown, serve};
pub use self::settings::HttpSettings;

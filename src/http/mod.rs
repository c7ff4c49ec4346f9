//! The outside: GraphQL over HTTP and WebSocket, streaming upload, health, and the `GraphiQL` page.

mod auth;
mod body;
mod graphiql;
mod graphql;
mod health;
mod multipart;
mod origin;
mod params;
mod reply;
mod router;
mod serve;
mod settings;
mod websocket;

pub use self::auth::{Scope, Token, TokenError, Tokens};
pub use self::router::{AppState, router};
pub use self::serve::{Shutdown, serve};
pub use self::settings::HttpSettings;

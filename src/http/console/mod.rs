//! The console, `/graphiql`: `GraphiQL` with uploads, live progress, charts and maps.
//!
//! `build.rs` builds it from `console/` and embeds it. A program that is built without it serves a
//! plain `GraphiQL` from a CDN.

mod base_map;
#[cfg(console)]
mod bundle;
#[cfg(not(console))]
mod cdn;
mod example;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, HeaderMap, REFERRER_POLICY, VARY};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use self::base_map::{BaseMap, TileUrl, TileUrlError};
#[cfg(console)]
use self::bundle as page;
#[cfg(not(console))]
use self::cdn as page;
use super::AppState;
use crate::graphql::OperationKind;

/// The routes of the console.
pub(super) fn router() -> Router<AppState> {
    page::router()
        .route("/graphiql/config.json", get(config))
        .route("/graphiql/example.csv", get(example::csv))
        .layer(CompressionLayer::new())
        .layer(SetResponseHeaderLayer::overriding(
            REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
}

/// The configuration that the page loads before its first request, and again for another token:
/// `write` is whether the token of the request allows mutations, `aggregatesOnly` whether it allows
/// aggregates alone, `database` the dialect of SQL.
async fn config(State(state): State<AppState>, headers: HeaderMap) -> impl IntoResponse {
    let settings = state.settings();
    let caller = settings.tokens.of_headers(&headers).ok().flatten();
    let may = |kind| {
        caller
            .as_ref()
            .is_some_and(|caller| caller.check(kind).is_ok())
    };
    let config = json!({
        "baseMap": settings.base_map,
        "tokens": !settings.tokens.is_empty(),
        "write": may(OperationKind::Mutation),
        "aggregatesOnly": caller.is_some() && !may(OperationKind::Subscription),
        "database": if state.store().is_shared() { "postgres" } else { "sqlite" },
    });
    let caching = [(CACHE_CONTROL, "no-cache"), (VARY, "Authorization")];
    (caching, Json(config))
}

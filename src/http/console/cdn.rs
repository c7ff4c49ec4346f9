use axum::Router;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse};
use axum::routing::get;

use super::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/graphiql", get(page))
}

async fn page() -> impl IntoResponse {
    let policy = [(CONTENT_SECURITY_POLICY, "frame-ancestors 'none'")];
    (policy, Html(include_str!("cdn.html")))
}

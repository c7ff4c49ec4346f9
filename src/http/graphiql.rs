use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY};
use axum::response::{Html, IntoResponse};

/// The page, `/graphiql`.
pub(super) async fn page() -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 2] = [
        (CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (HEADERS, Html(include_str!("graphiql.html")))
}

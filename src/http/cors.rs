//! Cross-origin resource sharing: lets the pages of configured origins read the server's answers.

use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::{AppState, HttpSettings};

/// Time for which a browser may keep the answer to a preflight request.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Adds the headers that browsers need, if origins are configured. Which requests are accepted is
/// decided by [`origin::check`](super::origin::check) alone.
pub(super) fn allow(router: Router<AppState>, settings: &HttpSettings) -> Router<AppState> {
    let origins = settings.cors_origins.iter();
    let origins: Vec<_> = origins
        .filter_map(|origin| HeaderValue::from_str(&origin.to_string()).ok())
        .collect();
    if origins.is_empty() {
        return router;
    }
    router.layer(
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            // Clients send headers of their own, such as Apollo's. Without credentials, none of them
            // is sent unless the page sets it.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([HeaderName::from_static("x-request-id"), CONTENT_DISPOSITION])
            .max_age(MAX_AGE),
    )
}

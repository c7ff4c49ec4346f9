use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use include_dir::{Dir, File, include_dir};

use super::AppState;
use crate::http::HttpSettings;

/// The files that `build.rs` builds from `console/`.
static BUNDLE: Dir<'_> = include_dir!("$OUT_DIR/console");

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/assets/{*path}", get(asset))
}

/// The page. Browsers revalidate it each time; the names of its assets change with their content.
async fn page(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let policy = [(CONTENT_SECURITY_POLICY, policy(state.settings()))];
    (policy, send("index.html", &headers, "no-cache")).into_response()
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("assets/{path}");
    send(&path, &headers, "public, max-age=31536000, immutable")
}

fn send(path: &str, headers: &HeaderMap, cache: &'static str) -> Response {
    let Some(bytes) = BUNDLE.get_file(path).map(File::contents) else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    // Weak, because it is the same for the compressed and the uncompressed response.
    let tag = format!("W/\"{}\"", blake3::hash(bytes).to_hex());
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|tags| tags.contains(&tag));
    let headers = [(CACHE_CONTROL, cache.to_owned()), (ETAG, tag)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    (headers, [(CONTENT_TYPE, kind.as_ref())], bytes).into_response()
}

/// The `Content-Security-Policy`: allows only the page's own resources and the tiles of the map.
fn policy(settings: &HttpSettings) -> String {
    let base_map = settings.base_map.as_ref();
    let tiles = base_map.map(|map| format!(" {}", map.url.source()));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{}; \
         font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        tiles.unwrap_or_default()
    )
}

use std::io::Read;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderMap, HeaderName, IF_NONE_MATCH, VARY,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use include_dir::{Dir, File, include_dir};

use super::AppState;
use crate::http::HttpSettings;

/// The files that `build.rs` builds from `console/`. Those with the additional ending `.gz` are compressed.
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
    let file = |path: &str| BUNDLE.get_file(path).map(File::contents);
    let compressed = file(&format!("{path}.gz"));
    let Some(bytes) = compressed.or_else(|| file(path)) else {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    };
    // Weak, because it is the same for the compressed and the uncompressed response.
    let tag = format!("W/\"{}\"", blake3::hash(bytes).to_hex());
    let is_known = texts(headers, IF_NONE_MATCH).any(|tags| tags.contains(&tag));
    let caching = [(CACHE_CONTROL, cache.to_owned()), (ETAG, tag)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let headers_of_all = (caching, [(CONTENT_TYPE, kind.as_ref())]);
    if compressed.is_none() {
        return (headers_of_all, bytes).into_response();
    }
    if accepts_gzip(headers) {
        let encoding = [(CONTENT_ENCODING, "gzip"), (VARY, "accept-encoding")];
        return (headers_of_all, encoding, bytes).into_response();
    }
    let mut content = Vec::new();
    match GzDecoder::new(bytes).read_to_end(&mut content) {
        Ok(_) => (headers_of_all, content).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let mut codings = texts(headers, ACCEPT_ENCODING).flat_map(|codings| codings.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map(str::parse);
        name.trim().eq_ignore_ascii_case("gzip") && weight != Some(Ok(0.0))
    })
}

fn texts(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    values.filter_map(|value| value.to_str().ok())
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

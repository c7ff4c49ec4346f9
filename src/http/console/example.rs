use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::generate::{Shape, write};

/// Trips enough to see something, and few enough to look into.
const ROWS: u64 = 2_000;

/// A file to try things with: that of `examples/trips.csv`.
pub(super) async fn csv() -> Response {
    let mut file = Vec::new();
    if let Err(error) = write(&mut file, Shape::Cities, ROWS, 1) {
        tracing::error!(%error, "cannot make the example");
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"trips.csv\""),
    ];
    (headers, file).into_response()
}

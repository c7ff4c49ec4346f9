use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::generate::{Shape, write};

/// Number of trips: enough for the charts, and few enough to inspect.
const ROWS: u64 = 2_000;

/// Answers with an example file, the same as `examples/trips.csv`.
pub(super) async fn csv() -> Response {
    let mut file = Vec::new();
    if let Err(error) = write(&mut file, Shape::Cities, ROWS, 1) {
        tracing::error!(%error, "cannot generate the example file");
        return axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"trips.csv\""),
    ];
    (headers, file).into_response()
}

//! The id of a request, included in the log, in internal errors and in the response's
//! `x-request-id` header.

use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::graphql::RequestId;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Maximum length of an id from a client or a proxy, in characters.
const MAX_LENGTH: usize = 128;

/// Takes the id from the request's header, or generates one.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let id = given(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}

/// The id that [`identify`] assigned.
pub(super) fn of(extensions: &Extensions) -> RequestId {
    let id = extensions.get::<RequestId>().cloned();
    id.unwrap_or_else(|| RequestId(String::new()))
}

/// The id in the request's header, reduced to visible ASCII characters because it is logged.
fn given(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(HEADER)?.as_bytes();
    let visible = value.iter().filter(|byte| byte.is_ascii_graphic());
    let id: String = visible.take(MAX_LENGTH).copied().map(char::from).collect();
    (!id.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_short_and_visible() {
        let id = |value: &[u8]| {
            let value = HeaderValue::from_bytes(value).unwrap();
            given(&HeaderMap::from_iter([(HEADER, value)]))
        };
        assert_eq!(id(b"abc-1"), Some("abc-1".to_owned()));
        assert_eq!(id(b"a b\tc\xff\xc3\xa9d"), Some("abcd".to_owned()));
        assert_eq!(id(&[b'x'; 300]), Some("x".repeat(128)));
        assert_eq!(id(b"\xff \t"), None);
        assert_eq!(given(&HeaderMap::new()), None);
    }
}

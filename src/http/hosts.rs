//! The host names under which clients may address the server.
//!
//! Another site can let its own name resolve to this server's address ("DNS rebinding"). A browser
//! then treats its page and this server as the same origin. The `Host` header, which the page
//! cannot change, reveals the attack.

use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version};
use axum::middleware::Next;
use axum::response::Response;

use super::reply::Format;
use super::{AllowedHosts, AppState, Host, health};
use crate::graphql::{ApiError, Code};

/// Refuses requests that name no host, several hosts, or a host that is not allowed.
pub(super) async fn check(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match refusal(&state.settings().allowed_hosts, &request) {
        None => next.run(request).await,
        Some((status, error)) => {
            tracing::info!(reason = error.message(), "refused a request by its host");
            Format::accepted(request.headers()).refusal(status, error)
        }
    }
}

fn refusal(allowed: &AllowedHosts, request: &Request) -> Option<(StatusCode, ApiError)> {
    let malformed = |what: &str| Some((StatusCode::BAD_REQUEST, ApiError::bad_input(what)));
    let mut headers = request.headers().get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(host), None) => Some(host),
        // HTTP/1.0 has no Host header. Browsers use HTTP/1.1.
        (None, None) if request.version() == Version::HTTP_10 => None,
        (None, None) => return malformed("the Host header is missing"),
        (Some(_), Some(_)) => return malformed("the Host header occurs twice"),
        (None, Some(_)) => return None,
    };
    let header = match header.map(|host| Authority::try_from(host.as_bytes())) {
        None => None,
        Some(Ok(authority)) => Some(authority),
        Some(Err(_)) => return malformed("the Host header is not a host and a port"),
    };
    // An address in the request line overrides the header; both are checked.
    for authority in header.iter().chain(request.uri().authority()) {
        let Some(host) = Host::of(authority) else {
            return malformed("the Host header is not a host and a port");
        };
        if !allowed.contains(&host) && !health::is_health(request.uri().path()) {
            let name = authority.host();
            let name = &name[..name.len().min(255)];
            let message = format!(
                "the host `{name}` is not allowed; to allow it, start the server with \
                 --allowed-host {name}"
            );
            let error = ApiError::new(Code::Forbidden, message);
            return Some((StatusCode::FORBIDDEN, error));
        }
    }
    None
}

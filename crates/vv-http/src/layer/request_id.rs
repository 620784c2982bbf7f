//! One id per request, made here. An id sent by the client is not taken over:
//! it could be chosen to hide in, or to confuse, the log and the audit trail.

use axum::extract::MatchedPath;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use std::time::Duration;
use tracing::Span;
use tracing::field::Empty;
use vv_base::{Clock, RequestId, Rng};

/// The header that tells the client the id.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Makes the id of a request.
pub fn mint(clock: &dyn Clock, rng: &dyn Rng) -> RequestId {
    RequestId::new(clock.now(), rng)
}

/// The span all work of the request runs in. It shows the matched route, never
/// the path or the query: these can hold ids, e-mail addresses and tokens.
pub fn span(id: RequestId, method: &Method, route: Option<&MatchedPath>) -> Span {
    tracing::info_span!(
        "request",
        id = %id,
        method = %method,
        route = route.map_or("unmatched", MatchedPath::as_str),
        status = Empty,
        latency_us = Empty,
    )
}

/// Tells the client the id.
pub fn answer(headers: &mut HeaderMap, id: RequestId) {
    let mut buffer = [0_u8; 36];
    let text = id.uuid().hyphenated().encode_lower(&mut buffer);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(HEADER, value);
    }
}

/// Completes the span and writes the line of the access log: at debug level,
/// or as a warning when the answer is a server error.
pub fn conclude(span: &Span, status: StatusCode, latency: Duration) {
    let latency_us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    span.record("status", status.as_u16());
    span.record("latency_us", latency_us);
    let _entered = span.enter();
    if status.is_server_error() {
        tracing::warn!(status = status.as_u16(), latency_us, "request failed");
    } else {
        tracing::debug!(status = status.as_u16(), latency_us, "request answered");
    }
}

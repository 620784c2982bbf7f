//! Caps on the head and the body of a request.
//!
//! hyper bounds what it buffers before a request exists at all: 100 headers
//! over HTTP/1, 16 KiB of header list over HTTP/2. The caps here are tighter
//! where that helps and answer with a problem document.

use axum::body::{Body, HttpBody as _};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http_body_util::Limited;
use vv_base::ErrorCode;

use crate::problem::Problem;

/// Most header lines.
pub const MAX_HEADERS: usize = 100;
/// Most bytes of all header names and values together.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Longest path and query, in bytes.
pub const MAX_TARGET: usize = 8 * 1024;

/// Refuses a request whose head is too large.
pub fn check_head(parts: &Parts) -> Result<(), Problem> {
    let target = parts.uri.path_and_query().map_or(0, |t| t.as_str().len());
    if target > MAX_TARGET {
        return Err(Problem::from_code(ErrorCode::new("request.uri_too_long")));
    }
    let bytes: usize = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if parts.headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        return Err(Problem::from_code(ErrorCode::new(
            "request.headers_too_large",
        )));
    }
    Ok(())
}

/// Refuses a body announced as larger than `limit` bytes, and cuts off one
/// that grows larger without saying so.
pub fn cap_body(parts: &Parts, body: Body, limit: usize) -> Result<Body, Problem> {
    let announced = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    let limit_u64 = u64::try_from(limit).unwrap_or(u64::MAX);
    if announced.is_some_and(|length| length > limit_u64) {
        return Err(Problem::from_code(ErrorCode::new("request.body_too_large")));
    }
    if body.is_end_stream()
        || body
            .size_hint()
            .upper()
            .is_some_and(|most| most <= limit_u64)
    {
        return Ok(body);
    }
    Ok(Body::new(Limited::new(body, limit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).unwrap().into_parts().0
    }

    fn code(result: Result<(), Problem>) -> &'static str {
        result.err().map_or("", |problem| problem.code())
    }

    #[test]
    fn heads() {
        let get = |target: &str| http::Request::get(target);
        assert_eq!(code(check_head(&parts(get("/x")))), "");
        let long = format!("/{}", "x".repeat(MAX_TARGET));
        assert_eq!(code(check_head(&parts(get(&long)))), "request.uri_too_long");
        let wide = get("/x").header("x-a", "y".repeat(MAX_HEADER_BYTES));
        assert_eq!(code(check_head(&parts(wide))), "request.headers_too_large");
        let mut many = get("/x");
        for _ in 0..=MAX_HEADERS {
            many = many.header("x-a", "y");
        }
        assert_eq!(code(check_head(&parts(many))), "request.headers_too_large");
    }
}

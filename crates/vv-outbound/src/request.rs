use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::{OutboundError, OutboundUrl};

/// Longest request body, in bytes.
pub const MAX_REQUEST_BODY: usize = 4 << 20;
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 << 10;

const USER_AGENT: HeaderValue = HeaderValue::from_static("ValueVerse-Security");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");

/// Headers that say where a message ends or goes; the client alone sets them.
const RESERVED: &[HeaderName] = &[
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::ACCEPT_ENCODING,
];

pub(crate) fn build(
    method: Method,
    url: &OutboundUrl,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Request<Full<Bytes>>, OutboundError> {
    if body.len() > MAX_REQUEST_BODY {
        return Err(OutboundError::Request("the body is over 4 MiB"));
    }
    let host = HeaderValue::from_str(url.authority())
        .map_err(|_| OutboundError::Request("the host is not a valid header"))?;
    let mut request = Request::builder()
        .method(method)
        .uri(url.target())
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| OutboundError::Request("the path is not valid"))?;
    let map = request.headers_mut();
    map.insert(header::HOST, host);
    map.insert(header::USER_AGENT, USER_AGENT);
    map.insert(header::ACCEPT_ENCODING, IDENTITY);
    fill(map, headers)?;
    Ok(request)
}

fn fill(map: &mut HeaderMap, headers: &[(&str, &str)]) -> Result<(), OutboundError> {
    let bytes = |(name, value): &(&str, &str)| name.len().saturating_add(value.len());
    let total: usize = headers.iter().map(bytes).sum();
    if headers.len() > MAX_HEADERS || total > MAX_HEADER_BYTES {
        return Err(OutboundError::Request("over 32 headers or 8 KiB of them"));
    }
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| OutboundError::Request("a header has no valid name"))?;
        if RESERVED.contains(&name) || name.as_str().starts_with("proxy-") {
            return Err(OutboundError::Request("a header is the client's to set"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| OutboundError::Request("a header has no valid value"))?;
        value.set_sensitive(true);
        map.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OutboundSettings;

    fn built(headers: &[(&str, &str)]) -> Result<Request<Full<Bytes>>, OutboundError> {
        let url = OutboundSettings::default()
            .url("https://example.com:444/a?b=c")
            .unwrap();
        build(Method::POST, &url, headers, Vec::new())
    }

    #[test]
    fn the_head_names_the_host_and_the_target() {
        let request = built(&[("Content-Type", "text/plain"), ("user-agent", "mine")]).unwrap();
        assert_eq!(request.uri(), "/a?b=c");
        assert_eq!(request.headers()["host"], "example.com:444");
        assert_eq!(request.headers()["content-type"], "text/plain");
        assert_eq!(request.headers()["user-agent"], "mine");
    }

    #[test]
    fn headers_that_could_split_or_redirect_a_request_are_refused() {
        for (name, value) in [
            ("Host", "other.example"),
            ("content-length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "close"),
            ("Proxy-Authorization", "x"),
            ("X-A", "b\r\nX-C: d"),
            ("X-A\r\nX-C", "d"),
            ("", "d"),
        ] {
            let refused = built(&[(name, value)]);
            assert!(matches!(refused, Err(OutboundError::Request(_))), "{name}");
        }
        assert!(built(&[("a", "b"); MAX_HEADERS + 1]).is_err());
        assert!(built(&[("a", &"b".repeat(MAX_HEADER_BYTES))]).is_err());
    }

    #[test]
    fn values_are_not_shown() {
        let request = built(&[("authorization", "S3CRET")]).unwrap();
        assert!(!format!("{request:?}").contains("S3CRET"));
    }

    #[test]
    fn a_body_has_a_limit() {
        let url = OutboundSettings::default().url("https://example.com/");
        let body = vec![0; MAX_REQUEST_BODY + 1];
        assert!(build(Method::POST, &url.unwrap(), &[], body).is_err());
    }
}

//! Headers that tell browsers to keep pages apart and to trust nothing else.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SERVER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

/// The policy of every page: own scripts and styles from files, nothing inline.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Two years, as the preload lists ask.
const HSTS: &str = "max-age=63072000; includeSubDomains";

/// Features pages here never use. Passkeys stay allowed for our own origin.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), \
     gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=(), \
     publickey-credentials-get=(self), publickey-credentials-create=(self)";

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Writes the headers. A handler may have set its own content policy and
/// caching; everything else is the same everywhere. `https`: whether the
/// client reached us over TLS, here or at a trusted proxy.
pub fn write(headers: &mut HeaderMap, https: bool) {
    headers.reserve(10);
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(POLICY));
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(OPENER, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE, HeaderValue::from_static("same-origin"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    headers.remove(SERVER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_keep_their_policy_and_caching_only() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("own"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("ALLOW"));
        headers.insert(SERVER, HeaderValue::from_static("x/1"));
        write(&mut headers, false);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "own");
        assert_eq!(headers[CACHE_CONTROL], "max-age=60");
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        assert!(!headers.contains_key(SERVER));
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn transport_security_only_over_tls() {
        let mut headers = HeaderMap::new();
        write(&mut headers, true);
        assert_eq!(headers[STRICT_TRANSPORT_SECURITY], HSTS);
        assert_eq!(headers[CONTENT_SECURITY_POLICY], POLICY);
        assert!(!POLICY.contains("unsafe"));
    }
}

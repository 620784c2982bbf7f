//! Refuses state changes that another site made the browser send.
//!
//! Browsers attach cookies on their own; tokens in headers they do not. So a
//! request with a bearer token or an API key and no cookie passes, and every
//! other one must come from our own pages as far as the browser tells:
//! `Sec-Fetch-Site` first, `Origin` from browsers or addresses without it.
//! Neither header means no browser; that is fine without a cookie, and is
//! refused with one.

use http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use vv_base::ErrorCode;

use super::host::Authority;
use crate::problem::Problem;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The origin a request must come from.
#[derive(Debug, Clone, Copy)]
pub struct OwnOrigin<'a> {
    /// Whether the scheme is https.
    pub https: bool,
    /// The public host, or the one the request was sent to.
    pub authority: Option<&'a Authority>,
}

/// Refuses a cross-site state change with 403 `request.cross_site`.
/// `credential_cookies`: names of cookies that sign somebody in; empty means
/// that every cookie counts.
pub fn check(
    parts: &Parts,
    own: OwnOrigin<'_>,
    credential_cookies: &[String],
) -> Result<(), Problem> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let cookie = has_credential_cookie(&parts.headers, credential_cookies);
    if !cookie && has_token(&parts.headers) {
        return Ok(());
    }
    let fine = match single(&parts.headers, &FETCH_SITE) {
        Sent::Once("same-origin" | "none") => true,
        Sent::Once(_) | Sent::Unclear => false,
        Sent::Never => match single(&parts.headers, &ORIGIN) {
            Sent::Once(origin) => is_own(origin, own),
            Sent::Unclear => false,
            Sent::Never => !cookie,
        },
    };
    if fine {
        return Ok(());
    }
    Err(Problem::from_code(ErrorCode::new("request.cross_site")))
}

enum Sent<'a> {
    Never,
    Once(&'a str),
    /// More than once, or not text.
    Unclear,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Sent<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Sent::Never,
        (Some(value), None) => value.to_str().map_or(Sent::Unclear, Sent::Once),
        (Some(_), Some(_)) => Sent::Unclear,
    }
}

fn has_credential_cookie(headers: &HeaderMap, names: &[String]) -> bool {
    headers.get_all(COOKIE).iter().any(|value| {
        let Ok(text) = value.to_str() else {
            return true;
        };
        names.is_empty()
            || text.split(';').any(|pair| {
                let name = pair.split('=').next().unwrap_or_default().trim();
                names.iter().any(|credential| credential == name)
            })
    })
}

/// A bearer token or an API key. Basic credentials do not count: browsers
/// remember and send those on their own.
fn has_token(headers: &HeaderMap) -> bool {
    let bearer = headers.get(AUTHORIZATION).is_some_and(|value| {
        value
            .as_bytes()
            .get(..7)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "))
    });
    bearer || headers.contains_key(API_KEY)
}

fn is_own(origin: &str, own: OwnOrigin<'_>) -> bool {
    let scheme = if own.https { "https://" } else { "http://" };
    let Some(authority) = origin.strip_prefix(scheme).and_then(Authority::parse) else {
        return false;
    };
    own.authority
        .is_some_and(|ours| ours.same_under(own.https, &authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn passes(method: &str, https: bool, headers: Headers, names: &[String]) -> bool {
        let mut request = http::Request::builder().method(method).uri("/login");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let authority = Authority::parse("id.example").unwrap();
        let own = OwnOrigin {
            https,
            authority: Some(&authority),
        };
        check(&parts, own, names).is_ok()
    }

    const COOKIES: (&str, &str) = ("cookie", "__Host-session=x");
    const BEARER: (&str, &str) = ("authorization", "Bearer abc");

    const TABLE: &[(&str, Headers, bool)] = &[
        // Reading is never refused.
        ("GET", &[COOKIES, ("sec-fetch-site", "cross-site")], true),
        ("HEAD", &[COOKIES, ("origin", "https://evil.example")], true),
        // The browser says.
        ("POST", &[COOKIES, ("sec-fetch-site", "same-origin")], true),
        ("POST", &[COOKIES, ("sec-fetch-site", "none")], true),
        ("POST", &[COOKIES, ("sec-fetch-site", "same-site")], false),
        ("POST", &[COOKIES, ("sec-fetch-site", "cross-site")], false),
        (
            "DELETE",
            &[COOKIES, ("sec-fetch-site", "cross-site")],
            false,
        ),
        ("POST", &[COOKIES, ("sec-fetch-site", "Same-Origin")], false),
        (
            "POST",
            &[
                COOKIES,
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            false,
        ),
        (
            "POST",
            &[
                COOKIES,
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://id.example"),
            ],
            false,
        ),
        // A page without referrer sends a null origin; the first header decides.
        (
            "POST",
            &[
                COOKIES,
                ("sec-fetch-site", "same-origin"),
                ("origin", "null"),
            ],
            true,
        ),
        // Older browsers and plain http: the origin says.
        ("POST", &[COOKIES, ("origin", "https://id.example")], true),
        (
            "POST",
            &[COOKIES, ("origin", "https://ID.example:443")],
            true,
        ),
        ("POST", &[COOKIES, ("origin", "http://id.example")], false),
        (
            "POST",
            &[COOKIES, ("origin", "https://id.example:8443")],
            false,
        ),
        (
            "POST",
            &[COOKIES, ("origin", "https://id.example.evil.example")],
            false,
        ),
        (
            "POST",
            &[COOKIES, ("origin", "https://evil.example")],
            false,
        ),
        (
            "POST",
            &[COOKIES, ("origin", "https://id.example@evil.example")],
            false,
        ),
        ("POST", &[COOKIES, ("origin", "null")], false),
        (
            "POST",
            &[
                COOKIES,
                ("origin", "https://id.example"),
                ("origin", "https://evil.example"),
            ],
            false,
        ),
        // Neither header.
        ("POST", &[COOKIES], false),
        ("POST", &[], true),
        // Sign-in from elsewhere, with no cookie yet.
        ("POST", &[("sec-fetch-site", "cross-site")], false),
        ("POST", &[("origin", "https://evil.example")], false),
        // Tokens that browsers do not send on their own.
        ("POST", &[BEARER], true),
        ("POST", &[BEARER, ("sec-fetch-site", "cross-site")], true),
        (
            "POST",
            &[
                ("x-api-key", "vv_live_x"),
                ("origin", "https://app.example"),
            ],
            true,
        ),
        ("POST", &[BEARER, COOKIES], false),
        (
            "POST",
            &[
                ("authorization", "Basic dTpw"),
                ("sec-fetch-site", "cross-site"),
            ],
            false,
        ),
        ("TRACE", &[COOKIES], false),
    ];

    #[test]
    fn table() {
        for (method, headers, expected) in TABLE {
            assert_eq!(
                passes(method, true, headers, &[]),
                *expected,
                "{method} {headers:?}"
            );
        }
    }

    #[test]
    fn foreign_cookies_are_no_credential_once_ours_are_named() {
        let names = [String::from("__Host-session")];
        assert!(passes(
            "POST",
            true,
            &[("cookie", "lb=1; theme=dark")],
            &names
        ));
        assert!(!passes(
            "POST",
            true,
            &[("cookie", "lb=1;__Host-session=x")],
            &names
        ));
        assert!(!passes(
            "POST",
            true,
            &[("cookie", "lb=1"), ("cookie", "__Host-session=x")],
            &names
        ));
    }

    #[test]
    fn scheme_counts() {
        assert!(passes(
            "POST",
            false,
            &[("cookie", "a=b"), ("origin", "http://id.example")],
            &[]
        ));
        assert!(!passes(
            "POST",
            false,
            &[("cookie", "a=b"), ("origin", "https://id.example")],
            &[]
        ));
    }
}

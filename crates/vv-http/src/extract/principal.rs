//! Who sends the request.

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use vv_auth::{CookieToken, Principal};
use vv_base::{Ctx, ErrorCode, RequestId, Source};

use crate::problem::Problem;
use crate::state::AppState;

/// The console's session cookie. The prefix makes browsers insist on `Secure`,
/// the whole site and no `Domain` (RFC 6265bis §4.1.3.2).
pub const SESSION_COOKIE: &str = "__Host-vv_session";

/// Longest credential looked at, in bytes.
const MAX_CREDENTIAL: usize = 8 * 1024;

/// The context of a request, before anybody is known.
#[derive(Debug)]
pub struct Anonymous(pub Ctx);

impl<S> FromRequestParts<S> for Anonymous
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(anonymous(parts, &AppState::from_ref(state))))
    }
}

fn anonymous(parts: &Parts, state: &AppState) -> Ctx {
    let request = parts.extensions.get::<RequestId>().copied();
    let source = parts
        .extensions
        .get::<Source>()
        .cloned()
        .unwrap_or_default();
    // Embedded without the edge, the work still gets an id of its own.
    let request = request.unwrap_or_else(|| state.system().request);
    state.anonymous(request, source)
}

/// Somebody who is signed in, with the context of their work. Routes that need
/// a permission take [`Require`](crate::extract::Require) instead.
#[derive(Debug)]
pub struct Caller {
    /// Who they are and what they may do.
    pub principal: Principal,
    /// Their tenant, they act.
    pub ctx: Ctx,
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = AppState::from_ref(state);
        let base = anonymous(parts, &state);
        let principal = match credential(&parts.headers)? {
            Credential::Bearer(token) => state.auth().authenticate_bearer(&base, token).await?,
            Credential::Cookie(cookie) => state.auth().authenticate_cookie(&base, &cookie).await?,
        };
        let ctx = principal.ctx(&base);
        Ok(Self { principal, ctx })
    }
}

/// For pages that differ for those who are signed in: nobody, or an expired
/// session, is `None`; a broken request or an outage stays an error.
impl<S> OptionalFromRequestParts<S> for Caller
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Problem> {
        match <Self as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(caller) => Ok(Some(caller)),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Ok(None),
            Err(problem) => Err(problem),
        }
    }
}

enum Credential<'a> {
    Bearer(&'a str),
    Cookie(CookieToken),
}

/// Exactly one credential: with two, checks and audit could mean different people.
fn credential(headers: &HeaderMap) -> Result<Credential<'_>, Problem> {
    let required = || Problem::from_code(ErrorCode::new("auth.required"));
    let bearer = authorization(headers)?;
    let cookie = cookie_value(headers, SESSION_COOKIE);
    let api_key = headers.contains_key("x-api-key");
    let sent = usize::from(bearer.is_some()) + usize::from(cookie.is_some()) + usize::from(api_key);
    if sent > 1 {
        let code = ErrorCode::new("auth.multiple_credentials");
        return Err(Problem::from_code(code));
    }
    match (bearer, cookie) {
        (Some(token), _) => Ok(Credential::Bearer(token)),
        (None, Some(text)) => CookieToken::parse(text)
            .map(Credential::Cookie)
            .ok_or_else(required),
        (None, None) => Err(required()),
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        let code = ErrorCode::new("auth.multiple_credentials");
        return Err(Problem::from_code(code));
    }
    let token = value
        .to_str()
        .ok()
        .filter(|text| text.len() <= MAX_CREDENTIAL)
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim_start());
    match token {
        Some(token) => Ok(Some(token)),
        None => Err(Problem::from_code(ErrorCode::new("auth.required"))),
    }
}

/// The value of a cookie, unless it is sent twice: two cookies of one name
/// mean that somebody planted one.
pub fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn code(pairs: &[(&'static str, &str)]) -> Option<&'static str> {
        credential(&headers(pairs))
            .err()
            .map(|problem| problem.code())
    }

    #[test]
    fn one_credential_and_only_one() {
        let cookie = format!("{SESSION_COOKIE}={}", "A".repeat(64));
        assert_eq!(code(&[("authorization", "Bearer x")]), None);
        assert_eq!(code(&[("cookie", &cookie)]), None);
        assert_eq!(code(&[]), Some("auth.required"));
        assert_eq!(
            code(&[("authorization", "Basic eDp5")]),
            Some("auth.required")
        );
        for two in [
            [("authorization", "Bearer x"), ("cookie", cookie.as_str())],
            [("authorization", "Bearer x"), ("x-api-key", "k")],
            [("authorization", "Bearer x"), ("authorization", "Bearer y")],
        ] {
            assert_eq!(code(&two), Some("auth.multiple_credentials"));
        }
    }

    #[test]
    fn a_cookie_sent_twice_counts_as_none() {
        let twice = headers(&[("cookie", "a=1; b=2"), ("cookie", "a=3")]);
        assert_eq!(cookie_value(&twice, "a"), None);
        assert_eq!(cookie_value(&twice, "b"), Some("2"));
    }
}

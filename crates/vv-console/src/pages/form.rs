//! Cookies of the console and the token that every form sends back.
//!
//! The edge already refuses cross-site posts by Fetch-Metadata and Origin. The
//! token is the second line, for browsers that send neither.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use vv_auth::CookieToken;
use vv_base::{ErrorCode, Secret};
use vv_http::extract::{SESSION_COOKIE, cookie_value};
use vv_http::{AppState, Problem};

use crate::view::Theme;

/// Holds a random value that form tokens are made from.
pub(crate) const FORM_COOKIE: &str = "__Host-vv_form";
/// Bytes of that value.
const SEED: usize = 32;
/// Separates form tokens from other uses of the cookie key.
const PURPOSE: &str = "console.form";

/// What a page needs to know about the browser: its colours, and the seed of
/// its form tokens.
pub(crate) struct Browser {
    pub(crate) theme: Theme,
    seed: Seed,
    state: AppState,
}

enum Seed {
    Known(Vec<u8>),
    Fresh([u8; SEED]),
}

impl<S> FromRequestParts<S> for Browser
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = AppState::from_ref(state);
        let seed = match seed_of(&parts.headers) {
            Some(seed) => Seed::Known(seed),
            None => Seed::Fresh(state.system().random()),
        };
        Ok(Self {
            theme: theme_of(&parts.headers),
            seed,
            state,
        })
    }
}

fn seed_of(headers: &HeaderMap) -> Option<Vec<u8>> {
    let text = cookie_value(headers, FORM_COOKIE)?;
    let seed = URL_SAFE_NO_PAD.decode(text).ok()?;
    (seed.len() == SEED).then_some(seed)
}

pub(crate) fn theme_of(headers: &HeaderMap) -> Theme {
    cookie_value(headers, Theme::COOKIE).map_or_else(Theme::default, Theme::parse)
}

impl Browser {
    fn seed(&self) -> &[u8] {
        match &self.seed {
            Seed::Known(seed) => seed,
            Seed::Fresh(seed) => seed,
        }
    }

    /// The token for this page's forms.
    pub(crate) fn token(&self) -> String {
        let key = self.state.auth().keyring().cookie();
        URL_SAFE_NO_PAD.encode(key.mac(PURPOSE, &[self.seed()]))
    }

    /// Refuses a form that was not made for this browser.
    pub(crate) fn check(&self, token: &str) -> Result<(), Problem> {
        let key = self.state.auth().keyring().cookie();
        let sent = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let known = matches!(self.seed, Seed::Known(_));
        if known && key.matches(PURPOSE, &[self.seed()], &sent) {
            Ok(())
        } else {
            Err(Problem::from_code(ErrorCode::new("request.cross_site"))
                .with_detail("The form is too old or was not made for this browser."))
        }
    }

    /// The answer, with the cookie that the forms in it need.
    pub(crate) fn answer(&self, response: Response) -> Response {
        match &self.seed {
            Seed::Known(_) => response,
            Seed::Fresh(seed) => {
                let value = URL_SAFE_NO_PAD.encode(seed);
                set_cookie(response, FORM_COOKIE, &value, "SameSite=Strict")
            }
        }
    }
}

/// Adds the session cookie. It ends with the browser; the server ends it sooner.
pub(crate) fn with_session(response: impl IntoResponse, cookie: &CookieToken) -> Response {
    let text: Secret<String> = cookie.to_text();
    // Strict: staff arrive by their own hand, and another site's link must not
    // make the console do anything, not even a costly read.
    let response = set_cookie(
        response.into_response(),
        SESSION_COOKIE,
        text.expose(),
        "SameSite=Strict",
    );
    // Forms of before the sign-in are void.
    set_cookie(response, FORM_COOKIE, "", "SameSite=Strict; Max-Age=0")
}

/// Takes the session and form cookies away.
pub(crate) fn without_session(response: impl IntoResponse) -> Response {
    let response = set_cookie(
        response.into_response(),
        SESSION_COOKIE,
        "",
        "SameSite=Strict; Max-Age=0",
    );
    set_cookie(response, FORM_COOKIE, "", "SameSite=Strict; Max-Age=0")
}

pub(crate) fn set_cookie(
    mut response: Response,
    name: &str,
    value: &str,
    attributes: &str,
) -> Response {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; {attributes}");
    if let Ok(header) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, header);
    }
    response
}

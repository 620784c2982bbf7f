use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use vv_http::Problem;
use vv_http::extract::Form;

use super::form::{Browser, set_cookie};
use super::local_path;
use crate::view::{Theme, href};

/// A year.
const KEEP: &str = "SameSite=Lax; Max-Age=31536000";

#[derive(Deserialize)]
pub(crate) struct Choice {
    csrf: String,
    theme: String,
    return_to: String,
}

/// POST /theme
pub(crate) async fn choose(
    browser: Browser,
    Form(choice): Form<Choice>,
) -> Result<Response, Problem> {
    browser.check(&choice.csrf)?;
    let back = local_path(&choice.return_to).unwrap_or(href::OVERVIEW);
    let theme = Theme::parse(&choice.theme);
    let response = Redirect::to(back).into_response();
    Ok(set_cookie(response, Theme::COOKIE, theme.as_str(), KEEP))
}

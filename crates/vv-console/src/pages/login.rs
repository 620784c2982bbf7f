use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use vv_auth::{Credentials, LoginError};
use vv_base::Secret;
use vv_http::Problem;
use vv_http::extract::{Anonymous, Caller, Form, Query};

use super::form::{Browser, with_session, without_session};
use super::{local_path, page};
use crate::state::ConsoleState;
use crate::view::{LoginPage, Notice, href};

#[derive(Deserialize)]
pub(crate) struct Arrival {
    return_to: Option<String>,
    notice: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Attempt {
    csrf: String,
    identifier: String,
    password: Secret<String>,
    return_to: Option<String>,
}

/// GET /login. Without any account it leads to set-up instead.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    Anonymous(ctx): Anonymous,
    browser: Browser,
    caller: Option<Caller>,
    Query(arrival): Query<Arrival>,
) -> Result<Response, Problem> {
    let return_to = arrival.return_to.as_deref().and_then(local_path);
    if caller.is_some() {
        return Ok(Redirect::to(return_to.unwrap_or(href::OVERVIEW)).into_response());
    }
    if state.app().auth().needs_setup(&ctx).await? {
        return Ok(Redirect::to(href::SETUP).into_response());
    }
    let view = LoginPage {
        theme: browser.theme,
        csrf: browser.token(),
        identifier: String::new(),
        error: None,
        return_to: return_to.map(str::to_owned),
        notice: arrival.notice.as_deref().and_then(Notice::parse),
    };
    Ok(browser.answer(page(&view)?))
}

/// POST /login
pub(crate) async fn submit(
    State(state): State<ConsoleState>,
    Anonymous(ctx): Anonymous,
    browser: Browser,
    caller: Option<Caller>,
    Form(attempt): Form<Attempt>,
) -> Result<Response, Problem> {
    browser.check(&attempt.csrf)?;
    let return_to = attempt.return_to.as_deref().and_then(local_path);
    let auth = state.app().auth();
    let credentials = Credentials {
        identifier: attempt.identifier,
        password: attempt.password,
    };
    match auth.login_browser(&ctx, &credentials).await {
        Ok(signed_in) => {
            // The session this browser had before would live on unseen.
            if let Some(before) = caller {
                auth.logout(&before.ctx, &before.principal).await?;
            }
            let target = Redirect::to(return_to.unwrap_or(href::OVERVIEW));
            Ok(with_session(target, &signed_in.grant))
        }
        Err(error) => {
            let (status, message) = explain(error)?;
            let view = LoginPage {
                theme: browser.theme,
                csrf: browser.token(),
                identifier: credentials.identifier,
                error: Some(message),
                return_to: return_to.map(str::to_owned),
                notice: None,
            };
            Ok((status, page(&view)?).into_response())
        }
    }
}

/// What the form says; whatever the person cannot help becomes an error page.
fn explain(error: LoginError) -> Result<(StatusCode, String), Problem> {
    match error {
        LoginError::InvalidCredentials => Ok((
            StatusCode::UNAUTHORIZED,
            "The e-mail address or the password is not right.".to_owned(),
        )),
        LoginError::Throttled { retry_after } => {
            let minutes = (retry_after.as_seconds() / 60).max(0) + 1;
            let unit = if minutes == 1 { "minute" } else { "minutes" };
            Ok((
                StatusCode::TOO_MANY_REQUESTS,
                format!("Too many attempts. Try again in {minutes} {unit}."),
            ))
        }
        other => Err(other.into()),
    }
}

#[derive(Deserialize)]
pub(crate) struct SignOut {
    csrf: String,
}

/// POST /logout. Works without a live session too, so that nobody gets stuck.
pub(crate) async fn sign_out(
    State(state): State<ConsoleState>,
    browser: Browser,
    caller: Option<Caller>,
    Form(form): Form<SignOut>,
) -> Result<Response, Problem> {
    browser.check(&form.csrf)?;
    if let Some(caller) = caller {
        let auth = state.app().auth();
        auth.logout(&caller.ctx, &caller.principal).await?;
    }
    let notice = Notice::SignedOut.as_str();
    let target = Redirect::to(&format!("{}?notice={notice}", href::LOGIN));
    Ok(without_session(target))
}

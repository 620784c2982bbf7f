use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use vv_auth::{FirstAdmin, MIN_PASSWORD_LENGTH, SetupError};
use vv_base::Secret;
use vv_http::Problem;
use vv_http::extract::{Anonymous, Form, Query};

use super::form::Browser;
use super::page;
use crate::state::ConsoleState;
use crate::view::{Field, Notice, SetupGone, SetupPage, href};

#[derive(Deserialize)]
pub(crate) struct Link {
    token: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Filled {
    csrf: String,
    token: String,
    tenant: String,
    email: String,
    display_name: String,
    password: Secret<String>,
}

/// GET /setup?token=…
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    Anonymous(ctx): Anonymous,
    browser: Browser,
    Query(link): Query<Link>,
) -> Result<Response, Problem> {
    let auth = state.app().auth();
    let token = link.token.unwrap_or_default();
    if !auth.check_setup_token(&ctx, &token).await? {
        let ready = !auth.needs_setup(&ctx).await?;
        return gone(&browser, ready);
    }
    let view = SetupPage {
        theme: browser.theme,
        csrf: browser.token(),
        token,
        tenant: Field::default(),
        email: Field::default(),
        display_name: Field::default(),
        password_errors: Vec::new(),
        password_min: MIN_PASSWORD_LENGTH,
        problem: None,
    };
    Ok(browser.answer(page(&view)?))
}

fn gone(browser: &Browser, ready: bool) -> Result<Response, Problem> {
    let view = SetupGone {
        theme: browser.theme,
        csrf: browser.token(),
        ready,
    };
    let body = page(&view)?;
    Ok(browser.answer((StatusCode::NOT_FOUND, body).into_response()))
}

/// POST /setup
pub(crate) async fn submit(
    State(state): State<ConsoleState>,
    Anonymous(ctx): Anonymous,
    browser: Browser,
    Form(filled): Form<Filled>,
) -> Result<Response, Problem> {
    browser.check(&filled.csrf)?;
    let auth = state.app().auth();
    let admin = FirstAdmin {
        tenant: filled.tenant,
        email: filled.email,
        name: filled.display_name,
        password: filled.password,
    };
    match auth.complete_setup(&ctx, &filled.token, &admin).await {
        Ok(_) => {
            let notice = Notice::SetupDone.as_str();
            let target = format!("{}?notice={notice}", href::LOGIN);
            Ok(Redirect::to(&target).into_response())
        }
        Err(SetupError::LinkGone) => {
            let ready = !auth.needs_setup(&ctx).await?;
            gone(&browser, ready)
        }
        Err(error) => again(&browser, filled.token, admin, error),
    }
}

/// The form once more, with what was typed and what is wrong with it.
fn again(
    browser: &Browser,
    token: String,
    admin: FirstAdmin,
    error: SetupError,
) -> Result<Response, Problem> {
    let mut view = SetupPage {
        theme: browser.theme,
        csrf: browser.token(),
        token,
        tenant: Field::filled(admin.tenant),
        email: Field::filled(admin.email),
        display_name: Field::filled(admin.name),
        password_errors: Vec::new(),
        password_min: MIN_PASSWORD_LENGTH,
        problem: None,
    };
    let message = error.to_string();
    match error {
        SetupError::TenantName => view.tenant.error = Some(sentence(&message)),
        SetupError::PersonName => view.display_name.error = Some(sentence(&message)),
        SetupError::Email => view.email.error = Some(sentence(&message)),
        SetupError::Password(faults) => {
            view.password_errors = faults.into_iter().map(|fault| fault.message).collect();
        }
        other => return Err(other.into()),
    }
    let body = page(&view)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, body).into_response())
}

/// Error texts start small and end without a full stop; forms speak in sentences.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), chars.as_str()),
        None => String::new(),
    }
}

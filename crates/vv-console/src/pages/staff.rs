//! Somebody signed in who may see the page, and the frame around it.

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use http::request::Parts;
use vv_auth::{Permission, Principal};
use vv_base::Ctx;
use vv_http::extract::{Require, Right, SESSION_COOKIE, cookie_value};
use vv_http::{AppState, Problem};

use super::form::Browser;
use super::local_path;
use crate::view::{NavGroup, Notice, Person, Shell, encode, href};

/// A signed-in person with the right `R`, on a page. Whoever is not signed in
/// is sent to sign in and comes back afterwards.
pub(crate) struct Staff<R> {
    pub(crate) principal: Principal,
    pub(crate) ctx: Ctx,
    pub(crate) browser: Browser,
    here: String,
    right: std::marker::PhantomData<fn() -> R>,
}

impl<S, R: Right> FromRequestParts<S> for Staff<R>
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let here = parts
            .uri
            .path_and_query()
            .map_or(href::OVERVIEW, http::uri::PathAndQuery::as_str)
            .to_owned();
        let caller = Require::<R>::from_request_parts(parts, state)
            .await
            .map_err(|problem| to_login(parts, &here, problem))?;
        let browser = Browser::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let Require { principal, ctx, .. } = caller;
        Ok(Self {
            principal,
            ctx,
            browser,
            here,
            right: std::marker::PhantomData,
        })
    }
}

fn to_login(parts: &Parts, here: &str, problem: Problem) -> Response {
    if problem.status() != http::StatusCode::UNAUTHORIZED {
        return problem.into_response();
    }
    let mut location = href::LOGIN.to_owned();
    let mut separator = '?';
    if parts.method == Method::GET && here != href::OVERVIEW && local_path(here).is_some() {
        location.push_str("?return_to=");
        encode(&mut location, here);
        separator = '&';
    }
    if cookie_value(&parts.headers, SESSION_COOKIE).is_some() {
        location.push(separator);
        location.push_str("notice=");
        location.push_str(Notice::SessionEnded.as_str());
    }
    Redirect::to(&location).into_response()
}

impl<R> Staff<R> {
    /// Whether the person holds a permission besides that of the page.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.principal.permissions.allows(permission)
    }

    /// The frame of the page; `current` is its entry in the navigation.
    pub(crate) async fn shell(&self, app: &AppState, current: &str) -> Result<Shell, Problem> {
        let Principal { tenant, user, .. } = self.principal;
        let auth = app.auth();
        let account = auth.own_account(&self.ctx, tenant, user).await?;
        Ok(Shell {
            theme: self.browser.theme,
            csrf: self.browser.token(),
            tenant: auth.tenant_name(&self.ctx, tenant).await?,
            person: Person {
                name: account.name,
                email: account.email,
            },
            nav: NavGroup::standard(current),
            here: local_path(&self.here).unwrap_or(current).to_owned(),
            now: self.ctx.now(),
        })
    }
}

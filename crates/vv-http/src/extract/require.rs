//! The authorisation of a route: a handler that takes `Require<UserRead>` runs
//! only for callers who hold that permission, and there is no other way in.

use std::marker::PhantomData;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use vv_audit::{Event, Kind, Outcome};
use vv_auth::{Permission, Principal};
use vv_base::{Ctx, ErrorCode};

use super::principal::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// A permission as a type, so that a handler's signature names it.
pub trait Right: Send + Sync + 'static {
    /// The permission.
    const PERMISSION: Permission;
}

macro_rules! rights {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub enum $name {}
        impl Right for $name {
            const PERMISSION: Permission = Permission::$name;
        }
    )+};
}

rights! {
    /// `user:read`
    UserRead,
    /// `audit:read`
    AuditRead,
    /// `audit:verify`
    AuditVerify,
    /// `audit:write`
    AuditWrite,
    /// `audit:export`
    AuditExport,
    /// `audit:manage`
    AuditManage,
    /// `dashboard:read`
    DashboardRead,
}

/// A caller who holds the permission `R`.
#[derive(Debug)]
pub struct Require<R> {
    /// Who they are.
    pub principal: Principal,
    /// Their tenant, they act.
    pub ctx: Ctx,
    right: PhantomData<fn() -> R>,
}

impl<S, R: Right> FromRequestParts<S> for Require<R>
where
    S: Send + Sync,
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Caller { principal, ctx } =
            <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if principal.permissions.allows(R::PERMISSION) {
            return Ok(Self {
                principal,
                ctx,
                right: PhantomData,
            });
        }
        let event = Event::new(Kind::PermissionDenied)
            .outcome(Outcome::Denied)
            .detail("permission", R::PERMISSION.as_str());
        let auth = AppState::from_ref(state);
        auth.auth().record_denial(&ctx, event).await?;
        let detail = format!("This needs the permission {}.", R::PERMISSION);
        Err(Problem::from_code(ErrorCode::new("auth.permission_denied")).with_detail(detail))
    }
}

//! The signed-in person's own account.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Who I am and what I may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// My account.
    #[schema(format = Uuid)]
    user_id: String,
    /// My e-mail address.
    email: String,
    /// My display name.
    name: String,
    /// The tenant of this session.
    #[schema(format = Uuid)]
    tenant_id: String,
    /// Its name.
    tenant_name: String,
    /// My roles there.
    roles: Vec<String>,
    /// What they allow.
    permissions: Vec<&'static str>,
    /// This session.
    #[schema(format = Uuid)]
    session_id: String,
    /// Authenticator assurance level of this session.
    aal: u8,
    /// When I last proved who I am.
    #[schema(format = DateTime)]
    auth_time: String,
}

/// My account
#[utoipa::path(
    get, path = "/api/v1/me", operation_id = "get_me", tag = "Self",
    extensions(("x-access" = json!("self"))),
    responses(
        (status = 200, description = "My account", body = Me),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn me(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<impl IntoResponse, Problem> {
    let Caller { principal, ctx } = caller;
    let auth = state.auth();
    let account = auth
        .own_account(&ctx, principal.tenant, principal.user)
        .await?;
    let tenant_name = auth.tenant_name(&ctx, principal.tenant).await?;
    Ok(axum::Json(Me {
        user_id: principal.user.to_string(),
        email: account.email,
        name: account.name,
        tenant_id: principal.tenant.to_string(),
        tenant_name,
        roles: account.roles,
        permissions: principal
            .permissions
            .iter()
            .map(vv_auth::Permission::as_str)
            .collect(),
        session_id: principal.session.to_string(),
        aal: principal.aal,
        auth_time: principal.auth_time.to_string(),
    }))
}

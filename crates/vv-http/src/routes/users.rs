//! The people of a tenant, for its staff.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vv_auth::{EmailAddress, UserSummary};
use vv_base::{Cursor, PageRequest, UserId};

use crate::extract::require::UserRead;
use crate::extract::{Path, Query, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// A person of the tenant.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// The account.
    #[schema(format = Uuid)]
    id: String,
    /// The e-mail address.
    email: String,
    /// The display name.
    name: String,
    /// Roles in this tenant.
    roles: Vec<String>,
    /// `active` or `suspended`.
    #[schema(example = "active")]
    status: String,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// The latest sign-in.
    #[schema(format = DateTime)]
    last_sign_in_at: Option<String>,
}

impl From<UserSummary> for User {
    fn from(user: UserSummary) -> Self {
        Self {
            id: user.user_id.to_string(),
            email: user.email,
            name: user.name,
            roles: user.roles,
            status: user.status,
            created_at: user.created_at.to_string(),
            last_sign_in_at: user.last_sign_in_at.map(|at| at.to_string()),
        }
    }
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// In order of creation.
    items: Vec<User>,
    /// Present when more follow; send it back as `cursor`.
    next_cursor: Option<String>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Rows per page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
    /// Only the person with exactly this e-mail address.
    #[param(max_length = 320)]
    email: Option<String>,
}

/// List users
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "list_users", tag = "Staff", params(ListUsers),
    extensions(("x-permission" = json!("user:read"))),
    responses(
        (status = 200, description = "A page of the tenant's people", body = UserPage),
        (status = 400, description = "`request.invalid_cursor` or `request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`user.invalid_email`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Require<UserRead>,
    Query(query): Query<ListUsers>,
) -> Result<impl IntoResponse, Problem> {
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let email: Option<EmailAddress> = query.email.map(|text| text.parse()).transpose()?;
    let page = state
        .auth()
        .list_users(
            &caller.ctx,
            caller.principal.tenant,
            email.as_ref(),
            &PageRequest::new(query.limit, cursor),
        )
        .await?;
    Ok(axum::Json(UserPage {
        items: page.items.into_iter().map(User::from).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// Look at a user
///
/// People of other tenants answer 404, whether they exist or not.
#[utoipa::path(
    get, path = "/api/v1/users/{user_id}", operation_id = "get_user", tag = "Staff",
    params(("user_id" = String, Path, format = Uuid, description = "The account")),
    extensions(("x-permission" = json!("user:read"))),
    responses(
        (status = 200, description = "The person", body = User),
        (status = 400, description = "`request.invalid_path`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`user.not_found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get(
    State(state): State<AppState>,
    caller: Require<UserRead>,
    Path(user): Path<UserId>,
) -> Result<impl IntoResponse, Problem> {
    let found = state
        .auth()
        .view_user(&caller.ctx, caller.principal.tenant, user)
        .await?;
    Ok(axum::Json(User::from(found)))
}

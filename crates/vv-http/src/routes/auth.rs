//! Signing in, staying signed in, signing out.

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vv_auth::{Credentials, RefreshToken, SessionError, SignedIn, TokenPair};
use vv_base::Secret;

use crate::extract::{Anonymous, Caller, Json};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What somebody types to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The e-mail address.
    #[schema(example = "ada@example.org", max_length = 320)]
    identifier: String,
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 1024)]
    password: Secret<String>,
}

/// A token pair.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Always `authenticated`.
    #[schema(example = "authenticated")]
    status: &'static str,
    /// Sent as `Authorization: Bearer …`.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// Buys the next pair, once.
    refresh_token: String,
    /// The session both belong to.
    #[schema(format = Uuid)]
    session_id: String,
    /// Authenticator assurance level reached (NIST SP 800-63B-4).
    aal: u8,
}

impl TokenAnswer {
    fn new(pair: &TokenPair) -> Self {
        Self {
            status: "authenticated",
            access_token: pair.access_token.expose().clone(),
            token_type: "Bearer",
            expires_in: pair.expires_in.as_seconds(),
            refresh_token: pair.refresh_token.to_text().expose().clone(),
            session_id: pair.session.to_string(),
            aal: pair.aal,
        }
    }
}

/// A refresh token to be exchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The newest refresh token of the session.
    #[schema(value_type = String, max_length = 256)]
    refresh_token: Secret<String>,
}

/// Sign in
///
/// Unknown, suspended and passwordless accounts answer exactly like a wrong password.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "login", tag = "Sign-in", request_body = LoginBody,
    security(()), extensions(("x-access" = json!("public"))),
    responses(
        (status = 200, description = "Signed in", body = TokenAnswer),
        (status = 401, description = "`auth.invalid_credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The body is not as described", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`, with Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`auth.busy`, with Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(state): State<AppState>,
    Anonymous(ctx): Anonymous,
    Json(body): Json<LoginBody>,
) -> Result<impl IntoResponse, Problem> {
    let credentials = Credentials {
        identifier: body.identifier,
        password: body.password,
    };
    let SignedIn { grant, .. } = state.auth().login(&ctx, &credentials).await?;
    Ok(axum::Json(TokenAnswer::new(&grant)))
}

/// Exchange a refresh token
///
/// Each refresh token works once. A second use ends its session.
#[utoipa::path(
    post, path = "/api/v1/auth/token/refresh", operation_id = "refresh_token", tag = "Sign-in", request_body = RefreshBody,
    security(()), extensions(("x-access" = json!("public"))),
    responses(
        (status = 200, description = "A new pair", body = TokenAnswer),
        (status = 401, description = "`session.expired` or `session.reuse_detected`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The body is not as described", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn refresh(
    State(state): State<AppState>,
    Anonymous(ctx): Anonymous,
    Json(body): Json<RefreshBody>,
) -> Result<impl IntoResponse, Problem> {
    let token = RefreshToken::parse(body.refresh_token.expose()).ok_or(SessionError::Expired)?;
    let pair = state.auth().refresh(&ctx, &token).await?;
    Ok(axum::Json(TokenAnswer::new(&pair)))
}

/// Sign out
///
/// Ends the session of the credential that was sent; its tokens stop working on every node.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "logout", tag = "Sign-in",
    extensions(("x-access" = json!("self"))),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn logout(State(state): State<AppState>, caller: Caller) -> Result<StatusCode, Problem> {
    state.auth().logout(&caller.ctx, &caller.principal).await?;
    Ok(StatusCode::NO_CONTENT)
}

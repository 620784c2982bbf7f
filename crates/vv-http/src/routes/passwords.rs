//! Judging passwords before they are set.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vv_auth::{Assessment, PasswordContext};
use vv_base::{ErrorCode, Secret, Span};
use vv_shared::{Subject, Window};

use crate::extract::{Anonymous, Json};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Checks from one address within a minute; a person typing needs a few dozen.
const PER_MINUTE: u32 = 240;

/// A password to be judged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckBody {
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
    /// The person's name; it must not make up the password.
    username: Option<String>,
    /// The person's e-mail address; likewise.
    email: Option<String>,
}

/// The judgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Judgement {
    /// Whether it would be accepted.
    valid: bool,
    /// 0 to 100.
    #[schema(maximum = 100)]
    score: u8,
    /// Estimated bits an attacker must guess.
    entropy_bits: f64,
    /// Why it would be refused.
    errors: Vec<Reason>,
    /// How to do better.
    suggestions: Vec<String>,
}

/// One reason to refuse.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// Stable code such as `password.too_short`.
    code: &'static str,
    /// The reason in a sentence.
    message: String,
}

impl From<Assessment> for Judgement {
    fn from(judged: Assessment) -> Self {
        let errors = judged.errors.into_iter().map(|fault| Reason {
            code: fault.code,
            message: fault.message,
        });
        Self {
            valid: judged.valid,
            score: judged.score,
            entropy_bits: judged.entropy_bits,
            errors: errors.collect(),
            suggestions: judged.suggestions,
        }
    }
}

/// Judge a password
///
/// Nothing is stored. Forms call it while somebody types.
#[utoipa::path(
    post, path = "/api/v1/passwords/check", operation_id = "check_password", tag = "Passwords", request_body = CheckBody,
    security(()), extensions(("x-access" = json!("public"))),
    responses(
        (status = 200, description = "The judgement", body = Judgement),
        (status = 422, description = "The body is not as described", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`auth.throttled`, with Retry-After", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn check(
    State(state): State<AppState>,
    Anonymous(ctx): Anonymous,
    Json(body): Json<CheckBody>,
) -> Result<impl IntoResponse, Problem> {
    let source = ctx.source.ip.map(|ip| state.auth().source_index(ip));
    let subject = source.map_or(Subject::GLOBAL, Subject::from);
    let window = Window::new("password-check", subject, PER_MINUTE, Span::minutes(1));
    let hit = state.auth().shared().hit(&window, 1).await;
    if !hit.allowed {
        let code = ErrorCode::new("auth.throttled");
        return Err(Problem::from_code(code).with_retry_after(hit.retry_after));
    }
    let context = PasswordContext {
        username: body.username.as_deref(),
        email: body.email.as_deref(),
        tenant: None,
    };
    let judged = state
        .auth()
        .assess_password(body.password.expose(), &context)
        .await?;
    Ok(axum::Json(Judgement::from(judged)))
}

//! Is it alive, can it serve, what does it measure.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use vv_base::ErrorCode;
use vv_shared::Health;

use crate::extract::Anonymous;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alive {
    /// Always `alive`.
    #[schema(example = "alive")]
    status: &'static str,
}

/// Whether it can serve, and how well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `ready` or `unavailable`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The database: `ok` or `unreachable`.
    #[schema(example = "ok")]
    store: &'static str,
    /// State shared between nodes: `ok`, or `degraded` while its outage rules apply.
    #[schema(example = "ok")]
    shared: &'static str,
}

/// Alive
#[utoipa::path(
    get, path = "/healthz", operation_id = "get_health", tag = "Operations", security(()),
    extensions(("x-access" = json!("public"))),
    responses((status = 200, description = "The process answers", body = Alive))
)]
pub async fn healthz() -> impl IntoResponse {
    axum::Json(Alive { status: "alive" })
}

/// Ready
///
/// A degraded shared state still serves; an unreachable database does not.
#[utoipa::path(
    get, path = "/readyz", operation_id = "get_readiness", tag = "Operations", security(()),
    extensions(("x-access" = json!("public"))),
    responses(
        (status = 200, description = "Can serve", body = Ready),
        (status = 503, description = "Cannot serve", body = Ready),
    )
)]
pub async fn readyz(State(state): State<AppState>) -> impl IntoResponse {
    let auth = state.auth();
    let store = state.database_answers().await;
    let shared = auth.shared().health() == Health::Ok;
    let answer = Ready {
        status: if store { "ready" } else { "unavailable" },
        store: if store { "ok" } else { "unreachable" },
        shared: if shared { "ok" } else { "degraded" },
    };
    let status = if store {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(answer))
}

/// Metrics
///
/// Prometheus text format. Readable with the configured token, or without one
/// from the machine itself.
#[utoipa::path(
    get, path = "/metrics", operation_id = "get_metrics", tag = "Operations", security((), ("metrics_token" = [])),
    extensions(("x-access" = json!("operator"))),
    responses(
        (status = 200, description = "The numbers", body = String, content_type = "text/plain"),
        (status = 401, description = "`auth.required`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Served on another listener", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn metrics(
    State(state): State<AppState>,
    Anonymous(ctx): Anonymous,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let access = state.metrics();
    let Some(render) = &access.render else {
        return Err(Problem::from_code(ErrorCode::new("request.not_found")));
    };
    let allowed = match &access.token {
        Some(token) => headers
            .get(AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
            .is_some_and(|sent| token.matches(sent)),
        None => {
            access.local
                && ctx
                    .source
                    .ip
                    .is_some_and(|ip| ip.to_canonical().is_loopback())
        }
    };
    if !allowed {
        return Err(Problem::from_code(ErrorCode::new("auth.required")));
    }
    let content_type = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((content_type, render()).into_response())
}

//! The logs as C2SP tlog-tiles serves them. A tenant sees its own log, and of
//! the log of logs the hashes and the checkpoint: its entries name the others.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use vv_audit::tree::{TILE_WIDTH, TileKind, TilePath};
use vv_audit::{ANCHOR_CHAIN, Log, Look};
use vv_base::{ErrorCode, TenantId};

use super::proof::TEXT;
use crate::extract::require::AuditRead;
use crate::extract::{Path, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The name of the log of logs in paths, beside its id.
const ANCHOR: &str = "anchor";

/// Get a log's checkpoint
#[utoipa::path(
    get, path = "/api/v1/audit/log/{chain}/checkpoint", operation_id = "get_log_checkpoint", tag = "Audit",
    params(("chain" = String, Path, description = "The tenant's id, or `anchor` for the log of logs")),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "A C2SP signed note", body = String, content_type = "text/plain"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.not_found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn checkpoint(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Path(chain): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let log = log_of(&state, &caller, &chain)?;
    let note = log.checkpoint().await?;
    Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")], note))
}

/// Get a tile or an entry bundle
///
/// Paths are those of C2SP tlog-tiles: `0/000`, `1/x001/234.p/7`, `entries/000`.
#[utoipa::path(
    get, path = "/api/v1/audit/log/{chain}/tile/{*path}", operation_id = "get_log_tile", tag = "Audit",
    params(
        ("chain" = String, Path, description = "The tenant's id, or `anchor` for the log of logs"),
        ("path" = String, Path, description = "What stands behind `tile/`, with slashes"),
    ),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "Hashes one after the other, or leaves with their lengths", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.not_found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "`audit.pruned`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn tile(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Path((chain, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let log = log_of(&state, &caller, &chain)?;
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| missing())?;
    let entries = path.kind == TileKind::Entries;
    if entries && log.chain() == ANCHOR_CHAIN {
        return Err(missing());
    }
    let bytes = log.tile(path).await?.ok_or_else(missing)?;
    if entries {
        let look = Look::Entries(path);
        state.auth().audit().record_look(&caller.ctx, look).await?;
    }
    let mut response = ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    if !entries && path.width == TILE_WIDTH {
        let headers = response.headers_mut();
        let forever = "private, max-age=31536000, immutable";
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(forever));
        headers.insert(VARY, HeaderValue::from_static("authorization, cookie"));
    }
    Ok(response)
}

/// The log, if the caller may see it; others are not there.
fn log_of(state: &AppState, caller: &Require<AuditRead>, chain: &str) -> Result<Log, Problem> {
    let audit = state.auth().audit();
    let asked: Option<TenantId> = match chain {
        ANCHOR => Some(ANCHOR_CHAIN),
        id => id.parse().ok(),
    };
    match asked {
        Some(log) if log == ANCHOR_CHAIN => Ok(audit.anchor_log()),
        Some(own) if own == caller.principal.tenant => Ok(audit.log(&caller.ctx)),
        _ => Err(missing()),
    }
}

fn missing() -> Problem {
    Problem::from_code(ErrorCode::new("audit.not_found"))
}

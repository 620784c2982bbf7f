//! How the trail is kept: segments and legal holds.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vv_audit::{HoldId, LegalHold, Segment};

use super::hex;
use crate::extract::require::AuditManage;
use crate::extract::{Json, Path, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// A legal hold: while one is in force, no event of the chain is pruned.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldAnswer {
    /// The hold.
    #[schema(format = Uuid)]
    hold_id: String,
    /// Why it was placed.
    reason: String,
    /// Whether it is in force.
    active: bool,
    /// When it was placed.
    #[schema(format = DateTime)]
    placed_at: String,
    /// Who placed it.
    #[schema(format = Uuid)]
    placed_by: Option<String>,
    /// When it was released.
    #[schema(format = DateTime)]
    released_at: Option<String>,
    /// Who released it.
    #[schema(format = Uuid)]
    released_by: Option<String>,
}

impl From<LegalHold> for HoldAnswer {
    fn from(hold: LegalHold) -> Self {
        Self {
            hold_id: hold.hold_id.to_string(),
            reason: hold.reason,
            active: hold.released_at.is_none(),
            placed_at: hold.placed_at.to_string(),
            placed_by: hold.placed_by.map(|id| id.to_string()),
            released_at: hold.released_at.map(|at| at.to_string()),
            released_by: hold.released_by.map(|id| id.to_string()),
        }
    }
}

/// The legal holds of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldList {
    /// Newest first, the released ones too.
    items: Vec<HoldAnswer>,
}

/// List legal holds
#[utoipa::path(
    get, path = "/api/v1/audit/holds", operation_id = "list_legal_holds", tag = "Audit",
    extensions(("x-permission" = json!("audit:manage"))),
    responses(
        (status = 200, description = "The holds", body = HoldList),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn holds(
    State(state): State<AppState>,
    caller: Require<AuditManage>,
) -> Result<impl IntoResponse, Problem> {
    let holds = state.auth().audit().holds(&caller.ctx).await?;
    let items = holds.into_iter().map(HoldAnswer::from).collect();
    Ok(axum::Json(HoldList { items }))
}

/// Why the events are held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHold {
    /// Becomes part of the trail for good: no names, no addresses.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// The hold that was placed.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacedHold {
    /// The hold.
    #[schema(format = Uuid)]
    hold_id: String,
}

/// Place a legal hold
///
/// From the answer on nothing of the chain is pruned until every hold is released.
#[utoipa::path(
    post, path = "/api/v1/audit/holds", operation_id = "place_legal_hold", tag = "Audit", request_body = PlaceHold,
    extensions(("x-permission" = json!("audit:manage"))),
    responses(
        (status = 201, description = "Placed", body = PlacedHold),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`audit.too_many_holds`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`request.invalid` or `request.unknown_field`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn place(
    State(state): State<AppState>,
    caller: Require<AuditManage>,
    Json(body): Json<PlaceHold>,
) -> Result<impl IntoResponse, Problem> {
    let audit = state.auth().audit();
    let hold = audit.place_hold(&caller.ctx, &body.reason).await?;
    let hold_id = hold.to_string();
    Ok((StatusCode::CREATED, axum::Json(PlacedHold { hold_id })))
}

/// Release a legal hold
#[utoipa::path(
    delete, path = "/api/v1/audit/holds/{hold_id}", operation_id = "release_legal_hold", tag = "Audit",
    params(("hold_id" = String, Path, format = Uuid, description = "The hold")),
    extensions(("x-permission" = json!("audit:manage"))),
    responses(
        (status = 204, description = "Released"),
        (status = 400, description = "`request.invalid_path`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.no_hold`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn release(
    State(state): State<AppState>,
    caller: Require<AuditManage>,
    Path(hold): Path<HoldId>,
) -> Result<StatusCode, Problem> {
    let audit = state.auth().audit();
    audit.release_hold(&caller.ctx, hold).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A closed month of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentAnswer {
    /// The month in UTC, such as 202611.
    month: u32,
    /// `closed`, `archived`, `pruning` or `pruned`.
    state: &'static str,
    /// The height of the first event.
    from_height: u64,
    /// The height of the last event.
    to_height: u64,
    /// Bytes of all leaves together.
    bytes: u64,
    /// How many events of each category.
    counts: BTreeMap<String, u64>,
    /// When it was closed.
    #[schema(format = DateTime)]
    closed_at: String,
    /// When it was archived.
    #[schema(format = DateTime)]
    archived_at: Option<String>,
    /// When its last event was removed.
    #[schema(format = DateTime)]
    pruned_at: Option<String>,
    /// SHA-256 of the archive file in lowercase hex.
    archive_sha256: Option<String>,
    /// The signed note that says all this.
    manifest: String,
}

impl From<Segment> for SegmentAnswer {
    fn from(segment: Segment) -> Self {
        let manifest = segment.manifest;
        let archive = manifest.archive.as_ref();
        Self {
            month: manifest.month,
            state: segment.state.as_str(),
            from_height: manifest.from_height(),
            to_height: manifest.to_height(),
            bytes: manifest.bytes,
            closed_at: segment.closed_at.to_string(),
            archived_at: segment.archived_at.map(|at| at.to_string()),
            pruned_at: segment.pruned_at.map(|at| at.to_string()),
            archive_sha256: archive.map(|archive| hex(&archive.sha256)),
            manifest: segment.note,
            counts: manifest.counts,
        }
    }
}

/// The closed months of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentList {
    /// Oldest first.
    items: Vec<SegmentAnswer>,
}

/// List segments
#[utoipa::path(
    get, path = "/api/v1/audit/segments", operation_id = "list_audit_segments", tag = "Audit",
    extensions(("x-permission" = json!("audit:manage"))),
    responses(
        (status = 200, description = "The segments", body = SegmentList),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn segments(
    State(state): State<AppState>,
    caller: Require<AuditManage>,
) -> Result<impl IntoResponse, Problem> {
    let segments = state.auth().audit().segments(&caller.ctx).await?;
    let items = segments.into_iter().map(SegmentAnswer::from).collect();
    Ok(axum::Json(SegmentList { items }))
}

//! What an outsider needs to check the trail: proofs, checkpoints, keys.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vv_audit::{ConsistencyProof, InclusionProof, Receipt, RetentionError};

use super::{hex, hexes};
use crate::extract::require::AuditRead;
use crate::extract::{Query, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The media type of notes and keys.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// The proof that an event is in a tree (RFC 6962 §2.1.1). Hashes are lowercase hex.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionAnswer {
    /// The event's height less one.
    leaf_index: u64,
    /// How many events the tree holds.
    tree_size: u64,
    /// The hash of the event's leaf.
    leaf_hash: String,
    /// The siblings on the way up, lowest first.
    path: Vec<String>,
    /// The root of the tree.
    root: String,
}

impl From<InclusionProof> for InclusionAnswer {
    fn from(proof: InclusionProof) -> Self {
        Self {
            leaf_index: proof.leaf_index,
            tree_size: proof.tree_size,
            leaf_hash: hex(&proof.leaf_hash),
            path: hexes(&proof.path),
            root: hex(&proof.root),
        }
    }
}

/// The proof that a tree continues an older one (RFC 6962 §2.1.2). Hashes are lowercase hex.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsistencyAnswer {
    /// Size of the older tree.
    from: u64,
    /// Size of the newer tree.
    to: u64,
    /// The hashes that lead to both roots.
    path: Vec<String>,
    /// The root of the older tree.
    from_root: String,
    /// The root of the newer tree.
    to_root: String,
}

impl From<ConsistencyProof> for ConsistencyAnswer {
    fn from(proof: ConsistencyProof) -> Self {
        Self {
            from: proof.from,
            to: proof.to,
            path: hexes(&proof.path),
            from_root: hex(&proof.from_root),
            to_root: hex(&proof.to_root),
        }
    }
}

/// The way from an event to a signed checkpoint of the log of logs: the event
/// is in the tree of its chain, that tree's root is in an anchor leaf, the
/// anchor leaf is in the log of logs, whose head is signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptAnswer {
    /// The event in the tree of its chain.
    event: InclusionAnswer,
    /// The bytes of the anchor leaf with that tree's root, in hex.
    anchor_leaf: String,
    /// The anchor leaf in the log of logs.
    anchor: InclusionAnswer,
    /// The signed checkpoint of the log of logs.
    checkpoint: String,
}

impl From<Receipt> for ReceiptAnswer {
    fn from(receipt: Receipt) -> Self {
        Self {
            event: receipt.event.into(),
            anchor_leaf: hex(&receipt.anchor_leaf),
            anchor: receipt.anchor.into(),
            checkpoint: receipt.checkpoint,
        }
    }
}

/// Which event, in which tree.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InclusionQuery {
    /// The event's place in the chain, from 1.
    #[param(minimum = 1)]
    height: u64,
    /// Size of the tree; all there is if left out.
    #[param(minimum = 1)]
    size: Option<u64>,
}

/// Prove that an event is in the chain
#[utoipa::path(
    get, path = "/api/v1/audit/proof/inclusion", operation_id = "prove_audit_inclusion", tag = "Audit", params(InclusionQuery),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The proof", body = InclusionAnswer),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.out_of_range`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn inclusion(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Query(query): Query<InclusionQuery>,
) -> Result<impl IntoResponse, Problem> {
    let audit = state.auth().audit();
    let proof = audit
        .inclusion_proof(&caller.ctx, query.height, query.size)
        .await?;
    Ok(axum::Json(InclusionAnswer::from(proof)))
}

/// Which two trees.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsistencyQuery {
    /// Size of the older tree.
    #[param(minimum = 1)]
    from: u64,
    /// Size of the newer tree, at least as large.
    #[param(minimum = 1)]
    to: u64,
}

/// Prove that the chain continues what it was
#[utoipa::path(
    get, path = "/api/v1/audit/proof/consistency", operation_id = "prove_audit_consistency", tag = "Audit", params(ConsistencyQuery),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The proof", body = ConsistencyAnswer),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.out_of_range`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn consistency(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Query(query): Query<ConsistencyQuery>,
) -> Result<impl IntoResponse, Problem> {
    let audit = state.auth().audit();
    let proof = audit
        .consistency_proof(&caller.ctx, query.from, query.to)
        .await?;
    Ok(axum::Json(ConsistencyAnswer::from(proof)))
}

/// Get a signed checkpoint
///
/// Of the tenant's chain as it is now: a C2SP signed note with origin, size and root.
#[utoipa::path(
    get, path = "/api/v1/audit/checkpoint", operation_id = "get_audit_checkpoint", tag = "Audit",
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The note", body = String, content_type = "text/plain"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn checkpoint(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
) -> Result<impl IntoResponse, Problem> {
    let note = state.auth().audit().checkpoint(&caller.ctx).await?;
    Ok(([(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")], note))
}

/// Get the keys that verify checkpoints
///
/// One verifier key per line: those of the tenant's chain, of the log of logs, and of the manifests of segments.
#[utoipa::path(
    get, path = "/api/v1/audit/keys", operation_id = "get_audit_keys", tag = "Audit",
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The keys", body = String, content_type = "text/plain"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn keys(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
) -> Result<impl IntoResponse, Problem> {
    let audit = state.auth().audit();
    let own = audit.verifier_keys(&caller.ctx)?;
    let anchor = audit.anchor_log().verifier_keys()?;
    let manifests = audit.manifest_keys().map_err(RetentionError::from)?;
    let mut lines = String::new();
    for key in own.iter().chain(&anchor).chain(&manifests) {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{key}");
    }
    Ok(([(CONTENT_TYPE, TEXT)], lines))
}

/// The form of a receipt.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptFormat {
    /// JSON.
    #[default]
    Json,
    /// C2SP tlog-proof v1, of the anchor leaf.
    TlogProof,
}

/// Which event, in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReceiptQuery {
    /// The event's place in the chain, from 1.
    #[param(minimum = 1)]
    height: u64,
    /// `json` if left out.
    #[serde(default)]
    #[param(inline)]
    format: ReceiptFormat,
}

/// Get a receipt
///
/// Everything that is needed to show later, without this installation, that
/// the event was in the trail.
#[utoipa::path(
    get, path = "/api/v1/audit/receipt", operation_id = "get_audit_receipt", tag = "Audit", params(ReceiptQuery),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The receipt", content((ReceiptAnswer = "application/json"), (String = "text/plain"))),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.out_of_range`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`audit.not_anchored`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn receipt(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Query(query): Query<ReceiptQuery>,
) -> Result<Response, Problem> {
    let audit = state.auth().audit();
    let receipt = audit.receipt(&caller.ctx, query.height).await?;
    Ok(match query.format {
        ReceiptFormat::Json => axum::Json(ReceiptAnswer::from(receipt)).into_response(),
        ReceiptFormat::TlogProof => {
            let text = receipt.to_tlog_proof().to_string();
            ([(CONTENT_TYPE, TEXT)], text).into_response()
        }
    })
}

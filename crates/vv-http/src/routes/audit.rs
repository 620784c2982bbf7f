//! Reading and checking the audit trail of a tenant.

use axum::extract::State;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vv_audit::{EventFilter, EventView, Verdict, Verification};
use vv_base::{Cursor, ErrorCode, PageRequest};

use crate::extract::require::{AuditRead, AuditVerify};
use crate::extract::{Query, Require};
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The result of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerifyAnswer {
    /// No verdict failed.
    verified: bool,
    /// Events read.
    checked: u64,
    /// The single answers.
    verdicts: VerdictsAnswer,
    /// The first event that is wrong or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_bad_height: Option<u64>,
}

/// `ok`, `failed` or `not_configured` for each question.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerdictsAnswer {
    /// Every leaf has its hash and holds the hash of the leaf before.
    #[schema(value_type = String, example = "ok")]
    integrity: Verdict,
    /// Heights run from 1 without gaps up to a genuine head.
    #[schema(value_type = String, example = "ok")]
    completeness: Verdict,
    /// Search columns say what the leaves say.
    #[schema(value_type = String, example = "ok")]
    projection: Verdict,
    /// The chain agrees with copies of its head kept elsewhere.
    #[schema(value_type = String, example = "not_configured")]
    anchor: Verdict,
    /// Every sealed field has its subject key, live or recorded as destroyed.
    #[schema(value_type = String, example = "ok")]
    erasure: Verdict,
}

impl From<Verification> for VerifyAnswer {
    fn from(found: Verification) -> Self {
        let verdicts = found.verdicts;
        Self {
            verified: found.verified,
            checked: found.checked,
            verdicts: VerdictsAnswer {
                integrity: verdicts.integrity,
                completeness: verdicts.completeness,
                projection: verdicts.projection,
                anchor: verdicts.anchor,
                erasure: verdicts.erasure,
            },
            first_bad_height: found.first_bad_height,
        }
    }
}

/// Verify the audit chain
///
/// Reads the tenant's whole chain. The check is itself recorded.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", operation_id = "verify_audit_chain", tag = "Audit",
    extensions(("x-permission" = json!("audit:verify"))),
    responses(
        (status = 200, description = "The verdicts", body = VerifyAnswer),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`audit.verification_running`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn verify(
    State(state): State<AppState>,
    caller: Require<AuditVerify>,
) -> Result<impl IntoResponse, Problem> {
    let found = state.auth().verify_chain(&caller.ctx).await?;
    let running = || Problem::from_code(ErrorCode::new("audit.verification_running"));
    let found = found.ok_or_else(running)?;
    Ok(axum::Json(VerifyAnswer::from(found)))
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// Only this kind, such as `authentication.login_failed`.
    #[serde(rename = "type")]
    #[param(max_length = 128)]
    kind: Option<String>,
    /// Rows per page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
}

/// An audit event.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent {
    /// The event.
    #[schema(format = Uuid)]
    event_id: String,
    /// Its place in the chain.
    height: i64,
    /// When it got its place.
    #[schema(format = DateTime)]
    time: String,
    /// `category.action`.
    #[serde(rename = "type")]
    kind: String,
    /// `info`, `warning`, `error` or `critical`.
    severity: String,
    /// `success`, `failure` or `denied`.
    outcome: String,
    /// `user`, `anonymous`, `system` or `operator`.
    actor_type: String,
    /// The person who acted.
    #[schema(format = Uuid)]
    actor_id: Option<String>,
    /// What kind of thing it was done to.
    target_type: Option<String>,
    /// The id of that thing.
    target_id: Option<String>,
    /// The leaf hash in lowercase hex.
    leaf_hash: String,
    /// Personal fields; null once the person was erased.
    personal: std::collections::BTreeMap<String, Option<String>>,
}

impl From<EventView> for AuditEvent {
    fn from(event: EventView) -> Self {
        Self {
            event_id: event.event_id.to_string(),
            height: event.height,
            time: event.time.to_string(),
            kind: event.kind,
            severity: event.severity,
            outcome: event.outcome,
            actor_type: event.actor_kind,
            actor_id: event.actor.map(|id| id.to_string()),
            target_type: event.target_kind,
            target_id: event.target,
            leaf_hash: event.leaf_hash,
            personal: event.personal.into_iter().collect(),
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// Newest first.
    items: Vec<AuditEvent>,
    /// Present when more follow.
    next_cursor: Option<String>,
}

/// List audit events
#[utoipa::path(
    get, path = "/api/v1/audit/events", operation_id = "list_audit_events", tag = "Audit", params(ListEvents),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "A page of events", body = EventPage),
        (status = 400, description = "`request.invalid_cursor` or `request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Query(query): Query<ListEvents>,
) -> Result<impl IntoResponse, Problem> {
    let cursor = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let filter = EventFilter { kind: query.kind };
    let auth = state.auth();
    let page = auth
        .audit()
        .list_for_reader(
            &caller.ctx,
            auth.store(),
            &filter,
            &PageRequest::new(query.limit, cursor),
        )
        .await?;
    Ok(axum::Json(EventPage {
        items: page.items.into_iter().map(AuditEvent::from).collect(),
        next_cursor: page.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

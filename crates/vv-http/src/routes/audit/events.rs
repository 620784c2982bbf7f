//! Writing, listing and looking at events.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use vv_audit::{ApplicationEvent, Emitted, EventFilter};
use vv_base::{Cursor, ErrorCode, EventId, PageRequest, Timestamp, UserId};

use super::model::{AuditEvent, AuditEventDetail, EventPage, SeverityName};
use crate::extract::require::{AuditRead, AuditWrite};
use crate::extract::{Json, Path, Query, Require};
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

/// What an application says happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteEvent {
    /// `data.created`, `data.viewed`, `data.updated`, `data.deleted`,
    /// `data.exported`, or `app.` and a name of your own.
    #[serde(rename = "type")]
    #[schema(example = "app.invoice_paid", max_length = 64)]
    kind: String,
    /// How much attention it deserves.
    severity: SeverityName,
    /// A sentence for people.
    #[schema(min_length = 1, max_length = 1000)]
    description: String,
    /// Who acted, if it was not the caller. Personal fields are sealed under
    /// this person's key.
    #[schema(value_type = Option<String>, format = Uuid)]
    actor_id: Option<UserId>,
    /// What it was done to, `kind:id` or an id; never an address.
    #[schema(example = "invoice:4711", min_length = 1, max_length = 128)]
    target_id: Option<String>,
    /// Further facts, at most 16 KiB and 6 levels deep, numbers whole. Values
    /// under names such as `email` are sealed; credentials and card numbers
    /// are masked.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// Where the event found its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrittenEvent {
    /// The event.
    #[schema(format = Uuid)]
    event_id: String,
    /// Its place in the chain.
    height: u64,
    /// The leaf hash in lowercase hex.
    leaf_hash: String,
}

/// The event is safe and has no place yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpooledEvent {
    /// The event.
    #[schema(format = Uuid)]
    event_id: String,
    /// Always `spooled`.
    #[schema(example = "spooled")]
    status: &'static str,
}

/// Write an event
///
/// Answers once the event is durable. Sending the same event twice records it twice.
#[utoipa::path(
    post, path = "/api/v1/audit/events", operation_id = "write_audit_event", tag = "Audit", request_body = WriteEvent,
    extensions(("x-permission" = json!("audit:write"))),
    responses(
        (status = 201, description = "It has its place in the chain", body = WrittenEvent),
        (status = 202, description = "The database is away; the event is on this node's disk and is moved into the chain later", body = SpooledEvent),
        (status = 400, description = "`request.malformed_json`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "`request.body_too_large`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`audit.type_reserved`, `audit.type_unknown`, `request.invalid` or `request.unknown_field`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`audit.head_tampered` or `service.unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn write(
    State(state): State<AppState>,
    caller: Require<AuditWrite>,
    Json(body): Json<WriteEvent>,
) -> Result<Response, Problem> {
    let said = ApplicationEvent {
        kind: body.kind,
        severity: body.severity.into(),
        description: body.description,
        actor: body.actor_id,
        target: body.target_id,
        metadata: body.metadata.map_or(Value::Null, Value::Object),
    };
    let audit = state.auth().audit();
    let done = audit.write_application_event(&caller.ctx, said).await?;
    Ok(written(&done))
}

fn written(done: &Emitted) -> Response {
    let event_id = done.event_id().to_string();
    match done {
        Emitted::Recorded(at) => {
            let answer = WrittenEvent {
                event_id,
                height: at.height,
                leaf_hash: super::hex(&at.leaf_hash),
            };
            (StatusCode::CREATED, axum::Json(answer)).into_response()
        }
        Emitted::Spooled(_) | Emitted::Queued(_) | Emitted::Waiting(_) => {
            let status = "spooled";
            (
                StatusCode::ACCEPTED,
                axum::Json(SpooledEvent { event_id, status }),
            )
                .into_response()
        }
    }
}

/// Which events. Everything that is given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// This type, such as `authentication.login_failed`, or a whole category as `authentication.*`.
    #[serde(rename = "type")]
    #[param(max_length = 128)]
    kind: Option<String>,
    /// This severity.
    #[param(inline)]
    severity: Option<SeverityName>,
    /// Who acted.
    #[param(value_type = Option<String>, format = Uuid)]
    actor: Option<UserId>,
    /// The id of what it was done to, without its kind.
    #[param(max_length = 128)]
    target: Option<String>,
    /// From this moment on (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this moment (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Words that all occur in description and metadata; `*` behind a word stands for any end.
    #[param(max_length = 200)]
    q: Option<String>,
    /// A sealed e-mail address, exactly; not together with `ip`.
    #[param(max_length = 254)]
    email: Option<String>,
    /// A sealed IP address, exactly.
    #[param(max_length = 64)]
    ip: Option<String>,
    /// Rows per page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 128)]
    cursor: Option<String>,
}

impl ListEvents {
    fn filter(self) -> Result<EventFilter, Problem> {
        let personal = match (self.email, self.ip) {
            (Some(_), Some(_)) => {
                let error = FieldError::new("ip", "conflict", "cannot be combined with email");
                let code = ErrorCode::new("request.invalid_query");
                return Err(Problem::from_code(code).with_error(error));
            }
            (Some(email), None) => Some(("email".to_owned(), email)),
            (None, Some(ip)) => Some(("ip".to_owned(), ip)),
            (None, None) => None,
        };
        Ok(EventFilter {
            kind: self.kind,
            severity: self.severity.map(Into::into),
            actor: self.actor,
            target: self.target,
            from: self.from,
            to: self.to,
            q: self.q,
            personal,
            ..EventFilter::default()
        })
    }
}

/// List audit events
///
/// Newest first. The look is itself recorded.
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
    let page = PageRequest::new(query.limit, cursor);
    let filter = query.filter()?;
    let audit = state.auth().audit();
    let found = audit.list_for_reader(&caller.ctx, &filter, &page).await?;
    Ok(axum::Json(EventPage {
        items: found.items.into_iter().map(AuditEvent::from).collect(),
        next_cursor: found.next_cursor.map(|cursor| cursor.to_string()),
    }))
}

/// Get an audit event
///
/// With everything that is stored of it. The look is itself recorded.
#[utoipa::path(
    get, path = "/api/v1/audit/events/{event_id}", operation_id = "get_audit_event", tag = "Audit",
    params(("event_id" = String, Path, format = Uuid, description = "The event")),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The event", body = AuditEventDetail),
        (status = 400, description = "`request.invalid_path`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.not_found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn get(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    Path(event): Path<EventId>,
) -> Result<impl IntoResponse, Problem> {
    let audit = state.auth().audit();
    let found = audit.view_for_reader(&caller.ctx, event).await?;
    let missing = || Problem::from_code(ErrorCode::new("audit.not_found"));
    Ok(axum::Json(AuditEventDetail::from(
        found.ok_or_else(missing)?,
    )))
}

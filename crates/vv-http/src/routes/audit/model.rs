//! Events as the interface shows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vv_audit::{EventDetail, EventView, Severity};

/// How much attention an event deserves.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityName {
    /// Ordinary business.
    Info,
    /// Worth a look when it repeats.
    Warning,
    /// Something failed that should work.
    Error,
    /// Somebody should look now.
    Critical,
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Warning => Self::Warning,
            SeverityName::Error => Self::Error,
            SeverityName::Critical => Self::Critical,
        }
    }
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
    /// When it happened.
    #[schema(format = DateTime)]
    occurred: Option<String>,
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
    /// The facts that are not personal; of an application's event the
    /// `description` and the `metadata`.
    #[schema(value_type = Object)]
    details: Value,
    /// The leaf hash in lowercase hex.
    leaf_hash: String,
    /// Personal fields; null once the person was erased.
    personal: BTreeMap<String, Option<String>>,
}

impl From<EventView> for AuditEvent {
    fn from(event: EventView) -> Self {
        Self {
            event_id: event.event_id.to_string(),
            height: event.height,
            time: event.time.to_string(),
            occurred: event.occurred.map(|at| at.to_string()),
            kind: event.kind,
            severity: event.severity,
            outcome: event.outcome,
            actor_type: event.actor_kind,
            actor_id: event.actor.map(|id| id.to_string()),
            target_type: event.target_kind,
            target_id: event.target,
            details: event.details,
            leaf_hash: event.leaf_hash,
            personal: event.personal.into_iter().collect(),
        }
    }
}

/// An audit event with everything that is stored of it. `leaf` is what was
/// hashed; everything else can be computed from it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEventDetail {
    #[serde(flatten)]
    event: AuditEvent,
    /// Whose chain it is in.
    #[schema(format = Uuid)]
    chain: String,
    /// The request it belongs to.
    request_id: Option<String>,
    /// The session it belongs to.
    session_id: Option<String>,
    /// The service that wrote it.
    service: Option<String>,
    /// The process that wrote it.
    node: Option<String>,
    /// Hash of the leaf before in lowercase hex; zeros for the first.
    prev_hash: Option<String>,
    /// The body of the leaf, personal fields sealed; null when the leaf cannot be read.
    #[schema(value_type = Object)]
    body: Value,
    /// The leaf in base64 (RFC 4648 §4). Its SHA-256 behind a zero byte is `leaf_hash`.
    leaf: String,
}

impl From<EventDetail> for AuditEventDetail {
    fn from(found: EventDetail) -> Self {
        let body = found.body.as_deref();
        let body = body.and_then(|text| serde_json::from_str(text).ok());
        Self {
            event: found.event.into(),
            chain: found.chain.to_string(),
            request_id: found.request,
            session_id: found.session,
            service: found.service,
            node: found.node,
            prev_hash: found.prev_hash,
            body: body.unwrap_or(Value::Null),
            leaf: found.leaf,
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    /// Newest first. May be short, or empty, and more follow all the same:
    /// then the filter fits so little that the search goes on with the next page.
    pub(super) items: Vec<AuditEvent>,
    /// Present when more follow.
    pub(super) next_cursor: Option<String>,
}

//! The trail as it grows, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, future, stream};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;
use vv_audit::{AuditError, EventView, Look};
use vv_base::ErrorCode;

use super::model::AuditEvent;
use crate::extract::require::AuditRead;
use crate::extract::{Query, Require};
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;
use crate::streams::{Lapse, Watch, watched};

/// How often a comment shows that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a client that lost the stream comes back.
const RETRY: Duration = Duration::from_secs(2);
const LAST_EVENT_ID: &str = "last-event-id";

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TailQuery {
    /// Behind this height; without it, and without the header
    /// `Last-Event-ID`, only what is still to come.
    after: Option<u64>,
}

/// Follow the audit trail
///
/// Server-sent events: `id` is the height, `event` is `audit`, `data` an event
/// as in the list. `Last-Event-ID` goes on where a stream was lost. The last
/// event is `end` when the session ended, its permission is gone, or the node
/// stops. A stream does not keep its session alive. The time limit of requests
/// ends with the head of the answer.
#[utoipa::path(
    get, path = "/api/v1/audit/tail", operation_id = "follow_audit_events", tag = "Audit",
    params(TailQuery, ("Last-Event-ID" = Option<u64>, Header, description = "The height of the last event that arrived; goes before `after`")),
    extensions(("x-permission" = json!("audit:read"))),
    responses(
        (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
        (status = 400, description = "`request.invalid_query`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "`auth.required` or `session.expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`auth.permission_denied`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`audit.out_of_range`: the chain has no such height", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`request.too_many_streams`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn tail(
    State(state): State<AppState>,
    caller: Require<AuditRead>,
    headers: HeaderMap,
    Query(query): Query<TailQuery>,
) -> Result<Response, Problem> {
    let asked = last_seen(&headers)?.or(query.after);
    let watch = Watch::endless(&state, &caller)?;
    let audit = state.auth().audit();
    let end = audit.log(&caller.ctx).head().await?.size;
    let after = asked.unwrap_or(end);
    if after > end {
        return Err(AuditError::OutOfRange.into());
    }
    audit.record_look(&caller.ctx, Look::Tail(after)).await?;
    let events = audit.follow(&caller.ctx, Some(after));
    let events = watched(events, watch).scan(false, |ended, next| {
        let (message, last) = message(next);
        future::ready((!std::mem::replace(ended, last)).then_some(Ok::<_, Infallible>(message)))
    });
    let first = stream::once(future::ready(Ok(Event::default().retry(RETRY))));
    let answer = Sse::new(first.chain(events)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that collect answers would hold events back.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((headers, answer).into_response())
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let height = value.to_str().ok().and_then(|text| text.parse().ok());
    let wrong = || {
        let error = FieldError::new("Last-Event-ID", "invalid_value", "must be a height");
        Problem::from_code(ErrorCode::new("request.invalid_query")).with_error(error)
    };
    height.map(Some).ok_or_else(wrong)
}

/// What to send, and whether it is the last.
fn message(next: Result<Result<EventView, AuditError>, Lapse>) -> (Event, bool) {
    match next {
        Ok(Ok(event)) => {
            let id = event.height.to_string();
            match serde_json::to_string(&AuditEvent::from(event)) {
                Ok(data) => (Event::default().event("audit").id(id).data(data), false),
                Err(error) => (broken(&error), true),
            }
        }
        Ok(Err(error)) => (broken(&error), true),
        Err(Lapse::Session) => (end("session_ended"), true),
        Err(Lapse::Stopping) => (end("stopping"), true),
    }
}

fn broken(error: &dyn std::fmt::Display) -> Event {
    tracing::error!(%error, "a tail of the audit trail is broken off");
    end("error")
}

fn end(reason: &str) -> Event {
    Event::default()
        .event("end")
        .data(format!("{{\"reason\":\"{reason}\"}}"))
}

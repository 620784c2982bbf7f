//! New rows of the list while they happen, as finished markup.

use std::convert::Infallible;
use std::time::Duration;

use askama::Template as _;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use futures_util::{StreamExt as _, future};
use http::HeaderMap;
use serde::Deserialize;
use tokio::sync::watch;
use vv_audit::{EventFilter, EventView, Look, Order};
use vv_base::{Ctx, ErrorCode, PageRequest, TenantId};
use vv_http::extract::require::AuditRead;
use vv_http::extract::{Query, Require};
use vv_http::streams::{Lapse, Watch, watched};
use vv_http::{AppState, Problem};

use super::filter::{Fields, wanted};
use super::{names, row};
use crate::state::ConsoleState;
use crate::view::EventRows;

/// How long to wait for a wake-up; events of other nodes may bring none.
const POLL: Duration = Duration::from_secs(1);
/// Between two looks: a busy chain fills a list no faster than people read.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a comment shows that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// When a browser that lost the stream comes back.
const RETRY: Duration = Duration::from_secs(2);
/// Rows of one message.
const ROWS: u16 = 50;

#[derive(Deserialize)]
pub(crate) struct Behind {
    after: Option<u64>,
    #[serde(flatten)]
    fields: Fields,
}

/// GET /audit/tail
pub(crate) async fn follow(
    State(state): State<ConsoleState>,
    caller: Require<AuditRead>,
    headers: HeaderMap,
    Query(behind): Query<Behind>,
) -> Result<Response, Problem> {
    let app = state.app();
    let (ctx, principal) = (&caller.ctx, &caller.principal);
    let invalid = |_| Problem::from_code(ErrorCode::new("request.invalid_query"));
    let filter = behind.fields.shown();
    let filter = wanted(app, ctx, principal, &filter)
        .await?
        .map_err(invalid)?;
    let watch = Watch::endless(app, &caller)?;
    let audit = app.auth().audit();
    let seen = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let end = audit.log(ctx).head().await?.size;
    let after = seen.or(behind.after).unwrap_or(end).min(end);
    audit.record_look(ctx, Look::Tail(after)).await?;
    let tail = Tail {
        app: app.clone(),
        ctx: ctx.clone(),
        tenant: principal.tenant,
        filter,
        after,
        wake: audit.newest(),
    };
    let rows = watched(tail.rows(), watch).scan(false, |ended, next| {
        let (message, last) = message(next);
        let open = !std::mem::replace(ended, last);
        future::ready(open.then_some(Ok::<_, Infallible>(message)))
    });
    let first = stream::once(future::ready(Ok(Event::default().retry(RETRY))));
    let answer = Sse::new(first.chain(rows)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Proxies that collect answers would hold rows back.
    Ok(([("x-accel-buffering", "no")], answer).into_response())
}

/// What to send, and whether it is the last.
fn message(next: Result<Result<Rows, Problem>, Lapse>) -> (Event, bool) {
    let end = |reason: &str| Event::default().event("end").data(reason);
    match next {
        Ok(Ok(rows)) => {
            // A carriage return ends a line of an event stream.
            let html = rows.html.replace('\r', " ");
            let id = rows.upto.to_string();
            (Event::default().event("rows").id(id).data(html), false)
        }
        Ok(Err(problem)) => {
            tracing::error!(code = problem.code(), "a live list is broken off");
            (end("error"), true)
        }
        Err(Lapse::Session) => (end("session_ended"), true),
        Err(Lapse::Stopping) => (end("stopping"), true),
    }
}

/// New rows up to a height.
struct Rows {
    upto: u64,
    html: String,
}

struct Tail {
    app: AppState,
    ctx: Ctx,
    tenant: TenantId,
    filter: EventFilter,
    after: u64,
    wake: watch::Receiver<i64>,
}

impl Tail {
    /// Rows as they come, for ever or until something is wrong.
    fn rows(self) -> impl Stream<Item = Result<Rows, Problem>> + Send {
        stream::unfold(Some(self), async |tail| {
            let mut tail = tail?;
            match tail.next().await {
                Ok(rows) => Some((Ok(rows), Some(tail))),
                Err(problem) => Some((Err(problem), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Rows, Problem> {
        loop {
            // Marked before the look, so that nothing in between is missed.
            self.wake.borrow_and_update();
            let found = self.look().await?;
            if !found.is_empty() {
                return self.render(&found).await;
            }
            // A second without a wake-up is as good as one.
            let _ = tokio::time::timeout(POLL, self.wake.changed()).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The next events that fit, oldest first; moves on past those that do not.
    async fn look(&mut self) -> Result<Vec<EventView>, Problem> {
        let audit = self.app.auth().audit();
        let head = match audit.head(&self.ctx).await {
            Ok(head) => head,
            // The list waits for the database.
            Err(error) if error.is_outage() => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let height = head.and_then(|head| u64::try_from(head.height).ok());
        let Some(height) = height.filter(|height| *height > self.after) else {
            return Ok(Vec::new());
        };
        let filter = EventFilter {
            from_height: Some(self.after + 1),
            to_height: Some(height),
            order: Order::Oldest,
            ..self.filter.clone()
        };
        let mut request = PageRequest::new(Some(ROWS), None);
        loop {
            let found = match audit.list(&self.ctx, &filter, &request).await {
                Ok(found) => found,
                Err(error) if error.is_outage() => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            if let Some(last) = found.items.last() {
                self.after = u64::try_from(last.height).unwrap_or(self.after);
                return Ok(found.items);
            }
            if found.next_cursor.is_none() {
                self.after = height;
                return Ok(Vec::new());
            }
            request.after = found.next_cursor;
        }
    }

    async fn render(&self, found: &[EventView]) -> Result<Rows, Problem> {
        let names = names(&self.app, &self.ctx, self.tenant, found).await?;
        let rows = found.iter().map(|event| row(event, &names)).collect();
        let html = EventRows { rows }.render().map_err(|error| {
            tracing::error!(%error, "rows of the live list did not render");
            Problem::from_code(ErrorCode::new("internal.error"))
        })?;
        Ok(Rows {
            upto: self.after,
            html,
        })
    }
}
